//! What exports that were killed have left beside models.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use super::folder::name_in;
use crate::folders;

/// What the names of hidden folders begin with, in which models are made and earlier ones wait to be deleted.
pub(super) const HIDDEN: &str = ".export-";
/// The earlier model in such a folder.
pub(super) const EARLIER: &str = "earlier";
/// How old such a folder is that no export is at work in any more: that takes minutes.
const LEFT: Duration = Duration::from_secs(24 * 60 * 60);

/// Clears up in a folder of models: an earlier model whose place is empty goes back there, and what is left of
/// drafts is deleted. What cannot be is left, and does no harm.
pub(super) fn clear_up(folder: &Path) {
    let _lock = folders::locked(folder);
    let is_hidden = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(HIDDEN));
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for left in entries.map(|entry| entry.path()).filter(is_hidden) {
        let earlier = left.join(EARLIER);
        if earlier.exists() {
            // Its place has its name.
            let Some(place) = name_in(&earlier).map(|name| folder.join(name)) else { continue };
            if !place.exists() && fs::rename(&earlier, &place).is_ok() {
                eprintln!("{}: put back, after an export that was ended while it replaced it", place.display());
                fs::remove_dir(&left).ok();
                continue;
            }
        }
        let made = left.metadata().and_then(|found| found.modified());
        if made.is_ok_and(|made| SystemTime::now().duration_since(made).is_ok_and(|age| age > LEFT)) {
            fs::remove_dir_all(&left).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(folder: &Path, name: &str) {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("model.json"), format!(r#"{{"name":"{name}"}}"#)).unwrap();
    }

    #[test]
    fn a_model_is_put_back_and_what_is_old_is_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let old = |path: &Path| {
            let long_ago = SystemTime::now() - 2 * LEFT;
            fs::File::open(path).unwrap().set_modified(long_ago).unwrap();
        };
        // Killed between the two renames; after both; while a draft was written; at work now; and what has no name.
        model(&at(".export-a/earlier"), "lost");
        model(&at(".export-b/earlier"), "there");
        model(&at("there"), "there");
        fs::create_dir(at(".export-c")).unwrap();
        fs::create_dir(at(".export-d")).unwrap();
        fs::create_dir_all(at(".export-e/earlier")).unwrap();
        for name in [".export-b", ".export-c", ".export-e"] {
            old(&at(name));
        }
        clear_up(folder.path());
        let mut left: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, [".export-d", ".export-e", "lost", "there"]);
        assert!(at("lost/model.json").is_file());
    }
}
