//! What is said, in the visitor's language. English is in the programs, a function for each text of `texts/en.json`
//! (`build.rs`). Other languages are files of the site; what one of them lacks is said in English.

use std::{
    cell::OnceCell,
    fmt::{Display, Write},
};

use serde_json::Value;

/// A language that is spoken.
struct Language {
    /// Its file as it came.
    file: String,
    /// What is in it.
    content: Value,
}

thread_local! {
    /// The language that is spoken; none: English.
    static SPOKEN: OnceCell<&'static Language> = const { OnceCell::new() };
}

/// Says everything in the language of this file from now on. The first one stays: another one is another visit.
///
/// # Errors
/// It is no JSON.
pub fn speak(file: String) -> serde_json::Result<()> {
    let content = serde_json::from_str(&file)?;
    // For the rest of the program, so that a text need not be copied to be said.
    let language: &'static Language = Box::leak(Box::new(Language { file, content }));
    SPOKEN.with(|spoken| _ = spoken.set(language));
    Ok(())
}

fn spoken() -> Option<&'static Language> {
    SPOKEN.with(|spoken| spoken.get().copied())
}

/// The file of the language that is spoken, for another worker; none: English.
pub fn spoken_file() -> Option<&'static str> {
    spoken().map(|language| language.file.as_str())
}

/// What is in the file of the language that is spoken.
pub(crate) fn spoken_content() -> Option<&'static Value> {
    spoken().map(|language| &language.content)
}

/// A text as it is.
fn text(key: &str, english: &'static str) -> &'static str {
    spoken_content().and_then(|content| content["texts"][key].as_str()).unwrap_or(english)
}

/// A text with its values in the place of their names.
fn fill(key: &str, english: &'static str, values: &[(&str, &dyn Display)]) -> String {
    let mut filled = String::new();
    for part in parts(text(key, english)) {
        match part {
            Part::Words(words) => filled.push_str(words),
            Part::Place(name) => {
                if let Some((_, value)) = values.iter().find(|(of, _)| *of == name) {
                    // A string takes everything.
                    let _ = write!(filled, "{value}");
                }
            }
        }
    }
    filled
}

/// What a text is made of.
#[derive(Clone, Copy)]
enum Part<'a> {
    /// What stands there.
    Words(&'a str),
    /// The name of what comes in its place.
    Place(&'a str),
}

/// The parts of a text: `{name}` is a place.
fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    for piece in text.split('{') {
        // The first piece is before all braces.
        match piece.split_once('}').filter(|_| !parts.is_empty()) {
            Some((name, words)) => parts.extend([Part::Place(name), Part::Words(words)]),
            None => parts.push(Part::Words(piece)),
        }
    }
    parts
}

include!(concat!(env!("OUT_DIR"), "/texts.rs"));

#[cfg(test)]
mod tests;
