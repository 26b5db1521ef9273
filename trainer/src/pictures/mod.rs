//! Pictures as the networks see them, and their way from and to files.

mod decode;
mod grid;
mod mask;
mod written;

use std::path::Path;

use crate::error::{Error, Result};
pub use decode::{Encoded, decode, dimensions, is_picture, opens};
pub use grid::{check_grid, encode, write_grid, write_picture};
pub use mask::read_mask;
pub use user_files::pictures::{Middle, fit, planes};

/// A float picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// 1 (grey) or 3 (red, green, blue).
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Values 0..1, [channels, height, width].
    pub pixels: Vec<f32>,
}

impl Picture {
    /// The mirror image, left to right.
    pub fn mirrored(&self) -> Self {
        let rows = self.pixels.chunks(self.width);
        Self { pixels: rows.flat_map(|row| row.iter().rev()).copied().collect(), ..*self }
    }
}

/// Reads a PNG, JPEG or WebP file as a picture of this size, grey (1 channel) or colour (3 channels).
///
/// Transparency is laid on white. A picture of another size is cropped to the shape around its centre and resized,
/// which a line on stderr says. Fails with one line that names the file.
pub fn read(path: &Path, channels: usize, height: usize, width: usize) -> Result<Picture> {
    Ok(read_sized(path, channels, (height, width))?.0)
}

/// Like [`read`], with the pixels that are unknown, `[height, width]`, true = unknown: a [`Region`](options::Region), or
/// a picture of the same shape, which is cropped and resized with the other; white (or transparent) is unknown.
///
/// # Errors
/// As for [`read`], for either; the mask has another shape, or nothing is unknown.
pub fn read_masked(
    path: &Path,
    mask: &str,
    channels: usize,
    height: usize,
    width: usize,
) -> Result<(Picture, Vec<bool>)> {
    let (picture, original) = read_sized(path, channels, (height, width))?;
    Ok((picture, mask::read_mask_of(mask, original, (height, width))?))
}

/// The picture, and the height and width that it had.
fn read_sized(path: &Path, channels: usize, size: (usize, usize)) -> Result<(Picture, (usize, usize))> {
    let decoded = decode(path)?;
    let original = (decoded.height() as usize, decoded.width() as usize);
    if let Some(changes) = Middle::of(original, size).told(original, size) {
        eprintln!("{}: {changes}, as the model needs", path.display());
    }
    let fitted = fit(&decoded, size.0, size.1);
    let bytes = planes(&fitted, channels)
        .ok_or_else(|| Error::failed(format!("pictures have 1 or 3 channels, not {channels}")))?;
    let pixels = bytes.into_iter().map(|byte| f32::from(byte) / 255.0).collect();
    Ok((Picture { channels, height: size.0, width: size.1, pixels }, original))
}

#[cfg(test)]
mod tests;
