//! Any folder of PNG, JPEG or WebP pictures as a data set.

mod cache;
mod contents;
mod decoded;
mod parts;
mod room;
mod told;

use std::collections::{BTreeSet, HashSet};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::{DataSet, Images, Wanted};
use crate::error::{Error, Result};
use crate::files::{self, reason};
use crate::pictures;
use crate::progress::Progress;
use cache::Cache;
use contents::{look_into, look_through, may_be_looked_into};
use decoded::{Goes, Notes, Pixels};
use parts::{Side, Split, classes, inside};

/// Sides that pictures can be resized to.
pub const SIDES: RangeInclusive<usize> = 8..=256;
/// The largest side that is chosen where the user names none: larger ones take a patient user.
const LARGEST_CHOSEN: usize = 64;
/// So few files are decoded sooner than a second is over, and not kept.
const FEW: usize = 1000;
/// Pictures whose hashes come before this one are held out: one in ten, by chance, whatever others there are. Pictures that
/// are added later leave those before them where they are.
const HELD_OUT_BEFORE: &str = "1999999999999999";
/// How a fingerprint begins; those of earlier versions began otherwise, and were of pictures at one size.
const FINGERPRINT: &str = "2-";

/// Reads every picture in the folder and its subfolders, cropped to its centred square and resized to the side that is
/// wanted, or to one that suits them ([`suitable_side`]); colour, or grey where all are grey.
///
/// Folders `train` and `test` (or `val`) in it are the training and the held-out pictures. Otherwise whether a picture is
/// held out depends on its own pixels alone, at the size that it has in its file: copies of one picture stay together, and
/// it stays on its side when others are added or all are resized otherwise. Where all lie in folders by class, they get
/// labels. Files that are no pictures are listed in the data set.
///
/// # Errors
/// The folder cannot be used, or fewer than two different pictures are left, or none on one side.
pub(super) fn read(&Wanted { source, named, side, keep, .. }: &Wanted<'_>) -> Result<DataSet> {
    let wrong = |what: &str| Error::input(format!("{named}: {what}"));
    let folder = std::fs::canonicalize(source).map_err(|error| wrong(&reason(&error)))?;
    let Some(place) = folder.to_str().map(str::to_owned) else {
        return Err(wrong("its path has letters that are no Unicode, so a run could not find it again; rename it"));
    };
    may_be_looked_into(&folder).map_err(|what| wrong(&what))?;
    let mut contents = look_through(&folder);
    let mut told = told::contents(&contents);
    let because = |reasons: &[String]| reasons.first().map(|why| format!("; {why}")).unwrap_or_default();
    let unreadable = because(&contents.unreadable);
    let all = inside(&folder, contents.pictures.iter());
    let split = Split::of(&all);
    if split.is_none() {
        told.extend(Split::lacking(&folder, &all).map_err(|what| wrong(&(what + &unreadable)))?);
    }
    if let Some(split) = &split {
        let count = contents.pictures.len();
        contents.pictures.retain(|path| split.side(path.strip_prefix(&folder).unwrap_or(path)) != Side::Neither);
        told.extend(told::neither(split, count - contents.pictures.len()));
    }
    let paths = contents.pictures;
    if paths.is_empty() {
        let others = because(&told);
        return Err(wrong(&format!("the folder holds no readable PNG, JPEG or WebP picture{unreadable}{others}")));
    }
    let chosen = side.unwrap_or_else(|| suitable_side(&paths));
    let cache = if paths.len() < FEW { None } else { Cache::of(&folder, &paths, chosen) };
    let (notes, pixels, kept) = decoded(&paths, chosen, cache.as_ref(), keep)?;
    told.extend(kept);
    let hashes: BTreeSet<&str> = notes.pictures.iter().map(|note| note.hash.as_str()).collect();
    let skipped: Vec<String> = contents.unreadable.iter().chain(&notes.skipped).cloned().collect();
    let first = skipped.first().map(|why| format!("; the first that could not: {why}")).unwrap_or_default();
    if hashes.len() < 2 {
        let count = notes.pictures.len();
        let found = match count {
            0 | 1 => format!("{count} of {} files could be used", paths.len()),
            _ => format!("all {count} that can be used are the same picture"),
        };
        return Err(wrong(&format!("at least two different pictures are needed, and {found}{first}")));
    }

    let used: Vec<&Path> = inside(&folder, notes.pictures.iter().map(|note| &paths[note.file]));
    let goes = goes(&notes, &used, split.as_ref(), &hashes);
    let (classes, labels) = match classes(&used, split.as_ref()) {
        Ok(found) => found.unwrap_or_default(),
        Err(folders) => {
            told.push(told::too_many_classes(folders));
            Default::default()
        }
    };
    let fingerprint = fingerprint(&notes, &goes);
    told.push(told::sizes(&notes, chosen, side.is_none()));
    let [mut train, mut held_out] = pixels
        .part(notes.channels, chosen, &goes)
        .map_err(|error| wrong(&format!("what was kept of it cannot be read: {}", reason(&error))))?;
    for (images, to) in [(&mut train, Goes::Training), (&mut held_out, Goes::HeldOut)] {
        images.labels = labels.iter().zip(&goes).filter(|(_, goes)| **goes == to).map(|(&label, _)| label).collect();
    }
    if let Some(split) = &split {
        check_sides(&train, &held_out, split).map_err(|what| wrong(&(what + &first)))?;
        told.push(told::split(split, &train, &held_out, &goes));
    }
    told.extend(told::classes(&classes));
    Ok(DataSet {
        name: name(&folder),
        licence: "that of the pictures in the folder".into(),
        source: place,
        train,
        held_out,
        classes,
        fingerprint: Some(fingerprint),
        decoding: notes.decoding(),
        told,
        skipped,
    })
}

/// The pictures that lie right in a folder, by the rules of [`read`], and lines for what is left out.
///
/// # Errors
/// It cannot be looked into, or was written by this program: the end of a sentence.
pub fn lying_in(folder: &Path) -> std::result::Result<(Vec<PathBuf>, Vec<String>), String> {
    may_be_looked_into(folder)?;
    let contents = look_into(folder);
    let told = told::contents(&contents);
    contents.unreadable.into_iter().next().map_or(Ok((contents.pictures, told)), Err)
}

/// The name of a folder.
pub(super) fn name(folder: &Path) -> String {
    folder.file_name().map_or_else(|| "pictures".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// The side that suits pictures: the median of their shorter sides, at most 64; to the nearest multiple of 8, unless it is
/// that of most of them, which then need no resizing. Only their headers are read.
fn suitable_side(paths: &[PathBuf]) -> usize {
    let shorter = |path: &PathBuf| pictures::dimensions(path).map(|(width, height)| width.min(height));
    let progress = Progress::new("reading the sizes of pictures", paths.len());
    let mut sides: Vec<usize> = paths.par_iter().inspect(|_| progress.step()).filter_map(shorter).collect();
    sides.sort_unstable();
    let median = sides.get(sides.len() / 2).copied().unwrap_or(LARGEST_CHOSEN);
    let of_most = 2 * sides.iter().filter(|&&side| side == median).count() > sides.len();
    let side = if of_most { median } else { (median + 4) / 8 * 8 };
    side.clamp(*SIDES.start(), LARGEST_CHOSEN)
}

/// All pictures cut to size, out of the cache where these very files were decoded before; and a line where they are kept
/// there now.
fn decoded(
    paths: &[PathBuf],
    side: usize,
    cache: Option<&Cache>,
    keep: bool,
) -> Result<(Notes, Pixels, Option<String>)> {
    if let Some((notes, pixels)) = cache.and_then(Cache::open) {
        return Ok((notes, pixels, None));
    }
    let (notes, pixels) = decoded::decode(paths, side)?;
    let kept = match (cache, &pixels) {
        (Some(cache), Pixels::Memory(pixels)) if keep && !notes.unopened => {
            // One that cannot be written costs time the next time, and nothing now.
            Some(cache.write(&notes, pixels).unwrap_or_else(|error| format!("will be decoded again: {error}")))
        }
        _ => None,
    };
    Ok((notes, pixels, kept))
}

/// Where each picture goes. Of the held-out pictures of a split, those that are training pictures too go nowhere.
fn goes(notes: &Notes, used: &[&Path], split: Option<&Split>, hashes: &BTreeSet<&str>) -> Vec<Goes> {
    let hash = |i: usize| notes.pictures[i].hash.as_str();
    let all = 0..notes.pictures.len();
    let Some(split) = split else {
        // At least one, and not all: of few pictures chance may hold out none.
        let count = hashes.range(..HELD_OUT_BEFORE).count().clamp(1, hashes.len() - 1);
        let held_out: HashSet<&str> = hashes.iter().take(count).copied().collect();
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
    let Split { training, held_out: other } = split;
    match (train.is_empty(), held_out.is_empty()) {
        (true, _) => Err(format!("{training} has no picture that could be used")),
        (_, true) => Err(format!("{other} has no picture that could be used and is not in {training} too")),
        _ => Ok(()),
    }
}

/// What tells these pictures, and their sides, from others, whatever their files are called, wherever they lie and at
/// whatever size.
fn fingerprint(notes: &Notes, goes: &[Goes]) -> String {
    let side = |goes: &Goes| match goes {
        Goes::Training => 't',
        Goes::HeldOut => 'h',
        Goes::Nowhere => 'n',
    };
    let pictures = notes.pictures.iter().zip(goes).map(|(note, goes)| format!("{}{}", note.hash, side(goes)));
    let mut pictures: Vec<String> = pictures.collect();
    pictures.sort_unstable();
    fingerprint_of(&pictures)
}

/// What tells these bytes from others.
pub(super) fn fingerprint_of(parts: impl IntoIterator<Item = impl AsRef<[u8]>>) -> String {
    format!("{FINGERPRINT}{}", &files::sha256_of_parts(parts)[..32])
}

/// Whether this is a fingerprint as they are now, and not one of an earlier version.
pub fn is_fingerprint(text: &str) -> bool {
    text.starts_with(FINGERPRINT)
}

#[cfg(test)]
mod tests;
