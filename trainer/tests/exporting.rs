//! From a run to the folder of a model, as a user goes.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{fs::File, io::BufReader};

use common::{npy, picture, tiny_run, trainer};
use serde_json::Value;

#[test]
fn an_exported_model_has_the_share_that_its_samples_want() {
    let folder = tempfile::tempdir().unwrap();
    let run = tiny_run(folder.path());
    let model = folder.path().join("models/tiny");
    let export = ["export", "--backend", "flex", "--churn", "3", "--run"];
    trainer().args(export).arg(&run).arg("--out").arg(&model).assert().success();
    let sample = |churn: &[&str]| {
        let numbers = folder.path().join("samples.npy");
        let mut command = trainer();
        command.args(["sample", "--backend", "flex", "--count", "2", "--steps", "10"]).args(churn).arg("--model");
        command.arg(&model).arg("--out").arg(folder.path().join("samples.png")).arg("--npy").arg(&numbers);
        command.assert().success();
        npy(&numbers).1
    };
    let of_its_own = sample(&[]);
    assert_eq!(of_its_own, sample(&["--churn", "3"]));
    assert_ne!(of_its_own, sample(&["--churn", "0.5"]));
}

#[test]
fn samples_keep_away_from_a_guide_and_completions_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let run = tiny_run(folder.path());
    let guide = folder.path().join("guide");
    trainer()
        .args(["train", "--data", "digits", "--width", "1", "--steps", "2", "--backend", "flex", "--out"])
        .arg(&guide)
        .assert()
        .success();
    let model = folder.path().join("models/tiny");
    let export = ["export", "--backend", "flex", "--guidance", "0.5", "--run"];
    trainer().args(export).arg(&run).arg("--guide").arg(&guide).arg("--out").arg(&model).assert().success();
    let card = std::fs::read_to_string(model.join("README.md")).unwrap();
    assert!(card.contains("E + 0.5 (E - G)") && card.contains("width 1"), "{card}");

    let given = folder.path().join("given.png");
    picture(&given, 16, 16, |x, y| (x * 16 + y) as u8);
    let pixels = |command: &str, more: &[&str]| {
        let numbers = folder.path().join("pictures.npy");
        let mut trainer = trainer();
        trainer.args([command, "--backend", "flex", "--count", "2", "--steps", "10"]).args(more).arg("--model");
        trainer.arg(&model).arg("--out").arg(folder.path().join("pictures.png")).arg("--npy").arg(&numbers);
        if command == "inpaint" {
            trainer.args(["--mask", "left", "--image"]).arg(&given);
        }
        trainer.assert().success();
        npy(&numbers).1
    };
    let (guided, completed) = (pixels("sample", &[]), pixels("inpaint", &[]));
    assert_eq!(guided, pixels("sample", &["--guidance", "0.5"]));
    assert_ne!(guided, pixels("sample", &["--guidance", "1"]));
    let alone = pixels("sample", &["--guidance", "0"]);
    assert_ne!(guided, alone);
    // The same of one that is added to another.
    let added = |guidance: &[&str]| {
        let numbers = folder.path().join("added.npy");
        let mut sample = trainer();
        sample.args(["sample", "--backend", "flex", "--count", "2", "--steps", "10", "--model"]).arg(&run);
        sample.arg("--and").arg(&model).args(guidance).arg("--out").arg(folder.path().join("pictures.png"));
        sample.arg("--npy").arg(&numbers).assert().success();
        npy(&numbers).1
    };
    let (added_guided, added_alone) = (added(&[]), added(&["--guidance", "0"]));
    assert_ne!(added_guided, added_alone);

    let export = ["export", "--backend", "flex", "--run"];
    trainer().args(export).arg(&run).arg("--out").arg(&model).assert().success();
    assert_eq!(alone, pixels("sample", &[]), "without its guide a model is what it was");
    assert_eq!(completed, pixels("inpaint", &[]));
    assert_eq!(added_alone, added(&[]));
    let unguided =
        trainer().args(["sample", "--guidance", "1", "--out", "o.png", "--model"]).arg(&model).assert().code(2);
    assert!(String::from_utf8_lossy(&unguided.get_output().stderr).contains("--guide MODEL"));
}

#[test]
fn an_exported_model_scores_denoises_and_samples() {
    let folder = tempfile::tempdir().unwrap();
    let run = tiny_run(folder.path());
    let model = folder.path().join("models/tiny");
    trainer().args(["export", "--backend", "flex", "--run"]).arg(&run).arg("--out").arg(&model).assert().success();
    let index: Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("models/index.json")).unwrap()).unwrap();
    assert_eq!(index["models"][0]["name"], "tiny");
    let manifest: Value = serde_json::from_slice(&std::fs::read(model.join("model.json")).unwrap()).unwrap();
    assert_eq!(manifest["training"]["steps"], 4);
    assert_eq!(manifest["data"]["size"], 16);

    let [flat, noisy, out] = ["flat.png", "noisy.png", "clean.png"].map(|name| folder.path().join(name));
    picture(&flat, 16, 16, |_, _| 0);
    picture(&noisy, 16, 16, |x, y| ((x * 7919 + y * 104_729) % 256) as u8);
    let output = trainer()
        .args(["score", "--backend", "flex", "--json", "--model"])
        .arg(&model)
        .args([&flat, &noisy])
        .assert()
        .success()
        .get_output()
        .clone();
    let scores: Value = serde_json::from_slice(&output.stdout).unwrap();
    for score in scores["scores"].as_array().unwrap() {
        assert!(score["energy"].as_f64().unwrap().is_finite());
        assert!((0.0..=100.0).contains(&score["percentile"].as_f64().unwrap()));
    }
    trainer()
        .args(["denoise", "--backend", "flex", "--model"])
        .arg(&model)
        .arg("--image")
        .arg(&noisy)
        .arg("--out")
        .arg(&out)
        .assert()
        .success();
    assert_eq!(image::image_dimensions(&out).unwrap(), (16, 16));
    // A folder that lies on another disk stays there.
    let elsewhere = folder.path().join("elsewhere");
    #[cfg(unix)]
    {
        std::fs::rename(&model, &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &model).unwrap();
    }
    // Exporting again replaces the folder and lists the model once, also where an editor has put a mark before the list.
    let list = folder.path().join("models/index.json");
    std::fs::write(&list, [b"\xEF\xBB\xBF", &std::fs::read(&list).unwrap()[..]].concat()).unwrap();
    let pictures = ["--licence", "CC BY 4.0 (Jane Doe)", "--note", "The pictures were saved as JPEG before."];
    let export = ["export", "--backend", "flex", "--run"];
    trainer().args(export).arg(&run).arg("--out").arg(&model).args(pictures).assert().success();
    let index: Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("models/index.json")).unwrap()).unwrap();
    assert_eq!(index["models"].as_array().unwrap().len(), 1);
    // What is known of the pictures is told where the model is shown.
    let manifest: Value = serde_json::from_slice(&std::fs::read(model.join("model.json")).unwrap()).unwrap();
    assert_eq!(manifest["data"]["licence"], "CC BY 4.0 (Jane Doe)");
    let card = std::fs::read_to_string(model.join("README.md")).unwrap();
    assert!(card.contains("licence: CC BY 4.0 (Jane Doe). "), "{card}");
    // Of a short training, no more than a tenth.
    assert!(card.contains("after 0 steps of warm-up, cosine decay over 4 steps"), "{card}");
    #[cfg(unix)]
    {
        assert!(model.is_symlink() && std::fs::read_to_string(elsewhere.join("README.md")).unwrap() == card);
        // A failure leaves an empty folder as it was.
        let empty = folder.path().join("models/empty");
        std::fs::create_dir(&empty).unwrap();
        trainer().args(export).arg(folder.path().join("nowhere")).arg("--out").arg(&empty).assert().code(2);
        assert!(empty.is_dir());
    }
    assert!(card.contains("\n\nThe pictures were saved as JPEG before.\n\n## Network"), "{card}");
    trainer().args(export).arg(&run).arg("--out").arg(&model).args(["--licence", ""]).assert().code(2);

    // Other pictures in place of held-out ones, with whose they are.
    assert!(manifest["held_out_pictures"].as_u64() > Some(2) && manifest["pictures_licence"].is_null());
    let others = folder.path().join("others");
    std::fs::create_dir(&others).unwrap();
    picture(&others.join("2.png"), 16, 16, |x, _| (x * 16) as u8);
    picture(&others.join("1.png"), 16, 16, |_, y| (y * 16) as u8);
    let with = || {
        let mut command = trainer();
        command.args(export).arg(&run).arg("--out").arg(&model).arg("--pictures").arg(&others);
        command
    };
    with().args(["--pictures-licence", "CC0 (Jane Doe)"]).assert().success();
    let manifest: Value = serde_json::from_slice(&std::fs::read(model.join("model.json")).unwrap()).unwrap();
    assert_eq!((&manifest["held_out_pictures"], &manifest["pictures_licence"]), (&2.into(), &"CC0 (Jane Doe)".into()));
    let strip = image::open(model.join("held-out.png")).unwrap().to_luma8();
    assert_eq!((strip.dimensions(), strip.get_pixel(0, 15).0, strip.get_pixel(31, 0).0), ((32, 16), [240], [240]));
    let card = std::fs::read_to_string(model.join("README.md")).unwrap();
    assert!(card.contains("Source and licence: CC0 (Jane Doe)."), "{card}");
    with().assert().code(2);
    with().args(["--pictures-licence", "CC0", "--held-out", "3"]).assert().code(2);
}

#[test]
fn a_recorded_run_is_written_for_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let run = tiny_run(folder.path());
    let (grid, recording) = (folder.path().join("grid.png"), folder.path().join("run.png"));
    let sample = |count: &str| {
        let mut command = trainer();
        command.args(["sample", "--backend", "flex", "--steps", "20", "--count", count, "--model"]).arg(&run);
        command.arg("--out").arg(&grid).arg("--recording").arg(&recording).assert()
    };
    sample("4").success();
    // What cannot be written is told before the chains run.
    let (lost, nowhere) = (folder.path().join("lost.png"), folder.path().join("nowhere/grid.png"));
    let mut early = trainer();
    early.args(["sample", "--backend", "flex", "--steps", "2", "--count", "2", "--model"]).arg(&run);
    early.arg("--out").arg(nowhere).arg("--recording").arg(&lost).assert().code(2);
    assert!(!lost.exists());
    let picture = image::open(&recording).unwrap();
    // 16x16 pixels, four chains; of fourteen moments those that are steps of their own.
    assert_eq!((picture.width(), picture.height()), (4 * 16, 11 * 16));
    // The energies at the end are those of the very pictures that are shown, up to the rounding to bytes. Those of the chains
    // before the jump are about 30 here.
    let file = png::Decoder::new(BufReader::new(File::open(&recording).unwrap())).read_info().unwrap();
    let text = file.info().utf8_text[0].get_text().unwrap();
    let moments = serde_json::from_str::<Value>(&text).unwrap()["moments"].as_array().unwrap().clone();
    let last = moments.last().unwrap()["energies"].as_array().unwrap();
    for (place, told) in (0..).zip(last) {
        let shown = folder.path().join("shown.png");
        picture.crop_imm(place * 16, 10 * 16, 16, 16).save(&shown).unwrap();
        let mut score = trainer();
        score.args(["score", "--backend", "flex", "--json", "--model"]).arg(&run).arg(&shown);
        let scored = serde_json::from_slice::<Value>(&score.assert().success().get_output().stdout).unwrap();
        let [told, found] = [told, &scored["scores"][0]["energy"]].map(|energy| energy.as_f64().unwrap());
        assert!((told - found).abs() < 0.05, "{told} told, {found} found");
    }
    let stderr = String::from_utf8(sample("65").code(2).get_output().stderr.clone()).unwrap();
    assert!(stderr.contains("--recording: takes at most 64 pictures, not 65"), "{stderr}");
}
