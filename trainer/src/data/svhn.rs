//! SVHN's cropped digits ("format 2"): a Matlab file of training pictures and one of test pictures.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use sha2::{Digest, Sha256};
use user_files::{POINTER, is_pointer};

use super::Images;
use super::catalogue::{Set, Source};
use super::matlab::{self, Array};
use crate::error::{Error, Result};
use crate::files::reason;

const SIDE: usize = 32;
const CHANNELS: usize = 3;
/// What the files call the class of the digit 0, the others being called after their digits.
const ZERO: u8 = 10;
/// More than the pointer of Git LFS has, which may lie in a file's place.
const BEGINNING: u64 = 256;

/// The pictures of the training file and of the test file, colour 32x32, with the digits that they show; and whether these
/// files are the published ones.
///
/// # Errors
/// One of them is not there, or cannot be read.
pub(super) fn read(set: &Set, source: &Source, dir: Option<&Path>) -> Result<((Images, Images), bool)> {
    let folders = set.folders(dir);
    let paths = folders.iter().find_map(|folder| source.pair_in(folder)).ok_or_else(|| set.missing(dir))?;
    let [train, test] = paths.map(|path| images(&path).map_err(|what| wrong(&path, &what)));
    let ((train, of_train), (test, of_test)) = (train?, test?);
    let are_published = source.files.iter().map(|file| file.sha256).eq([of_train, of_test]);
    Ok(((train, test), are_published))
}

/// The pictures of a file: `X`, which has 32 rows, 32 columns, 3 colours and a side for pictures, and their classes, `y`; and
/// the file's SHA-256, without reading it twice: the files are large.
fn images(path: &Path) -> std::result::Result<(Images, String), String> {
    let mut hasher = Sha256::new();
    let mut file =
        BufReader::new(Hashed { file: File::open(path).map_err(|error| reason(&error))?, hasher: &mut hasher });
    let mut beginning = Vec::new();
    file.by_ref().take(BEGINNING).read_to_end(&mut beginning).map_err(|error| reason(&error))?;
    if is_pointer(&beginning) {
        return Err(POINTER.to_owned());
    }
    let arrays = matlab::arrays(beginning.chain(file))?;
    let sum = hex::encode(hasher.finalize());
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
    let images = Images {
        channels: CHANNELS,
        height: SIDE,
        width: SIDE,
        pixels: by_rows(&pixels.values),
        labels: classes.values.iter().map(|class| class % ZERO).collect(),
    };
    Ok((images, sum))
}

/// A file whose content is hashed while it is read.
struct Hashed<'a> {
    file: File,
    hasher: &'a mut Sha256,
}

impl Read for Hashed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer).inspect(|&count| self.hasher.update(&buffer[..count]))
    }
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
        read(set, set.source().unwrap(), Some(folder)).map(|(parts, _)| parts)
    }

    #[test]
    fn the_hash_is_that_of_the_whole_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mat");
        // More than the first bytes that are looked at, and than a buffer holds.
        for count in [1, 40] {
            let content = pictures(&vec![7; count]);
            fs::write(&path, &content).unwrap();
            let (images, sum) = images(&path).unwrap();
            assert_eq!((images.len(), sum), (count, crate::files::sha256(&content)));
        }
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
