//! Checkpoints: resuming, being killed, being interrupted.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{
    fs,
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::{self, sleep},
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
    // They are indeed others: where numbers are added in another order, last bits differ.
    let bytes: std::collections::HashSet<_> =
        losses.iter().map(|(vectors, _)| weights(&folder.path().join(vectors.name()), 6)).collect();
    assert!(bytes.len() > 1 || losses.len() == 1, "no vector width makes a difference: are they used?");
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
fn a_dry_run_tells_what_a_training_needs_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let output = trainer().args(tiny(&run, 1000)).arg("--dry-run").output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    for words in [
        "1621 to train on",
        "16x16, grey",
        "width 2",
        "parameters\n",
        "8 pictures, at once",
        "memory: about",
        "images/s",
        "1000 steps take about",
    ] {
        assert!(output.status.success() && stdout.contains(words), "{words}: {stdout}");
    }
    // A denoiser's steps are faster than those of the energy, so both are told.
    let output = trainer().args(tiny(&run, 1000)).args(["--dry-run", "--denoiser-steps", "300"]).output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    for words in ["images/s in the first 300 steps, ", "images/s in the others, with ", ": 1000 steps take about"] {
        assert!(output.status.success() && stdout.contains(words), "{words}: {stdout}");
    }
    assert!(!run.exists());
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

/// One level is what the paper sets out from. Bits are an integral over levels, so there are none.
#[test]
fn a_model_of_one_noise_level_is_exported_and_scores() {
    let folder = tempfile::tempdir().unwrap();
    let (run, model) = (folder.path().join("run"), folder.path().join("models/one"));
    trainer().args(tiny(&run, 2)).args(["--sigma-min", "0.3", "--sigma-max", "0.3"]).assert().success();
    trainer().args(["export", "--backend", "flex", "--run"]).arg(&run).arg("--out").arg(&model).assert().success();
    let manifest: serde_json::Value = serde_json::from_slice(&fs::read(model.join("model.json")).unwrap()).unwrap();
    assert!(manifest["likelihood"].is_null(), "{manifest:#}");
    let picture = folder.path().join("a.png");
    common::picture(&picture, 16, 16, |x, y| (9 * x + y) as u8);
    for model in [&run, &model] {
        let score = ["score", "--backend", "flex", "--json", "--model"];
        let output = trainer().args(score).arg(model).arg(&picture).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let scores: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(scores["scores"][0]["energy"].as_f64().unwrap().is_finite(), "{scores:#}");
        // They are an integral over levels.
        assert!(
            ["bits", "bits_standard_error", "bits_per_dim"].map(|key| scores["scores"][0][key].is_null()) == [true; 3]
        );
    }
    for (more, words) in [(["--map", "maps"], "--map: bits are an"), (["--model", "MODEL"], "cannot be compared")] {
        let more = more.map(|word| if word == "MODEL" { run.to_str().unwrap() } else { word });
        let mut score = trainer();
        score.current_dir(folder.path()).args(["score", "--backend", "flex", "--model"]).arg(&model).args(more);
        let refused = score.arg(&picture).assert().code(2);
        let told = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
        assert!(told.lines().count() == 1 && told.contains(words), "{told}");
    }
    let restore =
        ["restore", "--backend", "flex", "--count", "1", "--steps", "2", "--task", "inpaint", "--mask", "left"];
    let answer = folder.path().join("answer.png");
    let mut command = trainer();
    command.args(restore).arg("--model").arg(&model).arg("--image").arg(&picture).arg("--out").arg(&answer);
    let told = String::from_utf8_lossy(&command.assert().success().get_output().stdout).into_owned();
    assert!(answer.is_file() && !told.contains("bits"), "{told}");
}

#[test]
fn a_run_starts_from_the_weights_of_a_model_on_pictures_of_another_size() {
    let folder = tempfile::tempdir().unwrap();
    let model = common::tiny_run(folder.path());
    let pictures = folder.path().join("pictures");
    fs::create_dir(&pictures).unwrap();
    for shade in 0..12 {
        common::picture(&pictures.join(format!("{shade}.png")), 64, 64, |x, y| (20 * shade + x + y) as u8);
    }
    let from = |run: &Path, more: &[&str]| {
        let mut arguments = vec!["train", "--backend", "flex", "--batch", "4", "--grid", "0", "--steps", "1"];
        let (run, model) = (run.to_str().unwrap().to_owned(), model.to_str().unwrap().to_owned());
        arguments.extend(["--from", &model, "--out", &run]);
        arguments.extend(more);
        trainer().args(&arguments).output().unwrap()
    };
    // A step that is nearly none leaves the weights of the model.
    let run = folder.path().join("larger");
    let data = pictures.to_str().unwrap();
    let output = from(&run, &["--data", data, "--learning-rate", "1e-12"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read = |folder: &Path, step: u32| {
        let path = folder.join(format!("checkpoints/step-{step:07}/ema.safetensors"));
        shared::model::Weights::parse(&fs::read(path).unwrap()).unwrap()
    };
    let (mut ours, mut theirs) = (read(&run, 1), read(&model, 4));
    let names: Vec<String> = theirs.names().map(str::to_owned).collect();
    assert!(names.len() > 20 && ours.names().eq(theirs.names()));
    for name in names {
        let (ours, theirs) = (ours.take(&name).unwrap(), theirs.take(&name).unwrap());
        assert!(ours.iter::<f32>().zip(theirs.iter::<f32>()).all(|(a, b)| (a - b).abs() < 1e-6), "{name}");
    }
    let settings = fs::read_to_string(run.join("run.toml")).unwrap();
    assert!(settings.contains("from = ") && settings.contains("scales = 4"), "{settings}");

    for (more, word) in [
        (&["--width", "3"][..], "--from"),
        (&["--preset", "res6"], "--from"),
        (&["--from", "nowhere"], "cannot be used multiple times"),
        (&["--resume"], "no run"),
    ] {
        let run = folder.path().join("refused");
        let output = from(&run, more);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && stderr.contains(word), "{more:?}: {stderr}");
        assert!(!run.exists());
    }
}

#[test]
fn slices_learn_what_a_whole_batch_learns() {
    let folder = tempfile::tempdir().unwrap();
    let losses = ["1", "3"].map(|slices| {
        let run = folder.path().join(slices);
        trainer().args(tiny(&run, 10)).args(["--slices", slices]).assert().success();
        let metrics = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
        let entries = metrics.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        entries.filter_map(|entry| entry["loss"].as_f64()).next().unwrap()
    });
    assert!((losses[0] / losses[1] - 1.0).abs() < 1e-4, "{losses:?}");
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
    for step in [8, 9] {
        fs::create_dir(run.join(format!("checkpoints/step-{step:07}"))).unwrap();
    }
    trainer().args(tiny(&run, 3)).arg("--resume").assert().success();
    let mut left: Vec<_> = complete_checkpoints(&run).iter().map(|path| path.file_name().unwrap().to_owned()).collect();
    left.sort();
    // Nor are they deleted: what could not be read then may be read on another day.
    let aside = ["unreadable-step-0000008", "unreadable-step-0000009"];
    assert_eq!(left, [["step-0000002", "step-0000003"], aside].concat());
}

/// The system stops a program in the background that changes the mode of its terminal.
#[test]
#[cfg(target_os = "linux")]
fn a_training_goes_on_in_the_background_of_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let arguments = tiny(&run, 4).iter().map(|argument| format!(" '{argument}'")).collect::<String>();
    // A shell with jobs, on a terminal of its own.
    let lines = format!(
        "set -m\n'{}'{arguments} &\nfor i in $(seq 300); do kill -0 $! 2>&- || exit 0; sleep 0.1; done\nkill -9 $!; exit 9\n",
        assert_cmd::cargo::cargo_bin("trainer").display()
    );
    let shell = folder.path().join("background.sh");
    fs::write(&shell, lines).unwrap();
    let mut terminal = Command::new("script");
    let output =
        terminal.args(["--quiet", "--return", "--command", &format!("bash '{}'", shell.display()), "/dev/null"]);
    let output = output.stdin(Stdio::null()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("step 4/4") && told.contains("done: "), "{told}");
}

/// On a terminal in raw mode Ctrl-C is a key, and no signal.
#[test]
#[cfg(target_os = "linux")]
fn a_key_on_the_dashboard_saves_and_stops() {
    let folder = tempfile::tempdir().unwrap();
    for (name, key) in [("q", "q"), ("ctrl-c", "\u{3}")] {
        let run = folder.path().join(name);
        let arguments = tiny(&run, 1_000_000).iter().map(|argument| format!(" '{argument}'")).collect::<String>();
        let program = assert_cmd::cargo::cargo_bin("trainer");
        // Nothing is saved but by the key.
        let line = format!("'{}'{arguments} --checkpoint-every 1000000", program.display());
        let mut terminal = Command::new("script");
        terminal.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
        let mut child = terminal.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (mut keys, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        // A dashboard asks the terminal where its cursor is.
        let mut told = Vec::new();
        while !told.ends_with(b"\x1b[6n") {
            let mut byte = [0];
            screen.read_exact(&mut byte).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&told)));
            told.push(byte[0]);
        }
        keys.write_all(b"\x1b[1;1R").unwrap();
        let rest = thread::spawn(move || {
            screen.read_to_end(&mut told).unwrap();
            told
        });
        sleep(Duration::from_secs(1));
        keys.write_all(key.as_bytes()).unwrap();
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if begun.elapsed() > Duration::from_secs(60) {
                child.kill().unwrap();
            }
            sleep(Duration::from_millis(20));
        };
        drop(keys);
        let told = rest.join().unwrap();
        let told = String::from_utf8_lossy(&told);
        assert_eq!(status.code(), Some(1), "{name}: {told}");
        assert!(told.contains("interrupted at step"), "{name}: {told}");
        assert_eq!(complete_checkpoints(&run).len(), 1, "{name}");
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

fn complete_checkpoints(run: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(run.join("checkpoints")).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| !path.file_name().unwrap().to_string_lossy().starts_with('.'))
        .collect()
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

#[cfg(unix)]
#[test]
fn ctrl_c_saves_and_stops() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let program = assert_cmd::cargo::cargo_bin("trainer");
    // Where the tests run in the background of a script, Ctrl-C is ignored, and would be by the training.
    let mut command = if cfg!(target_os = "linux") {
        let mut command = Command::new("env");
        command.arg("--default-signal=INT").arg(program);
        command
    } else {
        Command::new(program)
    };
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
    // It is what was asked for, and no error.
    assert!(stderr.lines().last().unwrap().starts_with("interrupted at step"), "{stderr}");
    assert_eq!(complete_checkpoints(&run).len(), 1);
}
