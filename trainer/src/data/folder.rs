//! Any folder of PNG, JPEG or WebP pictures as a data set.

mod cache;

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use indicatif::{ParallelProgressIterator, ProgressBar};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use walkdir::WalkDir;

use super::{DataSet, Images};
use crate::error::{Error, Result};
use crate::files::reason;
use crate::pictures;
use cache::Cache;

/// The side that pictures are resized to where the user names none.
pub(super) const DEFAULT_SIDE: usize = 32;
const SIDES: RangeInclusive<usize> = 1..=1024;
/// So few files are decoded sooner than a second is over, and not kept.
const FEW: usize = 1000;
const EXTENSIONS: [&str; 4] = ["png", "jpg", "jpeg", "webp"];
/// One in ten different pictures is held out.
const HOLD_OUT: usize = 10;

/// Reads every picture in the folder and its subfolders, cropped to its centred square and resized to `side`; colour,
/// or grey where all are grey.
///
/// Which pictures are held out depends on their pixels alone, so that copies of one picture stay together. Files that
/// are no pictures are listed in the data set; fails where fewer than two different pictures are left.
pub(super) fn read(folder: &Path, side: usize) -> Result<DataSet> {
    let wrong = |what: &str| Error::input(format!("--data {}: {what}", folder.display()));
    if !SIDES.contains(&side) {
        let what = format!("--image-size {side}: must be from {} to {}", SIDES.start(), SIDES.end());
        return Err(Error::input(what));
    }
    let (paths, mut skipped) = pictures_in(folder);
    if paths.is_empty() {
        return Err(wrong("the folder holds no readable .png, .jpg, .jpeg or .webp file"));
    }
    let (squares, undecoded) = decoded(&paths, side)?;
    skipped.extend(undecoded);
    let hashes: BTreeSet<_> = squares.iter().map(|square| square.hash).collect();
    if hashes.len() < 2 {
        let first = skipped.first().map(|why| format!("; the first that could not: {why}")).unwrap_or_default();
        return Err(wrong(&format!(
            "at least two different pictures are needed, and {} of {} files could be used{first}",
            hashes.len(),
            paths.len()
        )));
    }

    let held_out: BTreeSet<_> = hashes.iter().take(hashes.len().div_ceil(HOLD_OUT)).collect();
    let grey = squares.iter().all(|square| square.grey);
    let channels = if grey { 1 } else { 3 };
    let part = |held: bool| {
        let chosen = squares.iter().filter(|square| held_out.contains(&square.hash) == held);
        // A grey picture has three equal planes: the first says it all.
        let pixels = chosen.flat_map(|square| &square.planes[..channels * side * side]).copied().collect();
        Images { channels, height: side, width: side, pixels, labels: Vec::new() }
    };
    Ok(DataSet {
        name: folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned(),
        licence: "that of the pictures in the folder".into(),
        train: part(false),
        held_out: part(true),
        skipped,
    })
}

/// All pictures cut to size, out of the cache where these very files were decoded before, and a line for each that is
/// none.
fn decoded(paths: &[PathBuf], side: usize) -> Result<(Vec<Square>, Vec<String>)> {
    let cache = if paths.len() < FEW { None } else { Cache::of(paths, side) };
    if let Some(kept) = cache.as_ref().and_then(Cache::read) {
        return Ok(kept);
    }
    let bar = ProgressBar::new(paths.len() as u64);
    let read: Vec<_> = paths.par_iter().progress_with(bar.clone()).map(|path| square(path, side)).collect();
    bar.finish_and_clear();
    let (mut squares, mut skipped) = (Vec::new(), Vec::new());
    for result in read {
        match result {
            Ok(square) => squares.push(square),
            Err(error) => skipped.push(error.to_string()),
        }
    }
    // A cache that cannot be written costs time the next time, and nothing now.
    if let Some(Err(error)) = cache.map(|cache| cache.write(&squares, &skipped)) {
        eprintln!("warning: {error}");
    }
    Ok((squares, skipped))
}

/// A picture cut to size: three planes [3, side, side].
struct Square {
    planes: Vec<u8>,
    grey: bool,
    hash: [u8; 32],
}

fn square(path: &Path, side: usize) -> Result<Square> {
    let picture = pictures::fit(&pictures::decode(path)?, side, side);
    let planes = pictures::planes(&picture, 3).unwrap_or_default();
    let hash = hash_of(&planes);
    Ok(Square { planes, grey: !picture.color().has_color(), hash })
}

fn hash_of(planes: &[u8]) -> [u8; 32] {
    Sha256::digest(planes).into()
}

/// The files with a picture's extension, in the order of their names so that every run sees the same order, and a line
/// for each place that could not be looked into.
fn pictures_in(folder: &Path) -> (Vec<PathBuf>, Vec<String>) {
    let is_picture = |path: &Path| {
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        EXTENSIONS.contains(&extension.as_str())
    };
    let (mut paths, mut unreadable) = (Vec::new(), Vec::new());
    for entry in WalkDir::new(folder).follow_links(true).sort_by_file_name() {
        match entry {
            Ok(entry) if is_picture(entry.path()) && !entry.file_type().is_dir() => {
                paths.push(entry.into_path());
            }
            Ok(_) => {}
            Err(error) => {
                let why = error.io_error().map_or_else(|| error.to_string(), reason);
                unreadable.push(format!("{}: {why}", error.path().unwrap_or(folder).display()));
            }
        }
    }
    (paths, unreadable)
}

#[cfg(test)]
mod tests;
