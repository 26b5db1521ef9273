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

use common::{complete_checkpoints, tiny, trainer};

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
    assert_eq!(complete_checkpoints(&run).len(), 1, "nothing was saved");
}

/// Whether a process has gone, or is only still to be waited for.
fn training_ended(child: &Child) -> bool {
    let state = Command::new("ps").args(["-o", "stat=", "-p", &child.id().to_string()]).output().unwrap();
    let state = String::from_utf8_lossy(&state.stdout).trim().to_owned();
    state.is_empty() || state.starts_with('Z')
}

/// The bytes that a process has read, as Linux tells.
fn read_by(child: &Child) -> u64 {
    let told = fs::read_to_string(format!("/proc/{}/io", child.id())).unwrap();
    told.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap().parse().unwrap()
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
    if cfg!(target_os = "linux") {
        // What it reads before its pictures is much less than one of them.
        let one = fs::metadata(&large).unwrap().len();
        wait_until("picture read", || read_by(&training) > one);
    } else {
        thread::sleep(Duration::from_millis(700));
    }
    assert!(training.try_wait().unwrap().is_none(), "all of them were read");
    signal("-TERM", &training);
    let asked = Instant::now();
    assert_eq!(training.wait().unwrap().signal(), Some(15), "it went on");
    // All of them would take minutes; a machine that is busy elsewhere is given its time.
    assert!(asked.elapsed() < Duration::from_secs(60));
    assert!(!run.exists());
}

#[test]
fn ctrl_c_saves_and_stops() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    // Where the tests run in the background of a script, Ctrl-C is ignored, and would be by the training.
    let mut command = if cfg!(target_os = "linux") {
        let mut command = Command::new("env");
        command.arg("--default-signal=INT").arg(TRAINER);
        command
    } else {
        Command::new(TRAINER)
    };
    let arguments = tiny(&run, 1_000_000);
    // Nothing is saved but by the signal.
    let child = command.args(arguments).args(["--checkpoint-every", "1000000"]).stderr(Stdio::piped()).spawn().unwrap();
    wait_until("first steps", || measured(&run) > 300);
    signal("-INT", &child);
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    // It is what was asked for, and no error.
    assert!(stderr.lines().last().unwrap().starts_with("interrupted at step"), "{stderr}");
    assert_eq!(complete_checkpoints(&run).len(), 1);
}

/// Whoever tidies up meanwhile loses nothing of what the training has done since.
#[test]
fn a_training_whose_folder_was_moved_can_be_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("runs/run");
    let mut training = Command::new(TRAINER);
    training.args(tiny(&run, 1_000_000)).args(["--checkpoint-every", "1000000"]).stderr(Stdio::piped());
    let training = training.spawn().unwrap();
    wait_until("first steps", || measured(&run) > 300);
    fs::rename(folder.path().join("runs"), folder.path().join("moved")).unwrap();
    signal("-TERM", &training);
    let output = training.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("was moved or deleted; it is made anew"), "{stderr}");
    let last = stderr.lines().last().unwrap();
    let step = last.strip_prefix("interrupted at step ").and_then(|rest| rest.split(',').next()).unwrap();
    assert!(last.ends_with("go on with --resume"), "{stderr}");
    let resumed = trainer().args(tiny(&run, step.parse().unwrap())).arg("--resume").output().unwrap();
    let told = String::from_utf8_lossy(&resumed.stderr);
    assert!(resumed.status.success() && told.contains("is done already"), "{told}");
    assert!(fs::read_to_string(run.join("metrics.jsonl")).unwrap().contains("\"settings\""));
    assert_eq!(complete_checkpoints(&run).len(), 1);
}
