//! What is kept for later: data sets, decoded pictures, weights of networks that measure.

use std::{env, path::PathBuf};

/// Its folder: `$TRAINER_CACHE`, or `energy-models` in the system's folder for such files, if it has one.
pub fn folder() -> Option<PathBuf> {
    let chosen = env::var_os("TRAINER_CACHE").filter(|folder| !folder.is_empty());
    chosen.map(PathBuf::from).or_else(|| Some(dirs::cache_dir()?.join("energy-models")))
}
