//! `trainer evaluate` and `trainer experiment` on the embedded digits.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{fs, path::Path};

use common::{tiny_run, trainer};
use serde_json::{Value, json};

/// Of new samples, or of those that the flags name where `count` is empty.
fn evaluate(run: &Path, out: &Path, cache: &Path, count: &str, flags: &[&str]) -> (Value, String) {
    let count = if count.is_empty() { &[][..] } else { &["--count", count] };
    let output = trainer()
        .env("TRAINER_CACHE", cache)
        .args([
            "evaluate",
            "--backend",
            "flex",
            "--data",
            "digits",
            "--steps",
            "10",
            "--density-steps",
            "8",
            "--density-chains",
            "4",
            "--json",
            "--model",
        ])
        .arg(run)
        .args(count)
        .arg("--out")
        .arg(out)
        .args(flags)
        .assert()
        .success()
        .get_output()
        .clone();
    (serde_json::from_slice(&output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

/// A number that must be there.
fn of_row(row: &Value, name: &str) -> f64 {
    row[name].as_f64().unwrap_or_else(|| panic!("{name} in {row}"))
}

#[test]
fn an_evaluation_measures_everything_and_says_the_same_twice() {
    let folder = tempfile::tempdir().unwrap();
    let run = tiny_run(folder.path());
    let (out, cache) = (folder.path().join("report"), folder.path().join("cache"));
    let (first, told) = evaluate(&run, &out, &cache, "128", &[]);
    assert!(told.contains("training a classifier"), "{told}");

    let quality = &first["sample_quality"];
    let number = |pointer: &str| first.pointer(pointer).and_then(Value::as_f64).unwrap();
    assert!(quality["features"].as_str().unwrap().contains("small classifier (which is right on 9"), "{quality:#}");
    // Four steps of training make noise; one half of the held-out pictures is what the other is.
    let [floor, samples] =
        ["held_out_half", "samples"].map(|part| number(&format!("/sample_quality/{part}/frechet_distance")));
    assert!(floor < samples / 2.0, "{quality:#}");
    // 176 are held out: the samples are measured in groups of no more than half of them.
    assert_eq!((&quality["samples"]["groups"], &quality["samples"]["count"]), (&json!(2), &json!(128)));
    assert!(number("/sample_quality/samples/standard_error/frechet_distance") > 0.0, "{quality:#}");
    assert_eq!(first["nearest_neighbours"]["near_duplicates"], false);
    assert!(first["finished"] == true && first["missing"] == json!({}), "{}", first["missing"]);
    let rows = |name: &str| first[name].as_array().unwrap().clone();
    let denoising = rows("denoising");
    assert_eq!(denoising.len(), 6, "{denoising:#?}");
    for (place, row) in denoising.iter().enumerate() {
        let [noisy, jump, gaussian] = ["noisy", "jump", "gaussian"].map(|name| of_row(row, name));
        assert!(gaussian > noisy, "{row}");
        // After four steps of training a jump makes much the same of every picture: that is better than the largest noise,
        // and worse than the smaller ones.
        assert!((7.0..9.0).contains(&jump) && (jump > noisy) == (place >= 4), "{row}");
    }
    let outliers = rows("outliers");
    let names: Vec<_> = outliers.iter().map(|row| row["name"].as_str().unwrap()).collect();
    // After the sets that this machine has.
    let made = ["upside down", "quarters shuffled", "inverted", "one grey", "white noise"];
    assert!(names.ends_with(&made), "{names:?}");
    for row in &outliers {
        for score in ["energy", "gradient", "multi_level"] {
            assert!((0.0..=1.0).contains(&of_row(row, score)), "{row}");
        }
    }
    // Four chains are never five: there is no number.
    let is_none = |pointer: &str| first.pointer(pointer) == Some(&Value::Null);
    assert!(is_none("/density/forward/log_partition"), "{:#}", first["density"]);
    assert!(is_none("/density/bits_per_dimension/1/pessimistic"), "{:#}", first["density"]);
    assert!(number("/likelihood/sets/1/bits") > 0.0 && number("/likelihood/sets/1/bits_standard_error") > 0.0);
    assert!(number("/likelihood/sets/1/bits_per_dim") > number("/likelihood/floor"));
    assert!(number("/likelihood/bound/bits") > number("/likelihood/sets/1/bits") * 0.9);
    assert!((0.0..=1.0).contains(&number("/likelihood/sets/2/auroc")) && is_none("/likelihood/sets/1/auroc"));
    let inpainting = rows("inpainting");
    assert_eq!(inpainting.len(), 2, "{inpainting:#?}");
    for row in &inpainting {
        assert!(of_row(row, "mean_of_completions") < of_row(row, "completion"), "{row}");
    }
    assert!(number("/interpolation/relaxed").is_finite() && number("/interpolation/pairs") == 6.0);
    let page = fs::read_to_string(out.join("index.html")).unwrap();
    assert!(
        page.contains("data:image/png;base64,")
            && page.matches("<svg").count() == 5
            && page.contains("effective chains")
    );
    assert!(!page.contains("http://") || page.matches("http://").count() == page.matches("http://www.w3.org").count());
    assert!(out.join("samples.png").is_file() && out.join("neighbours.png").is_file());

    let (second, told) = evaluate(&run, &out, &cache, "128", &[]);
    assert!(!told.contains("training a classifier"), "{told}");
    assert_eq!(first, second);

    // A damaged cache costs a new classifier, the same one, not the evaluation. The paper's sampler from the paper's
    // temperature, for completions and samples alike.
    let classifier = fs::read_dir(cache.join("classifiers")).unwrap().next().unwrap().unwrap().path();
    fs::write(&classifier, b"damaged").unwrap();
    let flags = ["--sampler", "annealed", "--initial-temperature", "100"];
    let (paper, told) = evaluate(&run, &folder.path().join("paper"), &cache, "64", &flags);
    assert!(told.contains("warning") && told.contains("training a classifier"), "{told}");
    assert_eq!(paper["sample_quality"]["features"], first["sample_quality"]["features"], "as often right");
    assert!(
        is_none("/sampling/initial_temperature") && paper["sampling"]["initial_temperature"] == 100.0,
        "{}",
        paper["sampling"]
    );
    let told = "64 samples of 10 steps, annealed sampler from temperature 100, seed 1001";
    assert!(paper["card"][0]["how"].as_str().unwrap().contains(told), "{}", paper["card"]);
    assert!(fs::read_to_string(folder.path().join("paper/index.html")).unwrap().contains(told));
    // Samples that were drawn before, in two parts.
    let part = |first: &str| {
        let path = folder.path().join(format!("from-{first}.npy"));
        let sampler = ["--sampler", "annealed", "--initial-temperature", "400", "--steps", "10", "--seed", "1001"];
        let mut command = trainer();
        command.args(["sample", "--backend", "flex", "--count", "32", "--first", first]).args(sampler);
        command.arg("--model").arg(&run).arg("--out").arg(path.with_extension("png")).arg("--npy").arg(&path);
        command.assert().success();
        path
    };
    let parts = ["0", "32"].map(part);
    let parts = parts.each_ref().map(|path| path.to_str().unwrap());
    let flags = ["--sampler", "annealed", "--initial-temperature", "400", "--samples", parts[0], parts[1]];
    let (hotter, _) = evaluate(&run, &folder.path().join("hotter"), &cache, "", &flags);
    assert_eq!(hotter["sampling"]["count"], 64);
    let told = "64 samples from files, ";
    assert!(hotter["card"][0]["how"].as_str().unwrap().contains(told), "{}", hotter["card"]);
    for part in ["sample_quality", "inpainting"] {
        assert!(!paper[part].is_null() && !hotter[part].is_null(), "{part}");
        assert_ne!(paper[part], hotter[part], "{part}");
    }

    // What was measured goes on the card of the model, if it is of these weights and their sampling.
    let (report, model) = (out.join("evaluation.json"), folder.path().join("models/tiny"));
    let export = |flags: &[&str]| {
        let mut command = trainer();
        command.args(["export", "--backend", "flex", "--run"]).arg(&run).arg("--evaluation").arg(&report);
        command.arg("--out").arg(&model).args(flags).assert()
    };
    let refused = |flags: &[&str]| String::from_utf8(export(flags).code(2).get_output().stderr.clone()).unwrap();
    export(&[]).success();
    let distance = format!("| Frechet distance | {samples:.4} |");
    assert!(fs::read_to_string(model.join("README.md")).unwrap().contains(&distance), "{distance}");
    assert!(fs::read_to_string(model.join("model.json")).unwrap().contains("share of suspicious samples"));
    // Of other pictures too, but not as if they were the model's.
    let text = fs::read_to_string(&report).unwrap();
    fs::write(&report, text.replacen("\"digits\"", "\"holidays\"", 1)).unwrap();
    let told = String::from_utf8(export(&[]).success().get_output().stderr.clone()).unwrap();
    assert!(told.contains("warning: --evaluation ") && told.contains("holidays"), "{told}");
    let card = fs::read_to_string(model.join("README.md")).unwrap();
    let line = card.lines().find(|line| line.contains("| Frechet distance |")).unwrap();
    assert!(line.ends_with("; on other pictures than the model's data: holidays |"), "{line}");
    fs::write(&report, text).unwrap();
    export(&[]).success();

    let told = refused(&["--churn", "4"]);
    assert!(told.contains("churn 0.5 and guidance 0, the model has churn 4 and guidance 0"), "{told}");

    // And on that of an exported model, whose weights are rounded, in place of the earlier.
    let measure = || {
        let mut command = trainer();
        command.args(["measure", "--backend", "flex", "--data", "digits", "--model"]).arg(&model);
        command.arg("--evaluation").arg(&report).assert()
    };
    let told = String::from_utf8(measure().code(2).get_output().stderr.clone()).unwrap();
    assert!(told.contains("it is of") && told.contains("models/tiny"), "{told}");
    let flags = ["--samples", parts[0], parts[1]];
    let (again, _) = evaluate(&model, &out, &cache, "", &flags);
    measure().success();
    let card = fs::read_to_string(model.join("README.md")).unwrap();
    let other = again.pointer("/sample_quality/samples/frechet_distance").and_then(Value::as_f64).unwrap();
    assert!(card.contains(&format!("| Frechet distance | {other:.4} |")) && !card.contains(&distance), "{card}");
    let count = |name: &str| card.matches(&format!("\n| {name} |")).count();
    let names = ["MDSM loss", "denoising RMSE at noise 0.4", "ln Z of the energy", "AUROC against one grey"];
    assert_eq!(names.map(count), [1; 4], "{card}");

    let mut more = trainer();
    more.args(["train", "--backend", "flex", "--resume", "--steps", "5", "--out"]).arg(&run).assert().success();
    let told = refused(&[]);
    assert!(told.contains("it is of"), "{told}");
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

#[test]
fn a_classifier_that_cannot_be_kept_judges_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let run = tiny_run(folder.path());
    // A file where the folder should be made.
    let cache = folder.path().join("cache");
    fs::write(&cache, "").unwrap();
    let (evaluation, told) = evaluate(&run, &folder.path().join("report"), &cache, "64", &[]);
    assert!(told.contains("the classifier is not kept"), "{told}");
    assert!(of_row(&evaluation["sample_quality"]["samples"], "frechet_distance") > 0.0, "{evaluation:#}");
}
