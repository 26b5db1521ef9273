//! Inpainting masks: which pixels are unknown.

use std::path::Path;

use options::{Region, Words};

use super::{Middle, decode};
use crate::error::{Error, Result};

/// Reads a mask of height x width, row by row; true = unknown.
///
/// `spec` is a [`Region`], or the path of a picture of this shape in which white (or transparent) means unknown. Fails
/// if nothing is unknown.
pub fn read_mask(spec: &str, height: usize, width: usize) -> Result<Vec<bool>> {
    read_mask_of(spec, (height, width), (height, width))
}

/// Reads a mask for a picture that was of the size `original` and is now of `size`, both (height, width).
pub(super) fn read_mask_of(spec: &str, original: (usize, usize), size: (usize, usize)) -> Result<Vec<bool>> {
    let Some(region) = Region::from_word(spec) else { return read_picture(Path::new(spec), original, size) };
    let pixels = (0..size.0).flat_map(|y| (0..size.1).map(move |x| (y, x)));
    Ok(pixels.map(|at| region.contains(at, size)).collect())
}

fn read_picture(path: &Path, original: (usize, usize), size: (usize, usize)) -> Result<Vec<bool>> {
    let wrong = |what: &str| Error::input(format!("--mask {}: {what}", path.display()));
    if !path.exists() {
        let words: Vec<_> = Region::all().iter().map(|region| region.word()).collect();
        return Err(wrong(&format!("no such file, and not one of {}", words.join(", "))));
    }
    let picture = decode(path)?.into_luma8();
    let found = (picture.height() as usize, picture.width() as usize);
    // A pixel more or less is what sides lose that were made smaller.
    let apart = (found.0 * original.1).abs_diff(found.1 * original.0);
    if found != size && apart > original.0.max(original.1) {
        return Err(wrong(&format!(
            "the mask is {}x{} pixels (width x height); it must have the shape of the picture, {}x{}, or the model's size, {}x{}",
            found.1, found.0, original.1, original.0, size.1, size.0
        )));
    }
    let unknown: Vec<bool> = picture.into_raw().into_iter().map(|value| value >= 128).collect();
    if !unknown.contains(&true) {
        return Err(wrong("the mask has no white pixel, so nothing is unknown; paint the unknown part white"));
    }
    let unknown = fitted(&unknown, found, size);
    if !unknown.contains(&false) {
        let why = "all of the mask is white, or transparent, which counts as white; put the known part in black";
        eprintln!("--mask {}: the whole picture is unknown: {why}", path.display());
    }
    if !unknown.contains(&true) {
        return Err(wrong("nothing is unknown in the middle of the picture, which is all that the model sees"));
    }
    Ok(unknown)
}

/// Cuts and resizes a mask as [`fit`](super::fit) does the picture. A pixel that is made of several is unknown where
/// one of them is: it shows something of what is not known.
fn fitted(unknown: &[bool], from: (usize, usize), to: (usize, usize)) -> Vec<bool> {
    let Middle { top, left, height, width } = Middle::of(from, to);
    let part = |index: usize, old: usize, new: usize| index * old / new..((index + 1) * old).div_ceil(new);
    let pixel = |y: usize, x: usize| {
        part(y, height, to.0).any(|row| {
            let first = (top + row) * from.1 + left;
            part(x, width, to.1).any(|column| unknown[first + column])
        })
    };
    (0..to.0).flat_map(|y| (0..to.1).map(move |x| (y, x))).map(|(y, x)| pixel(y, x)).collect()
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
    fn a_mask_goes_with_its_picture() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mask.png");
        let spec = path.to_str().unwrap();
        let draw = |width, height, white: &dyn Fn(u32, u32) -> bool| {
            let pixel = |x, y| Luma([if white(x, y) { 255 } else { 0 }]);
            GrayImage::from_fn(width, height, pixel).save(&path).unwrap();
        };
        draw(64, 64, &|x, _| x >= 32);
        assert_eq!(read_mask_of(spec, (64, 64), (4, 4)).unwrap(), read_mask("right", 4, 4).unwrap());
        // Of a wide picture the middle is left.
        draw(12, 4, &|x, _| x < 6);
        assert_eq!(drawn(&read_mask_of(spec, (4, 12), (4, 4)).unwrap(), 4), ["??.."; 4]);
        // A scratch is not lost.
        draw(64, 64, &|x, y| (x, y) == (40, 0));
        assert_eq!(drawn(&read_mask_of(spec, (64, 64), (4, 4)).unwrap(), 4), ["..?.", "....", "....", "...."]);
        // Enlarged, and drawn at the model's size for a picture of another shape.
        draw(2, 2, &|x, _| x == 1);
        assert_eq!(drawn(&read_mask_of(spec, (2, 2), (4, 4)).unwrap(), 4), ["..??"; 4]);
        draw(4, 4, &|x, _| x == 1);
        assert_eq!(drawn(&read_mask_of(spec, (300, 400), (4, 4)).unwrap(), 4), [".?.."; 4]);
        // Made half as large with its picture, of an odd side: 1001 pixels of 1.5 times 667 or 668.
        draw(500, 333, &|x, _| x < 240);
        assert_eq!(drawn(&read_mask_of(spec, (667, 1001), (4, 4)).unwrap(), 4), ["??.."; 4]);
        draw(12, 4, &|x, _| x < 2);
        assert!(read_mask_of(spec, (4, 12), (4, 4)).unwrap_err().to_string().contains("in the middle"));
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
