//! What a run that goes on may change, what is said of it afterwards, and what is said where it cannot.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
};

use common::{
    picture,
    place::{done, refused, settings},
};

/// A run of four steps on a dozen pictures of one's own.
fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    for (set, first) in [("mine", 0), ("other", 100)] {
        fs::create_dir(folder.path().join(set)).unwrap();
        for number in 0..12 {
            let path = folder.path().join(format!("{set}/{number}.png"));
            picture(&path, 8, 8, |x, y| (first + 5 * number + x + y) as u8);
        }
    }
    done(folder.path(), &["train", "--data", "mine", "--steps", "4", "--out", "run"]);
    let path = folder.path().to_owned();
    (folder, path)
}

#[test]
fn a_run_may_be_called_as_the_known_set_that_it_is_of() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    done(place, &["train", "--data", "digits", "--steps", "1", "--out", "digits"]);
    done(place, &["train", "--resume", "--steps", "2", "--out", "digits"]);
    assert!(place.join("digits/checkpoints/step-0000002").is_dir());
    // The folder of pictures is another matter.
    fs::create_dir(place.join("mine")).unwrap();
    for number in 0..12 {
        picture(&place.join(format!("mine/{number}.png")), 8, 8, |x, y| (5 * number + x + y) as u8);
    }
    let told = refused(place, &["train", "--data", "mine", "--steps", "1", "--out", "mine"]);
    assert!(told.contains("--out mine: it is the folder of the pictures itself"), "{told}");
}

fn card(place: &Path) -> String {
    fs::read_to_string(place.join("models/m/README.md")).unwrap()
}

#[test]
fn where_no_step_is_left_nothing_is_changed() {
    let (_folder, place) = place();
    let run = place.join("run");
    let (record, metrics) = (settings(&run), fs::read(run.join("metrics.jsonl")).unwrap());
    let again = ["train", "--resume", "--out", "run", "--steps", "4", "--references", "0", "--seed", "9"];
    let told = done(&place, &again);
    assert!(told.contains("run: step 4 of 4 is done already; --steps 8 trains for longer"), "{told}");
    assert!(!told.contains("training on") && !told.contains("changed:") && !told.contains("done:"), "{told}");
    assert_eq!((settings(&run), fs::read(run.join("metrics.jsonl")).unwrap()), (record, metrics));
}

#[test]
fn the_card_says_what_the_steps_were_made_with() {
    let (_folder, place) = place();
    let resume = ["train", "--resume", "--out", "run", "--steps", "6"];
    let before = settings(&place.join("run"));
    let told = refused(&place, &[&resume[..], &["--denoiser-steps", "3"]].concat());
    assert!(told.contains("denoiser_steps 3 (--denoiser-steps): the run began without them"), "{told}");
    assert_eq!(settings(&place.join("run")), before);
    done(&place, &[&resume[..], &["--seed", "99", "--flip"]].concat());
    done(&place, &["export", "--run", "run", "--out", "models/m"]);
    let card = card(&place);
    let header = "| after step | learning rate, cosine over | mirrored | seed |";
    assert!(card.contains(header) && card.contains(", 4 steps | none | 42 |"), "{card}");
    assert!(card.contains("| 4 | ") && card.contains(", 6 steps | half | 99 |"), "{card}");
    assert!(!card.contains("denoiser by itself"), "{card}");
}

#[test]
fn other_pictures_are_told_by_what_named_them_and_with_what_can_be_done() {
    let (_folder, place) = place();
    let config = "preset = \"unet\"\ndata = \"other\"\n[network]\nwidth = 2\n";
    fs::write(place.join("other.toml"), config).unwrap();
    let told = refused(&place, &["train", "--resume", "--out", "run", "--steps", "6", "--config", "other.toml"]);
    assert!(told.starts_with("error: --config other.toml: data other: these are not the pictures"), "{told}");
    assert!(told.contains("/mine; train anew into another --out"), "{told}");

    fs::rename(place.join("mine"), place.join("moved")).unwrap();
    fs::remove_file(place.join("moved/3.png")).unwrap();
    let told = refused(&place, &["export", "--run", "run", "--out", "models/m", "--data", "moved"]);
    assert!(told.contains("--data moved: ") && told.contains(": 12 then, 11 now; give its own pictures"), "{told}");
    assert!(!told.contains("train anew"), "{told}");
    let told = refused(&place, &["export", "--run", "run", "--out", "models/m", "--data", "digits"]);
    assert!(told.contains("a folder of pictures, not a known set") && !told.contains("train anew"), "{told}");
}

#[test]
fn pictures_of_the_data_are_not_published_as_others() {
    let (_folder, place) = place();
    let export = ["export", "--run", "run", "--out", "models/m", "--pictures-licence", "CC0", "--pictures"];
    let told = refused(&place, &[&export[..], &["mine"]].concat());
    assert!(told.contains("--pictures mine: 12 of these 12 are pictures of mine itself"), "{told}");
    assert!(!place.join("models").exists());
    done(&place, &[&export[..], &["other"]].concat());
    assert!(card(&place).contains("the model has never seen them"));
}

#[test]
fn a_run_that_cannot_be_used_is_told_by_its_path_and_to_each_command_in_its_terms() {
    let (_folder, place) = place();
    let run = place.join("run");
    let record = settings(&run);
    fs::write(run.join("run.toml"), record.replace("width = 2", "width = 3")).unwrap();
    let told = refused(&place, &["train", "--resume", "--out", "run", "--steps", "6"]);
    let text = "error: run: its run.toml is of another network than its checkpoint of step 4: tensor";
    assert!(told.starts_with(text), "{told}");
    fs::write(run.join("run.toml"), record).unwrap();

    fs::write(run.join("checkpoints/step-0000004/checkpoint.json"), "damaged").unwrap();
    let train = refused(&place, &["train", "--resume", "--out", "run", "--steps", "6"]);
    assert!(train.contains("delete the folder to train anew into it"), "{train}");
    for command in [["sample", "--model", "run", "--out", "o.png"], ["export", "--run", "run", "--out", "models/m"]] {
        let told = refused(&place, &command);
        assert!(told.ends_with("run: no checkpoint of it can be read: all are damaged"), "{told}");
    }
}

#[test]
fn what_is_in_the_way_of_a_folder_is_told_before_the_work() {
    let (_folder, place) = place();
    fs::write(place.join("picture.png"), "").unwrap();
    let told = refused(&place, &["train", "--data", "mine", "--out", "picture.png/run"]);
    assert!(told.ends_with("--out picture.png/run: picture.png is a file; give a folder"), "{told}");
    let told = refused(&place, &["export", "--run", "run", "--out", "."]);
    assert!(told.contains("ends in a name, such as models/mine") && !told.contains('`'), "{told}");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("absent", place.join("link")).unwrap();
        let told = refused(&place, &["export", "--run", "run", "--out", "link"]);
        assert!(told.contains("--out link: it is a link that leads nowhere"), "{told}");
    }
}
