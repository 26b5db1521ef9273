//! What somebody may have meant.

/// How alike two words must be, 0..1, for one to be taken for the other.
const ALIKE: f64 = 0.7;

/// As many letters of its beginning stand for a word.
const BEGINNING: usize = 4;

/// The word that is most like another, if one is alike or begins with it.
pub fn nearest<'a>(word: &str, words: &[&'a str]) -> Option<&'a str> {
    let word = word.to_lowercase();
    if let Some(whole) = words.iter().find(|other| word.len() >= BEGINNING && other.starts_with(&word)) {
        return Some(whole);
    }
    let alike = |other: &str| strsim::normalized_damerau_levenshtein(&word, other);
    let nearest = words.iter().copied().max_by(|a, b| alike(a).total_cmp(&alike(b)))?;
    (alike(nearest) >= ALIKE).then_some(nearest)
}
