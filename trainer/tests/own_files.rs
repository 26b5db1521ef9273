//! Files of one's own under the name of a known set: never taken for the published ones, and known again.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{fs, path::Path};

use common::place::{done, refused, settings};

/// Bytes that are others for every seed.
fn values(count: usize, seed: u8) -> Vec<u8> {
    (0..count).map(|at| ((at * 37 + usize::from(seed) * 53 + at / 251) % 256) as u8).collect()
}

/// Files as MNIST has them.
fn idx(folder: &Path, seed: u8) {
    fs::create_dir_all(folder).unwrap();
    for (name, count) in [("train", 12_u32), ("t10k", 4)] {
        let header = [0x0803, count, 8, 8].map(u32::to_be_bytes).concat();
        let pixels = values(count as usize * 64, seed);
        fs::write(folder.join(format!("{name}-images-idx3-ubyte")), [header, pixels].concat()).unwrap();
    }
}

/// Files as CIFAR-10 has them, of two pictures each.
fn cifar(folder: &Path, seed: u8) {
    fs::create_dir_all(folder).unwrap();
    for (number, name) in ["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"]
        .into_iter()
        .enumerate()
    {
        let picture = |which: u8| [vec![which], values(3072, seed + 2 * number as u8 + which)].concat();
        fs::write(folder.join(format!("{name}.bin")), [picture(0), picture(1)].concat()).unwrap();
    }
}

/// Files as `trainer data fetch faces` draws them, of ten pictures and of two.
fn faces(folder: &Path, seed: u8) {
    fs::create_dir_all(folder).unwrap();
    for (name, count) in [("train", 10), ("held-out", 2)] {
        let about = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({count}, 16, 16, 3), }}");
        let header = format!("{about:<117}\n");
        let begin = [b"\x93NUMPY\x01\x00".as_slice(), &118_u16.to_le_bytes(), header.as_bytes()].concat();
        fs::write(folder.join(format!("{name}.npy")), [begin, values(count * 768, seed)].concat()).unwrap();
    }
}

const RESUME: [&str; 6] = ["train", "--resume", "--steps", "2", "--out", "run"];
const EXPORT: [&str; 5] = ["export", "--run", "run", "--out", "models/a"];

#[test]
fn a_run_goes_on_with_its_own_files_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    idx(&place.join("own"), 1);
    idx(&place.join("others"), 2);
    idx(&place.join("cache/mnist"), 3);
    done(place, &["train", "--data", "mnist", "--data-dir", "own", "--steps", "1", "--out", "run"]);
    for (command, otherwise) in [(&RESUME[..], "train anew"), (&EXPORT, "give its own pictures")] {
        let line = refused(place, &[command, &["--data-dir", "others"]].concat());
        assert!(line.contains("--data-dir others: these are not the pictures that the run was begun with"), "{line}");
        assert!(line.contains(&format!("/own; {otherwise}")), "{line}");
    }
    // Where they were is told, and what lies in the cache under that name does not take their place.
    fs::rename(place.join("own"), place.join("moved")).unwrap();
    let before = settings(&place.join("run"));
    for command in [&RESUME[..], &EXPORT] {
        let line = refused(place, command);
        assert!(line.contains("run: data_dir is /") && line.contains("/own, where no folder is now"), "{line}");
        assert!(line.contains("say where the files of mnist are with --data-dir FOLDER"), "{line}");
    }
    assert!(settings(&place.join("run")) == before && !place.join("models").exists());
    let said = done(place, &[&RESUME[..], &["--data-dir", "moved"]].concat());
    assert!(said.contains("changed: data_dir") && !said.contains("warning"), "{said}");
    // They are found there from now on.
    let said = done(place, &["train", "--resume", "--steps", "3", "--out", "run"]);
    assert!(!said.contains("warning"), "{said}");
    // Others in their place are told of.
    idx(&place.join("moved"), 4);
    let said = done(place, &["train", "--resume", "--steps", "4", "--out", "run"]);
    assert!(said.contains("warning: run: the files of mnist in /"), "{said}");
    assert!(said.contains("/moved are no longer those that the run was begun with"), "{said}");
    assert!(settings(&place.join("run")).contains("changed = true"));
}

#[test]
fn a_file_of_settings_says_where_files_are_and_nothing_takes_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    idx(&place.join("own"), 1);
    idx(&place.join("others"), 2);
    idx(&place.join("cache/mnist"), 3);
    fs::write(place.join("gone.toml"), "data = \"mnist\"\ndata_dir = \"nowhere\"\n").unwrap();
    fs::write(place.join("others.toml"), "data = \"mnist\"\ndata_dir = \"others\"\n").unwrap();
    let train = ["train", "--steps", "1", "--out", "run"];
    let gone = "--config gone.toml: data_dir is nowhere, where no folder is now";
    let line = refused(place, &[&train[..], &["--config", "gone.toml"]].concat());
    assert!(line.contains(gone) && line.contains("--data-dir FOLDER"), "{line}");
    let trial = ["experiment", "settings", "--change", "network.width = 3", "--out", "trial", "--config", "gone.toml"];
    assert!(refused(place, &trial).contains("nowhere"));
    done(place, &[&train[..], &["--config", "gone.toml", "--data-dir", "own"]].concat());
    assert!(settings(&place.join("run")).contains("/own\""), "{}", settings(&place.join("run")));
    let line = refused(place, &[&RESUME[..], &["--config", "gone.toml"]].concat());
    assert!(line.contains(gone), "{line}");
    let line = refused(place, &[&RESUME[..], &["--config", "others.toml"]].concat());
    assert!(line.contains("--data-dir others: these are not the pictures"), "{line}");
    done(place, &[&RESUME[..], &["--config", "others.toml", "--data-dir", "own"]].concat());
    assert!(settings(&place.join("run")).contains("/own\""), "{}", settings(&place.join("run")));
}

#[test]
fn files_of_one_s_own_are_told_under_every_name() {
    type Kind<'a> = (&'a str, fn(&Path, u8), &'a str);
    let published = "its files are not those that were published under that name";
    let drawn = "its files are not those that `trainer data fetch faces` draws";
    let kinds: [Kind<'_>; 3] = [("mnist", idx, published), ("cifar-10", cifar, published), ("faces", faces, drawn)];
    for (name, make, told) in kinds {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path();
        make(&place.join("own"), 1);
        make(&place.join("others"), 101);
        let said = done(place, &["train", "--data", name, "--data-dir", "own", "--steps", "1", "--out", "run"]);
        assert!(said.contains(&format!("{name}: {told}\n")), "{said}");
        let run = settings(&place.join("run"));
        assert!(run.contains("licence = \"that of the files that were given\""), "{run}");
        assert!(run.contains("fingerprint = \"2-"), "{run}");
        let line = refused(place, &[&RESUME[..], &["--data-dir", "others"]].concat());
        assert!(line.contains("--data-dir others: these are not the pictures"), "{name}: {line}");
        // What was not told apart in earlier versions goes on; MNIST's files were.
        let old: Vec<&str> = run.lines().filter(|line| !line.starts_with("fingerprint")).collect();
        fs::write(place.join("run/run.toml"), old.join("\n")).unwrap();
        let elsewhere = [&RESUME[..], &["--data-dir", "others"]].concat();
        let said = if name == "mnist" {
            let line = refused(place, &elsewhere);
            assert!(line.contains("these are not the pictures"), "{line}");
            done(place, &RESUME)
        } else {
            done(place, &elsewhere)
        };
        assert!(said.contains("the run does not say that it was begun with others"), "{name}: {said}");
    }
}

/// A model of one's own files is neither published with another's licence nor measured on other files.
#[test]
fn a_model_of_files_of_one_s_own_is_not_one_of_the_published_set() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    cifar(&place.join("own"), 1);
    cifar(&place.join("others"), 101);
    done(place, &["train", "--data", "cifar-10", "--data-dir", "own", "--steps", "1", "--out", "run"]);
    done(place, &EXPORT);
    let card = fs::read_to_string(place.join("models/a/README.md")).unwrap();
    assert!(card.contains("licence: that of the files that were given"), "{card}");
    let measure = ["measure", "--model", "models/a", "--data", "cifar-10", "--data-dir"];
    let line = refused(place, &[&measure[..], &["others"]].concat());
    assert!(line.contains("these are not the pictures of cifar-10"), "{line}");
    done(place, &[&measure[..], &["own"]].concat());
    // A model that says nothing of its files is measured on those of its name.
    let path = place.join("models/a/model.json");
    let mut manifest: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert!(manifest["data"].as_object_mut().unwrap().remove("fingerprint").is_some());
    fs::write(&path, manifest.to_string()).unwrap();
    let said = done(place, &[&measure[..], &["others"]].concat());
    assert!(said.contains("warning"), "{said}");
}
