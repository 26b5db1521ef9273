//! What was decoded of a folder, kept by the content of its files: decoding many photographs takes longer than a short
//! training.

use std::{
    fs,
    io::BufReader,
    path::{Path, PathBuf},
};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Square, hash_of};
use crate::{error::Result, files, npy, pictures};

/// Where the pictures of these very files, cut to this side, are kept.
pub(super) struct Cache {
    /// Without an ending.
    path: PathBuf,
    side: usize,
}

/// What stands beside the pixels.
#[derive(Serialize, Deserialize)]
struct Notes {
    grey: Vec<bool>,
    skipped: Vec<String>,
}

/// Part of the key: other ways to cut and resize are other pictures.
const VERSION: u8 = 1;

impl Cache {
    /// The cache of these files; none where the system has no cache folder or a file cannot be read.
    pub(super) fn of(paths: &[PathBuf], side: usize) -> Option<Self> {
        let hashes: Option<Vec<[u8; 32]>> = paths
            .par_iter()
            .map(|path| {
                // Names too: they are in the lines about files that are skipped.
                let name = path.to_string_lossy();
                let mut hasher = Sha256::new_with_prefix(name.len().to_le_bytes());
                hasher.update(name.as_bytes());
                hasher.update(pictures::read_bytes(path).ok()?);
                Some(hasher.finalize().into())
            })
            .collect();
        let mut key = Sha256::new_with_prefix([VERSION]);
        key.update(side.to_le_bytes());
        hashes?.iter().for_each(|hash| key.update(hash));
        let name: String = key.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Some(Self { path: dirs::cache_dir()?.join("energy-models").join("folders").join(name), side })
    }

    /// The pictures, and a line for each file that is none; nothing if they are not kept or what is kept is damaged.
    pub(super) fn read(&self) -> Option<(Vec<Square>, Vec<String>)> {
        let notes: Notes = serde_json::from_slice(&fs::read(self.file("json")).ok()?).ok()?;
        let array = npyz::NpyFile::new(BufReader::new(fs::File::open(self.file("npy")).ok()?)).ok()?;
        let side = self.side as u64;
        if array.shape() != [notes.grey.len() as u64, 3, side, side] {
            return None;
        }
        let pixels: Vec<u8> = array.into_vec().ok()?;
        let planes = pixels.chunks_exact(3 * self.side * self.side).map(<[u8]>::to_vec);
        let square = |(planes, grey): (Vec<u8>, bool)| Square { hash: hash_of(&planes), planes, grey };
        Some((planes.zip(notes.grey).map(square).collect(), notes.skipped))
    }

    /// Keeps them.
    ///
    /// # Errors
    /// The cache folder cannot be written.
    pub(super) fn write(&self, squares: &[Square], skipped: &[String]) -> Result<()> {
        files::create_folder(self.path.parent().unwrap_or(Path::new(".")))?;
        let pixels: Vec<u8> = squares.iter().flat_map(|square| square.planes.iter().copied()).collect();
        npy::write(&self.file("npy"), &[squares.len(), 3, self.side, self.side], &pixels)?;
        let notes = Notes { grey: squares.iter().map(|square| square.grey).collect(), skipped: skipped.to_vec() };
        files::write_atomically(&self.file("json"), |file| Ok(serde_json::to_writer(file, &notes)?))
    }

    fn file(&self, ending: &str) -> PathBuf {
        self.path.with_extension(ending)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_comes_back_until_it_is_damaged_or_a_file_changes() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache { path: folder.path().join("kept"), side: 1 };
        assert!(cache.read().is_none());
        let square = |value: u8| Square { planes: vec![value; 3], grey: value > 1, hash: hash_of(&[value; 3]) };
        cache.write(&[square(1), square(2)], &["bad.png: no".to_owned()]).unwrap();
        let (squares, skipped) = cache.read().unwrap();
        assert_eq!(skipped, ["bad.png: no"]);
        let kept: Vec<_> = squares.iter().map(|square| (square.planes[0], square.grey)).collect();
        assert_eq!(kept, [(1, false), (2, true)]);
        assert!(squares[1].hash == square(2).hash);
        fs::write(cache.file("npy"), "damaged").unwrap();
        assert!(cache.read().is_none());

        let picture = folder.path().join("a.png");
        let key = |content: &str, side| {
            fs::write(&picture, content).unwrap();
            Cache::of(std::slice::from_ref(&picture), side).unwrap().path
        };
        let first = key("one", 8);
        assert_ne!(first, key("two", 8));
        assert_ne!(first, key("one", 9));
        assert_eq!(first, key("one", 8));
    }
}
