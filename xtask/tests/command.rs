//! What is refused is refused before anything is built, with exit code 2 and one line.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use xtask::paths;

/// Exit code and errors of a command that finds no other program, so that it could build nothing.
fn xtask(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    let output = command.args(arguments).current_dir(folder).env("PATH", "").output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_folder_that_is_no_place_for_a_site_is_refused_at_once() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("thesis.txt"), "years of work").unwrap();
    let full = folder.path().display().to_string();
    let file = folder.path().join("thesis.txt").display().to_string();
    let mine = folder.path().join("mine");
    fs::create_dir_all(mine.join("a")).unwrap();
    fs::write(mine.join("a/model.json"), "{}").unwrap();
    let (mine, inside) = (mine.display().to_string(), mine.join("site").display().to_string());
    let cases: [&[&str]; 8] = [
        &["site", "--models", "models", "--out", "."],
        &["site", "--models", "models", "--out", ".."],
        &["site", "--models", "models", "--out", "models"],
        &["site", "--models", "models", "--out", &full],
        &["site", "--models", "models", "--out", &file],
        &["site", "--models", &mine, "--out", &inside],
        &["demo", "--build-only", "--dist", "."],
        &["demo", "--dist", "models/new"],
    ];
    for case in cases {
        let (code, errors) = xtask(&paths::root(), case);
        assert_eq!(code, Some(2), "{case:?}: {errors}");
        let out = case.last().unwrap();
        assert!(errors.contains(out.trim_start_matches('.')), "{case:?}: {errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
    }
    assert_eq!(fs::read_to_string(folder.path().join("thesis.txt")).unwrap(), "years of work");
}

#[test]
fn work_that_fails_has_another_code_and_is_not_begun_unasked() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("site").display().to_string();
    let (code, errors) = xtask(&paths::root(), &["site", "--models", "models", "--out", &out]);
    assert_eq!(code, Some(1), "{errors}");
    assert!(!Path::new(&out).exists());
    let (code, errors) = xtask(&paths::root(), &["demo", "--host", "192.0.2.1", "--dist", &out]);
    assert_eq!(code, Some(1), "{errors}");
    assert!(errors.contains("--host"), "{errors}");
}

/// Cargo does not compile this program anew for another checkout that shares its target folder.
#[test]
fn the_repository_is_the_one_that_cargo_says() {
    let other = TempDir::new().unwrap();
    fs::create_dir_all(other.path().join("xtask")).unwrap();
    fs::write(other.path().join("Cargo.toml"), "").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(["demo", "--build-only", "--dist", "."]).current_dir(other.path()).env("PATH", "");
    let output = command.env("CARGO_MANIFEST_DIR", other.path().join("xtask")).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && errors.contains("holds this repository"), "{errors}");
}

/// The files that tell readers what to type.
fn documents() -> Vec<PathBuf> {
    let root = paths::root();
    let docs = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let documents = docs.chain(["README.md", "ARCHITECTURE.md"].map(|name| root.join(name)));
    documents.filter(|path| path.extension().is_some_and(|end| end == "md")).collect()
}

/// The commands of a document, from code spans and blocks.
fn commands(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (number, part) in text.split("```").enumerate() {
        if number % 2 == 1 {
            found.extend(part.replace("\\\n", " ").lines().map(str::to_owned));
            continue;
        }
        // Spans go over line ends, and not over paragraphs.
        for paragraph in part.split("\n\n") {
            found.extend(paragraph.split('`').skip(1).step_by(2).map(|span| span.replace('\n', " ")));
        }
    }
    found
}

/// What is typed on build machines counts, too.
#[test]
fn every_command_and_flag_in_the_documents_is_there() {
    let read = |path: &Path| fs::read_to_string(path).unwrap();
    let mut lines: Vec<String> = documents().iter().flat_map(|path| commands(&read(path))).collect();
    lines.extend(read(&paths::root().join(".ci/run")).lines().map(str::to_owned));
    let mut helps = HashMap::new();
    let mut checked = 0;
    for line in lines.iter().filter_map(|line| Some(line.split(" #").next()?.split_once("cargo xtask ")?.1)) {
        let command = line.split([';', '|', '&', '<', '>']).next().unwrap_or_default();
        let words: Vec<&str> = command.split_whitespace().collect();
        let Some(name) = words.iter().find(|word| !word.starts_with('-')) else { continue };
        let help = helps.entry(*name).or_insert_with(|| {
            let help = Command::new(env!("CARGO_BIN_EXE_xtask")).args([name, "--help"]).output().unwrap();
            assert!(help.status.success(), "cargo xtask {line}: there is no such command");
            String::from_utf8(help.stdout).unwrap()
        });
        for flag in words.iter().filter(|word| word.starts_with('-')) {
            let flag = flag.split('=').next().unwrap_or_default();
            let known = help.split_whitespace().any(|word| word.trim_end_matches(',') == flag);
            assert!(known, "cargo xtask {line}: {name} has no {flag}");
            checked += 1;
        }
    }
    assert!(checked > 6 && helps.len() == 4, "{checked} flags of {:?}: does this test still read them?", helps.keys());
}

/// Without `--locked`, `cargo install` takes other versions than those that are tested here.
#[test]
fn readers_are_told_to_install_what_is_tested() {
    let mut told = 0;
    for path in documents() {
        for line in fs::read_to_string(&path).unwrap().lines().filter(|line| line.contains("cargo install")) {
            assert!(line.contains("cargo install --locked"), "{}: {line}", path.display());
            told += 1;
        }
    }
    assert!(told > 0, "nobody is told to install anything");
}
