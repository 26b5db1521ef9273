//! Folders of pictures, as people have them.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
};

use common::{
    picture,
    place::{done, refused, run_in, settings},
    trainer,
};

/// A folder of this many pictures of a size.
fn pictures(folder: &Path, count: u32, side: u32) {
    fs::create_dir_all(folder).unwrap();
    for i in 0..count {
        picture(&folder.join(format!("{i}.png")), side, side, |x, y| (20 * i + 3 * x + 5 * y) as u8);
    }
}

#[test]
fn pictures_are_as_large_as_they_are_or_as_asked() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    pictures(&place.join("large"), 12, 40);
    let said = done(place, &["train", "--data", "large", "--steps", "1", "--out", "own"]);
    assert!(said.contains("12 pictures at 40x40") && said.contains("none changed"), "{said}");
    assert!(settings(&place.join("own")).contains("\nsize = 40\n"), "{}", settings(&place.join("own")));
    let said = done(place, &["train", "--data", "large", "--steps", "1", "--image-size", "20", "--out", "asked"]);
    assert!(said.contains("12 pictures at 20x20: 12 shrunk"), "{said}");
    let asked = settings(&place.join("asked"));
    assert!(asked.contains("image_size = 20") && asked.contains("\nsize = 20\n"), "{asked}");
    // The run's own size, wherever the pictures are read again.
    done(place, &["train", "--resume", "--steps", "2", "--out", "asked"]);
    done(place, &["export", "--run", "asked", "--out", "models/asked"]);
    let manifest = fs::read_to_string(place.join("models/asked/model.json")).unwrap();
    assert!(manifest.contains("\"size\": 20") && manifest.contains("\"image_size\": 24"), "{manifest}");
    let other = ["train", "--resume", "--steps", "2", "--image-size", "40", "--out", "asked"];
    assert!(refused(place, &other).contains("--image-size 40: the run's pictures are 20x20"));
}

#[test]
fn a_run_of_large_pictures_goes_on_and_its_settings_serve_another() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    pictures(&place.join("mine"), 12, 128);
    done(place, &["train", "--data", "mine", "--image-size", "128", "--steps", "1", "--out", "run"]);
    // More than any network of 32x32 has.
    assert!(settings(&place.join("run")).contains("\nscales = 5\n"), "{}", settings(&place.join("run")));
    done(place, &["train", "--resume", "--steps", "2", "--out", "run"]);
    done(place, &["train", "--config", "run/run.toml", "--steps", "1", "--out", "again"]);
    assert!(settings(&place.join("again")).contains("\nscales = 5\n"));
    let small = ["train", "--config", "run/run.toml", "--image-size", "16", "--steps", "1", "--out", "small"];
    assert!(refused(place, &small).contains("mine: scales 5 is not possible: 1 to 4 for images of 16x16"));
}

#[test]
fn a_run_goes_into_a_folder_called_as_its_data() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    pictures(&place.join("mine"), 12, 8);
    done(place, &["train", "--data", "./mine/", "--steps", "1"]);
    assert!(place.join("runs/mine/run.toml").is_file());
    done(place, &["train", "--data", "mine", "--steps", "2", "--resume"]);
    done(&place.join("mine"), &["train", "--data", ".", "--steps", "1"]);
    assert!(place.join("mine/runs/mine/run.toml").is_file());
}

/// The samples of a run are no data, even where its folder is among the pictures.
#[test]
fn a_run_inside_its_pictures_is_no_data() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    pictures(&place.join("mine"), 12, 8);
    let train = ["train", "--data", "mine", "--out", "mine/run"];
    let mut grid = trainer();
    grid.current_dir(place).args(train).args(["--preset", "unet", "--width", "2", "--batch", "4", "--steps", "1"]);
    grid.args(["--grid", "2", "--backend", "flex"]).assert().success();
    assert!(place.join("mine/run/samples/step-0000001.png").is_file());
    let said = done(place, &["train", "--resume", "--steps", "2", "--out", "mine/run"]);
    assert!(said.contains("(11 images)") && said.contains("written by this program"), "{said}");
    assert!(!said.contains("warning"), "{said}");
    done(place, &["export", "--run", "mine/run", "--out", "mine/model"]);
    let itself = ["train", "--data", "mine", "--steps", "1", "--out", "mine"];
    assert!(refused(place, &itself).contains("--out mine: it is the folder of the pictures itself"));
    assert!(!place.join("mine/run.toml").exists());
}

#[test]
fn a_run_finds_its_pictures_from_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    pictures(&place.join("mine"), 12, 8);
    fs::create_dir(place.join("below")).unwrap();
    done(place, &["train", "--data", "mine", "--steps", "1", "--out", "run"]);
    done(&place.join("below"), &["train", "--resume", "--steps", "2", "--out", "../run"]);
    done(&place.join("below"), &["export", "--run", "../run", "--out", "../models/a"]);
    let card = fs::read_to_string(place.join("models/a/README.md")).unwrap();
    assert!(card.contains("--data FOLDER") && !card.contains(place.to_str().unwrap()), "{card}");
}

#[test]
fn pictures_may_move_and_are_known_again() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    pictures(&place.join("mine"), 12, 8);
    pictures(&place.join("others"), 13, 8);
    done(place, &["train", "--data", "mine", "--steps", "1", "--out", "run"]);
    fs::rename(place.join("mine"), place.join("moved")).unwrap();
    // The line that it is refused with says what helps.
    for arguments in
        [&["train", "--resume", "--steps", "2", "--out", "run"][..], &["export", "--run", "run", "--out", "models/a"]]
    {
        let line = refused(place, arguments);
        assert!(line.contains("run: its pictures were in /") && line.contains("--data FOLDER"), "{line}");
    }
    for (flag, folder) in [("--data", "others"), ("--data-dir", "others"), ("--data", "nowhere"), ("--data", "digits")]
    {
        let resume = refused(place, &["train", "--resume", "--steps", "2", "--out", "run", flag, folder]);
        let export = refused(place, &["export", "--run", "run", "--out", "models/a", flag, folder]);
        for line in [resume, export] {
            assert!(line.contains(&format!("{flag} {folder}: ")), "{line}");
        }
    }
    done(place, &["export", "--run", "run", "--out", "models/a", "--data-dir", "moved"]);
    done(place, &["export", "--run", "run", "--out", "models/b", "--data", "moved"]);
    done(place, &["train", "--resume", "--steps", "2", "--out", "run", "--data", "moved"]);
    assert!(settings(&place.join("run")).contains("/moved\""), "{}", settings(&place.join("run")));
    done(place, &["train", "--resume", "--steps", "3", "--out", "run", "--data-dir", "./moved"]);
    // In its place, too, it is told when other pictures are there.
    picture(&place.join("moved/new.png"), 8, 8, |x, _| 31 * x as u8);
    let said = done(place, &["train", "--resume", "--steps", "4", "--out", "run"]);
    assert!(said.contains("no longer those that the run was begun with"), "{said}");
}

/// A copy that broke off has another picture less, and why is told.
#[test]
fn a_file_that_cannot_be_read_is_named_where_pictures_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    pictures(&place.join("mine"), 12, 8);
    done(place, &["train", "--data", "mine", "--steps", "1", "--out", "run"]);
    fs::create_dir(place.join("copy")).unwrap();
    for i in 0..12 {
        let bytes = fs::read(place.join(format!("mine/{i}.png"))).unwrap();
        let end = if i == 7 { bytes.len() / 2 } else { bytes.len() };
        fs::write(place.join(format!("copy/{i}.png")), &bytes[..end]).unwrap();
    }
    for arguments in
        [&["train", "--resume", "--steps", "2", "--out", "run"][..], &["export", "--run", "run", "--out", "models/a"]]
    {
        let output = run_in(place, &[arguments, &["--data", "copy"]].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(lines.iter().any(|line| line.starts_with("skipped: ") && line.contains("copy/7.png: ")), "{said}");
        let last = lines.last().unwrap();
        assert!(
            last.contains("--data copy: these are not the pictures") && last.contains("one file could not"),
            "{said}"
        );
    }
}

#[test]
#[cfg(unix)]
fn a_folder_that_may_not_be_read_is_told_so() {
    use std::os::unix::{fs::MetadataExt, fs::PermissionsExt, process::CommandExt};

    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let allow = |path: &Path, mode: u32| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    pictures(&place.join("closed"), 12, 8);
    pictures(&place.join("half/train"), 12, 8);
    pictures(&place.join("half/test"), 12, 8);
    pictures(&place.join("within/below"), 12, 8);
    fs::create_dir(place.join("files")).unwrap();
    let closed = ["closed", "half/train", "within/below", "files"].map(|name| place.join(name));
    allow(place, 0o755);
    closed.iter().for_each(|path| allow(path, 0));
    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_trainer"));
        command.current_dir(place).args(arguments);
        // To root nothing is closed.
        if fs::metadata(place).unwrap().uid() == 0 {
            command.uid(65534);
        }
        command.output()
    };
    if run(&["--version"]).is_ok_and(|output| output.status.success()) {
        let told = |data: &[&str]| {
            let train = ["train", "--backend", "flex", "--dry-run", "--out", "never", "--data"];
            let output = run(&[&train[..], data].concat()).unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.code() == Some(2) && said.lines().count() == 1, "{said}");
            assert!(said.contains(": permission denied"), "{said}");
            said
        };
        assert!(told(&["closed"]).contains("--data closed: permission denied"));
        assert!(told(&["closed/below"]).contains("--data closed/below: permission denied"));
        assert!(told(&["within"]).contains("no readable PNG, JPEG or WebP picture; /"));
        assert!(told(&["half"]).contains("its folder train has no picture"));
        assert!(told(&["mnist", "--data-dir", "files"]).contains("--data-dir files: permission denied"));
    } else {
        eprintln!("not checked: another user may not run the program where it lies");
    }
    closed.iter().for_each(|path| allow(path, 0o755));
}

#[test]
fn a_model_is_measured_on_its_own_pictures_whatever_their_folder_is_called() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    pictures(&place.join("mine"), 12, 8);
    pictures(&place.join("other/mine"), 13, 8);
    done(place, &["train", "--data", "mine", "--steps", "1", "--out", "run"]);
    done(place, &["export", "--run", "run", "--out", "models/a"]);
    let card = fs::read_to_string(place.join("models/a/README.md")).unwrap();
    assert!(card.contains("The model has not seen the held-out pictures"), "{card}");
    // What another model has seen is not known here.
    done(
        place,
        &["train", "--from", "models/a", "--data", "mine", "--image-size", "16", "--steps", "1", "--out", "on"],
    );
    done(place, &["export", "--run", "on", "--out", "models/on"]);
    let card = fs::read_to_string(place.join("models/on/README.md")).unwrap();
    assert!(card.contains("it began with the weights of another model, which may have seen some of them"), "{card}");
    let before = fs::read(place.join("models/a/model.json")).unwrap();
    let line = refused(place, &["measure", "--model", "models/a", "--data", "other/mine"]);
    assert!(line.contains("--data other/mine: these are not the pictures of mine"), "{line}");
    assert!(fs::read(place.join("models/a/model.json")).unwrap() == before);
    fs::rename(place.join("mine"), place.join("mine-2025")).unwrap();
    done(place, &["measure", "--model", "models/a", "--data", "mine-2025"]);
    // A model of an earlier version knows them by their name.
    let mut manifest: serde_json::Value = serde_json::from_slice(&before).unwrap();
    assert!(manifest["data"].as_object_mut().unwrap().remove("fingerprint").is_some());
    fs::write(place.join("models/a/model.json"), manifest.to_string()).unwrap();
    let said = done(place, &["measure", "--model", "models/a", "--data", "other/mine"]);
    assert!(said.contains("does not say which pictures of that name it was trained on"), "{said}");

    // Other pictures in the run's own place: the card says what that means.
    fs::rename(place.join("other/mine"), place.join("mine")).unwrap();
    let said = done(place, &["export", "--run", "run", "--out", "models/b"]);
    assert!(said.contains("no longer those that the run was begun with"), "{said}");
    let card = fs::read_to_string(place.join("models/b/README.md")).unwrap();
    assert!(card.contains("the model may have seen some of the held-out ones"), "{card}");
    // And so it does when the run has gone on with them.
    done(place, &["train", "--resume", "--steps", "2", "--out", "run"]);
    let said = done(place, &["export", "--run", "run", "--out", "models/b"]);
    assert!(!said.contains("warning"), "{said}");
    let card = fs::read_to_string(place.join("models/b/README.md")).unwrap();
    assert!(card.contains("the model may have seen some of the held-out ones"), "{card}");
}

/// A large folder is kept as it is used, for its owner alone; a dry run keeps nothing.
#[test]
fn what_is_kept_of_a_large_folder_is_told_and_private() {
    let folder = tempfile::tempdir().unwrap();
    let (place, cache) = (folder.path(), folder.path().join("cache"));
    pictures(&place.join("mine"), 2, 8);
    (2..1000).for_each(|i| fs::hard_link(place.join("mine/0.png"), place.join(format!("mine/{i}.png"))).unwrap());
    let train = |flags: &[&str]| {
        let mut command = trainer();
        command.current_dir(place).env("TRAINER_CACHE", &cache);
        command.args(["train", "--data", "mine", "--backend", "flex", "--preset", "unet", "--width", "2"]);
        command.args(["--batch", "4", "--grid", "0", "--steps", "1"]).args(flags);
        String::from_utf8(command.assert().success().get_output().stderr.clone()).unwrap()
    };
    let kept = "the resized pictures are kept";
    assert!(!train(&["--dry-run", "--out", "run"]).contains(kept) && !cache.exists() && !place.join("run").exists());
    assert!(train(&["--out", "run"]).contains(kept));
    assert!(!train(&["--out", "again"]).contains(kept));
}

#[test]
fn a_run_from_before_fingerprints_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    pictures(&place.join("mine"), 12, 8);
    done(place, &["train", "--data", "mine", "--steps", "1", "--out", "run"]);
    let whole = fs::canonicalize(place.join("mine")).unwrap();
    let before: Vec<String> = settings(&place.join("run"))
        .replace(whole.to_str().unwrap(), "mine")
        .lines()
        .filter(|line| !line.starts_with("fingerprint"))
        .map(str::to_owned)
        .collect();
    fs::write(place.join("run/run.toml"), before.join("\n")).unwrap();
    fs::create_dir(place.join("below")).unwrap();
    let line = refused(&place.join("below"), &["export", "--run", "../run", "--out", "models/a"]);
    assert!(line.contains("seen from where it was begun"), "{line}");
    done(&place.join("below"), &["export", "--run", "../run", "--out", "models/a", "--data", "../mine"]);
    done(place, &["train", "--resume", "--steps", "2", "--out", "run"]);
    let known = settings(&place.join("run"));
    assert!(known.contains("fingerprint = \"2-") && known.contains("changed = true"), "{known}");
    // Fingerprints of pictures at one size, as they were then, tell nothing of moved pictures now.
    let old = known.replace("fingerprint = \"2-", "fingerprint = \"").replace("changed = true\n", "");
    fs::write(place.join("run/run.toml"), old).unwrap();
    fs::rename(place.join("mine"), place.join("moved")).unwrap();
    let said = done(place, &["export", "--run", "run", "--out", "models/b", "--data", "moved"]);
    assert!(said.contains("--data moved: the run is from an earlier version, which held out others"), "{said}");
    let card = fs::read_to_string(place.join("models/b/README.md")).unwrap();
    assert!(card.contains("the model may have seen some of the held-out ones"), "{card}");
}

#[test]
fn a_folder_with_the_name_of_a_set_is_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    pictures(&place.join("digits"), 12, 8);
    pictures(&place.join("faces"), 12, 8);
    let said = done(place, &["train", "--data", "digits", "--steps", "1", "--out", "run"]);
    assert!(said.contains("(1621 images)") && said.contains("--data ./digits"), "{said}");
    let said = done(place, &["train", "--data", "./digits", "--steps", "1", "--out", "mine"]);
    assert!(said.contains("(11 images)"), "{said}");
    let nothing: PathBuf = place.join("cache");
    let output = trainer()
        .current_dir(place)
        .env("TRAINER_CACHE", &nothing)
        .args(["train", "--data", "faces", "--backend", "flex", "--out", "never"])
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && stderr.contains("--data ./faces"), "{stderr}");
}

#[test]
fn what_is_left_out_of_a_folder_is_told_and_the_list_has_an_end() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    pictures(&place.join("mine"), 12, 8);
    for i in 0..35 {
        fs::write(place.join(format!("mine/bad-{i}.jpg")), "no picture").unwrap();
        fs::write(place.join(format!("mine/other-{i}.gif")), "GIF89a").unwrap();
    }
    let said = done(place, &["train", "--data", "mine", "--steps", "1", "--out", "run"]);
    assert!(said.contains("35 .gif") && said.contains("(11 images)"), "{said}");
    assert_eq!(said.matches("skipped: ").count(), 21, "{said}");
    assert!(said.contains("skipped: 15 more files"), "{said}");
    fs::write(place.join("mine.zip"), "PK").unwrap();
    assert!(
        refused(place, &["train", "--data", "mine.zip", "--out", "never"])
            .contains("give a folder; unpack an archive first")
    );
}
