//! Pictures into PNG files, one or many in a grid.

use std::path::Path;

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};

use super::Picture;
use crate::error::{Error, Result};
use crate::files::write_atomically;

/// Space between and around the pictures of a grid, in pixels.
const GAP: usize = 2;
/// Neither black nor white, so that the edge of either kind of picture shows.
const BACKGROUND: u8 = 128;
/// A cell has at least this side: small pictures are enlarged by a whole factor.
const MIN_CELL: usize = 64;
const MAX_BYTES: usize = 1 << 30;

/// Writes pictures of one size as a PNG grid, `columns` wide or nearly square; the same pictures give the same bytes.
///
/// Values outside 0..1 are clamped. Fails on no picture, unequal sizes, NaN or infinity, and an unwritable file.
pub fn write_grid(path: &Path, images: &[Picture], columns: Option<usize>) -> Result<()> {
    let first = images.first().ok_or_else(|| failed(path, "there is no picture to write"))?;
    let (channels, height, width) = (first.channels, first.height, first.width);
    if images.iter().any(|image| (image.channels, image.height, image.width) != (channels, height, width)) {
        return Err(failed(path, "the pictures of a grid must have one size"));
    }
    let scale = MIN_CELL.div_ceil(height.max(width).max(1)).max(1);
    let columns = columns.unwrap_or_else(|| (images.len() as f64).sqrt().ceil() as usize).clamp(1, images.len());
    let rows = images.len().div_ceil(columns);
    let (cell_height, cell_width) = (height * scale + GAP, width * scale + GAP);
    let (grid_height, grid_width) = (rows * cell_height + GAP, columns * cell_width + GAP);
    if grid_height.saturating_mul(grid_width).saturating_mul(channels) > MAX_BYTES {
        let what = format!("a grid of {} pictures of {width}x{height} is too large; write fewer", images.len());
        return Err(failed(path, &what));
    }

    let mut grid = vec![BACKGROUND; grid_height * grid_width * channels];
    for (i, image) in images.iter().enumerate() {
        let bytes = interleaved(image).map_err(|what| failed(path, &format!("picture {}: {what}", i + 1)))?;
        let (top, left) = (GAP + i / columns * cell_height, GAP + i % columns * cell_width);
        for y in 0..height * scale {
            for x in 0..width * scale {
                let from = (y / scale * width + x / scale) * channels;
                let to = ((top + y) * grid_width + left + x) * channels;
                grid[to..to + channels].copy_from_slice(&bytes[from..from + channels]);
            }
        }
    }
    write_png(path, &grid, channels, grid_height, grid_width)
}

/// Writes one picture as a PNG of its own size, each value to the nearest of 256 steps.
///
/// Values outside 0..1 are clamped. Fails on NaN or infinity and on an unwritable file.
pub fn write_picture(path: &Path, picture: &Picture) -> Result<()> {
    let bytes = interleaved(picture).map_err(|what| failed(path, &what))?;
    write_png(path, &bytes, picture.channels, picture.height, picture.width)
}

/// The bytes [height, width, channels] of a picture.
fn interleaved(picture: &Picture) -> std::result::Result<Vec<u8>, String> {
    let area = picture.height * picture.width;
    if picture.pixels.len() != area * picture.channels {
        return Err(format!("{} values for {} pixels of {} channels", picture.pixels.len(), area, picture.channels));
    }
    if let Some(value) = picture.pixels.iter().find(|value| !value.is_finite()) {
        return Err(format!("a pixel has the value {value}"));
    }
    let values = (0..area).flat_map(|at| (0..picture.channels).map(move |channel| picture.pixels[channel * area + at]));
    Ok(values.map(|value| (value.clamp(0.0, 1.0) * 255.0).round() as u8).collect())
}

fn write_png(path: &Path, bytes: &[u8], channels: usize, height: usize, width: usize) -> Result<()> {
    let color = match channels {
        1 => ExtendedColorType::L8,
        3 => ExtendedColorType::Rgb8,
        _ => {
            return Err(failed(path, &format!("a PNG has 1 or 3 channels, not {channels}")));
        }
    };
    // Into memory first: the encoder forgets why a file could not be written.
    let mut file = Vec::new();
    PngEncoder::new(&mut file)
        .write_image(bytes, width as u32, height as u32, color)
        .map_err(|error| failed(path, &error.to_string()))?;
    write_atomically(path, |writer| writer.write_all(&file))
}

fn failed(path: &Path, what: &str) -> Error {
    Error::failed(format!("{}: {what}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(value: f32, channels: usize, side: usize) -> Picture {
        Picture { channels, height: side, width: side, pixels: vec![value; channels * side * side] }
    }

    #[test]
    fn small_pictures_are_enlarged_and_stand_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("grid.png");
        let pictures: Vec<_> = (0..5).map(|i| flat(i as f32 / 4.0, 1, 16)).collect();
        write_grid(&path, &pictures, None).unwrap();
        let grid = image::open(&path).unwrap().into_luma8();
        // Three columns and two rows of 64 pixels, with gaps of 2.
        assert_eq!(grid.dimensions(), (3 * 66 + 2, 2 * 66 + 2));
        let at = |column: u32, row: u32| grid.get_pixel(2 + 66 * column + 63, 2 + 66 * row).0[0];
        assert_eq!([at(0, 0), at(1, 0), at(2, 0), at(0, 1), at(1, 1), at(2, 1)], [0, 64, 128, 191, 255, BACKGROUND]);
        assert_eq!(grid.get_pixel(0, 0).0[0], BACKGROUND);
        assert_eq!(grid.get_pixel(66, 5).0[0], BACKGROUND);

        let first = std::fs::read(&path).unwrap();
        write_grid(&path, &pictures, None).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), first);
        write_grid(&path, &pictures, Some(1)).unwrap();
        assert_eq!(image::open(&path).unwrap().into_luma8().dimensions(), (68, 5 * 66 + 2));
    }

    #[test]
    fn colour_stays_in_its_channel_and_values_are_clamped_and_rounded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        let pixels = vec![-0.5, 1.5, 0.5, 0.5 / 255.0, 0.49 / 255.0, 1.0];
        write_picture(&path, &Picture { channels: 3, height: 1, width: 2, pixels }).unwrap();
        assert_eq!(image::open(&path).unwrap().into_rgb8().into_raw(), [0, 128, 0, 255, 1, 255]);
    }

    #[test]
    fn what_cannot_be_drawn_is_refused_and_nothing_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        let refused = |pictures: &[Picture], why: &str| {
            let error = write_grid(&path, pictures, None).unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
            assert!(!path.exists());
        };
        refused(&[], "no picture");
        refused(&[flat(0.0, 1, 8), flat(0.0, 1, 16)], "one size");
        refused(&[flat(0.0, 1, 8), flat(f32::NAN, 1, 8)], "picture 2: a pixel has the value NaN");
        refused(&[flat(f32::INFINITY, 1, 8)], "inf");
        refused(&[flat(0.0, 2, 8)], "1 or 3 channels");
        let nowhere = folder.path().join("missing/a.png");
        assert!(write_picture(&nowhere, &flat(0.0, 1, 8)).unwrap_err().to_string().contains("there is no folder"));
    }
}
