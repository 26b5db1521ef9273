//! What is wrong with settings that were written by hand, in a line.

use std::path::Path;

use figment::error::{Actual, Kind};

use crate::{data::nearest, error::Error};

/// A mistake in a file; flags have been checked where they were read.
pub(super) fn wrong(file: Option<&Path>, error: &figment::Error) -> Error {
    let named = file.map_or_else(|| "settings".to_owned(), |file| format!("--config {}", file.display()));
    Error::input(format!("{named}: {}", in_words(error)))
}

/// What is wrong with a setting, in a line.
pub(super) fn in_words(error: &figment::Error) -> String {
    let key = error.path.join(".");
    match &error.kind {
        // What pictures turned out to be is read over where it is whole, and nobody chooses it.
        _ if error.path.first().is_some_and(|part| part == "pictures") => {
            "[pictures] says what a run found, and sets nothing; leave it out (image_size sets the side)".to_owned()
        }
        Kind::UnknownField(name, known) => {
            let table = error.path.iter().filter(|part| *part != name).cloned().collect::<Vec<_>>().join(".");
            let place = if table.is_empty() { String::new() } else { format!(" in [{table}]") };
            let meant = match nearest(name, known) {
                Some(meant) => format!("did you mean {meant}?"),
                None => format!("there are {}", known.join(", ")),
            };
            format!("there is no setting {name}{place}; {meant}")
        }
        Kind::UnknownVariant(name, known) => format!("{key} cannot be {name}; it is one of {}", known.join(", ")),
        Kind::MissingField(name) => format!("{name} is missing"),
        Kind::InvalidType(Actual::Float(found), wanted)
            if found.fract() == 0.0 && plainly(wanted) == "a whole number" =>
        {
            format!("{key} must be a whole number, written without a point: {found}")
        }
        Kind::InvalidType(found, wanted) | Kind::InvalidValue(found, wanted) => {
            format!("{key} must be {}, not {}", plainly(wanted), plainly(&found.to_string()))
        }
        // Such as a file that is no TOML: without the drawing of the place, which takes several lines.
        _ => {
            let text = error.kind.to_string();
            let drawing = |line: &&str| !line.is_empty() && !line.contains('|');
            text.lines().map(str::trim).filter(drawing).collect::<Vec<_>>().join(": ")
        }
    }
}

/// Without a programming language's names of kinds.
fn plainly(kind: &str) -> String {
    const WORDS: [(&str, &str); 9] = [
        ("unsigned int", "the number"),
        ("signed int", "the number"),
        ("float", "the number"),
        ("usize", "a whole number"),
        ("u64", "a whole number"),
        ("u32", "a whole number"),
        ("f64", "a number"),
        ("f32", "a number"),
        ("`", ""),
    ];
    WORDS.iter().fold(kind.to_owned(), |text, (word, plain)| text.replace(word, plain))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use crate::{
        error::Result,
        train::{RunConfig, TrainingPreset},
    };

    fn layered(file: &str) -> Result<RunConfig> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        fs::write(&path, file).unwrap();
        RunConfig::layered(None, Some(&path), &json!({}))
    }

    #[test]
    fn unknown_and_impossible_settings_are_named() {
        for (file, word) in [
            ("[network]\nwidht = 3", "widht"),
            ("[network]\nwidth = 0", "width"),
            ("[network]\nwidth = \"wide\"", "width"),
            ("[optimization]\nema_decay = 1.0", "ema_decay"),
            ("[noise]\nmin = 9.0", "noise.min 9"),
            ("[noise]\nmaxx = 9.0", "there is no setting maxx in [noise]; did you mean max?"),
            ("image_size = 7", "image_size (--image-size) must be from 8 to 256"),
            ("[optimization]\nsteps = 1.5", "optimization.steps must be a whole number, not the number 1.5"),
            ("[optimization]\nsteps = 3.0", "steps must be a whole number, written without a point: 3"),
            ("[pictures]\nsize = 32", "[pictures] says what a run found, and sets nothing; leave it out"),
            ("[pictures]\nsize = \"large\"", "[pictures] says what a run found"),
            ("image_size = 257", "image_size"),
            ("preset = \"vgg\"", "preset cannot be vgg; it is one of unet, unet4"),
            ("stpes = 3", "there is no setting stpes; there are data"),
            ("[optimization]\nstpes = 3", "there is no setting stpes in [optimization]; did you mean steps?"),
            ("[optimization]\nsteps = \"many\"", "optimization.steps must be"),
            ("= 3", "a.toml"),
        ] {
            let error = layered(file).unwrap_err();
            let text = error.to_string();
            assert!(text.contains(word) && error.exit_code() == 2, "{file}: {error}");
            assert!(text.lines().count() == 1 && !text.contains('`') && !text.contains("default."), "{error}");
        }
        let preset = TrainingPreset::Unet.settings();
        for change in ["noise.maxx = 3", "noise.min = 9", "network.width = 0", "stpes = 3"] {
            let text = preset.with_change(change).unwrap_err().to_string();
            assert!(text.starts_with(&format!("--change {change}: ")), "{text}");
        }
    }
}
