//! What is said, in the visitor's language. English is in the programs, a function for each text of `texts/en.json`
//! (`build.rs`). Other languages are files of the site; what one of them lacks is said in English.

use std::{
    cell::OnceCell,
    collections::BTreeMap,
    fmt::{Display, Write},
};

use serde::Deserialize;

use crate::LessonWords;

/// The languages: the name of the file in `texts`, which is the language's code, and what its speakers call it.
pub const LANGUAGES: [(&str, &str); 2] = [("en", "English"), ("de", "Deutsch")];

/// A language's file.
#[derive(Debug, Deserialize)]
pub struct Texts {
    /// The texts by their keys.
    pub texts: BTreeMap<String, String>,
    /// The words of each lesson.
    #[serde(default)]
    pub lessons: Vec<LessonWords>,
}

impl From<BTreeMap<String, String>> for Texts {
    fn from(texts: BTreeMap<String, String>) -> Self {
        Self { texts, lessons: Vec::new() }
    }
}

thread_local! {
    /// The language that is spoken; none: English.
    static SPOKEN: OnceCell<Texts> = const { OnceCell::new() };
}

/// Says everything in this language from now on. The first one stays: another one is another visit.
pub fn speak(texts: Texts) {
    SPOKEN.with(|spoken| drop(spoken.set(texts)));
}

/// Looks something up in the language that is spoken; none where it is English or has no such thing.
pub fn translated<T>(find: impl FnOnce(&Texts) -> Option<T>) -> Option<T> {
    SPOKEN.with(|spoken| find(spoken.get()?))
}

/// The texts of the language that is spoken, for another worker; none: English.
pub fn spoken() -> Option<BTreeMap<String, String>> {
    translated(|spoken| Some(spoken.texts.clone()))
}

/// The first of the languages, as browsers name them (`de-AT`), that is here.
pub fn preferred(wanted: impl IntoIterator<Item = String>) -> Option<&'static str> {
    wanted.into_iter().find_map(|wanted| listed(wanted.split('-').next().unwrap_or_default()))
}

/// The language of this code, if it is here.
pub fn listed(code: &str) -> Option<&'static str> {
    LANGUAGES.iter().map(|(language, _)| *language).find(|language| language.eq_ignore_ascii_case(code))
}

/// A text with its values in the place of their names.
fn fill(key: &str, english: &str, values: &[(&str, &dyn Display)]) -> String {
    let text = translated(|texts| texts.texts.get(key).cloned());
    let mut filled = String::new();
    for part in parts(text.as_deref().unwrap_or(english)) {
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// What stands there.
    Words(&'a str),
    /// The name, or the number, of what comes in its place.
    Place(&'a str),
}

/// The parts of a text: `{name}` is a place.
pub fn parts(text: &str) -> Vec<Part<'_>> {
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
