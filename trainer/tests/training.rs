//! Checkpoints: resuming, being killed, being interrupted.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use common::{tiny, trainer};
use cpu_kernels::Vectors;

fn weights(run: &Path, step: u32) -> [Vec<u8>; 2] {
    let folder = run.join(format!("checkpoints/step-{step:07}"));
    ["weights.safetensors", "ema.safetensors"].map(|name| fs::read(folder.join(name)).unwrap())
}

#[test]
fn a_resumed_run_ends_with_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    trainer().args(tiny(&run, 6)).args(["--checkpoint-every", "3"]).assert().success();
    let uninterrupted = weights(&run, 6);
    fs::remove_dir_all(run.join("checkpoints/step-0000006")).unwrap();
    trainer().args(tiny(&run, 6)).arg("--resume").assert().success();
    assert!(weights(&run, 6) == uninterrupted, "resuming at step 3 must end where the run without a break did");
}

/// Bytes may depend on the width of the vectors, what is learned may not.
#[test]
fn every_vector_width_learns_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let losses = Vectors::all().into_iter().map(|vectors| {
        let run = folder.path().join(vectors.name());
        trainer().args(tiny(&run, 6)).args(["--vectors", vectors.name()]).assert().success();
        let metrics = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
        let losses = metrics.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let losses: Vec<f64> = losses.filter_map(|entry| entry["loss"].as_f64()).collect();
        assert!(!losses.is_empty(), "{metrics}");
        (vectors, losses)
    });
    let losses: Vec<_> = losses.collect();
    for (vectors, found) in &losses {
        assert_eq!(found.len(), losses[0].1.len());
        for (found, expected) in found.iter().zip(&losses[0].1) {
            assert!(
                (found / expected - 1.0).abs() < 1e-4,
                "{vectors}: a loss of {found} where scalars have {expected}"
            );
        }
    }
}

#[test]
fn a_run_that_goes_wrong_keeps_its_good_checkpoint_and_can_be_rolled_back() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    trainer().args(tiny(&run, 4)).args(["--checkpoint-every", "2"]).assert().success();
    let good = weights(&run, 4);
    let output = trainer().args(tiny(&run, 400)).args(["--learning-rate", "1e30", "--resume"]).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    let last = stderr.lines().last().unwrap();
    assert!(last.contains("the loss became") && last.contains("smaller --learning-rate"), "{stderr}");
    assert!(weights(&run, 4) == good && complete_checkpoints(&run).len() == 2);
    trainer().args(tiny(&run, 6)).args(["--learning-rate", "1e-3", "--resume"]).assert().success();
    let settings = fs::read_to_string(run.join("run.toml")).unwrap();
    assert!(settings.contains("learning_rate = 0.001"), "{settings}");
}

#[test]
fn what_makes_the_run_cannot_change_on_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    trainer().args(tiny(&run, 2)).assert().success();
    for change in [["--width", "3"], ["--preset", "res6"], ["--activation", "silu"]] {
        let mut arguments: Vec<String> = tiny(&run, 4);
        if change[0] == "--width" {
            arguments.retain(|argument| argument != "--width" && argument != "2");
        }
        let output = trainer().args(arguments).args(change).arg("--resume").output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && stderr.contains("cannot change"), "{change:?}: {stderr}");
    }
}

#[test]
fn a_vanished_data_folder_stops_before_anything_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let (pictures, run) = (folder.path().join("pictures"), folder.path().join("run"));
    fs::create_dir(&pictures).unwrap();
    for shade in 0..12 {
        common::picture(&pictures.join(format!("{shade}.png")), 8, 8, |x, y| (20 * shade + x + y) as u8);
    }
    let mut arguments = tiny(&run, 2);
    let data = arguments.iter().position(|argument| argument == "digits").unwrap();
    arguments[data] = pictures.to_str().unwrap().to_owned();
    trainer().args(&arguments).assert().success();
    let good = weights(&run, 2);
    fs::remove_dir_all(&pictures).unwrap();
    let output = trainer().args(&arguments).arg("--resume").output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && stderr.contains(pictures.to_str().unwrap()), "{stderr}");
    assert!(weights(&run, 2) == good);
}

#[test]
fn more_steps_extend_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    trainer().args(tiny(&run, 2)).assert().success();
    trainer().args(tiny(&run, 5)).arg("--resume").assert().success();
    assert!(run.join("checkpoints/step-0000005").is_dir());
}

#[test]
#[cfg(target_os = "linux")]
fn a_run_is_resumed_where_there_is_no_graphics_driver() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    trainer().args(tiny(&run, 2)).assert().success();
    let drivers = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES", "__EGL_VENDOR_LIBRARY_FILENAMES", "LIBGL_DRIVERS_PATH"];
    let nowhere = drivers.map(|variable| (variable, "/nonexistent"));
    let assert = trainer().args(tiny(&run, 3)).arg("--resume").envs(nowhere).assert().success();
    let stderr = String::from_utf8_lossy(&assert.get_output().stderr);
    // On the CPU nobody looks for a GPU: its drivers would complain.
    assert!(!stderr.contains("XDG_RUNTIME_DIR"), "{stderr}");
}

#[test]
fn a_damaged_newest_checkpoint_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    trainer().args(tiny(&run, 6)).args(["--checkpoint-every", "3"]).assert().success();
    let newest = run.join("checkpoints/step-0000006/weights.safetensors");
    let bytes = fs::read(&newest).unwrap();
    fs::write(&newest, &bytes[..bytes.len() / 2]).unwrap();
    let output = trainer().args(tiny(&run, 6)).arg("--resume").output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    assert!(stderr.contains("trying an older checkpoint") && stderr.contains("from step 3"), "{stderr}");
}

#[test]
fn damaged_later_checkpoints_do_not_push_out_a_good_one() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    trainer().args(tiny(&run, 2)).assert().success();
    for step in [8, 9] {
        fs::create_dir(run.join(format!("checkpoints/step-{step:07}"))).unwrap();
    }
    trainer().args(tiny(&run, 3)).arg("--resume").assert().success();
    let mut left: Vec<_> = complete_checkpoints(&run).iter().map(|path| path.file_name().unwrap().to_owned()).collect();
    left.sort();
    assert_eq!(left, ["step-0000002", "step-0000003"]);
}

/// A training that does little else than save checkpoints.
fn spawn(run: &Path, resume: bool) -> Child {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("trainer"));
    command.args(tiny(run, 1_000_000)).args(["--checkpoint-every", "1"]).stderr(Stdio::null());
    if resume {
        command.arg("--resume");
    }
    command.spawn().unwrap()
}

fn complete_checkpoints(run: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(run.join("checkpoints")).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| !path.file_name().unwrap().to_string_lossy().starts_with('.'))
        .collect()
}

fn wait_for_checkpoint(run: &Path) {
    let begun = Instant::now();
    while complete_checkpoints(run).is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(120), "no checkpoint after two minutes");
        sleep(Duration::from_millis(20));
    }
}

#[test]
fn killed_while_saving_a_run_keeps_a_good_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let mut furthest = 0;
    for kill in 0..8 {
        let mut child = spawn(&run, kill > 0);
        wait_for_checkpoint(&run);
        // Different moments, most of which are inside a save: the steps between are short.
        sleep(Duration::from_millis(400 + 37 * kill));
        child.kill().unwrap();
        child.wait().unwrap();
        for checkpoint in complete_checkpoints(&run) {
            let step: u32 = checkpoint.file_name().unwrap().to_string_lossy()[5..].parse().unwrap();
            furthest = furthest.max(step);
            let out = folder.path().join("sample.png");
            trainer()
                .args(["sample", "--backend", "flex", "--count", "1", "--steps", "1", "--model"])
                .arg(&checkpoint)
                .arg("--out")
                .arg(&out)
                .assert()
                .success();
        }
    }
    assert!(furthest > 1, "resuming must get further");
}

#[cfg(unix)]
#[test]
fn ctrl_c_saves_and_stops() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("trainer"));
    let arguments = tiny(&run, 1_000_000);
    // Nothing is saved but by the signal.
    let child = command.args(arguments).args(["--checkpoint-every", "1000000"]).stderr(Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    while !run.join("run.toml").exists() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the training does not begin");
        sleep(Duration::from_millis(20));
    }
    sleep(Duration::from_secs(1));
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.lines().last().unwrap().contains("interrupted at step"), "{stderr}");
    assert_eq!(complete_checkpoints(&run).len(), 1);
}
