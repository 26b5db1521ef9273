//! The folder of a run: what lies where in it.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use super::{Checkpoint, RunConfig, Settings, metrics};
use crate::{
    console, data,
    error::{Error, Result},
    files, folders, overwriting,
};

/// `run.toml`, `metrics.jsonl`, `report.html`, `checkpoints/`, `samples/`.
pub struct RunFolder(PathBuf);

impl RunFolder {
    /// The run at this path.
    pub fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Whether there is a run.
    pub fn exists(&self) -> bool {
        self.settings().exists()
    }

    /// Whether there is a run that has a checkpoint, good or not: something would be lost with it.
    pub fn has_checkpoint(&self) -> bool {
        self.exists() && Checkpoint::any(&self.checkpoints())
    }

    /// Whether a run may begin here.
    ///
    /// # Errors
    /// There is a model, or what another program or a run that has lost its settings has left.
    pub fn check_free(&self) -> Result<()> {
        if self.0.join("model.json").exists() {
            let text =
                "it holds a model (model.json), which would be mistaken for the new training; choose another folder";
            return Err(Error::input(format!("--out {}: {text}", self.0.display())));
        }
        overwriting::ours(&self.0, "run.toml", &["checkpoints", "metrics.jsonl", "report.html", "samples"])
    }

    /// The steps of which there is a checkpoint.
    pub fn steps(&self) -> Vec<u64> {
        Checkpoint::steps(&self.checkpoints())
    }

    /// Puts aside what a run that goes on from a step has passed over as unreadable.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn set_aside_after(&self, step: u64) -> Result<()> {
        Checkpoint::set_aside_after(&self.checkpoints(), step)
    }

    /// Where the run lies.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Keeps the folder for one training at a time, as long as what is returned is there.
    ///
    /// # Errors
    /// Another training writes into it.
    pub(super) fn lock(&self) -> Result<Option<File>> {
        folders::create(&self.0)?;
        // Where files cannot be locked nobody is kept out.
        let Ok(lock) = File::create(self.lock_file()) else { return Ok(None) };
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => {
                let text = "another training writes into this folder; choose another --out, or wait for its end";
                Err(Error::input(format!("--out {}: {text}", self.0.display())))
            }
            _ => Ok(Some(lock)),
        }
    }

    pub(super) fn lock_file(&self) -> PathBuf {
        self.0.join(".lock")
    }

    /// Forgets what was measured, for a run that begins again.
    ///
    /// # Errors
    /// The file cannot be deleted.
    pub fn forget_metrics(&self) -> Result<()> {
        let path = self.metrics();
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::failed(format!("{}: cannot be deleted: {}", path.display(), files::reason(&error))))
            }
            _ => Ok(()),
        }
    }

    /// The settings.
    fn settings(&self) -> PathBuf {
        self.0.join("run.toml")
    }

    /// The checkpoints.
    pub fn checkpoints(&self) -> PathBuf {
        self.0.join("checkpoints")
    }

    /// What was measured on the way.
    pub fn metrics(&self) -> PathBuf {
        self.0.join("metrics.jsonl")
    }

    /// All of it for people.
    pub fn report(&self) -> PathBuf {
        self.0.join("report.html")
    }

    /// Samples at a checkpoint, of the averaged weights or of those that are trained.
    pub fn samples(&self, step: u64, averaged: bool) -> PathBuf {
        let raw = if averaged { "" } else { "-raw" };
        self.0.join("samples").join(format!("step-{step:07}{raw}.png"))
    }

    /// Whether the settings that lie there are these.
    pub(super) fn has_settings(&self, config: &RunConfig) -> bool {
        config.to_toml().is_ok_and(|text| fs::read_to_string(self.settings()).is_ok_and(|there| there == text))
    }

    /// Writes the settings, and makes the folders.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn save_config(&self, config: &RunConfig) -> Result<()> {
        for folder in [self.checkpoints(), self.0.join("samples")] {
            folders::create(&folder)?;
        }
        let path = self.settings();
        let text = config.to_toml()?;
        files::write_atomically(&path, |file| file.write_all(text.as_bytes()))
    }

    /// Reads the settings.
    ///
    /// # Errors
    /// There is no run, or its record is damaged.
    pub fn load_config(&self) -> Result<RunConfig> {
        let path = self.settings();
        if !path.is_file() {
            return Err(Error::input(format!("{}: no run: it has no run.toml", self.0.display())));
        }
        let text = String::from_utf8_lossy(&files::read(&path)?).into_owned();
        let damaged = |why: &str| Error::input(format!("{}: not a run's settings: {why}", path.display()));
        let mut config: RunConfig = toml::from_str(&text).map_err(|error| damaged(error.message()))?;
        let Some(pictures) = &mut config.pictures else {
            return Err(damaged("the [pictures] section is missing"));
        };
        // Those of earlier versions say nothing of pictures as they are known now.
        pictures.card.fingerprint.take_if(|known| !data::is_fingerprint(known));
        config.checked().map_err(|error| damaged(&error.to_string()))
    }

    /// What the steps before this one were made with: of these settings the last, and all of them. A run may have been
    /// resumed with others since, without a step that was saved; `run.toml` has those.
    ///
    /// # Errors
    /// What was taken down cannot be read.
    pub fn made_with(&self, config: RunConfig, step: u64) -> Result<(RunConfig, Vec<Settings>)> {
        let (made, since): (Vec<_>, Vec<_>) =
            metrics::history(self)?.into_iter().partition(|settings| settings.step < step);
        let config = match made.last() {
            Some(Settings { noise, optimization, .. }) if !since.is_empty() => {
                let config = RunConfig { noise: *noise, optimization: optimization.clone(), ..config };
                config.checked().map_err(|error| Error::input(format!("{}: {error}", self.metrics().display())))?
            }
            _ => config,
        };
        Ok((config, made))
    }

    /// The checkpoint with the smallest loss on held-out pictures.
    ///
    /// # Errors
    /// There is none, or it is damaged.
    pub fn best(&self) -> Result<Checkpoint> {
        let none = || {
            Error::input(format!(
                "{}: none of the remaining checkpoints was measured; leave out --best",
                self.0.display()
            ))
        };
        // A step whose save has failed was measured before.
        let is_there = |step| Checkpoint::is_of_step(&self.checkpoints(), step);
        loop {
            let step = metrics::best_step(self, is_there)?.ok_or_else(none)?;
            match Checkpoint::of_step(&self.checkpoints(), step) {
                // A training that goes on has a better one now, and has deleted this one.
                Err(_) if !is_there(step) => {}
                found => return found,
            }
        }
    }

    /// The newest good checkpoint.
    ///
    /// # Errors
    /// There is none, or none that can be read.
    pub fn newest(&self) -> Result<Checkpoint> {
        let folder = self.0.display();
        if !Checkpoint::any(&self.checkpoints()) {
            let text = format!(
                "the run has no checkpoint yet; `trainer train --resume --out {}` goes on with it",
                console::quoted(&self.0)
            );
            return Err(Error::input(format!("{folder}: {text}")));
        }
        Checkpoint::newest(&self.checkpoints())
            .ok_or_else(|| Error::input(format!("{folder}: no checkpoint of it can be read: all are damaged")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::{TrainingPreset, metrics::Metrics};

    #[test]
    fn one_training_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::at(&folder.path().join("run"));
        let lock = run.lock().unwrap();
        let error = RunFolder::at(&folder.path().join("run")).lock().unwrap_err();
        assert!(error.to_string().contains("another training") && error.exit_code() == 2, "{error}");
        drop(lock);
        // A program that another test is just starting has the file, too, until it runs.
        let free = (0..1000).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            matches!(run.lock(), Ok(Some(_)))
        });
        assert!(free, "released");
    }

    #[test]
    fn no_run_begins_where_something_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::at(folder.path());
        run.check_free().unwrap();
        // A run that has lost its settings.
        fs::create_dir_all(folder.path().join("checkpoints/step-0000002")).unwrap();
        let error = run.check_free().unwrap_err();
        assert!(
            error.to_string().contains("it contains checkpoints but no run.toml") && error.exit_code() == 2,
            "{error}"
        );
        fs::write(folder.path().join("run.toml"), "").unwrap();
        run.check_free().unwrap();
        fs::write(folder.path().join("model.json"), "{}").unwrap();
        assert!(run.check_free().unwrap_err().to_string().contains("it holds a model"));
    }

    #[test]
    fn the_best_is_one_that_was_saved() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::at(folder.path());
        let entry = |step: u64, loss: f64| {
            format!(
                r#"{{"kind":"checkpoint","step":{step},"held_out_loss":{loss},"training_energy":0.0,"held_out_energy":0.0,"denoising":[]}}"#
            )
        };
        // The disk was full after the third was measured.
        fs::write(run.metrics(), [entry(1, 5.0), entry(2, 6.0), entry(3, 1.0)].join("\n")).unwrap();
        assert!(run.best().err().unwrap().to_string().contains("leave out --best"));
        for step in [1, 2] {
            let checkpoint = run.checkpoints().join(format!("step-000000{step}"));
            fs::create_dir_all(&checkpoint).unwrap();
            fs::write(checkpoint.join("checkpoint.json"), "damaged").unwrap();
        }
        let error = run.best().err().unwrap().to_string();
        assert!(error.contains("step-0000001"), "{error}");
    }

    /// The weights of the best are a pipe: whoever reads them waits here until the training has gone on.
    #[cfg(unix)]
    #[test]
    fn who_reads_the_best_while_a_training_saves_finds_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::at(folder.path());
        let entry = |step: u64| {
            format!(
                r#"{{"kind":"checkpoint","step":{step},"held_out_loss":{step},"training_energy":0.0,"held_out_energy":0.0,"denoising":[]}}"#
            )
        };
        fs::write(run.metrics(), [entry(1), entry(2)].join("\n")).unwrap();
        let [best, next] = [1, 2].map(|step| run.checkpoints().join(format!("step-000000{step}")));
        for (checkpoint, record) in [(&best, r#"{"step":1,"seconds":0.0,"sha256":{}}"#), (&next, "damaged")] {
            fs::create_dir_all(checkpoint).unwrap();
            fs::write(checkpoint.join("checkpoint.json"), record).unwrap();
        }
        let weights = best.join("weights.safetensors");
        assert!(std::process::Command::new("mkfifo").arg(&weights).status().unwrap().success());
        let told = std::thread::scope(|scope| {
            let reader = scope.spawn(|| run.best().err().unwrap().to_string());
            let pipe = fs::OpenOptions::new().write(true).open(&weights).unwrap();
            fs::remove_dir_all(&best).unwrap();
            drop(pipe);
            reader.join().unwrap()
        });
        assert!(told.contains("step-0000002"), "{told}");
    }

    #[test]
    fn settings_that_no_step_was_made_with_are_not_said_of_a_checkpoint() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::at(folder.path());
        let mut config = TrainingPreset::Unet.settings();
        for (step, seed) in [(0, 1), (4, 2), (9, 3)] {
            config.optimization.seed = seed;
            Metrics::open(run.metrics(), step).unwrap().begin(step, &config);
        }
        for (step, seed) in [(4, 1), (5, 2), (9, 2), (12, 3)] {
            let (made, history) = run.made_with(config.clone(), step).unwrap();
            assert_eq!((made.optimization.seed, history.len() as u64), (seed, seed), "{step}");
        }
        // What is not taken down is as the run says.
        fs::remove_file(run.metrics()).unwrap();
        assert_eq!(run.made_with(config, 5).unwrap().0.optimization.seed, 3);
    }

    #[test]
    fn nothing_is_lost_with_a_run_without_a_checkpoint() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::at(folder.path());
        assert!(!run.exists() && run.load_config().unwrap_err().to_string().contains("no run"));
        fs::write(folder.path().join("run.toml"), "").unwrap();
        fs::create_dir(folder.path().join("checkpoints")).unwrap();
        assert!(run.exists() && !run.has_checkpoint());
        assert!(run.newest().err().unwrap().to_string().contains("no checkpoint yet"));
        // Half of a save is no checkpoint, a damaged one is.
        fs::create_dir(folder.path().join("checkpoints/.step-0000002.part")).unwrap();
        assert!(!run.has_checkpoint());
        fs::create_dir(folder.path().join("checkpoints/step-0000002")).unwrap();
        assert!(run.has_checkpoint());
        assert!(run.newest().err().unwrap().to_string().contains("all are damaged"));
    }
}
