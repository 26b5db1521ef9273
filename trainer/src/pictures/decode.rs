//! Pictures from files on the disk; what becomes of their bytes, `user_files` says, to the page as well.

use std::fs::{self, File};
use std::io::{BufReader, Cursor, Read};
use std::path::Path;

use image::DynamicImage;
use user_files::MAX_BYTES;
use user_files::pictures::{self, MAGIC};

use crate::error::{Error, Result};
use crate::files::reason;

/// A file as it is on the disk, to be decoded.
pub struct Encoded<'a> {
    path: &'a Path,
    bytes: Vec<u8>,
}

impl<'a> Encoded<'a> {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, is no regular file, or too large. One line, that names it.
    pub fn read(path: &'a Path) -> Result<Self> {
        read_bytes(path).map(|bytes| Self { path, bytes })
    }

    /// As [`dimensions`].
    pub fn dimensions(&self) -> Option<(usize, usize)> {
        pictures::dimensions(&self.bytes, Cursor::new(&self.bytes))
    }

    /// As [`decode`].
    ///
    /// # Errors
    /// It is no picture, or a damaged one. One line, that names it.
    pub fn decode(&self) -> Result<DynamicImage> {
        pictures::decode(&self.bytes).map_err(|what| Error::input(format!("{}: {what}", self.path.display())))
    }
}

/// Reads a PNG, JPEG or WebP file, whatever its name ends in; of an animation, the first picture. Transparent parts
/// become white; a photograph is turned upright; the result is grey or RGB, 8 bits a channel.
///
/// # Errors
/// The file is none of these, is damaged or cut off, or too large. One line, that names it.
pub fn decode(path: &Path) -> Result<DynamicImage> {
    Encoded::read(path)?.decode()
}

/// Whether a file can be opened; what is no regular file is not tried, for opening a pipe would wait for ever.
pub fn opens(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| !found.is_file() || File::open(path).is_ok())
}

/// The width and height that the header of a file says, as it is stored; none where no such picture could be decoded.
pub fn dimensions(path: &Path) -> Option<(usize, usize)> {
    let head = head(path)?;
    pictures::dimensions(&head, BufReader::new(File::open(path).ok()?))
}

/// Whether a file begins as one of the formats that are read.
pub fn is_picture(path: &Path) -> bool {
    head(path).is_some_and(|head| pictures::is_picture(&head))
}

/// The bytes of a regular file of a size that a picture may have.
fn read_bytes(path: &Path) -> Result<Vec<u8>> {
    let wrong = |what: &str| Error::input(format!("{}: {what}", path.display()));
    let failed = |error: std::io::Error| wrong(&reason(&error));
    let metadata = fs::metadata(path).map_err(failed)?;
    if metadata.is_dir() {
        return Err(wrong("it is a folder, not a picture"));
    }
    // Opening a pipe would wait for ever.
    if !metadata.is_file() {
        return Err(wrong("not a regular file"));
    }
    if metadata.len() > MAX_BYTES {
        return Err(wrong(&format!("larger than the {} MB allowed", MAX_BYTES >> 20)));
    }
    let mut bytes = Vec::with_capacity(metadata.len() as usize);
    File::open(path).and_then(|file| file.take(MAX_BYTES).read_to_end(&mut bytes)).map_err(failed)?;
    Ok(bytes)
}

/// The first bytes of a regular file.
fn head(path: &Path) -> Option<Vec<u8>> {
    fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    let mut head = Vec::new();
    File::open(path).ok()?.take(MAGIC).read_to_end(&mut head).ok()?;
    Some(head)
}
