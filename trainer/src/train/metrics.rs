//! What is measured while a run trains: `metrics.jsonl`, an entry a line.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use shared::training::NoiseLevels;

use super::{Optimization, RunConfig, RunFolder};
use crate::{
    error::{Error, Result},
    files,
};

/// A line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Entry {
    /// What the steps that follow are made with.
    Settings(Box<Settings>),
    /// Of some steps.
    Training(Training),
    /// Of a checkpoint.
    Checkpoint(Probed),
}

/// The settings that may change when a run is resumed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Steps done before.
    pub step: u64,
    /// The noise levels.
    pub noise: NoiseLevels,
    /// The optimizer and its schedule.
    pub optimization: Optimization,
}

/// Averages over the steps since the entry before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// Steps done.
    pub step: u64,
    /// Mean loss of an image: a sum over its pixels.
    pub loss: f64,
    /// Norm of the gradient of the loss per pixel, before it is limited.
    pub gradient_norm: f64,
    /// Of the last step.
    pub learning_rate: f64,
    /// Speed.
    pub images_per_second: f64,
}

/// What the averaged weights are worth at a checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Probed {
    /// Steps done.
    pub step: u64,
    /// The training loss on held-out pictures.
    pub held_out_loss: f64,
    /// Mean energy of training pictures.
    pub training_energy: f64,
    /// Mean energy of held-out pictures.
    pub held_out_energy: f64,
    /// Of held-out pictures.
    pub denoising: Vec<DenoisingError>,
}

/// The error of the one-jump denoiser at a noise level.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DenoisingError {
    /// The noise level.
    pub level: f32,
    /// Root mean squared error of a pixel after the jump, of the noise level.
    pub share_left: f64,
}

impl Entry {
    fn step(&self) -> u64 {
        match self {
            Self::Settings(entry) => entry.step,
            Self::Training(entry) => entry.step,
            Self::Checkpoint(entry) => entry.step,
        }
    }
}

/// The file, and what is in it.
pub struct Metrics {
    path: PathBuf,
    entries: Vec<Entry>,
    /// Whether all of them are in the file.
    written: bool,
}

impl Metrics {
    /// Opens the file as it was at a step: what a run had measured beyond the checkpoint that it goes on from is
    /// dropped.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn open(path: PathBuf, step: u64) -> Result<Self> {
        let mut entries = read(&path)?;
        // With settings that were taken down right here no step was made, whoever began with them.
        entries.retain(|entry| match entry {
            Entry::Settings(settings) => settings.step < step,
            entry => entry.step() <= step,
        });
        let metrics = Self { path, entries, written: true };
        metrics.write()?;
        Ok(metrics)
    }

    /// The whole file anew.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self) -> Result<()> {
        files::write_atomically(&self.path, |file| {
            self.entries.iter().try_for_each(|entry| {
                serde_json::to_writer(&mut *file, entry)?;
                writeln!(file)
            })
        })
    }

    /// Takes down the settings of the steps from here on, if they are others than before.
    pub fn begin(&mut self, step: u64, config: &RunConfig) {
        let settings = Settings { step, noise: config.noise, optimization: config.optimization.clone() };
        let before = self.entries.iter().rev().find_map(|entry| match entry {
            Entry::Settings(before) => Some(before),
            _ => None,
        });
        if before.is_some_and(|before| (before.noise, &before.optimization) == (settings.noise, &settings.optimization))
        {
            return;
        }
        self.push(Entry::Settings(Box::new(settings)));
    }

    /// Whether the checkpoint of this step was measured.
    pub fn has_checkpoint(&self, step: u64) -> bool {
        self.entries.iter().any(|entry| matches!(entry, Entry::Checkpoint(probed) if probed.step == step))
    }

    /// Adds an entry. A file that cannot be written now ends no training: a later entry takes this one with it.
    pub fn push(&mut self, entry: Entry) {
        // Anew where a line may be there in part, or somebody has deleted those before.
        let whole = self.written && self.path.exists();
        self.entries.push(entry);
        let outcome = if whole { self.append_last() } else { self.write() };
        if let (true, Err(error)) = (self.written, &outcome) {
            eprintln!("warning: {error}; the next entry brings this one with it");
        }
        self.written = outcome.is_ok();
    }

    fn append_last(&self) -> Result<()> {
        let append = || {
            let mut line = serde_json::to_vec(&self.entries.last())?;
            line.push(b'\n');
            OpenOptions::new().append(true).open(&self.path)?.write_all(&line)
        };
        append().map_err(|error: io::Error| {
            Error::failed(format!("{}: cannot be written: {}", self.path.display(), files::reason(&error)))
        })
    }

    /// All averages over steps.
    pub fn training(&self) -> impl Iterator<Item = &Training> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Training(training) => Some(training),
            _ => None,
        })
    }

    /// All checkpoints.
    pub fn checkpoints(&self) -> impl Iterator<Item = &Probed> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Checkpoint(probed) => Some(probed),
            _ => None,
        })
    }

    /// The checkpoint with the smallest loss on held-out pictures, among those that are there ([`best`]).
    pub fn best(&self, is_there: impl Fn(u64) -> bool) -> Option<&Probed> {
        best(&self.entries, is_there)
    }
}

/// The checkpoint with the smallest loss on held-out pictures, among those that are there of those since the noise levels
/// were last changed: a loss over other levels is another quantity.
fn best(entries: &[Entry], is_there: impl Fn(u64) -> bool) -> Option<&Probed> {
    let noise = |entry: &Entry| if let Entry::Settings(settings) = entry { Some(settings.noise) } else { None };
    let last = entries.iter().rev().find_map(noise);
    let mut now = None;
    let mut best: Option<&Probed> = None;
    for entry in entries {
        now = noise(entry).or(now);
        match entry {
            Entry::Checkpoint(probed) if now == last && is_there(probed.step) => {
                best = best.filter(|best| best.held_out_loss <= probed.held_out_loss).or(Some(probed));
            }
            // What came before other levels is long replaced.
            _ if now != last => best = None,
            _ => {}
        }
    }
    best
}

/// The entries of a file, up to a line that a crash has cut off; none if there is no file.
fn read(path: &Path) -> Result<Vec<Entry>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        opened => opened
            .map_err(|error| Error::input(format!("{}: cannot be read: {}", path.display(), files::reason(&error))))?,
    };
    let lines = BufReader::new(file).lines().map_while(std::result::Result::ok);
    Ok(lines.map_while(|line| serde_json::from_str(&line).ok()).collect())
}

/// The loss on held-out pictures at the last checkpoint of a run, if it has one.
///
/// # Errors
/// The file cannot be read.
pub fn held_out_loss(folder: &RunFolder) -> Result<Option<f64>> {
    let entries = read(&folder.metrics())?;
    Ok(entries.iter().rev().find_map(|entry| match entry {
        Entry::Checkpoint(probed) => Some(probed.held_out_loss),
        _ => None,
    }))
}

/// The step of the best checkpoint of a run that is there, if one was measured.
///
/// # Errors
/// The file cannot be read.
pub fn best_step(folder: &RunFolder, is_there: impl Fn(u64) -> bool) -> Result<Option<u64>> {
    Ok(best(&read(&folder.metrics())?, is_there).map(|best| best.step))
}

/// The settings of a run, one after the other; fewer of a run from before they were kept.
///
/// # Errors
/// The file cannot be read.
pub fn history(folder: &RunFolder) -> Result<Vec<Settings>> {
    let entries = read(&folder.metrics())?;
    Ok(entries
        .into_iter()
        .filter_map(|entry| if let Entry::Settings(settings) = entry { Some(*settings) } else { None })
        .collect())
}

/// The mean of some steps in the making.
#[derive(Default)]
pub struct Average {
    steps: u64,
    loss: f64,
    gradient_norm: f64,
}

impl Average {
    /// Adds a step.
    pub fn add(&mut self, loss: f64, gradient_norm: f64) {
        self.steps += 1;
        self.loss += loss;
        self.gradient_norm += gradient_norm;
    }

    /// Steps so far.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The entry, and starts again.
    pub fn take(&mut self, step: u64, learning_rate: f64, images_per_second: f64) -> Training {
        let Self { steps, loss, gradient_norm } = std::mem::take(self);
        let steps = steps.max(1) as f64;
        Training { step, loss: loss / steps, gradient_norm: gradient_norm / steps, learning_rate, images_per_second }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn training(step: u64) -> Entry {
        let mut average = Average::default();
        average.add(2.0, 1.0);
        average.add(4.0, 3.0);
        Entry::Training(average.take(step, 1e-3, 100.0))
    }

    fn probed(step: u64, held_out_loss: f64) -> Entry {
        let denoising = vec![DenoisingError { level: 0.1, share_left: 0.3 }];
        Entry::Checkpoint(Probed { step, held_out_loss, training_energy: 1.0, held_out_energy: 2.0, denoising })
    }

    #[test]
    fn a_resumed_run_goes_on_where_its_checkpoint_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let mut metrics = Metrics::open(path.clone(), 0).unwrap();
        for entry in [training(10), probed(10, 5.0), training(20), probed(20, 4.0), training(30)] {
            metrics.push(entry);
        }
        assert_eq!(metrics.best(|_| true).map(|best| best.step), Some(20));
        // A disk that was full when the best was to be saved.
        assert_eq!(metrics.best(|step| step != 20).map(|best| best.step), Some(10));
        // A crash in the middle of a line.
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() - 9]).unwrap();
        let resumed = Metrics::open(path.clone(), 10).unwrap();
        assert_eq!(resumed.entries, [training(10), probed(10, 5.0)]);
        assert_eq!(resumed.training().next().map(|entry| (entry.loss, entry.gradient_norm)), Some((3.0, 2.0)));
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 2);
    }

    #[test]
    fn a_file_that_cannot_be_written_for_a_while_has_all_of_it_in_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let mut metrics = Metrics::open(path.clone(), 0).unwrap();
        metrics.push(training(10));
        // Nothing can be written into a folder, nor take its place.
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        metrics.push(training(20));
        metrics.push(probed(20, 4.0));
        assert_eq!(metrics.best(|_| true).map(|best| best.step), Some(20));
        fs::remove_dir(&path).unwrap();
        metrics.push(training(30));
        metrics.push(training(40));
        let all = [training(10), training(20), probed(20, 4.0), training(30), training(40)];
        assert_eq!(read(&path).unwrap(), all);
    }

    #[test]
    fn a_file_that_was_deleted_is_whole_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let mut metrics = Metrics::open(path.clone(), 0).unwrap();
        metrics.push(training(10));
        fs::remove_file(&path).unwrap();
        metrics.push(training(20));
        assert_eq!(read(&path).unwrap(), [training(10), training(20)]);
    }

    #[test]
    fn losses_over_other_noise_levels_are_not_compared() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = crate::train::TrainingPreset::Unet.settings();
        let mut metrics = Metrics::open(folder.path().join("metrics.jsonl"), 0).unwrap();
        metrics.begin(0, &config);
        metrics.push(probed(10, 3.0));
        // Another learning rate is no other quantity, other levels are.
        config.optimization.learning_rate /= 2.0;
        metrics.begin(10, &config);
        metrics.push(probed(20, 4.0));
        assert_eq!(metrics.best(|_| true).map(|best| best.step), Some(10));
        config.noise.max *= 2.0;
        metrics.begin(20, &config);
        assert_eq!(metrics.best(|_| true), None);
        for entry in [probed(30, 9.0), probed(40, 8.0), probed(50, 8.5)] {
            metrics.push(entry);
        }
        assert_eq!(metrics.best(|_| true).map(|best| best.step), Some(40));
    }

    #[test]
    fn settings_are_taken_down_when_they_change() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::at(folder.path());
        // Its limit on the gradient is infinite.
        let mut config = crate::train::TrainingPreset::PaperMnist.settings();
        for (step, learning_rate) in [(0, 1e-3), (10, 1e-3), (20, 1e-4)] {
            config.optimization.learning_rate = learning_rate;
            Metrics::open(run.metrics(), step).unwrap().begin(step, &config);
        }
        let found: Vec<_> =
            history(&run).unwrap().iter().map(|entry| (entry.step, entry.optimization.learning_rate)).collect();
        assert_eq!(found, [(0, 1e-3), (20, 1e-4)]);
        // With those no step was made.
        Metrics::open(run.metrics(), 20).unwrap();
        assert_eq!(history(&run).unwrap().len(), 1);
        config.optimization.learning_rate = 1e-5;
        Metrics::open(run.metrics(), 20).unwrap().begin(20, &config);
        assert_eq!(history(&run).unwrap().last().map(|entry| entry.optimization.learning_rate), Some(1e-5));
    }
}
