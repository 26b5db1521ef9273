//! Wrong use and unreadable input: one clear line, exit code 2, nothing left behind.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{fs, path::Path};

use common::{picture, tiny_run, trainer};

/// Runs a command that must be refused; the line must have every one of `words`.
fn refused(arguments: &[&str], words: &[&str]) {
    let output = trainer().args(arguments).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
    assert!(!stderr.contains("panicked"), "{arguments:?}: {stderr}");
    // Without anything to do, the help.
    assert!(arguments.is_empty() || stderr.lines().count() == 1, "{arguments:?}: {stderr}");
    for word in words {
        assert!(stderr.contains(word), "{arguments:?} should say `{word}`: {stderr}");
    }
}

#[test]
fn wrong_flags() {
    refused(&[], &["Usage"]);
    refused(&["train", "--preset", "vgg"], &["--preset", "res12", "unet"]);
    refused(&["train", "--steps", "0"], &["--steps"]);
    refused(&["train", "--batch", "0"], &["--batch", "1 to"]);
    refused(&["train", "--width", "0"], &["--width"]);
    refused(&["train", "--ema", "1"], &["--ema", "below 1"]);
    refused(&["train", "--learning-rate", "NaN"], &["--learning-rate", "positive"]);
    refused(&["train", "--sigma-min", "6", "--out", "nowhere/run"], &["noise.min 6", "noise.max 5", "--sigma-min"]);
    let two = ["train", "--devices", "2", "--backend", "flex", "--out", "nowhere/run"];
    refused(&two, &["--devices 2", "flex finds 1"]);
    refused(&["train", "--data", "no-such-set", "--out", "nowhere/run"], &["no-such-set", "digits"]);
    refused(&["sample", "--model", "m", "--out", "o.png", "--count", "0"], &["--count"]);
    refused(&["sample", "--model", "m", "--out", "o.png", "--steps", "0"], &["--steps"]);
    refused(&["sample", "--model", "m", "--out", "o.png", "--sampler", "gibbs"], &["--sampler", "annealed"]);
    refused(&["sample", "--model", "m", "--out", "o.png", "--churn", "-0.1"], &["--churn", "at least 0"]);
    refused(&["sample", "--model", "m", "--out", "o.png", "--count", "-1"], &["'-1' for '--count", "from 1"]);
    refused(&["train", "--sigma-max", "-3"], &["'-3' for '--sigma-max", "at least"]);
    let blur = ["restore", "--model", "m", "--out", "o.png", "--image", "i.png", "--task", "deblur", "--blur", "0,5"];
    refused(&blur, &["'0,5' for '--blur", "written with a point: 0.5"]);
    refused(&["sample", "--model", "m", "--out", "o.png", "--guidance", "NaN"], &["--guidance", "at least 0"]);
    refused(&["sample", "--model", "m", "--out", "o.png", "--churn", "99"], &["--churn", "at most 20"]);
    refused(&["sample", "--model", "m", "--out", "o.png", "--guidance", "50"], &["--guidance", "at most 10"]);
    refused(&["train", "--image-size", "7"], &["--image-size", "from 8 to 256"]);
    refused(&["train", "--image-size", "257"], &["--image-size", "from 8 to 256"]);
    let other_size = ["train", "--image-size", "64", "--backend", "flex", "--out", "nowhere/run"];
    refused(&other_size, &["--image-size 64", "digits has pictures of 16x16"]);
    let no_files = ["train", "--data-dir", "nowhere", "--backend", "flex", "--out", "nowhere/run"];
    refused(&no_files, &["--data-dir nowhere: digits is built in"]);
    let elsewhere = ["train", "--preset", "paper-celeba", "--backend", "flex", "--out", "nowhere/run"];
    refused(&elsewhere, &["--preset paper-celeba", "folder of its pictures with --data"]);
    refused(&["train", "--data", "minst", "--out", "nowhere/run"], &["--data minst", "did you mean mnist?"]);
    refused(&["data", "fetch", "Fashion"], &["data fetch Fashion", "did you mean fashion-mnist?"]);
    refused(&["completions", "command.com"], &["bash", "zsh", "fish"]);
    let trial = |more: [&'static str; 2]| [&["experiment", "settings", "--out", "nowhere"][..], &more].concat();
    refused(&trial(["--change", "preset = \"res6\""]), &["--change preset", "network.shape"]);
    refused(&trial(["--change", "record.grid = 4"]), &["--change record.grid", "changes nothing"]);
    let kept = [trial(["--change", "network.width = 2"]), vec!["--grid", "4"]].concat();
    refused(&kept, &["--grid", "leave it out"]);
    let counted = ["evaluate", "--model", "m", "--data", "digits", "--out", "o", "--count", "9", "--samples", "s.npy"];
    refused(&counted, &["--count", "--samples"]);
    refused(
        &["sample", "--model", "m", "--out", "o.png", "--initial-temperature", "0"],
        &["--initial-temperature", "at least 1"],
    );
    refused(&["train", "--seed", "9223372036854775808"], &["--seed", "from 0 to 9223372036854775807"]);
    refused(&["train", "--sigma-max", "1e30"], &["--sigma-max", "at least 0.0001 and at most 10000"]);
    let more = ["train", "--denoiser-steps", "9", "--steps", "4", "--out", "nowhere/run"];
    refused(&more, &["--denoiser-steps", "at most", "--steps"]);
    refused(&["train", "--slices", "9", "--batch", "8", "--out", "nowhere/run"], &["--slices", "--batch"]);
    for side in ["7", "12"] {
        refused(&["bench", "--image-size", side], &["--image-size", "a multiple of 8 from 8 to 256"]);
    }
    refused(&["train", "--references", "-1"], &["'-1' for '--references", "a whole number from 0 to 1048576"]);
    refused(&["train", "--checkpoint-every", "0"], &["--checkpoint-every", "a whole number from 1 to 4294967295"]);
    let sample = |flags: &[&str], words: &[&str]| {
        refused(&[&["sample", "--model", "m", "--out", "o.png"], flags].concat(), words);
    };
    sample(&["--sampler", "ode", "--churn", "3"], &["--churn", "--sampler consistent"]);
    sample(&["--first", "18446744073709551615", "--count", "2"], &["--first 18446744073709551615"]);
    sample(&["--recording", "r.jpg"], &["--recording r.jpg", ".png"]);
    sample(&["--npy", "values.png"], &["--npy values.png", ".npy"]);
    sample(&["--recording", "./o.png"], &["--recording ./o.png", "the file of --out"]);
    refused(&["sample", "--model", "m", "--out", "o.png", "--backend", "abacus"], &["--backend", "flex"]);
    refused(&["data", "fetch", "no-such-set"], &["no-such-set", "fashion-mnist"]);
    assert!(!Path::new("nowhere").exists(), "a refused training makes no folder");
}

/// Each would train by itself, and all write into one folder.
#[test]
fn several_processes_that_do_not_know_of_each_other() {
    let words = if cfg!(feature = "mpi") { "MPI knows of one" } else { "--features mpi" };
    for size in ["PMI_SIZE", "SLURM_STEP_NUM_TASKS"] {
        let output = trainer().args(["train", "--out", "nowhere/run"]).env(size, "2").output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && stderr.contains(words), "{size}: {stderr}");
    }
}

#[test]
fn missing_and_damaged_models() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let out = path("o.png");
    let sample = |model: &str| -> Vec<String> {
        ["sample", "--backend", "flex", "--model", model, "--out", &out].map(str::to_owned).to_vec()
    };
    let refuse = |model: &str, words: &[&str]| {
        let arguments = sample(model);
        refused(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), words);
        assert!(!Path::new(&out).exists());
    };
    refuse(&path("absent"), &["--model", "absent: no model here"]);
    // A folder that cannot be read is not an empty one.
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("circle", path("circle")).unwrap();
        refuse(&path("circle"), &["--model", "circle: ", "symbolic links"]);
    }

    let run = tiny_run(folder.path());
    let mut without_temperature = sample(run.to_str().unwrap());
    without_temperature.extend(["--initial-temperature", "100"].map(str::to_owned));
    refused(
        &without_temperature.iter().map(String::as_str).collect::<Vec<_>>(),
        &["--initial-temperature", "--sampler annealed"],
    );
    for flag in ["--guide", "--and"] {
        let absent = path("absent");
        let mut with = sample(run.to_str().unwrap());
        with.extend([flag, &absent].map(str::to_owned));
        let named = format!("{flag} {absent}: no model here");
        refused(&with.iter().map(String::as_str).collect::<Vec<_>>(), &[&named]);
    }
    let model = folder.path().join("models/tiny");
    trainer().args(["export", "--backend", "flex", "--run"]).arg(&run).arg("--out").arg(&model).assert().success();
    let weights = model.join("model.safetensors");
    let manifest = model.join("model.json");
    let (good_weights, good_manifest) = (fs::read(&weights).unwrap(), fs::read_to_string(&manifest).unwrap());

    fs::write(&weights, &good_weights[..100]).unwrap();
    refuse(model.to_str().unwrap(), &["model.safetensors", "incomplete"]);
    let mut flipped = good_weights.clone();
    flipped[500] ^= 1;
    fs::write(&weights, flipped).unwrap();
    refuse(model.to_str().unwrap(), &["model.safetensors", "SHA-256"]);
    fs::remove_file(&weights).unwrap();
    refuse(model.to_str().unwrap(), &["model.safetensors", "no such file"]);
    fs::write(&weights, good_weights).unwrap();
    fs::write(&manifest, "{").unwrap();
    refuse(model.to_str().unwrap(), &["model.json", "not valid"]);
    fs::write(&manifest, good_manifest.replace("\"width\": 2", "\"width\": 200000000")).unwrap();
    refuse(model.to_str().unwrap(), &["model.json", "width"]);
    assert!(good_manifest.contains("\"max\": 5.0"), "{good_manifest}");
    fs::write(&manifest, good_manifest.replace("\"max\": 5.0", "\"max\": 1e38")).unwrap();
    refuse(model.to_str().unwrap(), &["model.json", "noise levels from 0.05 to 1"]);
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12345\n";
    fs::write(&manifest, pointer).unwrap();
    refuse(model.to_str().unwrap(), &["model.json", "Git LFS pointer", "git lfs pull"]);
    fs::write(&manifest, &good_manifest).unwrap();
    let good_weights = fs::read(&weights).unwrap();
    fs::write(&weights, pointer).unwrap();
    refuse(model.to_str().unwrap(), &["model.safetensors", "Git LFS pointer"]);
    // As some editors save it.
    fs::write(&weights, good_weights).unwrap();
    fs::write(&manifest, format!("\u{feff}{}", good_manifest.replace('\n', "\r\n"))).unwrap();
    trainer().args(sample(model.to_str().unwrap())).args(["--count", "1", "--steps", "1"]).assert().success();
    fs::remove_file(&out).unwrap();

    let settings = fs::read_to_string(run.join("run.toml")).unwrap();
    for absurd in ["max = 1e38", "max = inf", "max = nan"] {
        fs::write(run.join("run.toml"), settings.replace("max = 5.0", absurd)).unwrap();
        refuse(run.to_str().unwrap(), &["run.toml: not a run's settings", "noise.max"]);
    }
    fs::write(run.join("run.toml"), settings).unwrap();
    let record = run.join("checkpoints/step-0000004/checkpoint.json");
    let good: serde_json::Value = serde_json::from_slice(&fs::read(&record).unwrap()).unwrap();
    for (key, absurd) in [("seconds", -5), ("step", 3)] {
        let mut wrong = good.clone();
        wrong[key] = absurd.into();
        fs::write(&record, wrong.to_string()).unwrap();
        let checkpoint = record.parent().unwrap().to_str().unwrap();
        refuse(checkpoint, &["checkpoint.json: no record of this checkpoint", &absurd.to_string()]);
    }
    fs::remove_dir_all(run.join("checkpoints")).unwrap();
    refuse(run.to_str().unwrap(), &["no checkpoint yet", "--resume"]);
    fs::write(run.join("run.toml"), "[]").unwrap();
    refuse(run.to_str().unwrap(), &["run.toml"]);
}

#[test]
fn pictures_and_masks_that_cannot_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let run = tiny_run(folder.path());
    let run = run.to_str().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (good, out) = (path("good.png"), path("out.png"));
    picture(Path::new(&good), 16, 16, |x, _| x as u8);

    let inpaint = |image: &str, mask: &str, words: &[&str]| {
        let arguments = [
            "inpaint",
            "--backend",
            "flex",
            "--steps",
            "2",
            "--model",
            run,
            "--image",
            image,
            "--mask",
            mask,
            "--out",
            &out,
        ];
        refused(&arguments, words);
        assert!(!Path::new(&out).exists());
    };
    inpaint(&path("absent.png"), "left", &["absent.png"]);
    let empty = path("empty.png");
    fs::write(&empty, b"").unwrap();
    inpaint(&empty, "left", &["empty.png"]);
    let text = path("text.png");
    fs::write(&text, b"not a picture").unwrap();
    inpaint(&text, "left", &["text.png"]);
    inpaint(&good, "diagonal", &["diagonal"]);
    let wide = path("wide.png");
    picture(Path::new(&wide), 20, 16, |_, _| 255);
    inpaint(&good, &wide, &["wide.png", "20x16", "16x16"]);
    let black = path("black.png");
    picture(Path::new(&black), 16, 16, |_, _| 0);
    inpaint(&good, &black, &["black.png"]);

    refused(&["score", "--backend", "flex", "--model", run, &empty], &["empty.png"]);
    let folder = folder.path().to_str().unwrap();
    refused(&["score", "--backend", "flex", "--model", run, folder], &["it is a folder", &path("*.png")]);
    refused(&["score", "--model", run, "-dash.png"], &["'-dash.png'", "./-dash.png"]);
    for (command, more) in
        [("sample", vec![]), ("denoise", vec!["--image", &good]), ("inpaint", vec!["--mask", "left", "--image", &good])]
    {
        for name in ["o.gif", "o"] {
            let out = path(name);
            let arguments = [vec![command, "--backend", "flex", "--model", run, "--out", &out], more.clone()].concat();
            refused(&arguments, &[&out, ".png, .jpg or .webp"]);
        }
    }
    refused(&["denoise", "--backend", "flex", "--model", run, "--image", &text, "--out", &out], &["text.png"]);
    let nowhere = path("no/such/folder/o.png");
    refused(
        &["denoise", "--backend", "flex", "--model", run, "--image", &good, "--out", &nowhere],
        &["no/such/folder"],
    );
    refused(&["sample", "--backend", "flex", "--model", run, "--steps", "1", "--out", &nowhere], &["no/such/folder"]);
}

#[test]
fn nothing_is_replaced_that_is_read_or_somebody_else_s() {
    let folder = tempfile::tempdir().unwrap();
    let run = tiny_run(folder.path());
    let run = run.to_str().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let good = path("good.png");
    picture(Path::new(&good), 16, 16, |x, _| x as u8);
    let before = fs::read(&good).unwrap();
    let model = ["--backend", "flex", "--model", run];
    refused(
        &[&["denoise"], &model[..], &["--image", &good, "--out", &good]].concat(),
        &["good.png", "the file of --image"],
    );
    let inpaint = ["--image", &path("./good.png"), "--mask", "left", "--out", &good];
    refused(&[&["inpaint"], &model[..], &inpaint].concat(), &["good.png", "the file of --image"]);
    let map = ["--samples", "8", "--map", folder.path().to_str().unwrap(), &good];
    refused(&[&["score"], &model[..], &map].concat(), &["--map", "replace the picture", "good.png"]);
    assert_eq!(fs::read(&good).unwrap(), before);

    // A site, a model, and a run that has lost its settings.
    let site = path("site");
    fs::create_dir(&site).unwrap();
    for (file, words) in
        [("report.html", "it contains report.html but no run.toml"), ("model.json", "it holds a model")]
    {
        let file = Path::new(&site).join(file);
        fs::write(&file, "mine").unwrap();
        refused(&["train", "--backend", "flex", "--steps", "1", "--out", &site], &["site", words]);
        assert_eq!(fs::read(&file).unwrap(), b"mine");
        fs::remove_file(file).unwrap();
    }
    fs::write(Path::new(&site).join("index.html"), "mine").unwrap();
    let evaluate = ["--data", "digits", "--out", &site];
    refused(&[&["evaluate"], &model[..], &evaluate].concat(), &["it contains index.html but no evaluation.json"]);
    fs::remove_file(Path::new(run).join("run.toml")).unwrap();
    refused(
        &["train", "--backend", "flex", "--steps", "1", "--out", run],
        &["it contains checkpoints but no run.toml"],
    );
    assert!(Path::new(run).join("checkpoints/step-0000004").exists());
}

#[test]
fn runs_that_are_in_the_way_or_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let run = tiny_run(folder.path());
    let run = run.to_str().unwrap();
    refused(&["train", "--out", run], &["there is a run already", "--resume"]);
    let absent = folder.path().join("absent");
    let absent = absent.to_str().unwrap();
    refused(&["train", "--out", run, "--resume", "--steps", "2"], &["2 steps (--steps)", "step 4 already"]);
    refused(&["train", "--out", absent, "--resume"], &["absent", "no run"]);
    refused(&["export", "--run", absent, "--out", "nowhere/m"], &["absent", "no run"]);
    for (flag, words) in [("--guide", "--guide absent: no model here"), ("--evaluation", "absent: no such file")] {
        let export = ["export", "--backend", "flex", "--run", run, "--out", "nowhere/m", flag, "absent"];
        refused(&export, &[words]);
    }
    assert!(!Path::new("nowhere").exists(), "a refused export makes no folder");
    refused(&["export", "--run", run, "--out", "a model"], &["a model", "up to 100 letters, digits"]);
    let list = folder.path().join("models/index.json");
    refused(&["export", "--run", run, "--out", list.to_str().unwrap()], &["--out", "the list of the models"]);
    let settings = folder.path().join("settings.toml");
    fs::write(&settings, "[optimization]\nsteps = 9223372036854775807\n").unwrap();
    let config = ["--config", settings.to_str().unwrap()];
    refused(
        &[&["train", "--dry-run", "--out", absent], &config[..]].concat(),
        &["settings.toml", "optimization.steps"],
    );
    let occupied = folder.path().join("occupied");
    fs::create_dir(&occupied).unwrap();
    fs::write(occupied.join("precious.txt"), "keep").unwrap();
    refused(
        &["export", "--backend", "flex", "--run", run, "--out", occupied.to_str().unwrap()],
        &["occupied", "no model folder"],
    );
    assert!(occupied.join("precious.txt").exists());
    // A model's own files are replaced, which is said; with others among them nothing is touched.
    let model = folder.path().join("model");
    let export = || {
        let mut export = trainer();
        export.args(["export", "--backend", "flex", "--run", run, "--out"]).arg(&model);
        export
    };
    fs::create_dir(&model).unwrap();
    let said = |output: std::process::Output| String::from_utf8(output.stdout).unwrap();
    assert!(said(export().output().unwrap()).ends_with("new)\n"));
    assert!(said(export().output().unwrap()).ends_with("in place of the model that was there)\n"));
    fs::write(model.join("notes.txt"), "keep").unwrap();
    refused(
        &["export", "--backend", "flex", "--run", run, "--out", model.to_str().unwrap()],
        &["notes.txt", "no file of a model"],
    );
    assert!(model.join("notes.txt").exists() && model.join("model.json").exists());
}

#[test]
fn data_files_that_are_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    for name in ["train-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte.gz"] {
        fs::write(folder.path().join(name), b"\x1f\x8bnot really gzip").unwrap();
    }
    let out = folder.path().join("run");
    let out = out.to_str().unwrap();
    refused(&["train", "--data", "fashion-mnist", "--data-dir", dir, "--out", out], &["images-idx3-ubyte"]);
    assert!(!Path::new(out).exists());
}

#[test]
fn pictures_of_another_size_than_the_run_s() {
    let folder = tempfile::tempdir().unwrap();
    let run = tiny_run(folder.path());
    let record = run.join("run.toml");
    let text = fs::read_to_string(&record).unwrap();
    assert!(text.contains("size = 16"), "{text}");
    fs::write(&record, text.replace("size = 16", "size = 15")).unwrap();
    let run = run.to_str().unwrap();
    let words = ["digits", "grey, 16x16", "grey, 15x15"];
    refused(&["train", "--backend", "flex", "--out", run, "--steps", "9", "--resume"], &words);
    refused(&["export", "--backend", "flex", "--run", run, "--out", "models/never"], &words);
}
