//! MNIST and the sets that come in the same two files.

use std::path::Path;

use super::catalogue::{Format, SETS, Set, Source};
use super::{Images, SIDES, idx};
use crate::error::{Error, Result};
use crate::files;

/// The pictures of the training file and of the test file, from the first folder that has both, with the labels where
/// that folder has them too.
pub(super) fn read(set: &Set, source: &Source, dir: Option<&Path>) -> Result<(Images, Images)> {
    let folders = set.folders(dir);
    let (folder, [train_path, test_path]) =
        folders.iter().find_map(|folder| Some((folder, source.pair_in(folder)?))).ok_or_else(|| set.missing(dir))?;
    let (mut train, mut test) = (idx::read(&train_path)?, idx::read(&test_path)?);
    if (train.height, train.width) != (test.height, test.width) {
        return Err(Error::input(format!(
            "{}: its pictures are {}x{} (width x height), but those of {} are {}x{}",
            test_path.display(),
            test.width,
            test.height,
            train_path.display(),
            train.width,
            train.height
        )));
    }
    if train.height != train.width {
        return Err(Error::input(format!(
            "{}: its pictures are {}x{} (width x height); the networks take square ones",
            train_path.display(),
            train.width,
            train.height
        )));
    }
    if train.height > *SIDES.end() {
        return Err(Error::input(format!(
            "{}: its pictures are {side}x{side}; the networks take at most {most}x{most}",
            train_path.display(),
            side = train.height,
            most = SIDES.end()
        )));
    }
    if let Some([train_labels, test_labels]) = source.labels_in(folder) {
        train.labels = idx::read_labels(&train_labels, train.len())?;
        test.labels = idx::read_labels(&test_labels, test.len())?;
    }
    Ok((train, test))
}

/// The set that a file of these pictures was published in, for the names of the files are the same; none of one's own.
pub(super) fn published_in(images: &Images) -> Option<&'static Set> {
    let sum = files::sha256_of_parts([&idx::header_of(images)[..], &images.pixels]);
    SETS.iter().find(|set| match &set.format {
        Format::Idx(source) => source.files.iter().any(|file| sum == file.sha256),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::data::idx::tests::{file, gzip, labels};

    fn open(folder: &Path) -> Result<(Images, Images)> {
        let set = Set::named("mnist").unwrap();
        read(set, set.source().unwrap(), Some(folder))
    }

    #[test]
    fn files_of_one_s_own_are_read_packed_or_not() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("train-images-idx3-ubyte"), file(4, 6, 6)).unwrap();
        fs::write(folder.path().join("t10k-images-idx3-ubyte.gz"), gzip(&file(2, 6, 6))).unwrap();
        let (train, test) = open(folder.path()).unwrap();
        assert_eq!((train.len(), test.len(), train.height), (4, 2, 6));
        assert!(train.labels.is_empty() && test.labels.is_empty());
        for (name, count) in [("train", 4), ("t10k", 2)] {
            fs::write(folder.path().join(format!("{name}-labels-idx1-ubyte")), labels(count)).unwrap();
        }
        let (train, test) = open(folder.path()).unwrap();
        assert_eq!((train.labels, test.labels), (vec![0, 1, 2, 3], vec![0, 1]));
    }

    #[test]
    fn a_missing_file_and_unequal_sizes_are_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("train-images-idx3-ubyte"), file(4, 6, 6)).unwrap();
        let error = open(folder.path()).unwrap_err();
        let dir = folder.path().display();
        assert!(error.to_string().contains(&format!("trainer data fetch mnist --dir {dir}")), "{error}");
        // Only what is not there.
        assert!(error.to_string().contains("lacks t10k-images-idx3-ubyte.gz (or unpacked"), "{error}");
        fs::write(folder.path().join("t10k-images-idx3-ubyte"), file(4, 6, 7)).unwrap();
        let error = open(folder.path()).unwrap_err();
        assert!(error.to_string().contains("7x6") && error.to_string().contains("6x6"), "{error}");
    }

    #[test]
    fn files_that_were_published_by_no_name_or_another_are_told() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("train-images-idx3-ubyte"), file(4, 8, 8)).unwrap();
        fs::write(folder.path().join("t10k-images-idx3-ubyte"), file(2, 8, 8)).unwrap();
        let data = crate::data::open("mnist", Some(folder.path())).unwrap();
        assert_eq!(data.licence, "that of the files that were given");
        assert!(data.fingerprint.is_some() && data.told.len() == 1);

        // The header is part of what was hashed.
        let (train, test) = open(folder.path()).unwrap();
        assert_eq!(idx::header_of(&train).as_slice(), &file(4, 8, 8)[..16]);
        assert!(published_in(&train).is_none() && published_in(&test).is_none());
        let set = Set::named("fashion-mnist").unwrap();
        let source = set.source().unwrap();
        let Some([train, test]) = set.folders(None).iter().find_map(|folder| source.pair_in(folder)) else {
            eprintln!("not checked: fashion-mnist is not on this machine");
            return;
        };
        let error = crate::data::open("mnist", train.parent()).unwrap_err();
        let text = "its files are those of fashion-mnist; say --data fashion-mnist";
        assert!(error.to_string().contains(text) && error.exit_code() == 2, "{error}");
        // One file of another set is enough.
        fs::copy(&test, folder.path().join(test.file_name().unwrap())).unwrap();
        fs::remove_file(folder.path().join("t10k-images-idx3-ubyte")).unwrap();
        fs::write(folder.path().join("train-images-idx3-ubyte"), file(4, 28, 28)).unwrap();
        let error = crate::data::open("mnist", Some(folder.path())).unwrap_err();
        assert!(error.to_string().contains(text), "{error}");
        // And one of the set is not enough.
        let data = crate::data::open("fashion-mnist", Some(folder.path())).unwrap();
        assert!(data.fingerprint.is_some());
        let [train, test] = [train, test].map(|path| published_in(&idx::read(&path).unwrap()).map(|set| set.name));
        assert_eq!((train, test), (Some("fashion-mnist"), Some("fashion-mnist")));
    }

    #[test]
    fn other_names_of_the_files_are_known() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("train-images.idx3-ubyte"), file(4, 6, 6)).unwrap();
        fs::write(folder.path().join("t10k-images.idx3-ubyte.gz"), gzip(&file(2, 6, 6))).unwrap();
        fs::write(folder.path().join("train-labels.idx1-ubyte"), labels(4)).unwrap();
        fs::write(folder.path().join("t10k-labels.idx1-ubyte"), labels(2)).unwrap();
        let (train, test) = open(folder.path()).unwrap();
        assert_eq!((train.labels.len(), test.labels.len()), (4, 2));
    }

    #[test]
    fn pictures_that_are_not_square_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        // 80 x 784 numbers would also fill squares of 112 and of 28.
        for (rows, columns) in [(28, 20), (20, 28), (112, 28)] {
            for name in ["train", "t10k"] {
                fs::write(folder.path().join(format!("{name}-images-idx3-ubyte")), file(4, rows, columns)).unwrap();
            }
            let error = open(folder.path()).unwrap_err();
            assert!(error.to_string().contains("square") && error.exit_code() == 2, "{error}");
            assert!(error.to_string().contains(&format!("{columns}x{rows}")), "{error}");
        }
    }

    #[test]
    fn pictures_that_are_too_large_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        for side in [256, 257] {
            for name in ["train", "t10k"] {
                fs::write(folder.path().join(format!("{name}-images-idx3-ubyte")), file(2, side, side)).unwrap();
            }
            let read = open(folder.path()).map_err(|error| error.to_string());
            assert_eq!(read.is_ok(), side == 256);
            let Err(error) = read else { continue };
            let text = "train-images-idx3-ubyte: its pictures are 257x257; the networks take at most 256x256";
            assert!(error.ends_with(text), "{error}");
        }
    }
}
