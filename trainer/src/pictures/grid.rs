//! Pictures into files, one or many in a grid.

use std::path::Path;

use super::{Picture, written::Written};
use crate::error::{Error, Result};
use crate::files;

/// Space between and around the pictures of a grid, in pixels.
const GAP: usize = 2;
/// Neither black nor white, so that the edge of either kind of picture shows.
const BACKGROUND: u8 = 128;
/// A cell has at least this side: small pictures are enlarged by a whole factor.
const MIN_CELL: usize = 64;
const MAX_BYTES: usize = 1 << 30;

/// How pictures of one size lie in a grid.
struct Layout {
    scale: usize,
    columns: usize,
    height: usize,
    width: usize,
}

impl Layout {
    /// The grid of `count` pictures of `[channels, height, width]`, `columns` wide or nearly square.
    fn of(path: &Path, count: usize, [channels, height, width]: [usize; 3], columns: Option<usize>) -> Result<Self> {
        let scale = MIN_CELL.div_ceil(height.max(width).max(1)).max(1);
        let columns = columns.unwrap_or_else(|| (count as f64).sqrt().ceil() as usize).clamp(1, count.max(1));
        let rows = count.div_ceil(columns);
        let layout = Self {
            scale,
            columns,
            height: rows * (height * scale + GAP) + GAP,
            width: columns * (width * scale + GAP) + GAP,
        };
        let bytes = layout.height.saturating_mul(layout.width).saturating_mul(channels);
        if bytes > MAX_BYTES || layout.height.max(layout.width) > Written::of(path)?.longest() {
            let text =
                format!("a grid of {count} pictures of {width}x{height} is too large for this file; ask for fewer");
            return Err(Error::input(format!("{}: {text}", path.display())));
        }
        Ok(layout)
    }
}

/// Checks, before long work, that a grid of so many pictures of `[channels, height, width]` can be written here.
///
/// # Errors
/// The name has no picture's ending, the place cannot be written, or the grid is too large for the format.
pub fn check_grid(path: &Path, count: usize, shape: [usize; 3]) -> Result<()> {
    Written::of(path)?;
    if count > 1 {
        Layout::of(path, count, shape, None)?;
    }
    files::check_writable(path)
}

/// Writes pictures of one size as a grid, `columns` wide or nearly square, in the format that the path ends in; the same
/// pictures give the same bytes.
///
/// Values outside 0..1 are clamped. Fails on no picture, unequal sizes, NaN or infinity, and an unwritable file.
pub fn write_grid(path: &Path, images: &[Picture], columns: Option<usize>) -> Result<()> {
    let first = images.first().ok_or_else(|| failed(path, "there is no picture to write"))?;
    let shape @ [channels, height, width] = [first.channels, first.height, first.width];
    if images.iter().any(|image| [image.channels, image.height, image.width] != shape) {
        return Err(failed(path, "the pictures of a grid must have one size"));
    }
    let Layout { scale, columns, height: grid_height, width: grid_width } =
        Layout::of(path, images.len(), shape, columns)?;
    let mut grid = vec![BACKGROUND; grid_height * grid_width * channels];
    for (i, image) in images.iter().enumerate() {
        let bytes = interleaved(image).map_err(|what| failed(path, &format!("picture {}: {what}", i + 1)))?;
        let (top, left) = (GAP + i / columns * (height * scale + GAP), GAP + i % columns * (width * scale + GAP));
        for y in 0..height * scale {
            for x in 0..width * scale {
                let from = (y / scale * width + x / scale) * channels;
                let to = ((top + y) * grid_width + left + x) * channels;
                grid[to..to + channels].copy_from_slice(&bytes[from..from + channels]);
            }
        }
    }
    let file = Written::of(path)?.file(path, &grid, channels, (grid_height, grid_width))?;
    files::write_atomically(path, |writer| writer.write_all(&file))
}

/// Writes one picture at its own size, in the format that the path ends in, each value to the nearest of 256 steps.
///
/// Values outside 0..1 are clamped. Fails on NaN or infinity and on an unwritable file.
pub fn write_picture(path: &Path, picture: &Picture) -> Result<()> {
    let file = encode(path, picture)?;
    files::write_atomically(path, |writer| writer.write_all(&file))
}

/// The file that [`write_picture`] would write.
///
/// # Errors
/// As there, but for the file, which is not written.
pub fn encode(path: &Path, picture: &Picture) -> Result<Vec<u8>> {
    let bytes = interleaved(picture).map_err(|what| failed(path, &what))?;
    Written::of(path)?.file(path, &bytes, picture.channels, (picture.height, picture.width))
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
    fn the_ending_of_the_name_says_the_format() {
        let folder = tempfile::tempdir().unwrap();
        let picture = Picture { pixels: (0..192).map(|i| i as f32 / 191.0).collect(), ..flat(0.0, 3, 8) };
        for (name, format, tolerance) in [
            ("a.png", image::ImageFormat::Png, 0),
            ("b.JPG", image::ImageFormat::Jpeg, 20),
            ("c.jpeg", image::ImageFormat::Jpeg, 20),
            ("d.webp", image::ImageFormat::WebP, 0),
        ] {
            let path = folder.path().join(name);
            write_picture(&path, &picture).unwrap();
            assert_eq!(image::guess_format(&std::fs::read(&path).unwrap()).unwrap(), format);
            let back = crate::pictures::read(&path, 3, 8, 8).unwrap();
            let furthest = picture.pixels.iter().zip(&back.pixels).map(|(a, b)| (a - b).abs() * 255.0);
            assert!(furthest.fold(0.0, f32::max) <= tolerance as f32 + 0.51, "{name}");
            write_grid(&path, &[flat(0.5, 1, 8), flat(0.1, 1, 8)], None).unwrap();
            assert_eq!(image::guess_format(&std::fs::read(&path).unwrap()).unwrap(), format);
        }
        for name in ["a.gif", "a.tiff", "a", "a.txt", "png"] {
            let path = folder.path().join(name);
            for error in [write_picture(&path, &picture).unwrap_err(), check_grid(&path, 1, [3, 8, 8]).unwrap_err()] {
                assert!(error.to_string().contains(".png, .jpg or .webp") && error.exit_code() == 2, "{error}");
            }
            assert!(!path.exists());
        }
    }

    #[test]
    fn a_grid_that_the_format_cannot_hold_is_refused_before_the_work() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.webp");
        assert!(check_grid(&path, 1, [1, 8, 8]).is_ok() && check_grid(&path, 60_000, [1, 8, 8]).is_ok());
        let error = check_grid(&path, 65_000, [1, 8, 8]).unwrap_err();
        assert!(error.to_string().contains("ask for fewer"), "{error}");
        assert!(check_grid(&path.with_extension("png"), 65_000, [1, 8, 8]).is_ok());
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
