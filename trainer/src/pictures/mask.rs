//! Inpainting masks: which pixels are unknown.

use std::path::Path;

use options::{Region, Words};

use super::decode;
use crate::error::{Error, Result};

/// Reads a mask of height x width, row by row; true = unknown.
///
/// `spec` is a [`Region`], or the path of a picture of exactly this size in which white (or transparent) means unknown.
/// Fails if nothing is unknown.
pub fn read_mask(spec: &str, height: usize, width: usize) -> Result<Vec<bool>> {
    let Some(region) = Region::from_word(spec) else { return read_picture(Path::new(spec), height, width) };
    let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (y, x)));
    Ok(pixels.map(|at| region.contains(at, (height, width))).collect())
}

fn read_picture(path: &Path, height: usize, width: usize) -> Result<Vec<bool>> {
    let wrong = |what: &str| Error::input(format!("{}: {what}", path.display()));
    if !path.exists() {
        let words: Vec<_> = Region::all().iter().map(|region| region.word()).collect();
        return Err(wrong(&format!("no such mask file, and not one of {}", words.join(", "))));
    }
    let picture = decode(path)?.into_luma8();
    if (picture.height() as usize, picture.width() as usize) != (height, width) {
        return Err(wrong(&format!(
            "the mask is {}x{} pixels (width x height); the picture needs {width}x{height}",
            picture.width(),
            picture.height()
        )));
    }
    let unknown: Vec<bool> = picture.into_raw().into_iter().map(|value| value >= 128).collect();
    if !unknown.contains(&true) {
        return Err(wrong("the mask has no white pixel, so nothing is unknown; paint the unknown part white"));
    }
    Ok(unknown)
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, Luma};

    use super::*;

    fn drawn(mask: &[bool], width: usize) -> Vec<String> {
        mask.chunks(width).map(|row| row.iter().map(|&unknown| if unknown { '?' } else { '.' }).collect()).collect()
    }

    #[test]
    fn a_region_is_named() {
        assert_eq!(drawn(&read_mask("left", 2, 4).unwrap(), 4), ["??..", "??.."]);
        assert_eq!(read_mask("center", 8, 8).unwrap(), read_mask("centre", 8, 8).unwrap());
    }

    #[test]
    fn white_is_unknown_in_a_picture() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mask.png");
        GrayImage::from_fn(3, 2, |x, y| Luma([if x == y { 255 } else { 10 }])).save(&path).unwrap();
        assert_eq!(drawn(&read_mask(path.to_str().unwrap(), 2, 3).unwrap(), 3), ["?..", ".?."]);
        GrayImage::from_pixel(3, 2, Luma([255])).save(&path).unwrap();
        assert_eq!(read_mask(path.to_str().unwrap(), 2, 3).unwrap(), [true; 6]);
    }

    #[test]
    fn masks_that_do_not_fit_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mask.png");
        let spec = path.to_str().unwrap();
        assert!(read_mask(spec, 2, 3).unwrap_err().to_string().contains("not one of left, right"));
        GrayImage::from_pixel(3, 2, Luma([255])).save(&path).unwrap();
        let error = read_mask(spec, 28, 20).unwrap_err();
        assert!(error.to_string().contains("3x2") && error.to_string().contains("20x28"), "{error}");
        GrayImage::new(3, 2).save(&path).unwrap();
        assert!(read_mask(spec, 2, 3).unwrap_err().to_string().contains("nothing is unknown"));
        std::fs::write(&path, "").unwrap();
        assert!(read_mask(spec, 2, 3).unwrap_err().to_string().contains("the file is empty"));
    }
}
