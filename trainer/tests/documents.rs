//! What the documents say that `trainer` can do.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{collections::HashMap, path::Path};

use common::trainer;

/// What the documents say after `trainer`: commands with their words, from code spans and blocks.
fn documented() -> Vec<(String, Vec<String>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let docs = std::fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let files = docs.chain([root.join("README.md")]).filter(|path| path.extension().is_some_and(|kind| kind == "md"));
    let mut found = Vec::new();
    for path in files {
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

#[test]
fn every_flag_in_the_documents_is_one_of_its_command() {
    let mut helps = HashMap::new();
    let mut checked = 0;
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
        let flags: Vec<&String> = words.iter().filter(|word| word.starts_with("--") && word.len() > 2).collect();
        if flags.is_empty() && help.is_none() {
            continue;
        }
        let help = help.as_ref().unwrap_or_else(|| panic!("{place}: there is no such command"));
        for flag in flags {
            let flag = flag.split('=').next().unwrap().trim_end_matches([',', '.', ')', ']', ':']);
            let is_one = help.split_whitespace().any(|word| word.trim_end_matches([',', '.', '`']) == flag);
            assert!(is_one || flag == "--help", "{place}: {command:?} has no {flag}");
            checked += 1;
        }
    }
    assert!(checked > 100, "{checked} flags were found: does this test still read them?");
}
