//! `models/index.json`: the models that the page offers.

use serde::Deserialize;

/// The contents of `models/index.json`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Models {
    /// The models, the first one first.
    pub models: Vec<ModelEntry>,
}

/// One model.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ModelEntry {
    /// The name of its folder.
    pub name: String,
    /// What people call it.
    pub title: Option<String>,
    /// Whether a recorded run came with it.
    #[serde(default)]
    pub recorded: bool,
}

impl Models {
    /// Reads the list, with a byte order mark or without.
    ///
    /// # Errors
    /// It is no JSON of this form, no text in UTF-8, or a Git LFS pointer.
    pub fn parse(json: &[u8]) -> Result<Self, String> {
        serde_json::from_str(user_files::text(json)?).map_err(|error| error.to_string())
    }

    /// Whether there is a model of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.models.iter().any(|model| model.name == name)
    }
}

/// Where a file of a model is on the site, as an address: a folder may be called `C#` or `100%`.
pub fn address(model: &str, file: &str) -> String {
    let mut folder = String::new();
    for byte in model.bytes() {
        match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'.' | b'_' | b'~' => folder.push(byte.into()),
            _ => folder.push_str(&format!("%{byte:02X}")),
        }
    }
    format!("models/{folder}/{file}")
}

impl ModelEntry {
    /// What to show.
    pub fn title(&self) -> &str {
        self.title.as_deref().unwrap_or(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_may_have_any_name() {
        assert_eq!(address("fashion-2_b.c~", "model.json"), "models/fashion-2_b.c~/model.json");
        assert_eq!(address("C# 50%?", "run.png"), "models/C%23%2050%25%3F/run.png");
        assert_eq!(address("é", "a"), "models/%C3%A9/a");
    }

    #[test]
    fn a_list_is_read_and_a_wrong_one_refused() {
        let models = Models::parse(
            br#"{"models": [{"name": "fashion", "title": "Fashion-MNIST", "recorded": true}, {"name": "digits"}]}"#,
        );
        let models = models.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(models.models.iter().map(ModelEntry::title).collect::<Vec<_>>(), ["Fashion-MNIST", "digits"]);
        assert_eq!(models.models.iter().map(|model| model.recorded).collect::<Vec<_>>(), [true, false]);
        assert!(models.contains("digits") && !models.contains("faces"));
        for wrong in ["", "[]", "{}", r#"{"models": [{"title": "x"}]}"#, "<!doctype html>"] {
            assert!(Models::parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
        let marked = Models::parse(b"\xEF\xBB\xBF{\"models\": []}\r\n");
        assert_eq!(marked, Ok(Models { models: Vec::new() }), "as an editor of Windows saves it");
        let pointer = Models::parse(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n");
        assert!(pointer.is_err_and(|problem| problem.contains("Git LFS pointer")));
        assert!(Models::parse(b"\xFF\xFE{\0}\0").is_err_and(|problem| problem.contains("UTF-8")));
    }
}
