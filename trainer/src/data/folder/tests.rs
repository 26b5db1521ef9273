//! Folders of pictures, good and bad.

use std::fs;

use image::{GrayImage, ImageFormat, Luma, Rgb, RgbImage};

use super::*;

fn colour(folder: &Path, name: &str, seed: u8) {
    let picture = RgbImage::from_fn(20, 10, |x, y| Rgb([seed, 10 * x as u8, 20 * y as u8]));
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    // Some of these names say nothing of the format.
    picture.save_with_format(&path, ImageFormat::from_path(&path).unwrap_or(ImageFormat::Png)).unwrap();
}

fn read_at(folder: &Path, side: usize) -> Result<DataSet> {
    let source = folder.to_str().unwrap();
    read(&Wanted { source, named: "--data photos", dir: None, side: Some(side), keep: true })
}

#[test]
fn pictures_of_every_kind_are_cut_to_size_and_the_rest_is_listed() {
    let folder = tempfile::tempdir().unwrap();
    (0..18).for_each(|i| colour(folder.path(), &format!("{i}.png"), i));
    colour(folder.path(), "below/photo.JPG", 40);
    colour(folder.path(), "below/small.webp", 50);
    fs::write(folder.path().join("empty.png"), "").unwrap();
    fs::write(folder.path().join("text.jpeg"), "not a picture").unwrap();

    let set = read_at(folder.path(), 8).unwrap();
    assert_eq!((set.train.len(), set.held_out.len()), (19, 1));
    assert_eq!((set.train.channels, set.train.height, set.train.width), (3, 8, 8));
    // The centred square of 20x10 runs from column 5 to 14: green from 50 to 140, blue from 0 to 180.
    let picture = set.train.image(0);
    assert!((45..65).contains(&picture[64]) && (125..145).contains(&picture[71]), "{:?}", &picture[64..72]);
    assert!(picture[128] < 20 && picture[191] > 160);
    assert_eq!(set.skipped.len(), 2);
    assert!(set.skipped[0].ends_with("empty.png: the file is empty"), "{:?}", set.skipped);
    assert!(set.skipped[1].ends_with("text.jpeg: not a PNG, JPEG or WebP picture"), "{:?}", set.skipped);
    assert!(set.labels_are_none() && set.told.len() == 1, "{:?}", set.told);
    assert_eq!(set.told[0], "20 pictures at 8x8: 20 shrunk, 20 cropped to their middle square");
}

impl DataSet {
    fn labels_are_none(&self) -> bool {
        self.train.labels.is_empty() && self.held_out.labels.is_empty() && self.classes.is_empty()
    }
}

#[test]
fn content_says_what_a_name_does_not_and_other_files_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    for (i, name) in ["a.png", "b.jfif", "c.jpe", "d", "scan.001", "photo.jpg_large", "of 3. May"].iter().enumerate() {
        colour(folder.path(), name, 10 * i as u8);
    }
    let jpeg = folder.path().join("b.jfif");
    RgbImage::from_pixel(20, 20, Rgb([9, 90, 200])).save_with_format(jpeg, ImageFormat::Jpeg).unwrap();
    for name in ["x.gif", "y.gif", "z.HEIC", "README", "list.txt", "one.part"] {
        fs::write(folder.path().join(name), "something else").unwrap();
    }
    let set = read_at(folder.path(), 8).unwrap();
    assert_eq!((set.train.len() + set.held_out.len(), set.skipped.len()), (7, 0), "{:?}", set.skipped);
    let others = &set.told[0];
    assert!(others.ends_with("1 without an ending, 2 .gif, 1 .heic, 1 .part, 1 .txt"), "{others}");
}

#[test]
fn what_is_hidden_or_written_here_is_no_data() {
    let folder = tempfile::tempdir().unwrap();
    (0..12).for_each(|i| colour(folder.path(), &format!("{i}.png"), i));
    for hidden in [".thumbnails/1.png", "__MACOSX/2.png", "sub/.cache/3.png", "._4.png", ".5.png"] {
        colour(folder.path(), hidden, 100);
    }
    fs::write(folder.path().join("Thumbs.db"), "").unwrap();
    fs::write(folder.path().join("._6.jpg"), "").unwrap();
    for (own, file) in [("run", "run.toml"), ("models/a", "model.json"), ("report", "evaluation.json")] {
        colour(folder.path(), &format!("{own}/samples/step-1.png"), 200);
        fs::write(folder.path().join(own).join(file), "").unwrap();
    }
    let set = read_at(folder.path(), 8).unwrap();
    assert_eq!((set.train.len() + set.held_out.len(), set.skipped.len()), (12, 0), "{:?}", set.skipped);
    let left_out: Vec<_> = set.told.iter().filter(|line| line.contains("written by this program")).collect();
    assert_eq!(left_out.len(), 3, "{:?}", set.told);
    let error = read_at(&folder.path().join("run"), 8).unwrap_err();
    assert!(error.to_string().contains("--data photos: it holds run.toml"), "{error}");
}

#[test]
fn the_side_suits_the_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let draw = |sizes: &[(u32, u32)]| {
        fs::remove_dir_all(folder.path()).unwrap();
        fs::create_dir(folder.path()).unwrap();
        for (i, &(width, height)) in sizes.iter().enumerate() {
            let picture = GrayImage::from_fn(width, height, |x, y| Luma([(x * 3 + y * 5 + i as u32) as u8]));
            picture.save(folder.path().join(format!("{i}.png"))).unwrap();
        }
        let source = folder.path().to_str().unwrap();
        let set = read(&Wanted { source, named: "--data x", dir: None, side: None, keep: true }).unwrap();
        assert_eq!((set.train.height, set.train.width), (set.held_out.height, set.held_out.width));
        (set.train.height, set.told.concat())
    };
    assert_eq!(draw(&[(64, 64); 5]).0, 64);
    // What most of them have is not touched, and else what networks see without a frame.
    let (side, told) = draw(&[(28, 28), (28, 28), (28, 40), (20, 20), (30, 30)]);
    assert!(side == 28 && told.ends_with("1 enlarged, 1 shrunk, 1 cropped to their middle square"), "{side}: {told}");
    assert_eq!(draw(&[(28, 28), (28, 28), (29, 29), (29, 29), (20, 20)]).0, 32);
    assert_eq!(draw(&[(4, 4); 5]).0, 8);
    assert_eq!(draw(&[(400, 300); 5]).0, 64);
    let (side, told) = draw(&[(30, 20), (20, 20), (23, 23), (90, 24), (300, 200)]);
    assert_eq!(side, 24);
    assert!(told.contains("5 pictures at 24x24") && told.contains("--image-size"), "{told}");
    assert!(told.ends_with("3 enlarged, 1 shrunk, 3 cropped to their middle square"), "{told}");
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
    let (one, two) = (read_at(one.path(), 8).unwrap(), read_at(two.path(), 8).unwrap());
    assert_eq!((one.held_out.len(), two.held_out.len(), two.train.len()), (4, 8, 72));
    let mut without_copies = sorted(&two.held_out);
    without_copies.dedup();
    assert_eq!(without_copies, sorted(&one.held_out));
    assert!(!sorted(&one.train).iter().any(|picture| without_copies.contains(picture)));
}

#[test]
fn a_picture_stays_on_its_side_when_the_folder_grows_and_at_every_size() {
    let folder = tempfile::tempdir().unwrap();
    // Each picture has its number in its red plane.
    let sides = |side: usize| {
        let set = read_at(folder.path(), side).unwrap();
        let numbers = |images: &Images| (0..images.len()).map(|i| images.image(i)[0]).collect::<BTreeSet<u8>>();
        (numbers(&set.train), numbers(&set.held_out), set.fingerprint)
    };
    (0..20).for_each(|i| colour(folder.path(), &format!("{i}.png"), i));
    let small = sides(8);
    assert_eq!(sides(10), small);
    assert_eq!(sides(16), small);
    let mut before = small;
    for count in [21, 40, 200] {
        (before.0.len() + before.1.len()..count).for_each(|i| colour(folder.path(), &format!("{i}.png"), i as u8));
        let now = sides(8);
        assert!(now.0.is_superset(&before.0) && !now.1.is_empty(), "{before:?} became {now:?}");
        before = now;
    }
    assert!((10..30).contains(&before.1.len()), "{:?}", before.1);
}

#[test]
fn pictures_on_other_sides_are_others() {
    let folder = tempfile::tempdir().unwrap();
    (0..12).for_each(|i| colour(folder.path(), &format!("{i}.png"), i));
    let flat = read_at(folder.path(), 8).unwrap().fingerprint;
    for part in ["train", "test"] {
        fs::create_dir(folder.path().join(part)).unwrap();
    }
    for i in 0..12 {
        let part = if i < 4 { "test" } else { "train" };
        fs::rename(folder.path().join(format!("{i}.png")), folder.path().join(format!("{part}/{i}.png"))).unwrap();
    }
    assert_ne!(read_at(folder.path(), 8).unwrap().fingerprint, flat);
}

#[test]
fn a_fingerprint_is_of_the_pictures_and_not_of_their_files() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for i in 0..12 {
        colour(one.path(), &format!("{i}.png"), i);
        colour(two.path(), &format!("elsewhere/{}.png", 99 - i), i);
    }
    let fingerprint = |folder: &tempfile::TempDir| read_at(folder.path(), 8).unwrap().fingerprint;
    assert_eq!(fingerprint(&one), fingerprint(&two));
    colour(two.path(), "another.png", 77);
    assert_ne!(fingerprint(&one), fingerprint(&two));
}

#[test]
fn folders_for_training_and_testing_are_the_split() {
    let folder = tempfile::tempdir().unwrap();
    let mut seed = 0;
    for (part, count) in [("train/cat", 6), ("train/dog", 5), ("test/cat", 3), ("test/dog", 2), ("val/cat", 4)] {
        for i in 0..count {
            seed += 1;
            colour(folder.path(), &format!("{part}/{i}.png"), seed);
        }
    }
    // One of the held-out pictures is a training picture, of the same pixels.
    colour(folder.path(), "test/dog/again.png", 1);
    let set = read_at(folder.path(), 8).unwrap();
    assert_eq!((set.train.len(), set.held_out.len()), (11, 5));
    assert_eq!(set.classes, ["cat", "dog"]);
    assert_eq!(set.train.labels, [[0; 6].as_slice(), &[1; 5]].concat());
    assert_eq!(set.held_out.labels, [0, 0, 0, 1, 1]);
    // Each picture has its seed in its red plane.
    assert_eq!((set.train.image(6)[0], set.held_out.image(0)[0]), (7, 12));
    let told = set.told.join("\n");
    for line in [
        "left out 4 pictures that lie neither in train nor in test",
        "11 training pictures of train, 5 held-out ones of test; left out 1 of test that are in train too",
        "2 classes by their folders: cat, dog",
    ] {
        assert!(told.contains(line), "{told}");
    }
}

#[test]
fn class_folders_give_labels_to_both_sides() {
    let folder = tempfile::tempdir().unwrap();
    for i in 0..30 {
        colour(folder.path(), &format!("{}/{i}.png", ["ant", "bee", "cow"][usize::from(i) % 3]), i);
    }
    let set = read_at(folder.path(), 8).unwrap();
    assert_eq!((set.classes.len(), set.train.labels.len(), set.held_out.labels.len()), (3, 27, 3));
    for images in [&set.train, &set.held_out] {
        assert!((0..images.len()).all(|i| images.labels[i] == images.image(i)[0] % 3));
    }
    colour(folder.path(), "beside.png", 99);
    assert!(read_at(folder.path(), 8).unwrap().labels_are_none());
}

#[cfg(unix)]
#[test]
fn dead_links_and_circles_are_listed_and_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    (0..3).for_each(|i| colour(folder.path(), &format!("{i}.png"), i));
    std::os::unix::fs::symlink("nowhere.png", folder.path().join("dead.png")).unwrap();
    std::os::unix::fs::symlink(folder.path(), folder.path().join("round")).unwrap();
    let set = read_at(folder.path(), 8).unwrap();
    assert_eq!((set.train.len(), set.held_out.len(), set.skipped.len()), (2, 1, 2));
    assert!(set.skipped[0].ends_with("dead.png: no such file or folder"), "{:?}", set.skipped);
}

#[test]
fn grey_pictures_make_a_grey_set_and_one_in_colour_a_colour_set() {
    let folder = tempfile::tempdir().unwrap();
    for i in 0..3 {
        let picture = GrayImage::from_pixel(8, 8, Luma([50 * i]));
        picture.save(folder.path().join(format!("{i}.png"))).unwrap();
    }
    let set = read_at(folder.path(), 8).unwrap();
    assert_eq!((set.train.channels, set.train.len(), set.held_out.len()), (1, 2, 1));
    assert_eq!(set.train.pixels.len(), 2 * 64);
    RgbImage::from_pixel(8, 8, Rgb([7, 8, 9])).save(folder.path().join("9.png")).unwrap();
    let set = read_at(folder.path(), 8).unwrap();
    assert_eq!((set.train.channels, set.train.len() + set.held_out.len()), (3, 4));
    let all = [set.train.pixels.as_slice(), &set.held_out.pixels].concat();
    for picture in all.chunks_exact(192) {
        let planes: Vec<u8> = picture.chunks_exact(64).map(|plane| plane[0]).collect();
        assert!(planes == [7, 8, 9] || planes[0] == planes[1] && planes[1] == planes[2], "{planes:?}");
    }
}

#[test]
fn folders_with_too_little_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let error = read_at(folder.path(), 8).unwrap_err().to_string();
    assert!(error.starts_with("--data photos: the folder holds no readable PNG"), "{error}");
    fs::write(folder.path().join("a.gif"), "").unwrap();
    assert!(read_at(folder.path(), 8).unwrap_err().to_string().contains("1 .gif"));
    colour(folder.path(), "one.png", 1);
    colour(folder.path(), "copy.png", 1);
    fs::write(folder.path().join("empty.png"), "").unwrap();
    let error = read_at(folder.path(), 8).unwrap_err();
    assert!(
        error.to_string().contains("all 2 that can be used are the same") && error.to_string().contains("empty.png"),
        "{error}"
    );
    assert_eq!(error.exit_code(), 2);
    // Every picture of the one folder is in the other too.
    for part in ["train", "test"] {
        (0..4).for_each(|i| colour(folder.path(), &format!("{part}/{i}.png"), i));
    }
    let error = read_at(folder.path(), 8).unwrap_err();
    assert!(error.to_string().contains("test has no picture"), "{error}");
    // None of the one folder can be read.
    (0..4).for_each(|i| fs::write(folder.path().join(format!("train/{i}.png")), "no picture").unwrap());
    (4..6).for_each(|i| colour(folder.path(), &format!("test/{i}.png"), i));
    let error = read_at(folder.path(), 8).unwrap_err().to_string();
    let why = "train/0.png: not a PNG, JPEG or WebP picture";
    assert!(
        error.contains("train has no picture that could be used; the first that") && error.ends_with(why),
        "{error}"
    );
}

#[test]
fn a_side_without_pictures_is_told() {
    let told = |filled: &str, empty: Option<&str>| {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..12 {
            colour(folder.path(), &format!("{filled}/{number}.png"), 20 * number);
        }
        if let Some(empty) = empty {
            fs::create_dir(folder.path().join(empty)).unwrap();
        }
        read_at(folder.path(), 8).map(|set| set.told.join(". ")).map_err(|error| error.to_string())
    };
    assert!(told("test", Some("train")).unwrap_err().contains("its folder train has no picture, and test has"));
    assert!(told("val", None).unwrap().contains("no folder train beside val"));
    assert!(
        told("Train", Some("test")).unwrap().contains("no picture in test beside Train: one in ten of all is held out")
    );
    assert!(!told("train", None).unwrap().contains("held out"));
}
