//! Any folder of PNG, JPEG or WebP pictures as a data set.

mod cache;
mod contents;
mod decoded;
mod parts;
mod told;

use std::collections::{BTreeSet, HashSet};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::{DataSet, Images};
use crate::error::{Error, Result};
use crate::files::{self, reason};
use crate::pictures;
use cache::Cache;
use contents::{Contents, look_through, written_here};
use decoded::{Goes, Notes, Pixels};
use parts::{Side, Split, classes, inside};

/// Sides that pictures can be resized to.
pub const SIDES: RangeInclusive<usize> = 8..=256;
/// The largest side that is chosen where the user names none: larger ones take a patient user.
const LARGEST_CHOSEN: usize = 64;
/// So few files are decoded sooner than a second is over, and not kept.
const FEW: usize = 1000;
/// One in ten different pictures is held out.
const HOLD_OUT: usize = 10;

/// Reads every picture in the folder and its subfolders, cropped to its centred square and resized to `side`, or to one
/// that suits them ([`suitable_side`]); colour, or grey where all are grey. `named` is what the user knows the folder by.
///
/// Folders `train` and `test` (or `val`) in it are the training and the held-out pictures. Otherwise which pictures are
/// held out depends on their pixels alone, so that copies of one picture stay together. Where all lie in folders by
/// class, they get labels. Files that are no pictures are listed in the data set.
///
/// # Errors
/// The folder cannot be used, or fewer than two different pictures are left, or none on one side.
pub(super) fn read(folder: &Path, side: Option<usize>, named: &str) -> Result<DataSet> {
    let wrong = |what: &str| Error::input(format!("{named}: {what}"));
    let folder = std::fs::canonicalize(folder).map_err(|error| wrong(&reason(&error)))?;
    if let Some(file) = written_here(&folder) {
        let text = format!("it holds {file}, so it was written by this program, and is no folder of pictures");
        return Err(wrong(&text));
    }
    let mut contents = look_through(&folder);
    let mut told = told::contents(&contents);
    let all = inside(&folder, contents.pictures.iter());
    let split = Split::of(&all);
    if split.is_none() {
        told.extend(Split::lacking(&folder, &all).map_err(|what| wrong(&what))?);
    }
    if let Some(split) = &split {
        let count = contents.pictures.len();
        contents.pictures.retain(|path| split.side(path.strip_prefix(&folder).unwrap_or(path)) != Side::Neither);
        told.extend(told::neither(split, count - contents.pictures.len()));
    }
    let Contents { pictures: paths, unreadable, .. } = contents;
    if paths.is_empty() {
        let others = told.first().map(|line| format!("; {line}")).unwrap_or_default();
        return Err(wrong(&format!("the folder holds no readable PNG, JPEG or WebP picture{others}")));
    }
    let chosen = side.unwrap_or_else(|| suitable_side(&paths));
    let (notes, pixels) = decoded(&folder, &paths, chosen)?;
    let hashes: BTreeSet<&str> = notes.pictures.iter().map(|note| note.hash.as_str()).collect();
    let skipped: Vec<String> = unreadable.iter().chain(&notes.skipped).cloned().collect();
    if hashes.len() < 2 {
        let first = skipped.first().map(|why| format!("; the first that could not: {why}")).unwrap_or_default();
        return Err(wrong(&format!(
            "at least two different pictures are needed, and {} of {} files could be used{first}",
            hashes.len(),
            paths.len()
        )));
    }

    let used: Vec<&Path> = inside(&folder, notes.pictures.iter().map(|note| &paths[note.file]));
    let goes = goes(&notes, &used, split.as_ref(), &hashes);
    let (classes, labels) = classes(&used, split.as_ref()).unwrap_or_default();
    let fingerprint = fingerprint(&notes);
    told.push(told::sizes(&notes, chosen, side.is_none()));
    let [mut train, mut held_out] = pixels
        .part(notes.channels, chosen, &goes)
        .map_err(|error| wrong(&format!("what was kept of it cannot be read: {}", reason(&error))))?;
    for (images, to) in [(&mut train, Goes::Training), (&mut held_out, Goes::HeldOut)] {
        images.labels = labels.iter().zip(&goes).filter(|(_, goes)| **goes == to).map(|(&label, _)| label).collect();
    }
    if let Some(split) = &split {
        check_sides(&train, &held_out, split).map_err(|what| wrong(&what))?;
        told.push(told::split(split, &train, &held_out, &goes));
    }
    told.extend(told::classes(&classes));
    Ok(DataSet {
        name: name(&folder),
        licence: "that of the pictures in the folder".into(),
        source: folder.to_string_lossy().into_owned(),
        train,
        held_out,
        classes,
        fingerprint: Some(fingerprint),
        told,
        skipped,
    })
}

/// The name of a folder.
pub(super) fn name(folder: &Path) -> String {
    folder.file_name().map_or_else(|| "pictures".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// The side that suits pictures: the median of their shorter sides, to the nearest multiple of 8, at most 64. Only their
/// headers are read.
fn suitable_side(paths: &[PathBuf]) -> usize {
    let shorter = |path: &PathBuf| pictures::dimensions(path).map(|(width, height)| width.min(height));
    let mut sides: Vec<usize> = paths.par_iter().filter_map(shorter).collect();
    sides.sort_unstable();
    let median = sides.get(sides.len() / 2).copied().unwrap_or(LARGEST_CHOSEN);
    ((median + 4) / 8 * 8).clamp(*SIDES.start(), LARGEST_CHOSEN)
}

/// All pictures cut to size, out of the cache where these very files were decoded before.
fn decoded(folder: &Path, paths: &[PathBuf], side: usize) -> Result<(Notes, Pixels)> {
    let cache = if paths.len() < FEW { None } else { Cache::of(folder, paths, side) };
    if let Some(kept) = cache.as_ref().and_then(Cache::open) {
        return Ok(kept);
    }
    let (notes, pixels) = decoded::decode(paths, side)?;
    // A cache that cannot be written costs time the next time, and nothing now.
    if let (Some(cache), Pixels::Memory(pixels)) = (cache, &pixels)
        && !notes.unopened
        && let Err(error) = cache.write(&notes, pixels)
    {
        eprintln!("warning: {error}");
    }
    Ok((notes, pixels))
}

/// Where each picture goes. Of the held-out pictures of a split, those that are training pictures too go nowhere.
fn goes(notes: &Notes, used: &[&Path], split: Option<&Split>, hashes: &BTreeSet<&str>) -> Vec<Goes> {
    let hash = |i: usize| notes.pictures[i].hash.as_str();
    let all = 0..notes.pictures.len();
    let Some(split) = split else {
        let held_out: HashSet<&str> = hashes.iter().take(hashes.len().div_ceil(HOLD_OUT)).copied().collect();
        return all.map(|i| if held_out.contains(hash(i)) { Goes::HeldOut } else { Goes::Training }).collect();
    };
    let is_training = |i: &usize| split.side(used[*i]) == Side::Training;
    let training: HashSet<&str> = all.clone().filter(is_training).map(hash).collect();
    let goes = |i: usize| match (is_training(&i), training.contains(hash(i))) {
        (true, _) => Goes::Training,
        (false, true) => Goes::Nowhere,
        (false, false) => Goes::HeldOut,
    };
    all.map(goes).collect()
}

fn check_sides(train: &Images, held_out: &Images, split: &Split) -> std::result::Result<(), String> {
    for (images, folder) in [(train, &split.training), (held_out, &split.held_out)] {
        if images.is_empty() {
            return Err(format!("{folder} has no picture that could be used and is not in {} too", split.training));
        }
    }
    Ok(())
}

/// What tells these pictures from others, whatever their files are called and wherever they lie.
fn fingerprint(notes: &Notes) -> String {
    let mut hashes: Vec<&str> = notes.pictures.iter().map(|note| note.hash.as_str()).collect();
    hashes.sort_unstable();
    files::sha256(hashes.concat().as_bytes())[..32].to_owned()
}

#[cfg(test)]
mod tests;
