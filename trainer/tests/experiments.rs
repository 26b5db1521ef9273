//! `trainer experiment` on the embedded digits.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{fs, path::Path};

use common::{of_row, tiny, tiny_run, trainer};
use serde_json::Value;

fn numbers(out: &Path, name: &str) -> Value {
    serde_json::from_slice(&fs::read(out.join(name).with_extension("json")).unwrap()).unwrap()
}

/// Runs the command that a table quotes, into a fresh folder, and compares what it measures.
#[cfg(unix)]
fn is_found_again_by_its_command(out: &Path, name: &str) {
    let place = out.parent().unwrap();
    let fresh = place.join(format!("{name} again"));
    let text = fs::read_to_string(out.join(name).with_extension("md")).unwrap();
    let command = text.split('`').nth(1).unwrap().to_owned();
    let line = command.replacen("trainer", env!("CARGO_BIN_EXE_trainer"), 1);
    let line = line.replace(out.to_str().unwrap(), fresh.to_str().unwrap());
    let mut shell = std::process::Command::new("bash");
    let done = shell.args(["-c", &line]).env("TRAINER_CACHE", place.join("cache")).output().unwrap();
    assert!(done.status.success(), "{line}: {}", String::from_utf8_lossy(&done.stderr));
    let [mut first, mut again] = [out, &fresh].map(|out| numbers(out, name));
    for found in [&mut first, &mut again] {
        found.as_object_mut().unwrap().remove("commands");
    }
    assert_eq!(first, again, "{command}");
}

#[test]
fn two_experiments_in_one_folder_keep_each_other_s_results() {
    let folder = tempfile::tempdir().unwrap();
    let run = tiny_run(folder.path());
    let measure = |out: &str, [annealed, consistent, ode]: [&str; 3]| {
        let mut command = trainer();
        command.env("TRAINER_CACHE", folder.path().join("cache"));
        command.args(["experiment", "samplers", "--backend", "flex", "--data", "digits", "--count", "64"]);
        command.args(["--annealed", annealed, "--consistent", consistent, "--ode", ode, "--model"]).arg(&run);
        command.arg("--out").arg(folder.path().join(out)).assert().success();
    };
    // So that none of the two has to train a classifier.
    measure("first", ["2", "2", "2"]);
    std::thread::scope(|scope| {
        scope.spawn(|| measure("out", ["4", "3", "2,3"]));
        scope.spawn(|| measure("out", ["5", "4", "6,7"]));
    });
    let out = folder.path().join("out");
    assert_eq!(numbers(&out, "samplers")["points"].as_array().unwrap().len(), 8);
    let table = fs::read_to_string(out.join("samplers.md")).unwrap();
    assert!(
        table.matches("| ode |").count() == 4 && table.matches("`trainer experiment samplers ").count() == 2,
        "{table}"
    );
}

#[test]
fn usual_levels_are_those_that_the_model_knows_and_a_command_finds_the_same_again() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("a run");
    trainer().args(tiny(&run, 4)).args(["--sigma-max", "1.2"]).assert().success();
    let out = |name: &str| folder.path().join(format!("{name} out"));
    let measure = |name: &str, flags: &[&str]| {
        let mut command = trainer();
        command.env("TRAINER_CACHE", folder.path().join("cache")).args(["experiment", name, "--backend", "flex"]);
        command.args(["--data", "digits", "--steps", "3"]).args(flags).arg("--model").arg(&run);
        command.arg("--out").arg(out(name)).assert().success();
    };
    let levels = |name: &str, rows: &str, level: &str| -> Vec<f64> {
        numbers(&out(name), name)[rows].as_array().unwrap().iter().map(|row| of_row(row, level)).collect()
    };
    let count = ["--count", "80", "--seed", "3"];
    measure("starts", &count);
    assert_eq!(levels("starts", "starts", "level"), [0.1, 0.2, 0.4, 0.8, 1.2]);
    assert!(fs::read_to_string(out("starts").join("starts.md")).unwrap().contains("\n| 1.2 | "));
    // What was measured by its own is known by its number.
    measure("starts", &[&count[..], &["--levels", "1.2"]].concat());
    assert_eq!(levels("starts", "starts", "level").len(), 5);
    measure("mixing", &["--chains", "6"]);
    assert_eq!(levels("mixing", "levels", "noise_level"), [0.1, 0.3, 0.5, 1.0]);
    #[cfg(unix)]
    for name in ["starts", "mixing"] {
        is_found_again_by_its_command(&out(name), name);
    }
}

#[test]
fn flags_that_do_nothing_by_themselves_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |command: &[&str], flag: &str| {
        let mut trainer = trainer();
        trainer.args(command).args(["--data", "digits", "--model", "none", "--out"]).arg(folder.path());
        let told = String::from_utf8(trainer.assert().code(2).get_output().stderr.clone()).unwrap();
        assert!(told.contains(flag), "{told}");
    };
    refused(&["evaluate", "--density-chains", "5"], "--density-steps");
    refused(&["experiment", "samplers", "--churn-steps", "20"], "--churns");
}

#[test]
fn a_restoration_is_measured_though_its_pictures_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let run = tiny_run(folder.path());
    let out = folder.path().join("out");
    for name in ["enlarge-2-times.png", "known-enlarge-4-times.npy", "truths.npy", "restoration.md"] {
        fs::create_dir_all(out.join(name)).unwrap();
    }
    let measure = || {
        let mut command = trainer();
        command.args(["experiment", "restoration", "--backend", "flex", "--data", "digits", "--pictures", "2"]);
        command.args(["--answers", "2", "--steps", "2", "--model"]).arg(&run).arg("--out").arg(&out);
        String::from_utf8(command.assert().success().get_output().stderr.clone()).unwrap()
    };
    let told = measure();
    assert!(told.contains("warning: ") && told.contains("enlarge-2-times.png"), "{told}");
    let rows = numbers(&out, "restoration")["rows"].as_array().unwrap().len();
    assert!(rows == 8 && out.join("enlarge-8-times.png").is_file(), "{rows}");
    // As if it had been ended before the last number was written: its grid is there, and is written again.
    let mut stopped = numbers(&out, "restoration");
    stopped["rows"].as_array_mut().unwrap().pop();
    fs::write(out.join("restoration.json"), stopped.to_string()).unwrap();
    measure();
    assert_eq!(numbers(&out, "restoration")["rows"].as_array().unwrap().len(), rows);
}

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
    assert!(refused.contains("it contains starts.md but no starts.json"), "{refused}");
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

    // Another level, whose pictures cannot be written, and a plot that cannot be either.
    for name in ["noise-levels-0.05.png", "noise-levels-plane.svg"] {
        fs::remove_file(out.join(name)).ok();
        fs::create_dir(out.join(name)).unwrap();
    }
    let more = trainer()
        .env("TRAINER_CACHE", folder.path().join("cache"))
        .args([
            "experiment",
            "noise-levels",
            "--backend",
            "flex",
            "--levels",
            "0.05,0.1",
            "--steps",
            "2",
            "--width",
            "2",
        ])
        .args(["--count", "64", "--sampler-steps", "5", "--out"])
        .arg(&out)
        .assert()
        .success();
    let told = String::from_utf8(more.get_output().stderr.clone()).unwrap();
    for name in ["noise-levels-0.05.png", "noise-levels-plane.svg"] {
        assert!(told.lines().any(|line| line.starts_with("warning: ") && line.contains(name)), "{told}");
    }
    assert!(!told.contains("the level 0.1 alone"), "{told}");
    let found = numbers(&out, "noise-levels");
    assert_eq!((found["pictures"].as_array().unwrap().len(), found["plane"].as_array().unwrap().len()), (3, 12));
    assert_eq!(found["pictures"][1], results["pictures"][0]);
    assert!(fs::read_to_string(out.join("noise-levels.md")).unwrap().contains("| the level 0.05 alone |"));
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
    let table = fs::read_to_string(out.join("settings.md")).unwrap();
    assert!(
        table.starts_with("# How much each setting helps\n") && table.contains("| `network.width = 3` |"),
        "{table}"
    );
    assert!(table.contains("--change 'network.width = 3'") && table.contains("other seeds differ too"), "{table}");
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
