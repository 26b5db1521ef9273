//! CIFAR-10's "binary version": six batches of records, in the published archive or unpacked.

use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use user_files::{POINTER, is_pointer};

use super::Images;
use super::catalogue::{Set, Source};
use super::gzip::Unpacked;
use crate::error::{Error, Result};
use crate::files::reason;

/// The training batches, then the test batch.
const BATCHES: [&str; 6] = [
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
    "test_batch.bin",
];
/// The folder inside the archive.
const UNPACKED: &str = "cifar-10-batches-bin";
const SIDE: usize = 32;
const CLASSES: u8 = 10;
/// A published batch has 31 MB.
const MAX_BATCH: u64 = 1 << 30;
/// What the red, the green and the blue values of all published training pictures add up to, and of all test pictures. No
/// hash of an unpacked batch is published; means are, with so many digits that the sums follow. A copy that was saved with
/// a loss has others.
const SUMS: [[u64; 3]; 2] =
    [[6_415_714_204, 6_295_060_180, 5_829_907_619], [1_290_492_328, 1_266_775_083, 1_176_108_223]];

/// The folder of the batches, or the archive, that holds the set: batches beside the archive count where none is missing.
pub(super) fn find(source: &Source, folder: &Path) -> Option<PathBuf> {
    let unpacked = || [folder.to_path_buf(), folder.join(UNPACKED)].into_iter();
    let batches = |folder: &PathBuf| BATCHES.iter().filter(|name| folder.join(name).is_file()).count();
    let archive = || source.files.iter().map(|file| folder.join(file.name)).find(|path| path.is_file());
    let whole = unpacked().find(|folder| batches(folder) == BATCHES.len());
    whole.or_else(archive).or_else(|| unpacked().find(|folder| batches(folder) > 0))
}

/// Whether the published batches lie in a folder without their archive.
pub(super) fn is_unpacked_in(folder: &Path, source: &Source) -> bool {
    let place = find(source, folder).filter(|place| place.is_dir());
    place.and_then(|place| parts(&place).ok()).is_some_and(|(train, test)| are_published([&train, &test]))
}

/// Whether these are the published training pictures and test pictures.
pub(super) fn are_published(parts: [&Images; 2]) -> bool {
    parts.map(sums) == SUMS
}

/// What the values of each colour add up to.
fn sums(images: &Images) -> [u64; 3] {
    let mut sums = [0; 3];
    for (i, plane) in images.pixels.chunks_exact(SIDE * SIDE).enumerate() {
        sums[i % 3] += plane.iter().map(|&value| u64::from(value)).sum::<u64>();
    }
    sums
}

/// What a folder has of the published versions that are not read: for Python and for Matlab.
pub(super) fn other_version(folder: &Path) -> Option<&'static str> {
    let files = ["data_batch_1", "data_batch_1.mat", "cifar-10-batches-py", "cifar-10-batches-mat"];
    let archives = ["cifar-10-python.tar.gz", "cifar-10-matlab.tar.gz"];
    files.into_iter().chain(archives).find(|name| folder.join(name).exists())
}

/// The pictures of the five training batches and of the test batch, colour 32x32.
pub(super) fn read(set: &Set, source: &Source, dir: Option<&Path>) -> Result<(Images, Images)> {
    let place = set.folders(dir).iter().find_map(|folder| find(source, folder)).ok_or_else(|| set.missing(dir))?;
    parts(&place)
}

fn parts(place: &Path) -> Result<(Images, Images)> {
    let mut batches = if place.is_dir() { read_folder(place)? } else { read_archive(place)? };
    let mut parts = Vec::new();
    for (name, records) in BATCHES.iter().zip(&mut batches) {
        parts.push(records.take().ok_or_else(|| wrong(place, &format!("{name} is missing")))?);
    }
    let test = parts.pop().unwrap_or_default();
    Ok((images(&parts.concat()), images(&test)))
}

/// The pictures of records.
fn images(records: &[Record]) -> Images {
    Images {
        channels: 3,
        height: SIDE,
        width: SIDE,
        pixels: records.iter().flat_map(|record| &record[1..]).copied().collect(),
        labels: records.iter().map(|record| record[0]).collect(),
    }
}

/// A label, then the red, the green and the blue plane.
type Record = [u8; 1 + 3 * SIDE * SIDE];

/// The records of each of the [`BATCHES`] that is there.
type Batches = [Option<Vec<Record>>; BATCHES.len()];

fn read_folder(folder: &Path) -> Result<Batches> {
    let mut batches = Batches::default();
    for (name, batch) in BATCHES.iter().zip(&mut batches) {
        let path = folder.join(name);
        if path.is_file() {
            let bytes = fs::read(&path).map_err(|error| wrong(&path, &reason(&error)))?;
            *batch = Some(records(&bytes).map_err(|what| wrong(&path, &what))?);
        }
    }
    Ok(batches)
}

fn read_archive(path: &Path) -> Result<Batches> {
    let damaged = |error: std::io::Error| {
        wrong(path, &format!("the archive is truncated or damaged ({}); fetch it again", reason(&error)))
    };
    let file = File::open(path).map_err(|error| wrong(path, &reason(&error)))?;
    let mut archive = tar::Archive::new(Unpacked::of(BufReader::new(file)));
    let mut batches = Batches::default();
    for entry in archive.entries().map_err(damaged)? {
        let entry = entry.map_err(damaged)?;
        let name = entry.path().map_err(damaged)?.file_name().unwrap_or_default().to_owned();
        if let Some(i) = BATCHES.iter().position(|batch| name == **batch) {
            let mut bytes = Vec::new();
            entry.take(MAX_BATCH).read_to_end(&mut bytes).map_err(damaged)?;
            batches[i] = Some(records(&bytes).map_err(|what| wrong(path, &format!("{}: {what}", BATCHES[i])))?);
        }
    }
    Ok(batches)
}

/// The records of a batch.
fn records(batch: &[u8]) -> std::result::Result<Vec<Record>, String> {
    const BYTES: usize = size_of::<Record>();
    let (records, rest) = batch.as_chunks::<BYTES>();
    if is_pointer(batch) {
        return Err(POINTER.to_owned());
    }
    if records.is_empty() || !rest.is_empty() {
        return Err(format!("{} bytes are not a whole number of records of {BYTES} bytes", batch.len()));
    }
    if let Some(i) = records.iter().position(|record| record[0] >= CLASSES) {
        return Err(format!("record {} has the label {}, which is not below {CLASSES}", i + 1, records[i][0]));
    }
    Ok(records.to_vec())
}

fn wrong(path: &Path, what: &str) -> Error {
    Error::input(format!("{}: {what}", path.display()))
}

#[cfg(test)]
mod tests;
