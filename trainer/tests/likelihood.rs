//! How likely pictures are: `trainer score`, `trainer export` and `trainer measure`.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
};

use common::{npy, picture, tiny_run, trainer};
use serde_json::Value;

fn score(models: &[&Path], flags: &[&str], images: &[&Path]) -> Value {
    let mut command = trainer();
    command.args(["score", "--backend", "flex", "--json"]).args(flags);
    for model in models {
        command.arg("--model").arg(model);
    }
    let output = command.args(images).assert().success().get_output().clone();
    serde_json::from_slice(&output.stdout).unwrap()
}

fn number(value: &Value, key: &str) -> f64 {
    value[key].as_f64().unwrap_or_else(|| panic!("{key} in {value:#}"))
}

/// A picture of light and dark, and one that is like nothing.
fn pictures(folder: &Path) -> [PathBuf; 2] {
    let [smooth, rough] = ["smooth.png", "rough.png"].map(|name| folder.join(name));
    picture(&smooth, 16, 16, |x, _| (16 * x) as u8);
    picture(&rough, 16, 16, |x, y| ((x * 7919 + y * 104_729) % 256) as u8);
    [smooth, rough]
}

#[test]
fn bits_have_an_error_that_more_samples_make_smaller_and_maps_that_sum_to_them() {
    let folder = tempfile::tempdir().unwrap();
    let run = tiny_run(folder.path());
    let [smooth, rough] = pictures(folder.path());
    let maps = folder.path().join("maps");
    let few = score(&[&run], &["--samples", "16"], &[&smooth, &rough]);
    let many = score(&[&run], &["--samples", "256", "--map", maps.to_str().unwrap()], &[&smooth, &rough, &smooth]);
    for (few, many) in few["scores"].as_array().unwrap().iter().zip(many["scores"].as_array().unwrap()) {
        let error = [few, many].map(|score| number(score, "bits_standard_error"));
        assert!(error[0] > 0.0 && error[1] < error[0], "{error:?}");
        let apart = (number(few, "bits") - number(many, "bits")).abs();
        assert!(apart < 6.0 * (error[0] + error[1]), "{apart}, {error:?}");
        assert!((number(many, "noise_level") - 0.05).abs() < 1e-6);
        let total = number(many, "bits") + number(many, "prior_bits");
        assert!((number(many, "bits_per_dim") - (5.7202 + total / 256.0)).abs() < 1e-3, "{many:#}");
    }
    // A second picture of the same name does not write over the first.
    for (name, place) in [("smooth", 0), ("rough", 1), ("smooth-2", 2)] {
        let (shape, bits) = npy(&maps.join(name).with_extension("npy"));
        assert_eq!(shape, [16, 16, 1]);
        let scored = &many["scores"][place];
        let sum: f64 = bits.iter().map(|&bits| f64::from(bits)).sum();
        let wanted = number(scored, "bits") - number(scored, "frame_bits");
        assert!((sum / wanted - 1.0).abs() < 1e-3, "{name}: {sum} of {wanted}");
        assert_eq!(image::image_dimensions(maps.join(name).with_extension("png")).unwrap(), (16, 16));
    }
    assert_eq!(few["scores"].as_array().unwrap().len(), 2);

    // A map that cannot be written is named, and its score is told all the same.
    fs::remove_file(maps.join("smooth.npy")).unwrap();
    fs::create_dir(maps.join("smooth.npy")).unwrap();
    let mut command = trainer();
    command
        .args(["score", "--backend", "flex", "--json", "--samples", "8", "--map"])
        .arg(&maps)
        .arg("--model")
        .arg(&run);
    let output = command.args([&smooth, &rough]).assert().failure().get_output().clone();
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(found["scores"].as_array().unwrap().len(), 2, "{found:#}");
    assert!(said.lines().count() == 1 && said.contains("smooth.npy"), "{said}");
}

#[test]
fn a_picture_belongs_to_the_model_that_has_fewer_bits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let run = tiny_run(folder.path());
    let other = folder.path().join("other");
    let mut train = trainer();
    train.args(common::tiny(&other, 60)).args(["--seed", "2"]).assert().success();
    let [smooth, rough] = pictures(folder.path());
    let found = score(&[&run, &other], &["--samples", "32"], &[&smooth, &rough]);
    for scored in found["scores"].as_array().unwrap() {
        let second = &scored["others"][0];
        let bits = [scored, second].map(|score| number(score, "bits") + number(score, "prior_bits"));
        let probabilities = [scored, second].map(|score| number(score, "probability"));
        assert!((probabilities[0] + probabilities[1] - 1.0).abs() < 1e-9);
        let likelier = if bits[0] <= bits[1] { &run } else { &other };
        let [lead, error] = ["lead_bits", "lead_standard_error"].map(|name| number(scored, name));
        assert!((lead - (bits[0] - bits[1]).abs()).abs() < 1e-6 && error > 0.0, "{scored:#}");
        // The noise is the same: of the difference it takes less than of both.
        let errors = [scored, second].map(|score| number(score, "bits_standard_error"));
        assert!(error < errors[0].hypot(errors[1]), "{scored:#}");
        let told = lead >= f64::max(2.0 * error, 1.0);
        let told = told.then(|| likelier.to_str().unwrap());
        assert_eq!(scored.get("belongs_to").and_then(Value::as_str), told, "{scored:#}");
    }

    // Of other pictures there is nothing to compare.
    let (small, others) = (folder.path().join("small"), folder.path().join("pictures"));
    fs::create_dir(&others).unwrap();
    for number in 0..8u32 {
        picture(&others.join(format!("{number}.png")), 8, 8, |x, y| (x * y * (number + 1)) as u8);
    }
    let mut train = trainer();
    train.args(["train", "--backend", "flex", "--width", "2", "--batch", "4", "--grid", "0", "--steps", "2", "--data"]);
    train.arg(&others).arg("--out").arg(&small).assert().success();
    let mut compare = trainer();
    compare.args(["score", "--backend", "flex", "--model"]).arg(&run).arg("--model").arg(&small).arg(&smooth);
    let said = String::from_utf8(compare.assert().code(2).get_output().stderr.clone()).unwrap();
    assert!(said.contains("small") && said.contains("cannot be compared"), "{said}");
}

/// A run does not know what its export says of the data's pixels, which is no reason to believe the one more than the other.
#[test]
fn a_run_and_what_was_exported_of_it_are_told_apart_by_nothing() {
    let folder = tempfile::tempdir().unwrap();
    // Long enough for a stroke to have few bits: of many, the rounding of exported weights would be a bit or two.
    let run = folder.path().join("run");
    let mut train = trainer();
    train.args(["train", "--data", "digits", "--backend", "flex", "--width", "4", "--batch", "16", "--grid", "0"]);
    train.args(["--steps", "100", "--out"]).arg(&run).assert().success();
    let model = folder.path().join("models/tiny");
    trainer().args(["export", "--backend", "flex", "--run"]).arg(&run).arg("--out").arg(&model).assert().success();
    let stroke = folder.path().join("stroke.png");
    picture(&stroke, 16, 16, |x, y| if (6..9).contains(&x) && (3..13).contains(&y) { 200 } else { 0 });
    let found = score(&[&run, &model], &["--samples", "32"], &[&stroke]);
    for scored in found["scores"].as_array().unwrap() {
        for probability in [scored, &scored["others"][0]].map(|score| number(score, "probability")) {
            assert!((probability - 0.5).abs() < 0.05, "{scored:#}");
        }
        assert!(scored.get("belongs_to").is_none() && number(scored, "lead_bits") < 0.3, "{scored:#}");
        // To both by what is known of any pictures; the export alone knows better.
        let alone = score(&[&model], &["--samples", "32"], &[Path::new(scored["image"].as_str().unwrap())]);
        let [prior, other] = [scored, &scored["others"][0]].map(|score| number(score, "prior_bits"));
        assert!(prior == other && prior != number(&alone["scores"][0], "prior_bits"), "{scored:#}");
    }
    let mut compare = trainer();
    compare.args(["score", "--backend", "flex", "--samples", "32", "--model"]).arg(&run).arg("--model").arg(&model);
    let told = String::from_utf8(compare.arg(&stroke).assert().success().get_output().stdout.clone()).unwrap();
    assert!(told.lines().next().unwrap().contains("cannot be told which model it belongs to"), "{told}");
}

#[test]
fn models_with_another_largest_noise_level_get_no_probability() {
    let folder = tempfile::tempdir().unwrap();
    let run = tiny_run(folder.path());
    let [smooth, _] = pictures(folder.path());
    let trained = |flag: [&str; 2]| {
        let other = folder.path().join(flag[0]);
        trainer().args(common::tiny(&other, 4)).args(flag).assert().success();
        (score(&[&run, &other], &["--samples", "16"], &[&smooth])["scores"][0].clone(), other)
    };
    let (scored, other) = trained(["--sigma-max", "1.2"]);
    for score in [&scored, &scored["others"][0]] {
        assert!(score["probability"].is_null() && number(score, "bits") > 0.0, "{scored:#}");
    }
    assert!(scored.get("belongs_to").is_none() && scored.get("lead_bits").is_none(), "{scored:#}");
    let mut compare = trainer();
    compare.args(["score", "--backend", "flex", "--samples", "16", "--model"]).arg(&run).arg("--model").arg(&other);
    let output = compare.arg(&smooth).assert().success().get_output().clone();
    let [told, warned] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(!told.contains("probability") && !told.contains("belongs"), "{told}");
    assert!(warned.contains("there is no probability") && warned.contains("1.2"), "{warned}");
    // Where only the smallest differs, both are read from the larger one on.
    let (scored, _) = trained(["--sigma-min", "0.1"]);
    let shares = [&scored, &scored["others"][0]].map(|score| number(score, "probability"));
    assert!((shares[0] + shares[1] - 1.0).abs() < 1e-6 && number(&scored, "noise_level") > 0.09, "{scored:#}");
}

#[test]
fn held_out_pictures_are_usual_and_what_is_no_picture_of_the_kind_is_an_outlier() {
    let folder = tempfile::tempdir().unwrap();
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/fashion");
    let strip = image::open(model.join("held-out.png")).unwrap().into_luma8();
    let (side, count) = (28, 24);
    assert_eq!(strip.dimensions(), (count * side, side));
    let name = |name: &str| folder.path().join(name).with_extension("png");
    let mut paths = Vec::new();
    for number in 0..count {
        paths.push(name(&format!("held-out-{number}")));
        picture(&paths[paths.len() - 1], side, side, |x, y| strip.get_pixel(number * side + x, y).0[0]);
    }
    // A T-shirt on white, and noise.
    paths.extend([name("inverted"), name("noise")]);
    picture(&paths[24], side, side, |x, y| 255 - strip.get_pixel(x, y).0[0]);
    picture(&paths[25], side, side, |x, y| ((x * 7919 + y * 104_729) % 256) as u8);
    let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
    let scored = score(&[&model], &["--samples", "16"], &paths);
    let percentiles: Vec<f64> =
        scored["scores"].as_array().unwrap().iter().map(|score| number(score, "percentile")).collect();
    let (held_out, others) = percentiles.split_at(24);
    // Of any 24 that the model has not learned it is 50, give or take 6.
    let mean = held_out.iter().sum::<f64>() / 24.0;
    assert!((25.0..75.0).contains(&mean), "{mean}: {held_out:?}");
    assert!(others.len() == 2 && others.iter().all(|percentile| *percentile > 99.0), "{others:?}");
}

#[test]
fn an_export_says_how_likely_held_out_pictures_are_and_older_ones_are_measured_again() {
    let folder = tempfile::tempdir().unwrap();
    let run = tiny_run(folder.path());
    let model = folder.path().join("models/tiny");
    trainer().args(["export", "--backend", "flex", "--run"]).arg(&run).arg("--out").arg(&model).assert().success();
    let path = model.join("model.json");
    let read = || serde_json::from_slice::<Value>(&fs::read(&path).unwrap()).unwrap();
    let exported = read();
    let card = &exported["likelihood"];
    assert_eq!(card["bits_percentiles"].as_array().unwrap().len(), 101);
    assert!(number(card, "bits") > 0.0 && number(card, "bits_standard_error") < number(card, "bits_spread"));
    assert_eq!(exported["moments"]["mean"].as_array().unwrap().len(), 256);
    let partition = &card["partition"];
    assert!(partition["along_noise"].as_f64().unwrap().is_finite());
    assert_eq!(partition["calibration"].as_array().unwrap().len(), 9);
    let readme = fs::read_to_string(model.join("README.md")).unwrap();
    assert!(readme.contains("bits per dimension of held-out pictures") && readme.contains("ln Z"));

    let [smooth, _] = pictures(folder.path());
    let scored = score(&[&model], &[], &[&smooth])["scores"][0].clone();
    assert!((0.0..=100.0).contains(&number(&scored, "bits_percentile")), "{scored:#}");
    assert!((0.0..=100.0).contains(&number(&scored, "percentile")));

    // As it was written before there were likelihoods, with what importance sampling said then.
    let mut old = exported.clone();
    for field in ["likelihood", "moments"] {
        old.as_object_mut().unwrap().remove(field);
    }
    let claim = serde_json::json!({"name": "bits per dimension of held-out pictures", "value": 6.98,
        "how": "at most, by annealed importance sampling backward; forward: at least 6.13; effectively 1.0 and 1.0"});
    old["metrics"].as_array_mut().unwrap().push(claim);
    fs::write(&path, old.to_string()).unwrap();
    let before = score(&[&model], &[], &[&smooth])["scores"][0].clone();
    assert!(before["bits_percentile"].is_null() && number(&before, "bits") == number(&scored, "bits"));
    // Without the data's mean and variance the prior is that of any values from 0 to 1.
    assert!(number(&before, "prior_bits") != number(&scored, "prior_bits"));

    let measure = || {
        let mut measure = trainer();
        let done = measure.args(["measure", "--backend", "flex", "--data", "digits", "--model"]).arg(&model).assert();
        String::from_utf8(done.success().get_output().stderr.clone()).unwrap()
    };
    // As Windows' editors and Git save it, and with a number that is no longer true.
    let other = readme.replace("ln Z", "ln Q").replace('\n', "\r\n");
    fs::write(model.join("README.md"), other).unwrap();
    assert!(!measure().contains("warning"));
    // Not all of it: the last digit of another number may change as it is read and written.
    for part in ["likelihood", "moments", "metrics"] {
        assert_eq!(read()[part], exported[part], "{part}: measured again it is what it was");
    }
    assert_eq!(fs::read_to_string(model.join("README.md")).unwrap(), readme.replace('\n', "\r\n"));
    fs::write(model.join("README.md"), "my own words").unwrap();
    let told = measure();
    assert!(told.contains("README.md: not brought up to date"), "{told}");

    let refused = trainer().args(["measure", "--data", "digits", "--model"]).arg(&run).assert().code(2);
    assert!(String::from_utf8_lossy(&refused.get_output().stderr).contains("no exported model"));
}
