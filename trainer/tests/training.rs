//! What a training learns, and what it tells beforehand.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{fs, path::Path};

use common::{tiny, trainer, weights};
use cpu_kernels::Vectors;

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
        assert_eq!(scores["scores"][0]["probability"], 1.0, "a model alone has every picture");
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
    let answer = folder.path().join("answer.png");
    let restore = |more: &[&str]| {
        let mut command = trainer();
        command.args(["restore", "--backend", "flex", "--count", "2", "--steps", "2", "--task", "inpaint"]);
        command.args(["--mask", "left", "--model"]).arg(&model).arg("--image").arg(&picture).arg("--out").arg(&answer);
        command.args(more).assert()
    };
    let told = String::from_utf8_lossy(&restore(&[]).success().get_output().stdout).into_owned();
    assert!(answer.is_file() && told.contains("every answer has exactly what is known"), "{told}");
    assert!(told.ends_with("(no bits: they are an integral over noise levels, and the model has one)\n"), "{told}");
    let told: serde_json::Value = serde_json::from_slice(&restore(&["--json"]).success().get_output().stdout).unwrap();
    assert!(told["answers"].as_array().unwrap().len() == 2 && told["answers"][1]["bits"].is_null(), "{told:#}");
    assert!(told["npy"].is_null(), "{told:#}");
    let refused = restore(&["--samples", "8"]).code(2);
    let told = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
    assert!(told.lines().count() == 1 && told.contains("--samples 8: bits are an integral"), "{told}");
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
