//! What the documents say that `trainer` can do.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use common::trainer;

/// The files of the repository that tell of commands, the published models' cards among them.
fn files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let entries = |folder: &str| std::fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let cards = entries("models").map(|model| model.join("README.md")).filter(|card| card.is_file());
    let files = entries("docs").chain(["README.md", "ARCHITECTURE.md"].map(|name| root.join(name))).chain(cards);
    files.filter(|path| path.extension().is_some_and(|kind| kind == "md")).collect()
}

/// What the documents say after `trainer`: commands with their words, from code spans and blocks.
fn documented() -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    for path in files() {
        let text = std::fs::read_to_string(&path).unwrap();
        let mut blocks = text.split("```");
        let mut code = Vec::new();
        while let Some(prose) = blocks.next() {
            // Spans go over line ends, and not over paragraphs.
            for paragraph in prose.split("\n\n") {
                code.extend(paragraph.split('`').skip(1).step_by(2).map(|span| span.replace('\n', " ")));
            }
            if let Some(block) = blocks.next() {
                code.extend(block.replace("\\\n", " ").lines().map(str::to_owned));
            }
        }
        for line in code {
            let line = line.split(" #").next().unwrap_or_default();
            for command in line.split([';', '|', '&']) {
                let mut words = command.split_whitespace().map(str::to_owned).skip_while(|word| word != "trainer");
                if words.next().is_some() {
                    found.push((format!("{}: {}", path.display(), command.trim()), words.collect()));
                }
            }
        }
    }
    found
}

/// The values that a command's help names for a flag which takes no others.
fn values<'a>(help: &'a str, flag: &str) -> Vec<&'a str> {
    let is = |line: &str| line.split_whitespace().find(|word| word.starts_with("--")) == Some(flag);
    // What is said of a flag stands further in.
    let starts = |line: &str| line.trim_start().starts_with('-') && !line.starts_with("          ");
    let lines = help.lines().skip_while(|line| !(starts(line) && is(line))).skip(1);
    // Up to the next flag, from where they are named.
    let own = lines.take_while(|line| !starts(line)).skip_while(|line| line.trim() != "Possible values:");
    let named = own.skip(1).take_while(|line| !line.trim().is_empty());
    named.filter_map(|line| Some(line.trim().strip_prefix("- ")?.split_once(':')?.0)).collect()
}

/// GPUs that only some builds compute on (`trainer/Cargo.toml`).
const OTHER_BACKENDS: [&str; 3] = ["cuda", "metal", "vulkan"];

#[test]
fn the_values_that_a_help_names_are_found() {
    let help = "Options:\n      --data <DATA>\n          The data\n\n  -b, --backend <B>\n          Where\n\n          \
                Possible values:\n          - auto: A GPU\n            --none\n          - flex: The CPU\n\n          \
                [default: auto]\n\n      --seed <SEED>\n          Possible values:\n          - 1: One\n";
    assert_eq!(values(help, "--backend"), ["auto", "flex"]);
    assert!(values(help, "--data").is_empty() && values(help, "--none").is_empty());
}

#[test]
fn every_flag_in_the_documents_is_one_of_its_command() {
    let mut helps = HashMap::new();
    let (mut checked, mut checked_values) = (0, 0);
    for (place, words) in documented() {
        let name = |word: &&String| word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !word.starts_with('-');
        let deep = words.first().is_some_and(|word| word == "data" || word == "experiment");
        let command: Vec<String> = words.iter().take(if deep { 2 } else { 1 }).filter(name).cloned().collect();
        if command.len() != usize::from(deep) + 1 {
            continue;
        }
        let help = helps.entry(command.clone()).or_insert_with(|| {
            let output = trainer().args(&command).arg("--help").output().unwrap();
            output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
        });
        // Prose may have it too: `trainer` and a word.
        let flags: Vec<(usize, &String)> =
            words.iter().enumerate().filter(|(_, word)| word.starts_with("--") && word.len() > 2).collect();
        if flags.is_empty() && help.is_none() {
            continue;
        }
        let help = help.as_ref().unwrap_or_else(|| panic!("{place}: there is no such command"));
        for (at, word) in flags {
            const ENDS: [char; 5] = [',', '.', ')', ']', ':'];
            let (flag, value) = match word.split_once('=') {
                Some((flag, value)) => (flag, Some(value)),
                None => (word.as_str(), words.get(at + 1).map(String::as_str).filter(|next| !next.starts_with('-'))),
            };
            let flag = flag.trim_end_matches(ENDS);
            let is_one = help.split_whitespace().any(|word| word.trim_end_matches([',', '.', '`']) == flag);
            assert!(is_one || flag == "--help", "{place}: {command:?} has no {flag}");
            checked += 1;
            let values = values(help, flag);
            // Behind the end of a phrase there is no value.
            if let Some(value) = value.filter(|_| !values.is_empty() && !word.ends_with(ENDS)) {
                let value = value.trim_end_matches(ENDS);
                let other = flag == "--backend" && OTHER_BACKENDS.contains(&value);
                assert!(values.contains(&value) || other, "{place}: {flag} is one of {values:?}, not {value}");
                checked_values += 1;
            }
        }
    }
    assert!(checked > 100, "{checked} flags were found: does this test still read them?");
    assert!(checked_values > 20, "{checked_values} values were found: does this test still read them?");
}
