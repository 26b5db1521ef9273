//! What was decoded of a folder, kept until one of its files changes: decoding many photographs takes longer than a
//! short training.
//!
//! A file is taken for the same as long as its path, its length and the time of its last change, in nanoseconds, are:
//! to look into every file at every start would take nearly as long as to decode it. There is one cache of each folder
//! and side, which a newer one replaces.

use std::{
    fs::{self, File},
    io::{BufReader, Read},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::decoded::{Notes, Pixels};
use crate::{error::Result, files};

/// Where the pictures of a folder, cut to this side, are kept, and what is true of its files now.
pub(super) struct Cache {
    path: PathBuf,
    key: String,
    side: usize,
}

/// What stands before the pixels, as JSON, and before it its length in eight bytes.
#[derive(Serialize, Deserialize)]
struct Head<N> {
    key: String,
    notes: N,
}

/// Part of the key: other ways to decode, cut and resize are other pictures.
const VERSION: u8 = 2;
/// More than the notes of any folder.
const MAX_HEAD: u64 = 1 << 32;

impl Cache {
    /// The cache of a folder with these files; none where the system has no cache folder or a file has gone.
    pub(super) fn of(folder: &Path, paths: &[PathBuf], side: usize) -> Option<Self> {
        Self::within(&dirs::cache_dir()?.join("energy-models").join("folders"), folder, paths, side)
    }

    fn within(caches: &Path, folder: &Path, paths: &[PathBuf], side: usize) -> Option<Self> {
        let states: Option<Vec<String>> = paths.par_iter().map(|path| state(path)).collect();
        let key = files::sha256(format!("{VERSION}\n{}", states?.concat()).as_bytes());
        let name = files::sha256(format!("{side}\n{}", folder.display()).as_bytes());
        Some(Self { path: caches.join(&name[..32]), key, side })
    }

    /// The pictures, which are still to be read; nothing if they are not kept, or of other files.
    pub(super) fn open(&self) -> Option<(Notes, Pixels)> {
        let mut file = BufReader::new(File::open(&self.path).ok()?);
        let mut length = [0; 8];
        file.read_exact(&mut length).ok()?;
        let length = u64::from_le_bytes(length);
        let mut head = Vec::new();
        file.by_ref().take(length.min(MAX_HEAD)).read_to_end(&mut head).ok()?;
        let Head { key, notes } = serde_json::from_slice::<Head<Notes>>(&head).ok()?;
        let pixels = notes.pictures.len() * notes.channels * self.side * self.side;
        let whole = file.get_ref().metadata().ok()?.len() == 8 + length + pixels as u64;
        (key == self.key && whole).then_some((notes, Pixels::File(file)))
    }

    /// Keeps them.
    ///
    /// # Errors
    /// The cache folder cannot be written.
    pub(super) fn write(&self, notes: &Notes, pixels: &[u8]) -> Result<()> {
        files::create_folder(self.path.parent().unwrap_or(Path::new(".")))?;
        files::write_atomically(&self.path, |file| {
            let head = serde_json::to_vec(&Head { key: self.key.clone(), notes })?;
            file.write_all(&(head.len() as u64).to_le_bytes())?;
            file.write_all(&head)?;
            file.write_all(pixels)
        })
    }
}

/// What tells a file from what it was: a line.
fn state(path: &Path) -> Option<String> {
    let metadata = fs::metadata(path).ok()?;
    let changed = metadata.modified().ok()?.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    Some(format!("{} {changed} {:?}\n", metadata.len(), path))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::data::folder::decoded::{Goes, Note};

    #[test]
    fn what_is_kept_comes_back_until_it_is_damaged_or_a_file_changes() {
        let folder = tempfile::tempdir().unwrap();
        let picture = folder.path().join("a.png");
        let at = |content: &str, seconds, side| {
            fs::write(&picture, content).unwrap();
            let file = File::options().write(true).open(&picture).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
            Cache::within(&folder.path().join("caches"), folder.path(), std::slice::from_ref(&picture), side).unwrap()
        };
        let cache = at("one", 9, 1);
        assert!(cache.open().is_none());
        let note = |file| Note { file, hash: format!("{file}"), size: (3, 4) };
        let notes = Notes {
            channels: 3,
            pictures: vec![note(0), note(2)],
            skipped: vec!["bad.png: no".to_owned()],
            unopened: false,
        };
        cache.write(&notes, &[1, 2, 3, 4, 5, 6]).unwrap();
        let (found, pixels) = cache.open().unwrap();
        assert_eq!(found, notes);
        assert_eq!(pixels.part(3, 1, &[Goes::Training; 2]).unwrap()[0].pixels, [1, 2, 3, 4, 5, 6]);
        for (content, seconds, side) in [("two!", 9, 1), ("one", 10, 1), ("one", 9, 2)] {
            assert!(at(content, seconds, side).open().is_none(), "{content} {seconds} {side}");
        }
        assert!(at("one", 9, 1).open().is_some());
        let whole = fs::read(&cache.path).unwrap();
        for damaged in [&whole[..whole.len() - 1], b"damaged", &[0xFF; 40], b""] {
            fs::write(&cache.path, damaged).unwrap();
            assert!(cache.open().is_none());
        }
        // A newer state of the folder takes its place.
        let newer = at("one", 11, 1);
        newer.write(&notes, &[0; 6]).unwrap();
        assert_eq!(newer.path, cache.path);
    }
}
