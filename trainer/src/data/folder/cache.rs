//! What was decoded of a folder, kept until one of its files changes: decoding many photographs takes longer than a
//! short training.
//!
//! A file is taken for the same as long as its path, its length and the time of its last change, in nanoseconds, are:
//! to look into every file at every start would take nearly as long as to decode it. There is one cache of each folder
//! and side, which a newer one replaces. Nobody else can read it, for the folder may be private. What nobody has used for
//! weeks is deleted.

use std::{
    fs::{self, File},
    io::{BufReader, Read, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use indicatif::DecimalBytes;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::decoded::{Notes, Pixels};
use crate::{
    error::{Error, Result},
    files::{self, Draft},
    folders,
};

/// Where the pictures of a folder, cut to this side, are kept, and what is true of its files now.
pub(super) struct Cache {
    path: PathBuf,
    key: String,
    side: usize,
}

/// What stands before the pixels, as JSON, and before it its length in eight bytes and its SHA-256 in hexadecimal digits:
/// a digit that a disk has lost would make another picture of a file's.
#[derive(Serialize, Deserialize)]
struct Head<N> {
    key: String,
    notes: N,
}

/// Part of the key: other ways to decode, cut and resize are other pictures.
const VERSION: u8 = 4;
/// Characters of a name, hexadecimal.
const NAME: usize = 32;
/// Bytes before the head.
const BEFORE: usize = 8 + 64;
/// More than the notes of any folder.
const MAX_HEAD: u64 = 1 << 32;
/// What was not used for so long is deleted; the unfinished is left of a program that was killed, unless it is being
/// written.
const UNUSED: Duration = Duration::from_secs(28 * 24 * 3600);
const ABANDONED: Duration = Duration::from_secs(24 * 3600);

impl Cache {
    /// The cache of a folder with these files; none where the system has no cache folder or a file has gone.
    pub(super) fn of(folder: &Path, paths: &[PathBuf], side: usize) -> Option<Self> {
        Self::within(&crate::cache::folder()?.join("folders"), folder, paths, side)
    }

    fn within(caches: &Path, folder: &Path, paths: &[PathBuf], side: usize) -> Option<Self> {
        let states: Option<Vec<String>> = paths.par_iter().map(|path| state(path)).collect();
        let key = files::sha256(format!("{VERSION}\n{}", states?.concat()).as_bytes());
        let name = files::sha256(format!("{side}\n{}", folder.display()).as_bytes());
        Some(Self { path: caches.join(&name[..NAME]), key, side })
    }

    /// The pictures, which are still to be read; nothing if they are not kept, or of other files.
    pub(super) fn open(&self) -> Option<(Notes, Pixels)> {
        let mut file = BufReader::new(File::open(&self.path).ok()?);
        let (mut length, mut hash) = ([0; 8], [0; 64]);
        file.read_exact(&mut length).ok()?;
        file.read_exact(&mut hash).ok()?;
        let length = u64::from_le_bytes(length);
        let mut head = Vec::new();
        file.by_ref().take(length.min(MAX_HEAD)).read_to_end(&mut head).ok()?;
        if files::sha256(&head).as_bytes() != hash {
            return None;
        }
        let Head { key, notes } = serde_json::from_slice::<Head<Notes>>(&head).ok()?;
        let pixels = notes.pictures.len() * notes.channels * self.side * self.side;
        let whole = file.get_ref().metadata().ok()?.len() == BEFORE as u64 + length + pixels as u64;
        if key != self.key || !whole {
            return None;
        }
        // The time of the last change tells when it was last used.
        File::options().append(true).open(&self.path).and_then(|file| file.set_modified(SystemTime::now())).ok();
        Some((notes, Pixels::File(file)))
    }

    /// Keeps them, and says so in a line.
    ///
    /// # Errors
    /// The cache folder cannot be written.
    pub(super) fn write(&self, notes: &Notes, pixels: &[u8]) -> Result<String> {
        let caches = self.path.parent().unwrap_or(Path::new("."));
        folders::create(caches)?;
        sweep(caches);
        let mut draft = Draft::private(&self.path)?;
        let head = serde_json::to_vec(&Head { key: self.key.clone(), notes });
        head.map_err(std::io::Error::from)
            .and_then(|head| {
                draft.write_all(&(head.len() as u64).to_le_bytes())?;
                draft.write_all(files::sha256(&head).as_bytes())?;
                draft.write_all(&head)?;
                draft.write_all(pixels)
            })
            .map_err(|error| {
                Error::failed(format!("{}: cannot be written: {}", self.path.display(), files::reason(&error)))
            })?;
        draft.commit()?;
        let bytes = DecimalBytes(pixels.len() as u64);
        Ok(format!("the resized pictures are kept for a faster start next time: {bytes} in {}", self.path.display()))
    }
}

/// Deletes caches that nobody uses and what a program that was killed has left of one; what cannot be deleted stays.
fn sweep(caches: &Path) {
    for entry in fs::read_dir(caches).into_iter().flatten().flatten() {
        let Some(most) = patience(&entry.file_name().to_string_lossy()) else { continue };
        let changed = entry.metadata().and_then(|found| found.modified());
        if changed.is_ok_and(|changed| changed.elapsed().is_ok_and(|unused| unused > most)) {
            fs::remove_file(entry.path()).ok();
        }
    }
}

/// How long a file of this name may be unused; nothing for what is no cache, and somebody else's.
fn patience(name: &str) -> Option<Duration> {
    let is_hash = |text: &str| text.len() == NAME && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    // A draft is called after what it is to become, behind a dot.
    match name.strip_prefix('.').and_then(|draft| draft.strip_suffix(files::UNFINISHED)) {
        Some(draft) => draft.get(..NAME).is_some_and(is_hash).then_some(ABANDONED),
        None => is_hash(name).then_some(UNUSED),
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
        // Whichever byte before the pixels has changed by a bit.
        for at in 0..whole.len() - 6 {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            fs::write(&cache.path, &damaged).unwrap();
            assert!(cache.open().is_none(), "{at}");
        }
        // Nobody else can read it, whoever could read the pictures.
        cache.write(&notes, &[0; 6]).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&cache.path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        // A newer state of the folder takes its place.
        let newer = at("one", 11, 1);
        newer.write(&notes, &[0; 6]).unwrap();
        assert_eq!(newer.path, cache.path);
    }

    #[test]
    fn what_nobody_uses_is_deleted_and_what_is_used_stays() {
        let folder = tempfile::tempdir().unwrap();
        let picture = folder.path().join("a.png");
        fs::write(&picture, "one").unwrap();
        let caches = folder.path().join("caches");
        let cache = |side| Cache::within(&caches, folder.path(), std::slice::from_ref(&picture), side).unwrap();
        let notes = Notes { channels: 1, ..Notes::default() };
        let [used, unused, new] = [1, 2, 3].map(cache);
        for cache in [&used, &unused] {
            cache.write(&notes, &[]).unwrap();
        }
        let draft = |start: char| caches.join(format!(".{}{}", start.to_string().repeat(32), "a1B2c3.part"));
        let [killed, written] = ['a', 'b'].map(draft);
        // Whoever chose this folder for the cache may have had it for something else.
        let theirs =
            ["letters.txt", "0123456789abcdef0123456789abcdef.txt", ".letters.part"].map(|name| caches.join(name));
        for path in [&killed, &written].into_iter().chain(&theirs) {
            fs::write(path, "").unwrap();
        }
        let long_ago = SystemTime::now() - Duration::from_secs(30 * 24 * 3600);
        for path in [&used.path, &unused.path, &killed].into_iter().chain(&theirs) {
            File::options().append(true).open(path).unwrap().set_modified(long_ago).unwrap();
        }
        assert!(used.open().is_some());
        new.write(&notes, &[]).unwrap();
        let there = [&used.path, &new.path, &written, &unused.path, &killed].map(|path| path.exists());
        assert_eq!(there, [true, true, true, false, false]);
        assert!(theirs.iter().all(|path| path.exists()));
    }
}
