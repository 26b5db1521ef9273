//! The trainer in a folder of its own.

use std::{fs, path::Path, process::Output};

use super::trainer;

/// Runs the trainer in a folder whose `cache` has what is kept, with a very small network.
pub fn run_in(place: &Path, arguments: &[&str]) -> Output {
    let mut command = trainer();
    command.current_dir(place).env("TRAINER_CACHE", place.join("cache")).args(arguments).args(["--backend", "flex"]);
    if arguments[0] == "train" {
        command.args(["--grid", "0", "--batch", "4"]);
        if !arguments.contains(&"--resume") {
            command.args(["--preset", "unet", "--width", "2"]);
        }
    }
    command.output().unwrap()
}

/// What it says, of a run that must do its work.
pub fn done(place: &Path, arguments: &[&str]) -> String {
    let output = run_in(place, arguments);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {stderr}");
    stderr
}

/// The last line, of a run that must refuse.
pub fn refused(place: &Path, arguments: &[&str]) -> String {
    let output = run_in(place, arguments);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
    stderr.lines().last().unwrap().to_owned()
}

/// The record of a run.
pub fn settings(run: &Path) -> String {
    fs::read_to_string(run.join("run.toml")).unwrap()
}
