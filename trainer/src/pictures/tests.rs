//! What becomes of files, good and bad.

mod files;

use std::fs;
use std::path::PathBuf;

use image::{DynamicImage, GrayImage, Luma, Rgb, RgbImage, Rgba, RgbaImage};
use tempfile::{TempDir, tempdir};

use super::*;

fn saved(picture: impl Into<DynamicImage>, name: &str) -> (TempDir, PathBuf) {
    let folder = tempdir().unwrap();
    let path = folder.path().join(name);
    picture.into().save(&path).unwrap();
    (folder, path)
}

#[test]
fn bytes_come_back_exactly() {
    let grey = Picture { channels: 1, height: 16, width: 16, pixels: (0..256).map(|i| i as f32 / 255.0).collect() };
    let colour = Picture { channels: 3, height: 8, width: 4, pixels: grey.pixels[100..196].to_vec() };
    for picture in [grey, colour] {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.png");
        write_picture(&path, &picture).unwrap();
        assert_eq!(read(&path, picture.channels, picture.height, picture.width).unwrap(), picture);
    }
}

#[test]
fn grey_and_colour_turn_into_each_other() {
    let (_folder, path) = saved(GrayImage::from_pixel(2, 1, Luma([51])), "grey.png");
    assert_eq!(read(&path, 3, 1, 2).unwrap().pixels, [0.2; 6]);
    let (_folder, path) = saved(RgbImage::from_pixel(1, 1, Rgb([0, 255, 0])), "green.webp");
    let luma = read(&path, 1, 1, 1).unwrap().pixels[0];
    assert!((0.70..0.73).contains(&luma), "{luma}");
}

#[test]
fn transparency_is_laid_on_white() {
    let (_folder, path) = saved(RgbaImage::from_fn(2, 1, |x, _| Rgba([0, 0, 255, 128 * x as u8])), "clear.png");
    let pixels = read(&path, 3, 1, 2).unwrap().pixels.iter().map(|v| (v * 255.0) as u8).collect::<Vec<_>>();
    assert_eq!(pixels, [255, 127, 255, 127, 255, 255]);
}

#[test]
fn another_shape_is_cropped_around_its_centre() {
    let stripes = RgbImage::from_fn(12, 4, |x, _| Rgb(if (4..8).contains(&x) { [255, 0, 0] } else { [0, 0, 255] }));
    let (_folder, path) = saved(stripes, "wide.png");
    let picture = read(&path, 3, 8, 8).unwrap();
    assert_eq!(picture.pixels, [vec![1.0; 64], vec![0.0; 128]].concat());
}

#[test]
fn extreme_shapes_stay_small() {
    let line = DynamicImage::ImageLuma8(GrayImage::new(60_000, 1));
    let fitted = fit(&line, 32, 32);
    assert_eq!((fitted.width(), fitted.height()), (32, 32));
}

#[test]
fn files_that_are_no_pictures_get_one_line() {
    let (folder, good) = saved(RgbImage::new(40, 40), "good.png");
    let png = fs::read(good).unwrap();
    let path = folder.path().join("bad.png");
    let mut huge = png.clone();
    huge[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]); // 65536 x 65536
    let checksum = {
        let mut crc = flate2::Crc::new();
        crc.update(&huge[12..29]);
        crc.sum()
    };
    huge[29..33].copy_from_slice(&checksum.to_be_bytes());
    for (bytes, why) in [
        (&b""[..], "the file is empty"),
        (b"just some text", "not a PNG, JPEG or WebP"),
        (b"GIF89a\x01\x00\x01\x00", "not a PNG, JPEG or WebP picture (GIF)"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "not a PNG, JPEG or WebP picture (HEIC)"),
        (b"<!doctype html><title>404</title>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "a Git LFS pointer"),
        (&png[..png.len() / 2], "cannot be decoded"),
        (&png[..8], "cannot be decoded"),
        (&huge, "65536x65536 pixels are more than"),
    ] {
        fs::write(&path, bytes).unwrap();
        let error = read(&path, 3, 8, 8).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with(&path.display().to_string()) && text.contains(why), "{text}");
        assert_eq!((text.lines().count(), error.exit_code()), (1, 2));
    }
    assert!(read(folder.path(), 3, 8, 8).unwrap_err().to_string().contains("it is a folder"));
    let missing = read(&folder.path().join("none.png"), 3, 8, 8).unwrap_err();
    assert!(missing.to_string().ends_with("none.png: no such file or folder"));
}
