//! Checkpoints: a folder each, complete or not there at all.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use burn::{optim::ModuleOptimizer, tensor::Bytes};
use serde::{Deserialize, Serialize};
use shared::{model::Weights, network::EnergyNetwork};

use crate::{
    error::{Error, Result},
    files,
};

/// How far a run has come.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Progress {
    /// Steps done.
    pub step: u64,
    /// Seconds of training, over all sessions.
    pub seconds: f64,
    /// Images seen, each as often as it was; nothing in a checkpoint from before this was counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<u64>,
}

/// A checkpoint in memory.
pub struct Checkpoint {
    /// How far the run was.
    pub progress: Progress,
    /// The weights that are trained.
    pub weights: Weights,
    /// Their moving average, which is what is sampled from.
    pub ema: Weights,
    /// The optimizer's state, in Burn's own format.
    pub optimizer: Bytes,
}

/// `checkpoint.json`, the file that makes a folder a checkpoint: written last, it vouches for the others.
#[derive(Serialize, Deserialize)]
struct Manifest {
    #[serde(flatten)]
    progress: Progress,
    /// SHA-256 of the other files, by name.
    sha256: BTreeMap<String, String>,
}

const MANIFEST: &str = "checkpoint.json";
const WEIGHTS: &str = "weights.safetensors";
const EMA: &str = "ema.safetensors";
const OPTIMIZER: &str = "optimizer.bpk";

impl Checkpoint {
    /// Gathers the state of a run.
    ///
    /// # Errors
    /// The optimizer cannot be serialised.
    pub fn of(
        progress: Progress,
        network: &EnergyNetwork,
        ema: &EnergyNetwork,
        optimizer: &ModuleOptimizer,
    ) -> Result<Self> {
        let optimizer = optimizer
            .into_bytes()
            .map_err(|error| Error::failed(format!("the optimizer's state cannot be saved: {error}")))?;
        Ok(Self { progress, weights: Weights::of(network), ema: Weights::of(ema), optimizer })
    }

    /// Writes the checkpoint into `folder` (`checkpoints` of a run) and keeps only the newest `keep`, this one among
    /// them, and that of step `best`.
    ///
    /// Everything is written and synced in a hidden folder first, which is then renamed: a crash leaves either the
    /// whole checkpoint or none, and the older ones untouched. What goes is likewise hidden before it is deleted; an older
    /// one that cannot be is told of, and stays.
    ///
    /// # Errors
    /// The disk is full or the folder cannot be written.
    pub fn save(&self, folder: &Path, keep: usize, best: Option<u64>) -> Result<PathBuf> {
        let name = name_of(self.progress.step);
        let target = folder.join(&name);
        let draft = folder.join(format!(".{name}.part"));
        let cannot = |error: std::io::Error| {
            Error::failed(format!("{}: cannot be written: {}", target.display(), files::reason(&error)))
        };
        // Not the run's folder itself: one that was moved away just now would be made again without its settings.
        let made = if folder.is_dir() { Ok(()) } else { fs::create_dir(folder) };
        let written = made.and_then(|()| self.write(&draft)).and_then(|()| {
            // A checkpoint of the same step (a run resumed and stopped at once) is replaced.
            if target.exists() {
                discard(&target)?;
            }
            write_point();
            fs::rename(&draft, &target)?;
            write_point();
            files::sync_folder(folder)
        });
        if let Err(error) = written {
            // What is left of the attempt is of no use; the older checkpoints are untouched.
            fs::remove_dir_all(&draft).ok();
            return Err(cannot(error));
        }
        let earlier = list(folder).into_iter().filter(|other| *other != target);
        let passed = earlier.skip(keep - 1).filter(|other| best.is_none() || step_of(other) != best);
        for other in passed {
            // The new one is whole: what is left of an older one takes room, and the next save tries again.
            if let Err(error) = discard(&other) {
                let (other, why) = (other.display(), files::reason(&error));
                eprintln!(
                    "warning: {other}: this older checkpoint cannot be deleted: {why}; the next save tries again"
                );
            }
        }
        sweep(folder);
        Ok(target)
    }

    fn write(&self, draft: &Path) -> std::io::Result<()> {
        if draft.exists() {
            fs::remove_dir_all(draft)?;
        }
        fs::create_dir(draft)?;
        let weights = |weights: &Weights| weights.to_safetensors(false).map_err(std::io::Error::other);
        let files =
            [(WEIGHTS, weights(&self.weights)?), (EMA, weights(&self.ema)?), (OPTIMIZER, self.optimizer.to_vec())];
        let sha256 = files.iter().map(|(name, bytes)| ((*name).to_owned(), files::sha256(bytes))).collect();
        let manifest = serde_json::to_vec_pretty(&Manifest { progress: self.progress.clone(), sha256 })?;
        for (name, bytes) in files.into_iter().chain([(MANIFEST, manifest)]) {
            write_point();
            let mut file = File::create(draft.join(name))?;
            // In two parts, so that a test can break off between them.
            let (first, second) = bytes.split_at(bytes.len() / 2);
            file.write_all(first)?;
            write_point();
            file.write_all(second)?;
            files::sync(&file)?;
        }
        files::sync_folder(draft)
    }

    /// Reads a checkpoint folder.
    ///
    /// # Errors
    /// A missing or damaged file, by name.
    pub fn load(folder: &Path) -> Result<Self> {
        let path = folder.join(MANIFEST);
        let Manifest { progress, sha256 } = serde_json::from_slice(&files::read(&path)?)
            .map_err(|error| Error::input(format!("{}: no record of a checkpoint: {error}", path.display())))?;
        if step_of(folder).is_some_and(|step| step != progress.step)
            || !(0.0..f64::INFINITY).contains(&progress.seconds)
        {
            let Progress { step, seconds, .. } = progress;
            let text = format!("no record of this checkpoint: it is of step {step}, after {seconds} seconds");
            return Err(Error::input(format!("{}: {text}", path.display())));
        }
        let checked = |name: &str| -> Result<Vec<u8>> {
            let bytes = files::read(&folder.join(name))?;
            if sha256.get(name) == Some(&files::sha256(&bytes)) {
                return Ok(bytes);
            }
            Err(Error::input(format!(
                "{}: not what was saved: its SHA-256 does not match",
                folder.join(name).display()
            )))
        };
        let weights = |name: &str| {
            Weights::parse(&checked(name)?)
                .map_err(|error| Error::input(format!("{}: {error}", folder.join(name).display())))
        };
        Ok(Self {
            progress,
            weights: weights(WEIGHTS)?,
            ema: weights(EMA)?,
            optimizer: Bytes::from_bytes_vec(checked(OPTIMIZER)?),
        })
    }

    /// The steps of the checkpoints in a folder, good or not, newest first.
    pub fn steps(folder: &Path) -> Vec<u64> {
        list(folder).iter().filter_map(|checkpoint| step_of(checkpoint)).collect()
    }

    /// The newest checkpoint in `folder` that can be read, telling on stderr about newer ones that cannot; none if there
    /// is none.
    pub fn newest(folder: &Path) -> Option<Self> {
        let mut passed = Vec::new();
        loop {
            // Listed anew each time: a training that goes on may have saved a newer one, and deleted this one for it.
            let candidate = list(folder).into_iter().find(|candidate| !passed.contains(candidate))?;
            match Self::load(&candidate) {
                Ok(checkpoint) => return Some(checkpoint),
                Err(_) if !candidate.exists() => {}
                Err(error) => eprintln!("warning: {error}; trying an older checkpoint"),
            }
            passed.push(candidate);
        }
    }

    /// Gives the checkpoints after a step another name. A run that goes on from there has passed over them as unreadable, so
    /// they must not count, least of all against good ones; but what cannot be read may be read again, from a mended disk.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn set_aside_after(folder: &Path, step: u64) -> Result<()> {
        let later = list(folder).into_iter().filter(|checkpoint| step_of(checkpoint) > Some(step));
        later.into_iter().try_for_each(|checkpoint| {
            set_aside(&checkpoint).map_err(|error| {
                Error::failed(format!("{}: cannot be renamed: {}", checkpoint.display(), files::reason(&error)))
            })
        })
    }

    /// Whether there is a checkpoint in `folder`, good or not.
    pub fn any(folder: &Path) -> bool {
        !list(folder).is_empty()
    }

    /// The checkpoint of a step in `folder`.
    ///
    /// # Errors
    /// It is not there, or damaged.
    pub fn of_step(folder: &Path, step: u64) -> Result<Self> {
        Self::load(&folder.join(name_of(step)))
    }

    /// Whether the checkpoint of a step is in `folder`, good or not.
    pub fn is_of_step(folder: &Path, step: u64) -> bool {
        Self::is_at(&folder.join(name_of(step)))
    }

    /// Whether a folder is a checkpoint.
    pub fn is_at(folder: &Path) -> bool {
        folder.join(MANIFEST).is_file()
    }
}

/// Deletes a checkpoint; a crash on the way leaves no half of one under its name.
fn discard(checkpoint: &Path) -> std::io::Result<()> {
    let name = checkpoint.file_name().unwrap_or_default().to_string_lossy();
    let hidden = checkpoint.with_file_name(format!(".{name}.old"));
    if hidden.exists() {
        fs::remove_dir_all(&hidden)?;
    }
    write_point();
    fs::rename(checkpoint, &hidden)?;
    write_point();
    fs::remove_dir_all(&hidden)
}

/// Gives a checkpoint that cannot be read a name under which it is none, and says so.
fn set_aside(checkpoint: &Path) -> std::io::Result<()> {
    let name = checkpoint.file_name().unwrap_or_default().to_string_lossy();
    let free = (1..).map(|number| match number {
        1 => checkpoint.with_file_name(format!("unreadable-{name}")),
        _ => checkpoint.with_file_name(format!("unreadable-{name}-{number}")),
    });
    let Some(aside) = free.into_iter().find(|path| !path.exists()) else { return Ok(()) };
    fs::rename(checkpoint, &aside)?;
    eprintln!("warning: {}: it could not be read, and is now {}", checkpoint.display(), aside.display());
    Ok(())
}

/// Deletes what a crash has left of drafts and of deletions; what cannot be deleted does no harm.
fn sweep(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for path in entries.map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(".step-") && (name.ends_with(".part") || name.ends_with(".old")) {
            fs::remove_dir_all(&path).ok();
        }
    }
}

/// The checkpoints of a folder, newest first.
fn list(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| step_of(path).is_some()).collect();
    found.sort_by_key(|path| std::cmp::Reverse(step_of(path)));
    found
}

/// The name of the folder of a step's checkpoint.
fn name_of(step: u64) -> String {
    format!("step-{step:07}")
}

/// The step of a checkpoint folder; none for anything else, such as a draft.
fn step_of(folder: &Path) -> Option<u64> {
    folder.file_name()?.to_str()?.strip_prefix("step-")?.parse().ok()
}

/// A place where a test may end the process.
#[cfg(not(test))]
fn write_point() {}
#[cfg(test)]
use tests::write_point;

#[cfg(test)]
mod tests;
