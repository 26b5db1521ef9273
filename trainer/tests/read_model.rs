//! `docs/read_model.py`, which reads models with PyTorch.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use common::{picture, trainer};
use serde_json::Value;

/// A Python of this machine that has these modules.
fn python(modules: &str) -> Option<&'static str> {
    let name = if cfg!(windows) { "python" } else { "python3" };
    let has_them = |python: &&str| {
        let mut import = Command::new(python);
        import.args(["-c", &format!("import {modules}")]).stdout(Stdio::null()).stderr(Stdio::null());
        import.status().is_ok_and(|status| status.success())
    };
    let found = [name, "/usr/bin/python3"].into_iter().find(has_them);
    if found.is_none() {
        // Past the test's own record, which nobody sees of a test that passes.
        let told = format!("not run here: docs/read_model.py: no Python has {modules}\n");
        std::io::stderr().write_all(told.as_bytes()).unwrap();
    }
    found
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What a Python prints.
fn printed(python: &str, arguments: &[&Path]) -> String {
    // It would leave compiled files beside the program.
    let output = Command::new(python).arg("-B").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_program_can_be_compiled() {
    let Some(python) = python("py_compile") else {
        // Machines that build have a Python, though not all have PyTorch.
        let builds = env::var("CI").is_ok_and(|ci| !["", "0", "false"].contains(&ci.as_str()));
        assert!(!builds, "this build machine has no Python");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let compiled = folder.path().join("read_model.pyc");
    let compile = "import py_compile, sys; py_compile.compile(sys.argv[1], cfile=sys.argv[2], doraise=True)";
    printed(python, &["-c".as_ref(), compile.as_ref(), &root().join("docs/read_model.py"), &compiled]);
    assert!(compiled.is_file());
}

#[test]
fn the_reference_files_have_their_energies_and_gradients() {
    let Some(python) = python("torch") else { return };
    let files = fs::read_dir(common::reference("")).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> = files.filter(|path| path.extension().is_some_and(|kind| kind == "safetensors")).collect();
    assert_eq!(files.len(), 6);
    // All in one process: most of the time is what PyTorch needs to begin.
    let compare = "import sys; sys.path.insert(0, sys.argv[1]); import read_model\n\
                   for path in sys.argv[2:]: read_model.compare(path)";
    let docs = root().join("docs");
    let words = [Path::new("-c"), compare.as_ref(), &docs];
    let told = printed(python, &words.into_iter().chain(files.iter().map(PathBuf::as_path)).collect::<Vec<_>>());
    assert_eq!(told.lines().count(), 2 * files.len(), "{told}");
    for line in told.lines() {
        let difference: f64 = line.split_whitespace().last().unwrap().parse().unwrap();
        assert!(difference < 1e-6, "{line}");
    }
}

#[test]
fn a_picture_has_the_energy_that_the_trainer_finds() {
    let Some(python) = python("torch, PIL, numpy") else { return };
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("image.png");
    picture(&image, 28, 28, |x, y| (x * 5 + y * 4) as u8);
    let (program, model) = (root().join("docs/read_model.py"), root().join("models/fashion"));
    let told = printed(python, &[&program, &model, &image]);
    let mut score = trainer();
    score.args(["score", "--backend", "flex", "--json", "--samples", "16", "--model"]).arg(&model).arg(&image);
    let scored: Value = serde_json::from_slice(&score.assert().success().get_output().stdout).unwrap();
    let [energy, jump] = ["energy", "jump"].map(|name| scored["scores"][0][name].as_f64().unwrap());
    // `PATH: energy E, one jump moves a pixel by D (root mean square)`, of the 32x32 that the network sees.
    let numbers: Vec<f64> = told.split([' ', ',']).filter_map(|word| word.parse().ok()).collect();
    assert!(numbers.len() == 2, "{told}");
    assert!((numbers[0] - energy).abs() < 1e-3 + 1e-5 * energy, "{told}, not {energy}");
    assert!((numbers[1] - jump / 32.0).abs() < 1e-4, "{told}, not {}", jump / 32.0);
}
