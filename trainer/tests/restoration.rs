//! `trainer restore`, as a user goes.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::path::Path;

use common::{npy, picture, tiny, tiny_run, trainer};
use serde_json::{Value, json};

fn restore(run: &Path, folder: &Path, image: &Path, flags: &[&str]) -> (Vec<f32>, Value) {
    let (out, numbers) = (folder.join("grid.png"), folder.join("answers.npy"));
    let output = trainer()
        .args(["restore", "--backend", "flex", "--count", "2", "--steps", "8", "--samples", "8", "--json", "--model"])
        .arg(run)
        .arg("--image")
        .arg(image)
        .args(flags)
        .arg("--out")
        .arg(&out)
        .arg("--npy")
        .arg(&numbers)
        .assert()
        .success()
        .get_output()
        .clone();
    let (shape, values) = npy(&numbers);
    assert_eq!(shape[0], 2);
    assert!(values.iter().all(|value| (0.0..=1.0).contains(value)));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&told["npy"]["path"], &told["npy"]["shape"]), (&numbers.to_str().unwrap().into(), &json!(shape)));
    assert_eq!((&told["size"], &told["seed"]), (&json!(shape[1]), &json!(42)));
    assert_eq!(told["answers"].as_array().unwrap().len(), 2);
    assert!(told["answers"].as_array().unwrap().iter().all(|answer| answer["bits"].as_f64().unwrap() > 0.0));
    // A blurred picture of rounded values is not exactly that of any picture that can be shown.
    let most = if told["task"] == "deblur" { 1e-3 } else { 1e-4 };
    // What is noisy is not kept.
    let kept = !flags.contains(&"--noise");
    assert!(told["known_error"].as_f64().is_some_and(|error| error < most) == kept, "{told:#}");
    assert!(kept || told["known_error"].is_null(), "{told:#}");
    (values, told)
}

#[test]
fn restored_pictures_have_what_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let run = tiny_run(folder.path());
    let image = folder.path().join("image.png");
    picture(&image, 16, 16, |x, y| ((x * y) % 256) as u8);
    let truth: Vec<f32> = (0..256u32).map(|at| (at % 16 * (at / 16)) as f32 / 255.0).collect();

    // Pixels, as `inpaint` has them, to the last bit.
    let (known, _) = restore(&run, folder.path(), &image, &["--task", "inpaint", "--mask", "left"]);
    let numbers = folder.path().join("inpainted.npy");
    trainer()
        .args(["inpaint", "--backend", "flex", "--count", "2", "--steps", "8", "--mask", "left", "--model"])
        .arg(&run)
        .arg("--image")
        .arg(&image)
        .arg("--out")
        .arg(folder.path().join("grid.png"))
        .arg("--npy")
        .arg(&numbers)
        .assert()
        .success();
    assert_eq!(known, npy(&numbers).1);

    // Means of blocks, from a picture of the model's size and from a small one.
    let small = folder.path().join("small.png");
    picture(&small, 4, 4, |x, y| (40 * x + 20 * y) as u8);
    let mean = |values: &[f32], row: usize, column: usize| {
        let block = (0..16).map(|at| values[(4 * row + at / 4) * 16 + 4 * column + at % 4]);
        block.sum::<f32>() / 16.0
    };
    let enlarge = ["--task", "super-resolution", "--factor", "4"];
    let (of_large, of_small) =
        (restore(&run, folder.path(), &image, &enlarge).0, restore(&run, folder.path(), &small, &enlarge).0);
    for (row, column) in (0..4).flat_map(|row| (0..4).map(move |column| (row, column))) {
        for answer in 0..2 {
            let part = |values: &[f32]| mean(&values[answer * 256..(answer + 1) * 256], row, column);
            assert!((part(&of_large) - mean(&truth, row, column)).abs() < 1e-4);
            assert!((part(&of_small) - (40 * column + 20 * row) as f32 / 255.0).abs() < 1e-4);
        }
    }

    // A blurred picture has no edges: of one that has, no sharp picture could be the blur.
    let soft = folder.path().join("soft.png");
    picture(&soft, 16, 16, |x, y| (60 + 6 * x + 3 * y) as u8);
    restore(&run, folder.path(), &soft, &["--task", "deblur", "--blur", "1.0"]);
    let noisy = ["--task", "super-resolution", "--factor", "2", "--noise", "0.1"];
    restore(&run, folder.path(), &image, &noisy);
}

/// By light that goes to the right, a third of it, blurred here by hand.
#[test]
fn a_picture_is_sharpened_to_one_that_its_kernel_blurs_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let run = tiny_run(folder.path());
    let [kernel, image] = ["kernel.png", "blurred.png"].map(|name| folder.path().join(name));
    picture(&kernel, 3, 1, |x, _| [0, 170, 85][x as usize]);
    // Beside the edge the picture is mirrored.
    let blur = |sharp: &[f32]| -> Vec<f32> {
        (0..256).map(|at| (2.0 * sharp[at] + sharp[if at % 16 == 0 { at } else { at - 1 }]) / 3.0).collect()
    };
    let sharp: Vec<f32> = (0..256)
        .map(|at| if (at % 16 / 3 + at / 16 / 5) % 2 == 0 { 0.25 } else { 0.75 } + at as f32 / 2560.0)
        .collect();
    let blurred = blur(&sharp);
    picture(&image, 16, 16, |x, y| (255.0 * blurred[(16 * y + x) as usize]).round() as u8);
    let flags = ["--task", "deblur", "--kernel", kernel.to_str().unwrap()];
    let (answers, _) = restore(&run, folder.path(), &image, &flags);
    let furthest = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    let rounded: Vec<f32> = blurred.iter().map(|value| (255.0 * value).round() / 255.0).collect();
    for answer in answers.chunks(256) {
        let off = furthest(&blur(answer), &rounded);
        assert!(off < 1e-5, "{off} from the blurred picture");
        // The kernel leaves a third and more of every component: rounding is all that is lost.
        assert!(furthest(answer, &sharp) < 0.01, "{}", furthest(answer, &sharp));
    }
}

/// By what a blur does to a wave, whose height it lowers.
#[test]
fn a_sharpened_picture_has_the_contrast_that_the_blur_took() {
    let folder = tempfile::tempdir().unwrap();
    let run = tiny_run(folder.path());
    let image = folder.path().join("wave.png");
    // Mirrored at its edges it is a wave for ever.
    let frequency = std::f64::consts::PI * 3.0 / 16.0;
    let wave = |x: usize| (frequency * (x as f64 + 0.5)).cos();
    let height = 0.2;
    picture(&image, 16, 16, |x, _| (255.0 * (0.5 + height * wave(x as usize))).round() as u8);
    for blur in [0.5, 1.0, 1.5] {
        let flags = ["--task", "deblur", "--blur", &blur.to_string()];
        let (answers, _) = restore(&run, folder.path(), &image, &flags);
        let lowered = (-0.5 * (frequency * blur).powi(2)).exp();
        for answer in answers.chunks(256) {
            let along: f64 = answer.iter().enumerate().map(|(at, &value)| f64::from(value) * wave(at % 16)).sum();
            let found = along / (0..256).map(|at| wave(at % 16).powi(2)).sum::<f64>();
            assert!((found * lowered / height - 1.0).abs() < 0.02, "blur {blur}: {found} of {height}");
        }
    }
}

#[test]
fn a_coloured_picture_has_the_brightness_of_the_grey_one() {
    let folder = tempfile::tempdir().unwrap();
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/faces");
    let image = folder.path().join("grey.png");
    picture(&image, 16, 16, |x, y| (40 + 8 * x + 3 * y) as u8);
    let (answers, _) = restore(&model, folder.path(), &image, &["--task", "colour"]);
    for (at, pixel) in answers.chunks(3).enumerate() {
        let (x, y) = (at % 16, at / 16 % 16);
        // ITU-R BT.709.
        let brightness = 0.2126 * pixel[0] + 0.7152 * pixel[1] + 0.0722 * pixel[2];
        assert!((brightness - (40 + 8 * x + 3 * y) as f32 / 255.0).abs() < 1e-3, "{x}, {y}: {pixel:?}");
    }
    assert!(answers.chunks(3).any(|pixel| (pixel[0] - pixel[2]).abs() > 0.02), "there is no colour");
}

#[test]
fn flags_that_do_not_go_with_the_task_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let run = tiny_run(folder.path());
    let image = folder.path().join("image.png");
    picture(&image, 16, 16, |x, y| (x + y) as u8);
    for (flags, word) in [
        (&["--task", "inpaint"][..], "--mask"),
        (&["--task", "super-resolution"], "--factor"),
        (&["--task", "super-resolution", "--factor", "17"], "--factor 17"),
        (&["--task", "deblur"], "--blur"),
        (&["--task", "colour"], "grey"),
        (&["--task", "deblur", "--blur", "1", "--factor", "2"], "--factor: only works with --task super-resolution"),
        (&["--task", "deblur", "--kernel", "absent.png"], "absent.png"),
    ] {
        let mut command = trainer();
        command.args(["restore", "--backend", "flex", "--model"]).arg(&run).arg("--image").arg(&image);
        let refused = command.args(flags).arg("--out").arg(folder.path().join("o.png")).assert().code(2);
        let said = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
        assert!(said.lines().count() == 1 && said.contains(word), "{flags:?}: {said}");
    }
    let kernel = folder.path().join("kernel.png");
    picture(&kernel, 33, 3, |_, _| 1);
    let mut command = trainer();
    command.args(["restore", "--backend", "flex", "--task", "deblur", "--model"]).arg(&run).arg("--image").arg(&image);
    command.arg("--kernel").arg(&kernel).arg("--out").arg(folder.path().join("o.png"));
    let said = String::from_utf8_lossy(&command.assert().code(2).get_output().stderr).into_owned();
    assert!(said.contains("--kernel: it has 33x3 pixels") && said.contains("at most 32x32"), "{said}");
    // What cannot be written is told before a kernel is taken apart.
    let mut command = trainer();
    command.args(["restore", "--backend", "flex", "--task", "deblur", "--model"]).arg(&run).arg("--image").arg(&image);
    command.arg("--kernel").arg(&kernel).arg("--out").arg(folder.path().join("nowhere/o.png"));
    let said = String::from_utf8_lossy(&command.assert().code(2).get_output().stderr).into_owned();
    assert!(said.contains("nowhere/o.png: there is no folder") && said.lines().count() == 1, "{said}");
    assert!(!folder.path().join("o.png").exists());
}

#[test]
fn the_experiment_leaves_what_other_programs_need_to_be_compared() {
    let folder = tempfile::tempdir().unwrap();
    let (run, out) = (tiny_run(folder.path()), folder.path().join("out"));
    let experiment = |seed: &str| {
        let mut command = trainer();
        command.args(["experiment", "restoration", "--backend", "flex", "--data", "digits", "--pictures", "3"]);
        command.args(["--answers", "2", "--steps", "3", "--seed", seed, "--model"]).arg(&run).arg("--out").arg(&out);
        command.assert()
    };
    experiment("4").success();
    let written = || std::fs::read_to_string(out.join("restoration.json")).unwrap();
    // It goes on where it was stopped: what is there already is not measured again.
    let whole = written();
    let mut stopped: Value = serde_json::from_str(&whole).unwrap();
    stopped["rows"].as_array_mut().unwrap().pop();
    stopped["rows"][0]["one"]["decibels"] = 7.25.into();
    std::fs::write(out.join("restoration.json"), stopped.to_string()).unwrap();
    experiment("4").success();
    assert!(written().contains("7.25"), "{}", written());
    assert_eq!(written().matches("\"task\"").count(), 8);
    // Another seed's are not mixed with them, nor put in their place.
    let refused = experiment("5").code(2);
    let told = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
    assert!(told.contains("restoration.json") && told.contains("choose another folder"), "{told}");
    let results: Value = serde_json::from_str(&whole).unwrap();
    let rows = results["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 8);
    for row in rows {
        let distances = row["distances"].as_array().unwrap();
        assert!(distances.iter().all(|distance| distance.as_f64().is_some_and(|far| far > 0.0)), "{row}");
    }
    let (shape, truths) = npy(&out.join("truths.npy"));
    let (_, known) = npy(&out.join("known-fill-in-right.npy"));
    let lost = known.iter().filter(|value| value.is_nan()).count();
    assert_eq!(lost, truths.len() / 2);
    assert!(known.iter().zip(&truths).all(|(known, truth)| known.is_nan() || known == truth));
    let (small, means) = npy(&out.join("known-enlarge-2-times.npy"));
    assert_eq!([small[0], 2 * small[1], 2 * small[2]], [shape[0], shape[1], shape[2]]);
    let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
    assert!((mean(&means) - mean(&truths)).abs() < 1e-5);
}

#[test]
fn noise_that_the_model_does_not_know_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (run, image) = (folder.path().join("run"), folder.path().join("image.png"));
    trainer().args(tiny(&run, 1)).args(["--sigma-max", "0.5"]).assert().success();
    picture(&image, 16, 16, |x, y| (8 * (x + y)) as u8);
    let restore = |noise: &str| {
        let mut command = trainer();
        command.args(["restore", "--backend", "flex", "--count", "1", "--steps", "2", "--samples", "8", "--model"]);
        command.arg(&run).arg("--image").arg(&image).args(["--task", "inpaint", "--mask", "left", "--noise", noise]);
        command.arg("--out").arg(folder.path().join("grid.png"));
        command.assert()
    };
    restore("0.4").success();
    // Chains would not be told what is known: the answers would be samples.
    let stderr = String::from_utf8(restore("0.5").code(2).get_output().stderr.clone()).unwrap();
    assert!(stderr.contains("--noise 0.5: the model was trained with noise up to 0.5"), "{stderr}");
    let denoise = |noise: &str| {
        let mut command = trainer();
        command
            .args(["denoise", "--backend", "flex", "--noise", noise, "--model"])
            .arg(&run)
            .arg("--image")
            .arg(&image);
        command.arg("--out").arg(folder.path().join("clean.png")).assert()
    };
    denoise("0.5").success();
    let stderr = String::from_utf8(denoise("0.6").code(2).get_output().stderr.clone()).unwrap();
    assert!(stderr.contains("--noise 0.6: the model was trained with noise up to 0.5"), "{stderr}");
}
