//! Every language says all that there is to say, and nothing else.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use serde_json::json;

use super::*;
use crate::{LESSONS, lesson};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn file(code: &str) -> String {
    fs::read_to_string(folder().join(format!("texts/{code}.json"))).unwrap()
}

/// The texts of a language's file by their keys.
fn texts(code: &str) -> BTreeMap<String, String> {
    let content: Value = serde_json::from_str(&file(code)).unwrap_or_else(|error| panic!("texts/{code}.json: {error}"));
    serde_json::from_value(content["texts"].clone()).unwrap()
}

fn page() -> String {
    fs::read_to_string(folder().join("../index.html")).unwrap()
}

fn places(text: &str) -> BTreeSet<&str> {
    parts(text).into_iter().filter_map(|part| if let Part::Place(name) = part { Some(name) } else { None }).collect()
}

/// The languages that the page offers.
fn languages() -> Vec<String> {
    let page = page();
    let (_, choice) = page.split_once("<select id=\"language\">").unwrap();
    let (choice, _) = choice.split_once("</select>").unwrap();
    let codes = choice.split("<option value=\"").skip(1).map(|option| option.split_once('"').unwrap().0.to_owned());
    codes.collect()
}

#[test]
fn every_file_is_offered() {
    let files = fs::read_dir(folder().join("texts")).unwrap();
    let files: BTreeSet<String> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(files, languages().iter().map(|code| format!("{code}.json")).collect());
}

#[test]
fn every_language_has_the_texts_of_english_with_the_same_places() {
    let english = texts("en");
    for code in languages() {
        let texts = texts(&code);
        assert!(texts.keys().eq(english.keys()), "{code}: {:?}", differences(&texts, &english));
        for (key, text) in &texts {
            assert_eq!(places(text), places(&english[key]), "{code}: {key}");
            assert!(!text.is_empty() && text == text.trim(), "{code}: {key}");
        }
    }
}

/// The keys that only one of two languages has.
fn differences<'a>(one: &'a BTreeMap<String, String>, other: &'a BTreeMap<String, String>) -> Vec<&'a String> {
    let lacking = |from: &'a BTreeMap<String, String>, all: &'a BTreeMap<String, String>| {
        all.keys().filter(|key| !from.contains_key(*key))
    };
    lacking(one, other).chain(lacking(other, one)).collect()
}

#[test]
fn every_language_has_all_lessons() {
    for code in languages() {
        let file = file(&code);
        let told = std::thread::spawn(move || {
            speak(file).unwrap();
            (1..=LESSONS).map(|number| lesson(number).unwrap().words).collect::<Vec<_>>()
        });
        let (told, english) = (told.join().unwrap(), (1..=LESSONS).map(|number| lesson(number).unwrap().words));
        for (words, english) in told.into_iter().zip(english) {
            assert!(code == "en" || words.title != english.title, "{code}: {} is English", words.title);
            assert_eq!(words.text.len(), english.text.len(), "{code}: {}", words.title);
            let paragraphs = words.text.iter().chain([&words.title, &words.ask, &words.done]);
            assert!(paragraphs.into_iter().all(|paragraph| !paragraph.is_empty()), "{code}: {words:?}");
        }
    }
}

/// What is in the element whose opening tag ends where `html` begins: its words, and the numbers of the elements in it.
fn inside(mut html: &str) -> String {
    let (mut text, mut depth, mut number) = (String::new(), 0, 0);
    loop {
        let (words, rest) = html.split_once('<').unwrap();
        let (tag, after) = rest.split_once('>').unwrap();
        html = after;
        if depth == 0 {
            text.push_str(words);
        }
        match tag.strip_prefix('/') {
            Some(_) if depth == 0 => return text,
            Some(_) => depth -= 1,
            None => {
                if depth == 0 {
                    number += 1;
                    text.push_str(&format!("{{{number}}}"));
                }
                depth += usize::from(!["input", "br", "img"].contains(&tag.split(' ').next().unwrap()));
            }
        }
    }
}

/// The places of `index.html` that have a key by this attribute: the key, the tag, and what follows it.
fn marked<'a>(page: &'a str, attribute: &str) -> Vec<(&'a str, &'a str, &'a str)> {
    let mark = format!(" {attribute}=\"");
    let at = page.match_indices(&mark).map(|(at, _)| at);
    at.map(|at| {
        let key = page[at + mark.len()..].split_once('"').unwrap().0;
        let (begin, end) = (page[..at].rfind('<').unwrap(), at + page[at..].find('>').unwrap());
        (key, &page[begin..end], &page[end + 1..])
    })
    .collect()
}

#[test]
fn the_page_says_what_the_english_file_says() {
    let (page, english) = (page(), texts("en"));
    let text = |key: &str| english.get(key).unwrap_or_else(|| panic!("index.html: no text {key}"));
    for (key, _, after) in marked(&page, "data-text") {
        assert_eq!(&inside(after), text(key), "index.html: {key}");
    }
    for (mark, attribute) in [("data-label", "aria-label"), ("data-hint", "title")] {
        for (key, tag, _) in marked(&page, mark) {
            assert!(tag.contains(&format!("{attribute}=\"{}\"", text(key))), "index.html: {tag}");
        }
    }
}

/// The programs, file by file.
fn sources(folder: &Path, found: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_text_is_said_somewhere() {
    let page = page();
    let marks = ["data-text", "data-label", "data-hint"];
    let mut said: BTreeSet<&str> =
        marks.into_iter().flat_map(|mark| marked(&page, mark)).map(|(key, ..)| key).collect();
    let mut programs = String::new();
    sources(&folder().join("src"), &mut programs);
    let calls = programs.split("texts::").skip(1);
    said.extend(calls.filter_map(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next()));
    let english = texts("en");
    let silent: Vec<_> = english.keys().filter(|key| !said.contains(key.as_str())).collect();
    assert!(silent.is_empty(), "nobody says {silent:?}");
}

#[test]
fn places_are_filled_and_what_is_missing_is_english() {
    let values: [(&str, &dyn Display); 2] = [("a", &1), ("b", &"{a}")];
    for (text, wanted) in [("", ""), ("{a}", "1"), ("x {b} y {a}", "x {a} y 1"), ("{c}", ""), ("}a", "}a")] {
        assert_eq!(fill("none", text, &values), wanted, "{text}");
    }
    // A thread of its own: what it speaks is not what other tests speak.
    let other = std::thread::spawn(|| {
        speak(json!({ "texts": { "done": "Fertig.", "step_of": "von {steps} {done}" } }).to_string()).unwrap();
        (done(), step_of(1, 2), paused(), lesson(1).unwrap().words.title)
    });
    let wanted = ("Fertig.", "von 2 1".to_owned(), "Paused.", "Noise becomes a picture".to_owned());
    assert_eq!(other.join().unwrap(), wanted);
}
