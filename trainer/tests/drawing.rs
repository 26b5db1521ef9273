//! From a training to pictures, as a user goes.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::path::Path;

use common::{npy, picture, tiny, tiny_run, trainer};

#[test]
fn models_are_added_in_sampling() {
    let folder = tempfile::tempdir().unwrap();
    let (run, other) = (tiny_run(folder.path()), folder.path().join("other"));
    trainer().args(tiny(&other, 4)).args(["--seed", "9"]).assert().success();
    let sample = |models: &[&Path], name: &str| {
        let out = folder.path().join(name);
        let mut command = trainer();
        command.args(["sample", "--backend", "flex", "--count", "2", "--steps", "8", "--model"]).arg(models[0]);
        for model in &models[1..] {
            command.arg("--and").arg(model);
        }
        command.arg("--out").arg(folder.path().join("grid.png")).arg("--npy").arg(&out).assert().success();
        npy(&out).1
    };
    let furthest = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    let (alone, twice) = (sample(&[&run], "a.npy"), sample(&[&run, &run], "b.npy"));
    // The same model twice denoises to the same pictures, from noise that is the same.
    assert!(furthest(&alone, &twice) < 1e-3, "{}", furthest(&alone, &twice));
    let (both, turned) = (sample(&[&run, &other], "c.npy"), sample(&[&other, &run], "d.npy"));
    assert!(furthest(&both, &turned) < 1e-3, "which is named first makes {}", furthest(&both, &turned));
    for (model, found) in [("the first", alone), ("the second", sample(&[&other], "e.npy"))] {
        assert!(furthest(&both, &found) > 0.01, "as if {model} were alone: {}", furthest(&both, &found));
    }
}

#[test]
fn models_that_know_other_noise_are_added_where_all_know_it() {
    let folder = tempfile::tempdir().unwrap();
    let (run, other, far) = (tiny_run(folder.path()), folder.path().join("other"), folder.path().join("far"));
    trainer().args(tiny(&other, 4)).args(["--seed", "9", "--sigma-max", "1"]).assert().success();
    trainer().args(tiny(&far, 1)).args(["--sigma-min", "6", "--sigma-max", "9"]).assert().success();
    let sample = |model: &Path, flag: &str, more: &Path| {
        let out = folder.path().join("a.npy");
        let mut command = trainer();
        command.args(["sample", "--backend", "flex", "--count", "2", "--steps", "8", "--model"]).arg(model);
        command.arg(flag).arg(more).arg("--out").arg(folder.path().join("grid.png")).arg("--npy").arg(&out);
        (command.assert(), out)
    };
    let joined = |first: &Path, second: &Path| {
        let (done, out) = sample(first, "--and", second);
        let told = String::from_utf8_lossy(&done.success().get_output().stderr).into_owned();
        assert!(told.contains("; chains go through noise from 1 to 0.05, which all know"), "{told}");
        npy(&out).1
    };
    let (both, turned) = (joined(&run, &other), joined(&other, &run));
    let furthest = both.iter().zip(&turned).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(furthest < 1e-3, "which is named first makes {furthest}");
    for (model, flag, more, words) in [
        (&run, "--and", &far, "it was trained with noise from 6 to 9, the others from 0.05 to 5"),
        (&run, "--guide", &other, "a guide has to know all of the model's, from 0.05 to 5"),
    ] {
        let (refused, _) = sample(model, flag, more);
        let told = String::from_utf8_lossy(&refused.code(2).get_output().stderr).into_owned();
        assert!(told.lines().count() == 1 && told.contains(words), "{told}");
    }
    // One that knows more is a guide.
    sample(&other, "--guide", &run).0.success();
}

#[test]
fn a_trained_model_samples_the_same_pictures_twice() {
    let folder = tempfile::tempdir().unwrap();
    let run = tiny_run(folder.path());
    let sample = |name: &str, count: &str| {
        let (png, numbers) = (folder.path().join(format!("{name}.png")), folder.path().join(format!("{name}.npy")));
        trainer()
            .args([
                "sample",
                "--backend",
                "flex",
                "--steps",
                "10",
                "--seed",
                "7",
                "--sampler",
                "annealed",
                "--count",
                count,
            ])
            .arg("--model")
            .arg(&run)
            .arg("--out")
            .arg(&png)
            .arg("--npy")
            .arg(&numbers)
            .assert()
            .success();
        (std::fs::read(png).unwrap(), npy(&numbers))
    };
    let (first_png, (shape, first)) = sample("a", "3");
    let (second_png, (_, second)) = sample("b", "3");
    assert_eq!(shape, [3, 16, 16, 1]);
    assert!(first.iter().all(|v| (0.0..=1.0).contains(v)));
    assert_eq!(first, second);
    assert_eq!(first_png, second_png);
    // More chains do not change the first ones, and another batch split neither.
    let (_, (_, more)) = sample("c", "70");
    assert_eq!(first[..], more[..3 * 256]);
}

#[test]
fn known_pixels_come_out_of_inpainting_as_they_went_in() {
    let folder = tempfile::tempdir().unwrap();
    let run = tiny_run(folder.path());
    let image = folder.path().join("in.png");
    picture(&image, 16, 16, |x, y| (x * 16 + y) as u8);
    let (png, numbers) = (folder.path().join("out.png"), folder.path().join("out.npy"));
    trainer()
        .args(["inpaint", "--backend", "flex", "--mask", "left", "--count", "2", "--steps", "10", "--model"])
        .arg(&run)
        .arg("--image")
        .arg(&image)
        .arg("--out")
        .arg(&png)
        .arg("--npy")
        .arg(&numbers)
        .assert()
        .success();
    let (shape, values) = npy(&numbers);
    assert_eq!(shape, [2, 16, 16, 1]);
    let known = |index: usize| index % 16 >= 8;
    for (index, &value) in values.iter().enumerate() {
        let (x, y) = (index % 16, index / 16 % 16);
        let went_in = f32::from((x * 16 + y) as u8) / 255.0;
        assert!(!known(index) || value.to_bits() == went_in.to_bits(), "pixel {x}, {y}: {value} for {went_in}");
    }
    let different = (0..256).filter(|&i| !known(i) && values[i] != values[256 + i]).count();
    assert!(different > 0, "two completions from different noise are not the same");
}

/// Fashion-MNIST's pictures are smaller than what their network sees.
#[test]
fn a_model_with_a_frame_takes_and_gives_pictures_of_its_data_s_size() {
    let folder = tempfile::tempdir().unwrap();
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/fashion");
    let [image, png, numbers] = ["in.png", "out.png", "out.npy"].map(|name| folder.path().join(name));
    picture(&image, 28, 28, |x, y| (x * 5 + y * 4) as u8);
    let run = |command: &[&str]| {
        let mut trainer = trainer();
        trainer.args(command).args(["--backend", "flex", "--steps", "1", "--model"]).arg(&model);
        if command[0] == "inpaint" {
            trainer.args(["--mask", "top", "--image"]).arg(&image);
        }
        let done = trainer.arg("--out").arg(&png).arg("--npy").arg(&numbers).assert().success();
        assert_eq!(String::from_utf8_lossy(&done.get_output().stderr), "", "nothing to resize");
        npy(&numbers)
    };
    let (shape, values) = run(&["inpaint", "--count", "2"]);
    assert_eq!(shape, [2, 28, 28, 1]);
    let mut changed = 0;
    for (index, &value) in values.iter().enumerate() {
        let (x, y) = (index % 28, index / 28 % 28);
        let went_in = (x * 5 + y * 4) as f32 / 255.0;
        if y >= 14 {
            assert_eq!(value.to_bits(), went_in.to_bits(), "pixel {x}, {y}: {value} for {went_in}");
        } else {
            changed += usize::from(value.to_bits() != went_in.to_bits());
        }
    }
    assert!(changed > 700, "{changed} of 784 pixels were found anew");
    let (shape, values) = run(&["sample", "--count", "1"]);
    assert_eq!(shape, [1, 28, 28, 1]);
    assert!(values.iter().all(|value| (0.0..=1.0).contains(value)));
}

/// A mask of the picture's own size is cut and resized with it: what was known is what is known.
#[test]
fn a_mask_goes_with_its_picture() {
    let folder = tempfile::tempdir().unwrap();
    let run = tiny_run(folder.path());
    let [image, mask, small, out] = ["in.png", "mask.png", "small.png", "out.npy"].map(|name| folder.path().join(name));
    // Wide: the middle 64x64 is what is left of it.
    picture(&image, 96, 64, |x, y| if (16..80).contains(&x) { (x * 2 + y) as u8 } else { 255 });
    picture(&mask, 96, 64, |x, _| if x >= 48 { 255 } else { 0 });
    let inpaint = |image: &Path, mask: &str| {
        let mut inpaint = trainer();
        inpaint.args(["inpaint", "--backend", "flex", "--count", "1", "--steps", "2", "--model"]).arg(&run);
        inpaint.arg("--image").arg(image).args(["--mask", mask, "--out"]).arg(&small).arg("--npy").arg(&out);
        let output = inpaint.assert().success().get_output().clone();
        (npy(&out).1, String::from_utf8(output.stderr).unwrap())
    };
    let (completed, said) = inpaint(&image, mask.to_str().unwrap());
    assert!(said.contains("cropped from 96x64 to the 64x64 in its middle and resized to 16x16"), "{said}");
    let (as_named, _) = inpaint(&image, "right");
    assert_eq!(completed, as_named);

    // White strokes on nothing: what is transparent is laid on white.
    let strokes = image::RgbaImage::from_fn(96, 64, |x, _| image::Rgba([255, 255, 255, if x < 40 { 255 } else { 0 }]));
    strokes.save(&mask).unwrap();
    let (_, said) = inpaint(&image, mask.to_str().unwrap());
    assert!(said.contains("mask.png: the whole picture is unknown") && said.contains("known part in black"), "{said}");
}

#[test]
fn pictures_are_written_in_the_format_of_their_name() {
    let folder = tempfile::tempdir().unwrap();
    let run = tiny_run(folder.path());
    for (name, format) in [
        ("grid.png", image::ImageFormat::Png),
        ("grid.jpg", image::ImageFormat::Jpeg),
        ("grid.webp", image::ImageFormat::WebP),
    ] {
        let out = folder.path().join(name);
        let sample = ["sample", "--backend", "flex", "--count", "2", "--steps", "1", "--model"];
        let output = trainer().args(sample).arg(&run).arg("--out").arg(&out).assert().success().get_output().clone();
        assert_eq!(image::guess_format(&std::fs::read(&out).unwrap()).unwrap(), format);
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(said, format!("{}: 2 pictures of 16x16, seed 42\n", out.display()));
    }
}

#[test]
fn one_picture_can_be_put_in_again() {
    let folder = tempfile::tempdir().unwrap();
    let run = tiny_run(folder.path());
    let (sample, completion) = (folder.path().join("sample.png"), folder.path().join("completion.png"));
    let chain = |command: &str, out: &Path| {
        let mut trainer = trainer();
        trainer.args([command, "--backend", "flex", "--count", "1", "--steps", "5", "--model"]).arg(&run);
        trainer.arg("--out").arg(out);
        trainer
    };
    chain("sample", &sample).assert().success();
    let inpaint = chain("inpaint", &completion).args(["--mask", "left", "--image"]).arg(&sample).assert().success();
    assert_eq!(String::from_utf8_lossy(&inpaint.get_output().stderr), "", "nothing to resize");
    let said = String::from_utf8_lossy(&inpaint.get_output().stdout).into_owned();
    assert_eq!(said, format!("{}: a picture of 16x16, seed 42\n", completion.display()));
    let open = |path: &Path| image::open(path).unwrap().into_luma8();
    let (sample, completion) = (open(&sample), open(&completion));
    assert_eq!((sample.dimensions(), completion.dimensions()), ((16, 16), (16, 16)));
    for (x, y, pixel) in completion.enumerate_pixels().filter(|(x, ..)| *x >= 8) {
        assert_eq!(pixel, sample.get_pixel(x, y), "pixel {x}, {y}");
    }
}

#[test]
fn a_denoised_picture_is_nearer_to_the_clean_one() {
    let folder = tempfile::tempdir().unwrap();
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/digits");
    let [clean, noisy, out] = ["clean.png", "noisy.png", "out.png"].map(|name| folder.path().join(name));
    // A ring, as of a zero, and noise of 0.3 that is always the same.
    let ring = |x: u32, y: u32| {
        let far = (f64::from(x) - 13.5).hypot(f64::from(y) - 13.5);
        255.0 * (2.0 - (far - 7.0).abs()).clamp(0.0, 1.0)
    };
    picture(&clean, 28, 28, |x, y| ring(x, y) as u8);
    picture(&noisy, 28, 28, |x, y| {
        let hash = f64::from((x * 73 + y * 151 + x * y * 37) % 101) / 101.0;
        (ring(x, y) + 255.0 * (hash - 0.5)).clamp(0.0, 255.0) as u8
    });
    let denoise = ["denoise", "--backend", "flex", "--model"];
    trainer().args(denoise).arg(&model).arg("--image").arg(&noisy).arg("--out").arg(&out).assert().success();
    let [clean, noisy, out] = [clean, noisy, out].map(|path| image::open(path).unwrap().to_luma8().into_raw());
    let error = |of: &[u8]| of.iter().zip(&clean).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum::<f64>();
    let share = error(&out) / error(&noisy);
    assert!(share < 0.5, "{share} of the error is left");
}

#[test]
fn a_run_of_samples_is_drawn_in_parts() {
    let folder = tempfile::tempdir().unwrap();
    let run = tiny_run(folder.path());
    let draw = |first: &str, count: &str| {
        let out = folder.path().join(format!("{first}-{count}.png"));
        let array = out.with_extension("npy");
        let mut command = trainer();
        command.args([
            "sample",
            "--backend",
            "flex",
            "--steps",
            "5",
            "--seed",
            "3",
            "--first",
            first,
            "--count",
            count,
        ]);
        command.arg("--model").arg(&run).arg("--out").arg(&out).arg("--npy").arg(&array).assert().success();
        npy(&array).1
    };
    let parts = [draw("0", "3"), draw("3", "2")].concat();
    assert!(draw("0", "5") == parts);

    // Arrays that are no samples of this model.
    let wrong = folder.path().join("wrong.npy");
    std::fs::write(&wrong, b"no array").unwrap();
    for (array, told) in [(&wrong, "no .npy array"), (&folder.path().join("none.npy"), "none.npy")] {
        let mut command = trainer();
        command.args(["evaluate", "--backend", "flex", "--data", "digits", "--samples"]).arg(array);
        command.arg("--model").arg(&run).arg("--out").arg(folder.path().join("report"));
        let stderr = String::from_utf8(command.assert().code(2).get_output().stderr.clone()).unwrap();
        assert!(stderr.contains(told) && stderr.lines().count() == 1, "{stderr}");
    }
}
