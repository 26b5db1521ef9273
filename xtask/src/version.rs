//! The version of a built site: its name, and the hash of each file that belongs together. `web/offline.js` keeps no
//! others for a visitor without a network, and never the files of two versions.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;
use sha2::{Digest, Sha256};

/// The name of the list.
pub const LIST: &str = "build.json";

/// Beside the programs, what a version consists of: which models there are, and the languages in this folder.
const MODELS: &str = "models/index.json";
const TEXTS: &str = "texts";

/// What keeps the version, and so cannot be part of it.
const KEEPER: &str = "offline.js";

/// A file that translators begin with. No program fetches it: English is in the programs.
const ENGLISH: &str = "texts/en.json";

/// Where the page says its version.
const PLACE: &str = "<meta name=\"build\" content=\"";

/// Gives the site in a folder the name of its version, which follows from its files, and writes the list of them. To be
/// done again whenever one of them changes.
///
/// # Errors
/// A file cannot be read or written, or the page has no place for the name.
pub fn write(site: &Path) -> Result<String> {
    name_page(site, "")?;
    let files = hashes(site)?;
    let text: String = files.iter().map(|(file, hash)| format!("{hash} {file}\n")).collect();
    let build = hash(text.as_bytes())[..16].to_owned();
    name_page(site, &build)?;
    let list = json!({ "build": build, "files": hashes(site)? });
    let path = site.join(LIST);
    fs::write(&path, format!("{list:#}\n")).with_context(|| format!("{}", path.display()))?;
    Ok(build)
}

/// The hash of each file that belongs to the version.
fn hashes(site: &Path) -> Result<BTreeMap<String, String>> {
    let mut names = files(site)?;
    names.retain(|name| name != LIST && name != KEEPER);
    let texts = site.join(TEXTS);
    if texts.is_dir() {
        names.extend(files(&texts)?.into_iter().map(|name| format!("{TEXTS}/{name}")));
    }
    names.retain(|name| name != ENGLISH);
    if site.join(MODELS).is_file() {
        names.push(MODELS.to_owned());
    }
    let hashed = |name: String| {
        let path = site.join(&name);
        let bytes = fs::read(&path).with_context(|| format!("{}", path.display()))?;
        Ok((name, hash(&bytes)))
    };
    names.into_iter().map(hashed).collect()
}

/// The names of the files in a folder, without the hidden ones.
fn files(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("{}", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_file() && !name.starts_with('.') {
            names.push(name);
        }
    }
    Ok(names)
}

/// Has the page say the version.
fn name_page(site: &Path, build: &str) -> Result<()> {
    let path = site.join("index.html");
    let page = fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
    let named = page.split_once(PLACE).and_then(|(before, rest)| {
        let (_, after) = rest.split_once('"')?;
        Some(format!("{before}{PLACE}{build}\"{after}"))
    });
    let named = named.with_context(|| format!("{}: has no place for the version, {PLACE}…", path.display()))?;
    fs::write(&path, named).with_context(|| format!("{}", path.display()))
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::Value;

    use super::{LIST, write};

    #[test]
    fn a_version_is_named_by_its_files_and_by_nothing_else() {
        let site = tempfile::TempDir::new().unwrap();
        let path = |name: &str| site.path().join(name);
        fs::create_dir_all(path("models/faces")).unwrap();
        fs::create_dir_all(path("texts")).unwrap();
        fs::write(path("index.html"), "<meta name=\"build\" content=\"\"><p>").unwrap();
        for (name, text) in [
            ("page.js", "1"),
            ("offline.js", "2"),
            ("models/index.json", "3"),
            ("models/faces/x", "4"),
            ("texts/de.json", "5"),
            ("texts/en.json", "6"),
        ] {
            fs::write(path(name), text).unwrap();
        }
        let first = write(site.path()).unwrap();
        assert_eq!(
            fs::read_to_string(path("index.html")).unwrap(),
            format!("<meta name=\"build\" content=\"{first}\"><p>")
        );
        let list: Value = serde_json::from_slice(&fs::read(path(LIST)).unwrap()).unwrap();
        let files: Vec<&String> = list["files"].as_object().unwrap().keys().collect();
        assert_eq!(files, ["index.html", "models/index.json", "page.js", "texts/de.json"]);
        assert_eq!(list["build"], first.as_str());

        assert_eq!(write(site.path()).unwrap(), first, "the same files are the same version");
        fs::write(path("models/faces/x"), "5").unwrap();
        assert_eq!(write(site.path()).unwrap(), first, "the engine keeps models");
        fs::write(path("models/index.json"), "5").unwrap();
        assert_ne!(write(site.path()).unwrap(), first);
        fs::write(path("index.html"), "<p>").unwrap();
        assert!(write(site.path()).is_err());
    }
}
