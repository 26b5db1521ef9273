//! The folder of a run: what lies where in it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{Checkpoint, RunConfig};
use crate::{
    error::{Error, Result},
    files,
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

    /// Writes the settings, and makes the folders.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn save_config(&self, config: &RunConfig) -> Result<()> {
        for folder in [self.checkpoints(), self.0.join("samples")] {
            files::create_folder(&folder)?;
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
        let text = fs::read_to_string(&path).map_err(|error| {
            Error::input(format!(
                "{}: no run: {} is missing or unreadable: {}",
                self.0.display(),
                path.display(),
                files::reason(&error)
            ))
        })?;
        let damaged = |why: &str| Error::input(format!("{}: not a run's settings: {why}", path.display()));
        let config: RunConfig = toml::from_str(&text).map_err(|error| damaged(error.message()))?;
        if config.pictures.is_none() {
            return Err(damaged("what the pictures are is missing"));
        }
        config.network().validate().map_err(|error| damaged(&error.to_string()))?;
        Ok(config)
    }

    /// The newest good checkpoint.
    ///
    /// # Errors
    /// There is none.
    pub fn newest(&self) -> Result<Checkpoint> {
        Checkpoint::newest(&self.checkpoints())
    }
}
