//! Folders of pictures, good and bad.

use std::fs;

use image::{GrayImage, Luma, Rgb, RgbImage};

use super::*;

fn colour(folder: &Path, name: &str, seed: u8) {
    let picture = RgbImage::from_fn(20, 10, |x, y| Rgb([seed, 10 * x as u8, 20 * y as u8]));
    picture.save(folder.join(name)).unwrap();
}

#[test]
fn pictures_of_every_kind_are_cut_to_size_and_the_rest_is_listed() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("below")).unwrap();
    (0..18).for_each(|i| colour(folder.path(), &format!("{i}.png"), i));
    colour(folder.path(), "below/photo.JPG", 40);
    colour(folder.path(), "below/small.webp", 50);
    fs::write(folder.path().join("empty.png"), "").unwrap();
    fs::write(folder.path().join("text.jpeg"), "not a picture").unwrap();
    fs::write(folder.path().join("readme.txt"), "not looked at").unwrap();

    let set = read(folder.path(), 8).unwrap();
    assert_eq!((set.train.len(), set.held_out.len()), (18, 2));
    assert_eq!((set.train.channels, set.train.height, set.train.width), (3, 8, 8));
    // The centred square of 20x10 runs from column 5 to 14: green from 50 to 140, blue from 0 to 180.
    let picture = set.train.image(0);
    assert!((45..65).contains(&picture[64]) && (125..145).contains(&picture[71]), "{:?}", &picture[64..72]);
    assert!(picture[128] < 20 && picture[191] > 160);
    assert_eq!(set.skipped.len(), 2);
    assert!(set.skipped[0].ends_with("empty.png: the file is empty"), "{:?}", set.skipped);
    assert!(set.skipped[1].ends_with("text.jpeg: not a PNG, JPEG or WebP picture"), "{:?}", set.skipped);
}

#[test]
fn the_split_depends_on_the_pixels_and_keeps_copies_together() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for i in 0..40 {
        colour(one.path(), &format!("{i}.png"), i);
        colour(two.path(), &format!("{}-renamed.png", 99 - i), i);
        colour(two.path(), &format!("{}-copy.png", 99 - i), i);
    }
    let sorted = |images: &Images| {
        let mut all: Vec<_> = (0..images.len()).map(|i| images.image(i).to_vec()).collect();
        all.sort();
        all
    };
    let (one, two) = (read(one.path(), 8).unwrap(), read(two.path(), 8).unwrap());
    assert_eq!((one.held_out.len(), two.held_out.len(), two.train.len()), (4, 8, 72));
    let mut without_copies = sorted(&two.held_out);
    without_copies.dedup();
    assert_eq!(without_copies, sorted(&one.held_out));
    assert!(!sorted(&one.train).iter().any(|picture| without_copies.contains(picture)));
}

#[cfg(unix)]
#[test]
fn dead_links_and_circles_are_listed_and_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    (0..3).for_each(|i| colour(folder.path(), &format!("{i}.png"), i));
    std::os::unix::fs::symlink("nowhere.png", folder.path().join("dead.png")).unwrap();
    std::os::unix::fs::symlink(folder.path(), folder.path().join("round")).unwrap();
    let set = read(folder.path(), 8).unwrap();
    assert_eq!((set.train.len(), set.held_out.len(), set.skipped.len()), (2, 1, 2));
    assert!(set.skipped[0].ends_with("dead.png: no such file or folder"), "{:?}", set.skipped);
}

#[test]
fn grey_pictures_make_a_grey_set() {
    let folder = tempfile::tempdir().unwrap();
    for i in 0..3 {
        let picture = GrayImage::from_pixel(8, 8, Luma([50 * i]));
        picture.save(folder.path().join(format!("{i}.png"))).unwrap();
    }
    let set = read(folder.path(), 8).unwrap();
    assert_eq!((set.train.channels, set.train.len(), set.held_out.len()), (1, 2, 1));
    assert_eq!(set.train.pixels.len(), 2 * 64);
}

#[test]
fn folders_with_too_little_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(read(folder.path(), 8).unwrap_err().to_string().contains("holds no readable .png"));
    assert!(read(folder.path(), 0).unwrap_err().to_string().starts_with("--image-size 0"));
    colour(folder.path(), "one.png", 1);
    colour(folder.path(), "copy.png", 1);
    fs::write(folder.path().join("empty.png"), "").unwrap();
    let error = read(folder.path(), 8).unwrap_err();
    assert!(error.to_string().contains("1 of 3") && error.to_string().contains("empty.png"), "{error}");
    assert_eq!(error.exit_code(), 2);
}
