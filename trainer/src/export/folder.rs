//! The model folder on disk, and the list of models beside it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use options::Recording;
use serde::{Deserialize, Serialize};
use shared::model::Manifest;
use tempfile::TempDir;
use user_files::without_byte_order_mark;

use super::{
    card::SAMPLES,
    leftovers::{EARLIER, HIDDEN, clear_up},
    shown::HELD_OUT,
};
use crate::{
    error::{Error, Result},
    files, folders,
    pictures::{self, Picture},
};

/// The weights file in a model folder.
pub const WEIGHTS: &str = "model.safetensors";
/// All that a model folder holds.
const FILES: [&str; 6] = [MANIFEST, WEIGHTS, "README.md", SAMPLES, HELD_OUT, Recording::FILE];
const MANIFEST: &str = "model.json";
/// The list of models beside a model folder.
const INDEX: &str = "index.json";
/// What systems write into every folder that somebody looks at.
const OF_SYSTEMS: [&str; 3] = [".DS_Store", "Thumbs.db", "desktop.ini"];

/// A folder that the page loads.
pub struct ModelFolder {
    /// As it was given: the list of models is beside it.
    path: PathBuf,
    /// Where it is: the path may be a link's, to another disk.
    place: PathBuf,
}

/// `index.json`: what the page offers.
#[derive(Default, Serialize, Deserialize)]
struct Index {
    models: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    title: Option<String>,
}

/// What a folder holds.
pub struct Contents<'a> {
    /// `model.json`.
    pub manifest: &'a Manifest,
    /// The weights file.
    pub weights: &'a [u8],
    /// `held-out.png`, if there is to be one.
    pub held_out: Option<&'a [u8]>,
    /// What the model draws.
    pub samples: &'a [Picture],
    /// How it does so: a recorded run.
    pub recording: &'a [u8],
    /// The model card.
    pub card: &'a str,
}

impl ModelFolder {
    /// The folder at this path.
    pub fn at(path: &Path) -> Self {
        let place = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        Self { path: path.to_owned(), place }
    }

    /// Whether there is an earlier model in it.
    ///
    /// # Errors
    /// It holds something else, which would be lost.
    pub fn replaces(&self) -> Result<bool> {
        let wrong = |what: &str| Error::input(format!("--out {}: {what}", self.path.display()));
        if self.path.file_name().is_some_and(|name| name == INDEX) {
            return Err(wrong("the list of the models beside it has that name; choose another"));
        }
        folders::check("--out", &self.path)?;
        if !self.place.exists() {
            return Ok(false);
        }
        if let Some((link, model)) =
            self.path.file_name().zip(self.model_behind()).filter(|(link, model)| **link != **model)
        {
            let link = link.to_string_lossy();
            return Err(wrong(&format!(
                "{link} is a link to the model {model}, which would be called {link}; export to that, \
                 or choose another folder"
            )));
        }
        let entries = fs::read_dir(&self.place).map_err(|error| wrong(&files::reason(&error)))?;
        let mut names: Vec<String> =
            entries.flatten().map(|entry| entry.file_name().to_string_lossy().into()).collect();
        names.sort_unstable();
        names.retain(|name| !OF_SYSTEMS.contains(&name.as_str()) && !is_unfinished(name));
        match names.iter().find(|name| !FILES.contains(&name.as_str())) {
            _ if names.is_empty() => Ok(false),
            _ if !names.iter().any(|name| name == MANIFEST) => {
                Err(wrong("it is there already and is no model folder; choose another"))
            }
            Some(foreign) => {
                Err(wrong(&format!("{foreign} in it is no file of a model; move it, or choose another folder")))
            }
            None => Ok(true),
        }
    }

    /// The name of the model that lies where a link leads.
    fn model_behind(&self) -> Option<String> {
        if self.path.is_symlink() { name_in(&self.place) } else { None }
    }

    /// Makes the folder that it is to lie in, and sees whether it can be written there, before minutes of work. What an
    /// export that was killed has left there is cleared up.
    ///
    /// # Errors
    /// It cannot, or `index.json` beside it is no list of models.
    pub fn check(&self) -> Result<()> {
        let parent = self.parent();
        fs::create_dir_all(parent).map_err(|error| self.cannot(&error))?;
        clear_up(self::parent(&self.place));
        Index::read(parent)?;
        self.draft().map(drop)
    }

    fn parent(&self) -> &Path {
        parent(&self.path)
    }

    /// A hidden folder on the same disk.
    fn draft(&self) -> Result<TempDir> {
        let beside = parent(&self.place);
        tempfile::Builder::new().prefix(HIDDEN).tempdir_in(beside).map_err(|error| self.cannot(&error))
    }

    fn cannot(&self, error: &io::Error) -> Error {
        Error::input(format!("--out {}: cannot be written: {}", self.path.display(), files::reason(error)))
    }

    /// Writes the folder, complete in a hidden one first, then renamed; and adds the model to `index.json` beside it. Says
    /// whether there was an earlier model in its place.
    ///
    /// # Errors
    /// The manifest is none that can be read again, the disk is full, or the place cannot be written.
    pub fn write(&self, contents: &Contents<'_>) -> Result<bool> {
        let Contents { manifest, weights, held_out, samples, recording, card } = contents;
        let manifest_json = manifest
            .to_json()
            .map_err(|error| Error::failed(format!("--out {}: nothing is written: {error}", self.path.display())))?;
        let (parent, cannot) = (self.parent(), |error: io::Error| self.cannot(&error));
        fs::create_dir_all(parent).map_err(cannot)?;
        // A damaged list is told before anything is written.
        Index::read(parent)?;
        let draft = self.draft()?;
        files::write_atomically(&draft.path().join(&manifest.weights.file), |file| file.write_all(weights))?;
        if let Some(held_out) = held_out {
            files::write_atomically(&draft.path().join(HELD_OUT), |file| file.write_all(held_out))?;
        }
        pictures::write_grid(&draft.path().join(SAMPLES), samples, None)?;
        files::write_atomically(&draft.path().join(Recording::FILE), |file| file.write_all(recording))?;
        files::write_atomically(&draft.path().join("README.md"), |file| file.write_all(card.as_bytes()))?;
        files::write_atomically(&draft.path().join(MANIFEST), |file| file.write_all(&manifest_json))?;

        // Somebody may have put something there meanwhile.
        let was_model = self.replaces()?;
        let replaces = self.place.exists();
        readable(draft.path());
        // An earlier model is put aside and deleted when the new one is in its place.
        let aside = self.draft()?;
        let earlier = aside.path().join(EARLIER);
        // Between the two renames the earlier model looks like one that a killed export has left.
        let lock = folders::locked(self::parent(&self.place));
        if replaces {
            fs::rename(&self.place, &earlier).map_err(cannot)?;
        }
        if let Err(error) = fs::rename(draft.path(), &self.place) {
            if replaces {
                fs::rename(&earlier, &self.place).map_err(cannot)?;
            }
            return Err(cannot(error));
        }
        // It is no draft any more, with nothing left to delete.
        let _ = draft.keep();
        drop(lock);
        Index::add(parent, &manifest.name)?;
        Ok(was_model)
    }
}

/// Whether a file of a model's folder is one that was being written when the program was killed.
fn is_unfinished(name: &str) -> bool {
    let Some(name) = name.strip_prefix('.').and_then(|name| name.strip_suffix(files::UNFINISHED)) else { return false };
    FILES.iter().any(|file| name.starts_with(file))
}

/// What the model in a folder is called.
pub(super) fn name_in(folder: &Path) -> Option<String> {
    let manifest = fs::read(folder.join(MANIFEST)).ok()?;
    let manifest: serde_json::Value = serde_json::from_slice(without_byte_order_mark(&manifest)).ok()?;
    Some(manifest.get("name")?.as_str()?.to_owned()).filter(|name| Manifest::is_name(name))
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| *parent != Path::new("")).unwrap_or_else(|| Path::new("."))
}

/// Temporary folders are private; a site's files are for everyone. Disks and shares without permissions have none to set.
fn readable(folder: &Path) {
    #[cfg(unix)]
    fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o755)).ok();
    #[cfg(not(unix))]
    let _ = folder;
}

impl Index {
    fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(INDEX);
        if !path.exists() {
            return Ok(Self::default());
        }
        serde_json::from_slice(&files::read(&path)?)
            .map_err(|error| Error::input(format!("{}: not a list of models: {error}", path.display())))
    }

    /// Adds a model to the list in a folder, which other exports may add theirs to at the same time.
    fn add(folder: &Path, name: &str) -> Result<()> {
        let _lock = folders::locked(folder);
        let mut index = Self::read(folder)?;
        if !index.models.iter().any(|entry| entry.name == name) {
            index.models.push(Entry { name: name.to_owned(), title: None });
        }
        index.write(folder)
    }

    fn write(&self, folder: &Path) -> Result<()> {
        files::write_atomically(&folder.join(INDEX), |file| {
            serde_json::to_writer_pretty(&mut *file, self)?;
            writeln!(file)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(folder: &Path, name: &str) {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join(MANIFEST), format!(r#"{{"name":"{name}"}}"#)).unwrap();
    }

    #[test]
    fn the_next_export_puts_back_the_model_that_a_killed_one_had_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("m");
        model(&folder.path().join(".export-a/earlier"), "m");
        let to = ModelFolder::at(&place);
        assert!(!to.replaces().unwrap());
        to.check().unwrap();
        assert!(place.join(MANIFEST).is_file() && to.replaces().unwrap());
    }

    #[test]
    fn what_a_killed_program_left_unfinished_is_no_foreign_file() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("m");
        model(&place, "m");
        for name in [".model.jsonAb12.part", ".run.pngXy.part", ".DS_Store"] {
            fs::write(place.join(name), "half").unwrap();
        }
        assert!(ModelFolder::at(&place).replaces().unwrap());
        for name in ["model.json.part", ".notes.txtAb.part", ".model.json"] {
            fs::write(place.join(name), "mine").unwrap();
            let error = ModelFolder::at(&place).replaces().unwrap_err().to_string();
            assert!(error.contains(&format!("{name} in it is no file of a model")), "{error}");
            fs::remove_file(place.join(name)).unwrap();
        }
    }

    #[test]
    #[cfg(unix)]
    fn no_model_gets_another_s_name_by_a_link() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let replaces = |name: &str| ModelFolder::at(&at(name)).replaces().map_err(|error| error.to_string());
        fs::create_dir(at("ok")).unwrap();
        fs::write(at("ok/model.json"), r#"{"name":"ok"}"#).unwrap();
        symlink("ok", at("link")).unwrap();
        assert!(replaces("link").unwrap_err().contains("link is a link to the model ok"));
        assert_eq!(replaces("ok"), Ok(true));
        // A model that has moved to another disk.
        fs::write(at("ok/model.json"), r#"{"name":"link"}"#).unwrap();
        assert_eq!(replaces("link"), Ok(true));
        symlink("absent", at("nowhere")).unwrap();
        assert!(replaces("nowhere").unwrap_err().contains("leads nowhere"));
    }

    #[test]
    #[cfg(unix)]
    fn exports_at_the_same_time_lose_no_entry_of_the_list() {
        let folder = tempfile::tempdir().unwrap();
        let names: Vec<String> = (0..16).map(|number| format!("model-{number}")).collect();
        std::thread::scope(|scope| {
            for name in &names {
                scope.spawn(|| Index::add(folder.path(), name).unwrap());
            }
        });
        let mut found: Vec<String> =
            Index::read(folder.path()).unwrap().models.into_iter().map(|entry| entry.name).collect();
        found.sort_unstable_by_key(|name| names.iter().position(|other| other == name));
        assert_eq!(found, names);
        let files: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(files, [INDEX], "nothing is left beside it");
    }
}
