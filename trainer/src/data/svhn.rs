//! SVHN's cropped digits ("format 2"): a Matlab file of training pictures and one of test pictures.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use user_files::{POINTER, is_pointer};

use super::Images;
use super::catalogue::{Set, Source};
use super::matlab::{self, Array};
use crate::error::{Error, Result};
use crate::files::{reason, sha256_of};

const SIDE: usize = 32;
const CHANNELS: usize = 3;
/// What the files call the class of the digit 0, the others being called after their digits.
const ZERO: u8 = 10;
/// More than the pointer of Git LFS has, which may lie in a file's place.
const BEGINNING: u64 = 256;

/// The files, where this folder has all of them.
pub(super) fn find(source: &Source, folder: &Path) -> Option<Vec<PathBuf>> {
    let paths = || source.files.iter().map(|file| folder.join(file.name)).collect();
    lacks(source, folder).is_empty().then(paths)
}

/// Which of the files are not in this folder.
pub(super) fn lacks(source: &Source, folder: &Path) -> Vec<&'static str> {
    source.files.iter().map(|file| file.name).filter(|name| !folder.join(name).is_file()).collect()
}

/// Whether these files are the published ones.
///
/// # Errors
/// One of them cannot be read.
pub(super) fn are_published(source: &Source, set: &Set, dir: Option<&Path>) -> Result<bool> {
    for (file, path) in source.files.iter().zip(place(source, set, dir)?) {
        let sum = File::open(&path).and_then(|file| sha256_of(BufReader::new(file)));
        if sum.map_err(|error| wrong(&path, &reason(&error)))? != file.sha256 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The pictures of the training file and of the test file, colour 32x32, with the digits that they show.
pub(super) fn read(set: &Set, source: &Source, dir: Option<&Path>) -> Result<(Images, Images)> {
    let mut parts = Vec::new();
    for path in place(source, set, dir)? {
        parts.push(images(&path).map_err(|what| wrong(&path, &what))?);
    }
    match <[Images; 2]>::try_from(parts) {
        Ok([train, test]) => Ok((train, test)),
        Err(_) => Err(set.missing(dir)),
    }
}

fn place(source: &Source, set: &Set, dir: Option<&Path>) -> Result<Vec<PathBuf>> {
    set.folders(dir).iter().find_map(|folder| find(source, folder)).ok_or_else(|| set.missing(dir))
}

/// The pictures of a file: `X`, which has 32 rows, 32 columns, 3 colours and a side for pictures, and their classes, `y`.
fn images(path: &Path) -> std::result::Result<Images, String> {
    let mut file = BufReader::new(File::open(path).map_err(|error| reason(&error))?);
    let mut beginning = Vec::new();
    file.by_ref().take(BEGINNING).read_to_end(&mut beginning).map_err(|error| reason(&error))?;
    if is_pointer(&beginning) {
        return Err(POINTER.to_owned());
    }
    let arrays = matlab::arrays(beginning.chain(file))?;
    let named = |name: &str| arrays.iter().find(|array| array.name == name);
    let pixels = named("X").ok_or("it has no array `X` of whole numbers, the pictures")?;
    let [SIDE, SIDE, CHANNELS, count] = pixels.sides[..] else {
        return Err(format!("its `X` is {}; pictures are {SIDE}x{SIDE}x{CHANNELS}xN", in_words(pixels)));
    };
    if pixels.values.len() != pixels.sides.iter().product::<usize>() {
        return Err(format!("its `X` is {} and has {} values", in_words(pixels), pixels.values.len()));
    }
    let classes = named("y").ok_or("it has no array `y` of whole numbers, the digits")?;
    if classes.values.len() != count {
        return Err(format!("it has {count} pictures and {} digits", classes.values.len()));
    }
    if let Some(class) = classes.values.iter().find(|&&class| class > ZERO) {
        return Err(format!("it has the class {class}, where the digits are 1 to {ZERO}"));
    }
    Ok(Images {
        channels: CHANNELS,
        height: SIDE,
        width: SIDE,
        pixels: by_rows(&pixels.values),
        labels: classes.values.iter().map(|class| class % ZERO).collect(),
    })
}

/// Planes whose rows vary fastest, as planes whose columns do.
fn by_rows(planes: &[u8]) -> Vec<u8> {
    let mut turned = Vec::with_capacity(planes.len());
    for plane in planes.chunks_exact(SIDE * SIDE) {
        turned.extend((0..SIDE * SIDE).map(|i| plane[i % SIDE * SIDE + i / SIDE]));
    }
    turned
}

fn in_words(array: &Array) -> String {
    let sides: Vec<String> = array.sides.iter().map(usize::to_string).collect();
    sides.join("x")
}

fn wrong(path: &Path, what: &str) -> Error {
    Error::input(format!("{}: {what}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::data::matlab::tests::file;

    /// A file of these pictures' classes. The value of a pixel is its row in the first half, its column in the second.
    fn pictures(classes: &[u8]) -> Vec<u8> {
        let count = classes.len() as u32;
        let picture = |_| (0..SIDE * SIDE * CHANNELS).map(|i| if i < 512 { i % SIDE } else { i / SIDE % SIDE } as u8);
        let values: Vec<u8> = classes.iter().flat_map(picture).collect();
        file(&[("X", &[32, 32, 3, count], &values), ("y", &[count, 1], classes)])
    }

    fn open(folder: &Path) -> Result<(Images, Images)> {
        let set = Set::named("svhn").unwrap();
        read(set, set.source().unwrap(), Some(folder))
    }

    #[test]
    fn pictures_come_by_rows_and_ten_is_the_digit_0() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("train_32x32.mat"), pictures(&[1, 10, 9])).unwrap();
        let error = open(folder.path()).unwrap_err().to_string();
        assert!(error.contains("lacks test_32x32.mat of svhn"), "{error}");
        fs::write(folder.path().join("test_32x32.mat"), pictures(&[5])).unwrap();
        let (train, test) = open(folder.path()).unwrap();
        assert_eq!((train.labels.as_slice(), test.labels.as_slice()), (&[1, 0, 9][..], &[5][..]));
        let picture = train.image(2);
        // Column 5 is in the half whose values are the rows, column 20 in that whose values are the columns.
        assert_eq!((picture[3 * SIDE + 5], picture[3 * SIDE + 20]), (3, 20));
        assert_eq!(test.image(0)[2 * SIDE * SIDE + 7 * SIDE + 9], 9);
        // These are not the published files.
        let data = crate::data::open("svhn", Some(folder.path())).unwrap();
        assert!(data.fingerprint.is_some() && data.told.len() == 1 && data.licence.contains("given"));
    }

    #[test]
    fn a_file_of_something_else_is_named_with_what_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("train_32x32.mat");
        fs::write(folder.path().join("test_32x32.mat"), pictures(&[5])).unwrap();
        let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 182040794\n";
        for (content, says) in [
            (file(&[("y", &[1, 1], &[1])]), "no array `X`"),
            (file(&[("X", &[32, 32, 3], &[0; 3072])]), "`X` is 32x32x3;"),
            (file(&[("X", &[32, 32, 3, 2], &[0; 3072])]), "has 3072 values"),
            (file(&[("X", &[32, 32, 3, 1], &[0; 3072])]), "no array `y`"),
            (file(&[("X", &[32, 32, 3, 1], &[0; 3072]), ("y", &[2, 1], &[1, 2])]), "1 pictures and 2 digits"),
            (pictures(&[11]), "class 11"),
            (pictures(&[3])[..400].to_vec(), "truncated or damaged"),
            (pointer.to_vec(), POINTER),
        ] {
            fs::write(&path, content).unwrap();
            let error = open(folder.path()).unwrap_err();
            let text = error.to_string();
            assert!(text.starts_with(&path.display().to_string()) && text.contains(says), "{text}");
            assert_eq!(error.exit_code(), 2);
        }
    }
}
