//! Where a site is built before it goes to its destination.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// A fresh folder below the target directory. One process at a time has it.
#[derive(Debug)]
pub struct Stage {
    folder: PathBuf,
    /// Released when it is closed, however the process ends.
    _lock: File,
}

impl Stage {
    /// Empties the folder, once no other process uses it.
    ///
    /// # Errors
    /// The target directory cannot be written.
    pub fn new(target: &Path) -> Result<Self> {
        fs::create_dir_all(target).with_context(|| format!("{}", target.display()))?;
        let path = target.join("site-being-built.lock");
        let lock = File::create(&path).with_context(|| format!("{}", path.display()))?;
        // Where files cannot be locked, as on some network shares, nobody is waited for.
        if let Err(TryLockError::WouldBlock) = lock.try_lock() {
            eprintln!("another build of the site is going on: waiting for it");
            lock.lock().with_context(|| format!("{}", path.display()))?;
        }
        let folder = target.join("site-being-built");
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("{}", folder.display()))?;
        }
        Ok(Self { folder, _lock: lock })
    }

    /// The folder, which is not there until something is built. What is left in it the next stage empties.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, thread, time::Duration};

    use super::Stage;

    #[test]
    fn a_stage_is_empty_whatever_was_left_and_has_one_user() {
        let target = tempfile::TempDir::new().unwrap();
        fs::create_dir(target.path().join("site-being-built")).unwrap();
        fs::write(target.path().join("site-being-built/old"), "").unwrap();
        let stage = Stage::new(target.path()).unwrap();
        assert!(!stage.folder().exists());
        let lock = fs::File::create(target.path().join("site-being-built.lock")).unwrap();
        assert!(lock.try_lock().is_err(), "held");
        drop(stage);
        // A program that another test is just starting has the file, too, until it runs.
        let free = (0..1000).any(|_| {
            thread::sleep(Duration::from_millis(10));
            lock.try_lock().is_ok()
        });
        assert!(free, "released");
    }
}
