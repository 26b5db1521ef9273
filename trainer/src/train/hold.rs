//! The folder of a training that is under way: nobody else's meanwhile, and still where it was at every save.

use std::{
    fs::{self, File},
    path::Path,
};

use super::{RunConfig, RunFolder, metrics::Metrics};
use crate::error::{Error, Result};

/// Keeps a run's folder for one training, as long as it is there.
pub struct Hold<'a> {
    folder: &'a RunFolder,
    /// Nothing where files cannot be locked.
    lock: Option<File>,
}

impl<'a> Hold<'a> {
    /// Takes the folder, which is made where it is missing.
    ///
    /// # Errors
    /// Another training writes into it.
    pub fn of(folder: &'a RunFolder) -> Result<Self> {
        Ok(Self { folder, lock: folder.lock()? })
    }

    /// The folder.
    pub fn folder(&self) -> &'a RunFolder {
        self.folder
    }

    /// Before a save: a folder that was moved or deleted since the last one is made anew, with all that a run needs to go
    /// on. Otherwise the checkpoint would lie where no run is, and could not be resumed.
    ///
    /// # Errors
    /// Something else lies there now.
    pub fn renew(&mut self, config: &RunConfig, metrics: &Metrics) -> Result<()> {
        let ours = self.has_lock();
        if self.folder.exists() && (ours || self.lock.is_none()) {
            return Ok(());
        }
        let place = self.folder.path().display();
        if !ours {
            self.take_again(config).map_err(|_| {
                Error::failed(format!(
                    "{place}: the folder of this training was moved or deleted, and something else lies there now; what was \
                     trained since the last save is lost; to go on, give --resume the folder where it is now"
                ))
            })?;
        }
        if !self.folder.exists() {
            eprintln!(
                "warning: {place}: the folder of this training was moved or deleted; it is made anew, for all that is saved \
                 from now on"
            );
            self.folder.save_config(config)?;
            metrics.write()?;
        }
        Ok(())
    }

    fn has_lock(&self) -> bool {
        self.lock.as_ref().is_some_and(|lock| is_at(lock, &self.folder.lock_file()))
    }

    /// Takes what lies at the path now, if it is free or still this run.
    fn take_again(&mut self, config: &RunConfig) -> Result<()> {
        // Where the file system has only given it another number, our own lock must not be in the way.
        self.lock = None;
        self.lock = self.folder.lock()?;
        match self.folder.exists() {
            true if self.folder.has_settings(config) => Ok(()),
            true => Err(Error::failed("another run")),
            false => self.folder.check_free(),
        }
    }
}

/// Whether the file at a path is this one. Where systems do not tell, open files hold their folder in its place.
fn is_at(file: &File, path: &Path) -> bool {
    let Ok(there) = fs::metadata(path) else { return false };
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        file.metadata().is_ok_and(|own| (own.dev(), own.ino()) == (there.dev(), there.ino()))
    }
    #[cfg(not(unix))]
    {
        let _ = (file, there);
        true
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::{
        data::{DataSet, Images},
        train::TrainingPreset,
    };

    /// A run that is under way; what happens to its folder; and what a save finds.
    fn renewed(happens: impl FnOnce(&Path)) -> (tempfile::TempDir, PathBuf, Result<()>) {
        let place = tempfile::tempdir().unwrap();
        let run = place.path().join("runs/run");
        let pixels = (0..64 * 20).map(|index| index as u8).collect();
        let data = DataSet::of(Images { channels: 1, height: 8, width: 8, pixels, labels: Vec::new() });
        let config = TrainingPreset::Unet.settings().with_pictures(&data).unwrap();
        let folder = RunFolder::at(&run);
        let mut hold = Hold::of(&folder).unwrap();
        folder.save_config(&config).unwrap();
        let mut metrics = Metrics::open(folder.metrics(), 0).unwrap();
        metrics.begin(0, &config);
        hold.renew(&config, &metrics).unwrap();
        happens(&run);
        let outcome = hold.renew(&config, &metrics);
        if outcome.is_ok() {
            assert!(hold.has_lock() && folder.load_config().is_ok());
            assert_eq!(fs::read_to_string(folder.metrics()).unwrap().lines().count(), 1);
            assert!(Hold::of(&folder).is_err(), "it is held");
        }
        (place, run, outcome)
    }

    #[test]
    fn a_folder_that_was_moved_or_deleted_is_made_anew() {
        for happens in [
            |run: &Path| fs::rename(run, run.with_extension("moved")).unwrap(),
            |run: &Path| fs::rename(run.parent().unwrap(), run.ancestors().nth(2).unwrap().join("moved")).unwrap(),
            |run: &Path| fs::remove_dir_all(run).unwrap(),
            |run: &Path| {
                for name in ["run.toml", "metrics.jsonl"] {
                    fs::remove_file(run.join(name)).unwrap();
                }
            },
            |run: &Path| fs::remove_file(run.join(".lock")).unwrap(),
            |_: &Path| (),
        ] {
            let (_place, _, outcome) = renewed(happens);
            outcome.unwrap();
        }
    }

    #[test]
    fn nothing_is_written_among_what_lies_there_now() {
        let replaced: [fn(&Path); 2] = [
            |run| fs::write(run.join("run.toml"), "of another").unwrap(),
            |run| fs::write(run.join("report.html"), "of somebody").unwrap(),
        ];
        for replace in replaced {
            let (_place, run, outcome) = renewed(|run| {
                fs::rename(run, run.with_extension("moved")).unwrap();
                fs::create_dir(run).unwrap();
                replace(run);
            });
            let error = outcome.unwrap_err();
            assert!(error.to_string().contains("something else lies there now"), "{error}");
            assert_eq!(error.exit_code(), 1);
            assert!(!run.join("checkpoints").exists());
        }
    }
}
