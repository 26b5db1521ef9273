//! Other commands, as a user gives them: scores, speed, completion, a set that is drawn here.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{picture, tiny_run, trainer};
use serde_json::Value;

#[test]
fn one_bad_picture_does_not_keep_the_others_from_their_scores() {
    let folder = tempfile::tempdir().unwrap();
    let run = tiny_run(folder.path());
    let [good, bad, other] = ["good.png", "bad.png", "other.png"].map(|name| folder.path().join(name));
    picture(&good, 16, 16, |x, _| x as u8);
    picture(&other, 16, 16, |_, y| y as u8);
    std::fs::write(&bad, "no picture").unwrap();
    let score = |more: &[&str]| {
        let mut score = trainer();
        score.args(["score", "--backend", "flex"]).args(more).arg("--model").arg(&run).args([&good, &bad, &other]);
        let output = score.assert().code(2).get_output().clone();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.lines().count() == 1 && stderr.contains("bad.png"), "{stderr}");
        String::from_utf8(output.stdout).unwrap()
    };
    let lines = score(&[]);
    assert!(lines.lines().count() == 2 && lines.contains("good.png") && lines.contains("other.png"), "{lines}");
    let scores: Value = serde_json::from_str(&score(&["--json"])).unwrap();
    assert_eq!(scores["scores"].as_array().unwrap().len(), 2);
}

#[cfg(unix)]
#[test]
fn a_reader_that_has_gone_is_no_failure_and_a_full_disk_is() {
    use std::process::{Command, Stdio};
    let program = assert_cmd::cargo::cargo_bin("trainer");
    // The shell's `:` reads nothing; every line of the list is written after it has gone.
    for line in ["\"$0\" data list | :", "\"$0\" completions bash | :", "\"$0\" data list 2>&1 | head -n 1"] {
        let line = format!("set -o pipefail; {line}");
        let output = Command::new("bash").args(["-c", &line]).arg(&program).stderr(Stdio::piped()).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && stderr.is_empty(), "{line}: {stderr}");
    }
    for arguments in [&["data", "list"][..], &["--help"], &["train", "--help"], &["--version"]] {
        let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") else { continue };
        let output = Command::new(&program).args(arguments).stdout(full).stderr(Stdio::piped()).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {stderr}");
        assert_eq!(stderr, "error: the standard output cannot be written: no space left on the disk\n");
    }
}

#[test]
fn shells_can_complete() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = trainer().args(["completions", shell]).assert().success().get_output().clone();
        let script = String::from_utf8(output.stdout).unwrap();
        assert!(script.contains("inpaint") && script.contains("image-size"), "{shell}: {script}");
    }
}

#[test]
fn bench_reports_its_numbers() {
    let output = trainer()
        .args([
            "bench",
            "--preset",
            "unet",
            "--width",
            "2",
            "--image-size",
            "8",
            "--batch",
            "2",
            "--backend",
            "flex",
            "--json",
        ])
        .assert()
        .success()
        .get_output()
        .clone();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let number = |pointer: &str| {
        let found = report.pointer(pointer).and_then(Value::as_f64);
        found.filter(|found| *found > 0.0).unwrap_or_else(|| panic!("{pointer} in {report:#}"))
    };
    for (field, wanted) in [
        ("backend", Value::from("flex")),
        ("preset", "unet".into()),
        ("width", 2.into()),
        ("image_size", 8.into()),
        ("channels", 1.into()),
        ("batch", 2.into()),
        // Kernels of 3 and of 1 of `stem`, three blocks down, one in the middle, two up, `out`, and a bias for each of
        // their channels.
        ("parameters", (20 + (82 + 236 + 920) + 1240 + (636 + 162) + 19).into()),
    ] {
        assert_eq!(report[field], wanted, "{field}");
    }
    assert!(!report["device"].as_str().unwrap().is_empty() && number("/threads") >= 1.0);
    // The same kernels at every pixel of their scale, a product and a sum for each of their numbers.
    let products = 18 * 64 + 76 * 64 + 224 * 16 + 896 * 4 + 1216 * 4 + 624 * 16 + 156 * 64 + 18 * 64;
    let forward = number("/forward_gflop_per_image");
    assert!((forward / (2.0 * 1e-9 * f64::from(products)) - 1.0).abs() < 1e-9, "{forward}");
    // The gradient is worth two forward passes, a training step six.
    for (work, passes) in [("energy_gradient", 2.0), ("training_step", 6.0)] {
        let gflops = number(&format!("/{work}/gflops"));
        let wanted = passes * forward * number(&format!("/{work}/images_per_second"));
        assert!((gflops / wanted - 1.0).abs() < 1e-9, "{work}: {gflops}, not {wanted}");
        let fraction = number(&format!("/fraction_of_peak/{work}"));
        assert!((fraction * number("/gemm_peak_gflops") / gflops - 1.0).abs() < 1e-9, "{work}: {fraction}");
    }
}

/// What a training step needs, 64 pictures at a time: PyTorch's double backward pass takes three times as much. More
/// threads have more scratch memory. The allocator gives memory back at once here: usually it waits, and how much it
/// holds then depends on how fast the machine is at that moment.
#[cfg(target_os = "linux")]
#[test]
fn a_training_step_stays_within_its_memory() {
    const LIMIT: u64 = 240 << 20;
    let output = trainer()
        .args(["bench", "--preset", "unet", "--width", "16", "--batch", "64", "--backend", "flex", "--json"])
        .env("RAYON_NUM_THREADS", "2")
        .env("MIMALLOC_PURGE_DELAY", "0")
        .assert()
        .success()
        .get_output()
        .clone();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let peak = report["peak_memory"].as_u64().unwrap();
    assert!(peak <= LIMIT, "{peak} bytes, {LIMIT} are allowed");
}

#[test]
fn a_drawn_set_is_fetched_and_trained_on() {
    let folder = tempfile::tempdir().unwrap();
    let set = folder.path().join("faces");
    trainer().args(["data", "fetch", "faces", "--dir"]).arg(&set).assert().success();
    let (train, held_out) = (set.join("train.npy"), set.join("held-out.npy"));
    assert_eq!(npyz::NpyFile::new(std::fs::File::open(train).unwrap()).unwrap().shape(), [60_000, 16, 16, 3]);
    assert!(npyz::NpyFile::new(std::fs::File::open(held_out).unwrap()).unwrap().shape()[0] > 5_900);
    let run = folder.path().join("run");
    trainer()
        .args([
            "train",
            "--data",
            "faces",
            "--backend",
            "flex",
            "--width",
            "2",
            "--steps",
            "2",
            "--batch",
            "8",
            "--data-dir",
        ])
        .arg(&set)
        .args(["--flip", "--grid", "4", "--out"])
        .arg(&run)
        .assert()
        .success();
    let settings = std::fs::read_to_string(run.join("run.toml")).unwrap();
    assert!(settings.contains("channels = 3") && settings.contains("flip = true"), "{settings}");
    assert!(run.join("samples/step-0000002.png").is_file() && run.join("report.html").is_file());
}
