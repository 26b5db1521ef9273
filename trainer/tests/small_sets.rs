//! Sets of a few pictures: everything that can be measured is, and what cannot is missing with its reason.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{fs, path::Path};

use common::trainer;
use serde_json::Value;

/// Trains for a moment on a folder or set of pictures.
fn train(data: &[&str], run: &Path) {
    let mut command = trainer();
    command.args(["train", "--backend", "flex", "--preset", "unet", "--width", "4", "--batch", "8", "--steps", "2"]);
    command.args(["--grid", "0", "--data"]).args(data).arg("--out").arg(run).assert().success();
}

/// The evaluation, and what it told.
fn evaluate(model: &Path, data: &[&str], out: &Path, flags: &[&str]) -> (Value, String) {
    let mut command = trainer();
    command.env("TRAINER_CACHE", out.join("cache"));
    command.args(["evaluate", "--backend", "flex", "--steps", "2", "--model"]).arg(model).arg("--data").args(data);
    let output = command.arg("--out").arg(out).args(flags).assert().success().get_output().clone();
    let json = serde_json::from_slice(&fs::read(out.join("evaluation.json")).unwrap()).unwrap();
    (json, String::from_utf8(output.stderr).unwrap())
}

/// The text of a page, whose pictures are any letters.
fn without_pictures(page: &str) -> String {
    let mut parts = page.split("base64,");
    let first = parts.next().unwrap_or_default();
    std::iter::once(first).chain(parts.map(|part| part.split_once('"').map_or("", |(_, rest)| rest))).collect()
}

/// A folder of coloured pictures, no two alike.
fn pictures(folder: &Path, count: u32) {
    fs::create_dir(folder).unwrap();
    for number in 0..count {
        let colour = |x: u32, y: u32| image::Rgb([(x * 8) as u8, (y * 7) as u8, (number * 90 % 256) as u8]);
        image::RgbImage::from_fn(32, 32, colour).save(folder.join(format!("{number}.png"))).unwrap();
    }
}

#[test]
fn two_and_three_pictures_make_a_model_that_opens_and_a_report() {
    for count in [2, 3] {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let (data, run, model) = (at("pictures"), at("run"), at("models/few"));
        pictures(&data, count);
        let data = data.to_str().unwrap();
        train(&[data], &run);
        trainer().args(["export", "--backend", "flex", "--run"]).arg(&run).arg("--out").arg(&model).assert().success();
        let mut score = trainer();
        score.args(["score", "--backend", "flex", "--json", "--model"]).arg(&model);
        let output = score.arg(at("pictures/0.png")).arg(at("pictures/1.png")).assert().success().get_output().clone();
        let scores: Value = serde_json::from_slice(&output.stdout).unwrap();
        for score in scores["scores"].as_array().unwrap() {
            for percentile in ["percentile", "energy_percentile"] {
                assert!((0.0..=100.0).contains(&score[percentile].as_f64().unwrap()), "{count}: {score}");
            }
        }

        let flags = ["--count", "4", "--density-steps", "1", "--density-chains", "2"];
        let (report, told) = evaluate(&run, &[data], &at("report"), &flags);
        assert!(report["finished"] == true && report["sample_quality"].is_null(), "{report:#}");
        let missing: Vec<&String> = report["missing"].as_object().unwrap().keys().collect();
        assert_eq!(missing, ["interpolation", "sample_quality"], "{count}: {}", report["missing"]);
        assert!(told.contains("Samples beside held-out pictures: not measured"), "{told}");
        assert!(report["card"].as_array().unwrap().iter().all(|metric| metric["value"].is_number()), "{report:#}");
        // Two chains are too few to estimate by, which their number says.
        let forward = &report["density"]["forward"];
        assert!(forward["effective_sample_size"].as_f64().unwrap() <= 2.1, "{forward}");
        assert!(forward["log_partition"].is_null(), "{forward}");
        assert!(report["nearest_neighbours"]["suspicious"].is_null() && report["denoising"][0]["pictures"] == 1);
        let page = without_pictures(&fs::read_to_string(at("report/index.html")).unwrap());
        assert!(page.contains("a path needs two held-out pictures") && page.contains("one held-out picture"), "{page}");
        assert!(!page.contains("NaN") && !page.contains(">inf"), "{page}");
        // How pictures differ is unknown of one that is held out: no zero stands for it, here or on the model's card.
        let held_out = &report["likelihood"]["sets"][1];
        assert!(held_out["pictures"] == 1 && held_out["bits"].is_number(), "{held_out}");
        for unknown in ["bits_standard_error", "bits_spread", "bits_per_dim_standard_error"] {
            assert!(held_out[unknown].is_null(), "{unknown}: {held_out}");
        }
        assert!(report["likelihood"]["code"]["standard_error"].is_null(), "{}", report["likelihood"]["code"]);
        assert!(forward["acceptance"].is_null(), "there was no transition: {forward}");
        let card = fs::read_to_string(model.join("README.md")).unwrap();
        assert!(card.contains(" bits a picture and ") && !card.contains('±'), "{card}");
    }
}

#[test]
fn eight_samples_give_no_distance_and_the_rest_of_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let (run, out) = (folder.path().join("run"), folder.path().join("report"));
    train(&["digits"], &run);
    let (report, told) = evaluate(&run, &["digits"], &out, &["--count", "8", "--density-steps", "0"]);
    let reason = report["missing"]["sample_quality"].as_str().unwrap();
    assert!(reason.starts_with("--count 8: ") && reason.contains("64"), "{reason}");
    assert!(!told.contains("training a classifier"), "nothing long is done in vain: {told}");
    assert!(!report["card"].to_string().contains("precision"), "{}", report["card"]);
    assert!(report["interpolation"]["pairs"] == 6 && report["outliers"].as_array().unwrap().len() > 4);
    assert_eq!(report["missing"]["density"], "it was not asked for (--density-steps)");

    // Of samples that were drawn before, nobody has given a --count.
    let few = folder.path().join("few.npy");
    let mut sample = trainer();
    sample.args(["sample", "--backend", "flex", "--steps", "2", "--count", "30", "--model"]).arg(&run);
    sample.arg("--out").arg(folder.path().join("few.png")).arg("--npy").arg(&few).assert().success();
    let (report, _) = evaluate(&run, &["digits"], &out, &["--samples", few.to_str().unwrap()]);
    let reason = report["missing"]["sample_quality"].as_str().unwrap();
    assert!(reason.starts_with("--samples ") && reason.contains("few.npy (30 samples): "), "{reason}");
}

#[test]
fn pictures_of_six_pixels_are_evaluated() {
    let folder = tempfile::tempdir().unwrap();
    let set = folder.path().join("set");
    fs::create_dir(&set).unwrap();
    let count = 96_u32;
    for name in ["train", "t10k"] {
        let header = [0x0803, count, 6, 6].map(u32::to_be_bytes).concat();
        let pixels: Vec<u8> = (0..count * 36).map(|at| (at * 37 % 251) as u8).collect();
        fs::write(set.join(format!("{name}-images-idx3-ubyte")), [header, pixels].concat()).unwrap();
        let header = [0x0801, count].map(u32::to_be_bytes).concat();
        let labels: Vec<u8> = (0..count).map(|at| (at % 10) as u8).collect();
        fs::write(set.join(format!("{name}-labels-idx1-ubyte")), [header, labels].concat()).unwrap();
    }
    let (run, out) = (folder.path().join("run"), folder.path().join("report"));
    let data = ["mnist", "--data-dir", set.to_str().unwrap()];
    train(&data, &run);
    // Where its files are is remembered.
    trainer().args(["train", "--resume", "--backend", "flex", "--steps", "5", "--out"]).arg(&run).assert().success();
    // By its settings too, unless they are given other data.
    let again = |flags: &[&str]| {
        let mut command = trainer();
        command
            .args(["train", "--backend", "flex", "--grid", "0", "--steps", "1", "--config"])
            .arg(run.join("run.toml"));
        command.args(flags).arg("--out").arg(folder.path().join(flags.concat() + "again")).assert().success();
        fs::read_to_string(folder.path().join(flags.concat() + "again/run.toml")).unwrap()
    };
    let settings = again(&[]);
    assert!(settings.contains("\nsize = 6\n") && settings.contains("data_dir = "), "{settings}");
    let settings = again(&["--data", "digits"]);
    assert!(!settings.contains("data_dir = "), "{settings}");
    let (report, _) = evaluate(&run, &data, &out, &["--count", "64", "--density-steps", "0"]);
    assert_eq!(report["missing"].as_object().unwrap().keys().collect::<Vec<_>>(), ["density"], "{}", report["missing"]);
    // 96 held-out pictures are enough to compare with, and too few for a second half beside them.
    assert!(report["sample_quality"]["samples"]["frechet_distance"].is_number());
    assert!(report["sample_quality"]["held_out_half"].is_null());
}
