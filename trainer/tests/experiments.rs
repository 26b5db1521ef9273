//! `trainer experiment` on the embedded digits.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{fs, path::Path};

use common::{of_row, tiny_run, trainer};
use serde_json::Value;

#[test]
fn samplers_are_measured_once_and_plotted() {
    let folder = tempfile::tempdir().unwrap();
    let run = tiny_run(folder.path());
    let out = folder.path().join("out");
    let measure = |run: &Path, ode: &str| {
        trainer()
            .env("TRAINER_CACHE", folder.path().join("cache"))
            .args(["experiment", "samplers", "--backend", "flex", "--data", "digits", "--count", "100"])
            .args([
                "--annealed",
                "4",
                "--consistent",
                "3",
                "--churns",
                "1",
                "--churn-steps",
                "3",
                "--ode",
                ode,
                "--model",
            ])
            .arg(run)
            .arg("--out")
            .arg(&out)
            .assert()
            .success();
        let text = fs::read(out.join("samplers.json")).unwrap();
        serde_json::from_slice::<Value>(&text).unwrap()["points"].as_array().unwrap().clone()
    };
    let first = measure(&run, "2");
    assert_eq!(first.len(), 4);
    // Models are known by their weights, wherever they are.
    let moved = folder.path().join("moved");
    fs::rename(&run, &moved).unwrap();
    let second = measure(&moved, "2,5");
    fs::rename(&moved, &run).unwrap();
    assert_eq!(second.len(), 5);
    assert_eq!(first[..], second[..4], "what was measured is kept");
    assert!(fs::read_to_string(out.join("samplers.svg")).unwrap().contains("consistent"));
    assert_eq!(fs::read_to_string(out.join("samplers.md")).unwrap().matches("| ode |").count(), 2);

    // What an earlier version wrote does not say which weights it measured.
    let old = folder.path().join("old");
    fs::create_dir(&old).unwrap();
    fs::write(old.join("samplers.json"), r#"{"model": "run", "data": "digits", "seed": 1, "points": [{"share": 1}]}"#)
        .unwrap();
    let mut again = trainer();
    again.args(["experiment", "samplers", "--backend", "flex", "--data", "digits", "--count", "100", "--model"]);
    let refused = again.arg(&run).arg("--out").arg(&old).assert().code(2).get_output().stderr.clone();
    let refused = String::from_utf8(refused).unwrap();
    assert!(refused.contains("samplers.json") && refused.contains("choose another folder"), "{refused}");

    // A set whose pictures are 8x8 where the model takes 16x16.
    let other = folder.path().join("small");
    fs::create_dir(&other).unwrap();
    for name in ["train", "t10k"] {
        let header = [0x0803_u32, 2, 8, 8].map(u32::to_be_bytes).concat();
        fs::write(other.join(format!("{name}-images-idx3-ubyte")), [header, vec![7; 2 * 64]].concat()).unwrap();
    }
    for command in [&["evaluate"][..], &["experiment", "samplers"]] {
        let output = trainer()
            .args(command)
            .args(["--backend", "flex", "--data", "mnist", "--data-dir"])
            .arg(&other)
            .arg("--model")
            .arg(&run)
            .arg("--out")
            .arg(folder.path().join("nothing"))
            .assert()
            .code(2)
            .get_output()
            .clone();
        let told = String::from_utf8(output.stderr).unwrap();
        let [own, error] = told.lines().collect::<Vec<_>>()[..] else { panic!("{told}") };
        assert_eq!(own, "mnist: its files are not those that were published under that name");
        assert!(error.contains("grey, 8x8") && error.contains("grey, 16x16"), "{error}");
    }

    let features = ["--features", "mobilenet-v2", "--data", "digits", "--out"];
    let grey = trainer().args(["evaluate", "--backend", "flex", "--model"]).arg(&run).args(features).arg("f").assert();
    let told = String::from_utf8_lossy(&grey.code(2).get_output().stderr).into_owned();
    assert!(told.contains("--features mobilenet-v2") && told.contains("digits are grey"), "{told}");

    // Another seed is another measurement: it does not mix with this one.
    trainer()
        .args([
            "experiment",
            "samplers",
            "--backend",
            "flex",
            "--data",
            "digits",
            "--count",
            "100",
            "--seed",
            "9",
            "--model",
        ])
        .arg(&run)
        .arg("--out")
        .arg(&out)
        .assert()
        .code(2);
}

#[test]
fn chains_from_pictures_under_little_noise_come_back_to_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    trainer()
        .args(["train", "--backend", "flex", "--width", "8", "--steps", "150", "--grid", "0", "--out"])
        .arg(&run)
        .assert()
        .success();
    let out = folder.path().join("out");
    let starts = || {
        let mut command = trainer();
        command
            .env("TRAINER_CACHE", folder.path().join("cache"))
            .args([
                "experiment",
                "starts",
                "--backend",
                "flex",
                "--data",
                "digits",
                "--levels",
                "0.1,2",
                "--steps",
                "5",
            ])
            .args(["--count", "80", "--model"])
            .arg(&run)
            .arg("--out")
            .arg(&out);
        command.assert()
    };
    // What somebody else has written there is no result of an earlier experiment.
    fs::create_dir(&out).unwrap();
    fs::write(out.join("starts.md"), "mine").unwrap();
    let refused = String::from_utf8(starts().code(2).get_output().stderr.clone()).unwrap();
    assert!(refused.contains("it has starts.md but no starts.json"), "{refused}");
    assert_eq!(fs::read_to_string(out.join("starts.md")).unwrap(), "mine");
    fs::remove_file(out.join("starts.md")).unwrap();
    starts().success();
    let written = fs::read_to_string(out.join("starts.json")).unwrap();
    let results: Value = serde_json::from_str(&written).unwrap();
    // 80 pictures of one half are at a distance from the other half by themselves.
    let floor = results["floor"]["frechet_distance"].as_f64().unwrap();
    let distance = |start: usize| results["starts"][start]["quality"]["frechet_distance"].as_f64().unwrap() - floor;
    assert!(2.0 * distance(0) < distance(1), "a short training is lost under much noise: {results:#}");
    assert!(out.join("starts.svg").is_file());
    assert!(fs::read_to_string(out.join("starts.md")).unwrap().contains("| the pictures that chains begin at |"));
    // Those of another churn are other results.
    fs::write(out.join("starts.json"), written.replace("\"churn\": 0.5", "\"churn\": 8.0")).unwrap();
    starts().code(2);
}

#[test]
fn mixing_is_measured_at_every_level() {
    let folder = tempfile::tempdir().unwrap();
    let run = tiny_run(folder.path());
    let out = folder.path().join("out");
    let mix = |chains: &str| {
        let mut command = trainer();
        command.args(["experiment", "mixing", "--backend", "flex", "--data", "digits", "--levels", "0.1,1"]);
        command.args(["--steps", "60", "--chains", chains, "--model"]).arg(&run).arg("--out").arg(&out);
        command.assert()
    };
    let told = String::from_utf8_lossy(&mix("1").code(2).get_output().stderr).into_owned();
    assert!(told.contains("--chains 1: "), "{told}");
    mix("8").success();
    let results: Value = serde_json::from_slice(&fs::read(out.join("mixing.json")).unwrap()).unwrap();
    let levels = results["levels"].as_array().unwrap();
    assert_eq!(levels.len(), 2, "{results:#}");
    for level in levels {
        let acceptance = of_row(level, "acceptance");
        assert!((0.3..0.85).contains(&acceptance), "the step is not found: {level:#}");
        assert_eq!(level["correlation"][0][1], 1.0);
    }
    assert!(fs::read_to_string(out.join("mixing.md")).unwrap().contains("| 100.0 | 1 |"));
}

#[test]
fn one_level_is_measured_beside_many() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    trainer()
        .env("TRAINER_CACHE", folder.path().join("cache"))
        .args(["experiment", "noise-levels", "--backend", "flex", "--levels", "0.1", "--steps", "2", "--width", "2"])
        .args(["--count", "64", "--sampler-steps", "5", "--out"])
        .arg(&out)
        .assert()
        .success();
    let results: Value = serde_json::from_slice(&fs::read(out.join("noise-levels.json")).unwrap()).unwrap();
    assert_eq!(results["pictures"].as_array().unwrap().len(), 2);
    // The plane is trained in full: many levels find the data, one small one does not.
    let plane = results["plane"].as_array().unwrap();
    let (many, one): (Vec<_>, Vec<_>) = plane.iter().partition(|walked| walked.get("level") == Some(&Value::Null));
    assert_eq!((many.len(), one.len()), (4, 4), "every shape: {plane:#?}");
    assert!(many.iter().all(|walked| of_row(walked, "near") > 0.9), "{many:#?}");
    for walked in one {
        assert!(of_row(walked, "near") < 0.7 && (of_row(walked, "level") - 0.1).abs() < 1e-6, "{walked}");
    }
    assert!(out.join("noise-levels-many.png").is_file() && out.join("noise-levels-0.1.png").is_file());
    assert!(fs::read_to_string(out.join("noise-levels.md")).unwrap().contains("| many levels |"));
}

#[test]
fn settings_are_tried_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let experiment = |changes: &[&str]| {
        let mut command = trainer();
        command.env("TRAINER_CACHE", folder.path().join("cache"));
        command.args(["experiment", "settings", "--backend", "flex", "--steps", "3", "--width", "2", "--count", "64"]);
        command.args(["--sampler-steps", "3", "--out"]).arg(&out);
        for change in changes {
            command.args(["--change", change]);
        }
        command.assert()
    };
    let told = |changes: &[&str]| String::from_utf8(experiment(changes).code(2).get_output().stderr.clone()).unwrap();
    assert!(told(&["network.widht = 3"]).contains("widht"));
    assert!(told(&["network.width = 0"]).contains("width"));
    assert!(told(&["data = 'mnist'"]).contains("must stay the same"));
    assert!(!out.exists(), "nothing is begun with a mistake");
    experiment(&["network.width = 3", "network.activation = 'elu'"]).success();
    let results: Value = serde_json::from_slice(&fs::read(out.join("settings.json")).unwrap()).unwrap();
    let parameters: Vec<_> =
        results["trials"].as_array().unwrap().iter().map(|trial| trial["parameters"].as_u64().unwrap()).collect();
    assert!(parameters[0] < parameters[1] && parameters[0] == parameters[2], "{parameters:?}");
    assert!(fs::read_to_string(out.join("settings.md")).unwrap().contains("| `network.width = 3` |"));
    // A training that runs away is told, and the next one has its turn.
    let before = results;
    let assert = experiment(&["optimization.learning_rate = 1e30", "network.width = 3"]).code(1);
    let told = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
    assert!(told.lines().last().unwrap().contains("`optimization.learning_rate = 1e30`: "), "{told}");
    let results: Value = serde_json::from_slice(&fs::read(out.join("settings.json")).unwrap()).unwrap();
    // The three that were there are kept, and not trained again.
    assert_eq!((results["trials"].as_array().unwrap().len(), results["failures"].as_array().unwrap().len()), (3, 1));
    assert_eq!(results["trials"], before["trials"]);
    assert!(
        fs::read_to_string(out.join("settings.md")).unwrap().contains("| `optimization.learning_rate = 1e30` | – |")
    );
}
