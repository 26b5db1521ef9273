//! `trainer evaluate` on the embedded digits.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{fs, path::Path};

use common::{of_row, tiny_run, trainer};
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
    let card = fs::read_to_string(model.join("README.md")).unwrap();
    assert!(says_distance(&card, samples), "{samples}: {card}");
    // With the command that finds the same numbers.
    let command = "\nMore by `trainer evaluate --model models/tiny --data digits";
    let drawn = " --sampler consistent --steps 10 --seed 1001 --count 128";
    assert!(card.contains(&format!("{command}{drawn} --out report`.\n")), "{card}");
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
    assert!(says_distance(&card, other) && !says_distance(&card, samples), "{other}: {card}");
    // Nobody knows how samples in files were drawn.
    assert!(card.contains(&format!("{command} --out report`.\n")), "{card}");
    let count = |name: &str| card.matches(&format!("\n| {name} |")).count();
    let names = ["MDSM loss", "denoising RMSE at noise 0.4", "ln Z of the energy", "AUROC against one grey"];
    assert_eq!(names.map(count), [1; 4], "{card}");

    let mut more = trainer();
    more.args(["train", "--backend", "flex", "--resume", "--steps", "5", "--out"]).arg(&run).assert().success();
    let told = refused(&[]);
    assert!(told.contains("it is of"), "{told}");
}

/// Whether a card has this Frechet distance, to the digits that it gives.
fn says_distance(card: &str, distance: f64) -> bool {
    let row = card.lines().find_map(|line| line.strip_prefix("| Frechet distance | ")).unwrap();
    let told = row.split(' ').next().unwrap();
    let decimals = told.split_once('.').map_or(0, |(_, digits)| digits.len());
    format!("{distance:.decimals$}") == told
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
