//! What becomes of a run's checkpoints: resumed, extended, damaged, killed in the middle of a save.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use common::{complete_checkpoints, tiny, tiny_with_grids, trainer, weights};

#[test]
fn a_resumed_run_ends_with_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    // Resumed with none, all or some of the steps of a denoiser behind it.
    let ends = ["0", "2", "3", "5"].map(|denoiser_steps| {
        let run = folder.path().join(denoiser_steps);
        let flags = ["--checkpoint-every", "3", "--denoiser-steps", denoiser_steps];
        trainer().args(tiny(&run, 6)).args(flags).assert().success();
        let uninterrupted = weights(&run, 6);
        fs::remove_dir_all(run.join("checkpoints/step-0000006")).unwrap();
        trainer().args(tiny(&run, 6)).arg("--resume").assert().success();
        assert!(weights(&run, 6) == uninterrupted, "resuming at step 3 must end where the run without a break did");
        uninterrupted
    });
    for (index, end) in ends.iter().enumerate() {
        assert!(!ends[..index].contains(end), "every number of steps of a denoiser is another training");
    }
}

#[test]
fn the_best_checkpoint_is_kept_and_exported() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let flags = ["--checkpoint-every", "1", "--keep", "1"];
    trainer().args(tiny(&run, 1)).args(flags).assert().success();
    // The first is the best from now on, whatever the others learn.
    let metrics = run.join("metrics.jsonl");
    let text = fs::read_to_string(&metrics).unwrap();
    let lines = text.lines().map(|line| {
        let mut entry: serde_json::Value = serde_json::from_str(line).unwrap();
        if let Some(loss) = entry.get_mut("held_out_loss") {
            *loss = 0.001.into();
        }
        format!("{entry}\n")
    });
    let lines: String = lines.collect();
    assert!(lines.contains("0.001"), "{text}");
    fs::write(&metrics, lines).unwrap();
    trainer().args(tiny(&run, 4)).arg("--resume").assert().success();
    let mut kept: Vec<u32> = complete_checkpoints(&run).iter().map(|checkpoint| step_of(checkpoint)).collect();
    kept.sort_unstable();
    assert_eq!(kept, [1, 4], "the best, and of the others the newest");
    for (flag, step) in [(None, 4), (Some("--best"), 1)] {
        let model = folder.path().join("model");
        let export = ["export", "--backend", "flex", "--held-out", "0", "--run"];
        trainer().args(export).arg(&run).arg("--out").arg(&model).args(flag).assert().success();
        let card = fs::read_to_string(model.join("README.md")).unwrap();
        assert!(card.contains(&format!("| steps | {step} of 8 images; ")), "{flag:?}: {card}");
        // Numbers of the same errors on the same pictures.
        for name in ["MDSM loss", "bits per dimension"] {
            let row = card.lines().find(|line| line.starts_with(&format!("| {name}"))).unwrap();
            assert_eq!(row.contains("by some of which this checkpoint was chosen"), flag.is_some(), "{row}");
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
fn a_last_step_that_goes_wrong_is_not_saved() {
    let folder = tempfile::tempdir().unwrap();
    for (rate, what) in [("1e39", "weights have run away"), ("1e15", "held-out pictures became")] {
        let run = folder.path().join(rate);
        let output = trainer().args(tiny(&run, 1)).args(["--learning-rate", rate]).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.contains(what) && stderr.contains("smaller --learning-rate"), "{stderr}");
        assert!(complete_checkpoints(&run).is_empty());
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

/// Whatever ended a run before its first checkpoint, it can be begun again, with the flag and without.
#[test]
fn a_run_without_a_checkpoint_begins_again() {
    let folder = tempfile::tempdir().unwrap();
    for again in [&["--learning-rate", "1e-3"][..], &["--learning-rate", "1e-3", "--resume"]] {
        let run = folder.path().join(format!("run-{}", again.len()));
        let failed = trainer().args(tiny(&run, 100)).args(["--learning-rate", "1e30"]).output().unwrap();
        assert_eq!(failed.status.code(), Some(1), "{}", String::from_utf8_lossy(&failed.stderr));
        assert!(run.join("run.toml").is_file() && complete_checkpoints(&run).is_empty());
        let output = trainer().args(tiny(&run, 3)).args(again).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && stderr.contains("begins again"), "{stderr}");
        assert_eq!(complete_checkpoints(&run).len(), 1);
        let metrics = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
        assert_eq!(metrics.matches("\"settings\"").count(), 1, "only those of the second beginning: {metrics}");
    }
}

#[test]
fn a_run_whose_checkpoints_are_all_damaged_says_how_to_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    trainer().args(tiny(&run, 2)).assert().success();
    fs::remove_file(run.join("checkpoints/step-0000002/checkpoint.json")).unwrap();
    let output = trainer().args(tiny(&run, 4)).arg("--resume").output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && stderr.contains("delete the folder"), "{stderr}");
}

#[test]
fn two_trainings_do_not_write_into_one_folder() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let mut first = Command::new(assert_cmd::cargo::cargo_bin("trainer"));
    let mut first = first.args(tiny(&run, 1_000_000)).stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    while !run.join("run.toml").exists() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the training does not begin");
        sleep(Duration::from_millis(20));
    }
    let output = trainer().args(tiny(&run, 2)).arg("--resume").output().unwrap();
    first.kill().unwrap();
    first.wait().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && stderr.contains("another training"), "{stderr}");
}

#[test]
fn more_steps_extend_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    trainer().args(tiny(&run, 2)).assert().success();
    let output = trainer().args(tiny(&run, 5)).arg("--resume").output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    for line in ["changed: steps = 5\n", "from step 2 to 5", "no picture is mirrored"] {
        assert!(stderr.contains(line), "{line}: {stderr}");
    }
    assert_eq!(stderr.matches("changed:").count(), 1, "{stderr}");
    let record = fs::read_to_string(run.join("checkpoints/step-0000005/checkpoint.json")).unwrap();
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    assert_eq!((record["step"].as_u64(), record["images"].as_u64()), (Some(5), Some(40)));
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
    // Whether they are of steps before the next save or after it.
    for step in [3, 9] {
        fs::create_dir(run.join(format!("checkpoints/step-{step:07}"))).unwrap();
    }
    trainer().args(tiny(&run, 4)).arg("--resume").assert().success();
    let mut left: Vec<_> = complete_checkpoints(&run).iter().map(|path| path.file_name().unwrap().to_owned()).collect();
    left.sort();
    // Nor are they deleted: what could not be read then may be read on another day.
    let aside = ["unreadable-step-0000003", "unreadable-step-0000009"];
    assert_eq!(left, [["step-0000002", "step-0000004"], aside].concat());
}

/// Stopped after the save of the last step, before anything was made of it.
#[test]
fn what_a_stop_at_the_last_step_left_undone_is_made_up_for() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let train = || trainer().args(tiny_with_grids(&run, 3)).arg("--resume").assert().success();
    trainer().args(tiny_with_grids(&run, 3)).assert().success();
    let (metrics, samples) = (run.join("metrics.jsonl"), run.join("samples/step-0000003.png"));
    let whole = fs::read_to_string(&metrics).unwrap();
    let lines: Vec<&str> = whole.lines().filter(|line| !line.contains(r#""kind":"checkpoint""#)).collect();
    assert_eq!(lines.len() + 1, whole.lines().count());
    fs::write(&metrics, lines.join("\n") + "\n").unwrap();
    for lost in [&samples, &run.join("report.html")] {
        fs::remove_file(lost).unwrap();
    }
    train();
    assert_eq!(fs::read_to_string(&metrics).unwrap(), whole);
    assert!(samples.is_file() && run.join("report.html").is_file());
    train();
    assert_eq!(fs::read_to_string(&metrics).unwrap(), whole, "nothing is measured twice");
}

/// Grids and reports are for people.
/// What is in the way of a step's draft stands for a disk that is full just then.
#[test]
fn a_training_goes_on_where_a_checkpoint_cannot_be_saved_for_a_while() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    fs::create_dir_all(run.join("checkpoints")).unwrap();
    fs::write(run.join("run.toml"), "").unwrap();
    let hindered = |step: u32| run.join(format!("checkpoints/.step-{step:07}.part"));
    for step in [4, 6] {
        fs::write(hindered(step), "no folder").unwrap();
    }
    let train = |steps: u32, more: &[&str]| {
        let output = trainer().args(tiny(&run, steps)).args(["--checkpoint-every", "2"]).args(more).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, told) = train(8, &[]);
    assert_eq!(code, Some(0), "{told}");
    let line = told.lines().find(|line| line.starts_with("warning: step 4: ")).unwrap();
    assert!(
        line.contains("step-0000004: cannot be written") && line.ends_with("the training goes on, and tries again")
    );
    assert_eq!(told.matches("warning: step ").count(), 2, "{told}");
    let steps = || {
        let mut steps: Vec<u32> = complete_checkpoints(&run).iter().map(|checkpoint| step_of(checkpoint)).collect();
        steps.sort_unstable();
        steps
    };
    assert_eq!(steps(), [2, 8]);

    // The last one has no later one.
    fs::write(hindered(10), "no folder").unwrap();
    let (code, told) = train(10, &["--resume"]);
    let last = told.lines().last().unwrap();
    assert!(code == Some(1) && told.contains("; trying once more"), "{told}");
    assert!(last.ends_with("; step 10 is not saved: --resume goes on from step 8, which is"), "{told}");
    fs::remove_file(hindered(10)).unwrap();
    let (code, told) = train(10, &["--resume"]);
    assert!(code == Some(0) && told.contains("from step 8 to 10"), "{told}");
    assert!(steps().contains(&10));
}

#[test]
fn another_batch_is_split_into_slices_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    trainer().args(tiny(&run, 2)).args(["--slices", "4"]).assert().success();
    let resume = |more: &[&str]| {
        let mut command = trainer();
        command.args(["train", "--resume", "--backend", "flex", "--steps", "3"]).args(more).arg("--out").arg(&run);
        command.output().unwrap()
    };
    let output = resume(&["--batch", "2", "--slices", "4"]);
    assert!(output.status.code() == Some(2) && String::from_utf8_lossy(&output.stderr).contains("--slices"));
    let output = resume(&["--batch", "2"]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && stderr.contains("changed: slices = 1"), "{stderr}");
}

#[test]
#[cfg(unix)]
fn a_training_goes_on_where_its_samples_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    fs::create_dir_all(run.join("samples/step-0000002.png/in-the-way")).unwrap();
    fs::write(run.join("run.toml"), "").unwrap();
    let output = trainer().args(tiny_with_grids(&run, 4)).args(["--checkpoint-every", "2"]).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && stderr.contains("the training goes on"), "{stderr}");
    assert_eq!(complete_checkpoints(&run).len(), 2);
    assert!(run.join("samples/step-0000004.png").is_file());
}

#[test]
fn the_same_command_with_resume_goes_on_wherever_its_paths_are_relative_to() {
    let folder = tempfile::tempdir().unwrap();
    common::tiny_run(folder.path());
    fs::create_dir(folder.path().join("mine")).unwrap();
    for shade in 0..12 {
        common::picture(&folder.path().join(format!("mine/{shade}.png")), 16, 16, |x, y| (20 * shade + x + y) as u8);
    }
    let common =
        ["--backend", "flex", "--batch", "4", "--grid", "0", "--steps", "2", "--from", "run", "--data", "mine"];
    let train = |more: &[&str]| {
        let mut command = trainer();
        command.current_dir(folder.path()).arg("train").args(common).args(["--out", "again"]).args(more);
        command.output().unwrap()
    };
    let begun = train(&[]);
    assert!(begun.status.success(), "{}", String::from_utf8_lossy(&begun.stderr));
    let resumed = train(&["--resume"]);
    let told = String::from_utf8_lossy(&resumed.stderr);
    assert!(resumed.status.success() && !told.contains("changed:"), "{told}");
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

/// A training that does little else than save checkpoints.
fn spawn(run: &Path, resume: bool) -> Child {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("trainer"));
    command.args(tiny(run, 1_000_000)).args(["--checkpoint-every", "1"]).stderr(Stdio::null());
    if resume {
        command.arg("--resume");
    }
    command.spawn().unwrap()
}

fn step_of(checkpoint: &Path) -> u32 {
    checkpoint.file_name().unwrap().to_string_lossy()[5..].parse().unwrap()
}

/// Waits for a checkpoint of a later step than this one.
fn wait_for_checkpoint(run: &Path, step: u32) {
    let begun = Instant::now();
    while !complete_checkpoints(run).iter().any(|checkpoint| step_of(checkpoint) > step) {
        assert!(begun.elapsed() < Duration::from_secs(120), "no checkpoint after step {step} in two minutes");
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
        // Resuming must get further.
        wait_for_checkpoint(&run, furthest);
        // Different moments, most of which are inside a save: the steps between are short.
        sleep(Duration::from_millis(400 + 37 * kill));
        child.kill().unwrap();
        child.wait().unwrap();
        for checkpoint in complete_checkpoints(&run) {
            furthest = furthest.max(step_of(&checkpoint));
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
}
