//! What stops a training, and what does not.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{
    fs,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use common::tiny;

const TRAINER: &str = env!("CARGO_BIN_EXE_trainer");

fn signal(name: &str, child: &Child) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

/// How much a run has measured.
fn measured(run: &Path) -> u64 {
    fs::metadata(run.join("metrics.jsonl")).map_or(0, |file| file.len())
}

fn wait_until(what: &str, come: impl Fn() -> bool) {
    let begun = Instant::now();
    while !come() {
        assert!(begun.elapsed() < Duration::from_secs(120), "no {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn what_nohup_and_scripts_have_ignored_stays_ignored_and_kill_still_saves() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' HUP INT; exec \"$0\" \"$@\"", TRAINER]).args(tiny(&run, 1_000_000));
    // Nothing is saved but by the signal.
    shell.args(["--checkpoint-every", "1000000"]);
    let mut training = shell.stderr(Stdio::null()).spawn().unwrap();
    wait_until("first steps", || measured(&run) > 300);
    for name in ["-HUP", "-INT"] {
        signal(name, &training);
        let before = measured(&run);
        wait_until("steps after it", || measured(&run) > before + 300 || training_ended(&training));
        assert!(training.try_wait().unwrap().is_none(), "{name} ended a training that was to ignore it");
    }
    signal("-TERM", &training);
    assert_eq!(training.wait().unwrap().code(), Some(1));
    let saved = fs::read_dir(run.join("checkpoints")).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(saved.filter(|name| !name.to_string_lossy().starts_with('.')).count(), 1, "nothing was saved");
}

/// Whether a process has gone, or is only still to be waited for.
fn training_ended(child: &Child) -> bool {
    let state = Command::new("ps").args(["-o", "stat=", "-p", &child.id().to_string()]).output().unwrap();
    let state = String::from_utf8_lossy(&state.stdout).trim().to_owned();
    state.is_empty() || state.starts_with('Z')
}

#[test]
fn a_training_that_still_reads_its_pictures_ends_at_once_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let [pictures, run] = ["pictures", "run"].map(|name| folder.path().join(name));
    fs::create_dir(&pictures).unwrap();
    // So many that they cannot be read by then.
    let large = pictures.join("0.png");
    common::picture(&large, 3000, 3000, |x, y| (x * y) as u8);
    (1..3000).for_each(|number| fs::hard_link(&large, pictures.join(format!("{number}.png"))).unwrap());
    let mut training = Command::new(TRAINER);
    training.args(["train", "--backend", "flex", "--image-size", "16", "--data"]).arg(&pictures).arg("--out").arg(&run);
    let mut training = training.stderr(Stdio::null()).spawn().unwrap();
    thread::sleep(Duration::from_millis(700));
    signal("-TERM", &training);
    let asked = Instant::now();
    assert_eq!(training.wait().unwrap().signal(), Some(15), "it went on");
    assert!(asked.elapsed() < Duration::from_secs(5));
    assert!(!run.exists());
}
