//! How the folders of a data set say what its pictures are for, and what they show.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs,
    path::{Component, Path, PathBuf},
};

/// Names of a folder of training pictures and of one of held-out ones; the first that is there counts.
const TRAINING: [&str; 2] = ["train", "training"];
const HELD_OUT: [&str; 5] = ["test", "testing", "val", "validation", "valid"];

/// Which side a picture is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Training,
    HeldOut,
    /// Of neither folder.
    Neither,
}

/// Folders such as `train` and `test`, right in the data folder.
pub(super) struct Split {
    /// Their names as they are written there.
    pub training: String,
    pub held_out: String,
}

impl Split {
    /// The two folders, if there are pictures in both; paths are those inside the data folder.
    pub(super) fn of(inside: &[&Path]) -> Option<Self> {
        let tops: BTreeSet<&str> = inside.iter().filter_map(|path| top(path)).collect();
        let find = |names: &[&str]| {
            let named = |name: &&str| tops.iter().find(|top| top.eq_ignore_ascii_case(name));
            names.iter().find_map(named).map(|top| (*top).to_owned())
        };
        Some(Self { training: find(&TRAINING)?, held_out: find(&HELD_OUT)? })
    }

    /// What is to be said where there are no pictures in both, though a folder is called as if there were.
    ///
    /// # Errors
    /// The folder of training pictures is empty, and that of held-out ones is not: a sentence.
    pub(super) fn lacking(folder: &Path, inside: &[&Path]) -> Result<Option<String>, String> {
        let tops: BTreeSet<&str> = inside.iter().filter_map(|path| top(path)).collect();
        let folders = || fs::read_dir(folder).into_iter().flatten().flatten().filter(|entry| entry.path().is_dir());
        let named = |names: &[&str], filled: bool| {
            let is_meant = |found: &String| {
                names.iter().any(|name| name.eq_ignore_ascii_case(found)) && tops.contains(found.as_str()) == filled
            };
            folders().filter_map(|entry| entry.file_name().into_string().ok()).filter(is_meant).min()
        };
        match (named(&TRAINING, true), named(&TRAINING, false), named(&HELD_OUT, true), named(&HELD_OUT, false)) {
            (None, Some(empty), Some(held_out), _) => Err(format!(
                "its folder {empty} has no picture, and {held_out} has; pictures to train on belong in {empty}"
            )),
            (None, None, Some(held_out), _) => Ok(Some(format!(
                "no folder train beside {held_out}, so its pictures are used like all others: one in ten is held out"
            ))),
            (Some(training), _, None, Some(empty)) => {
                Ok(Some(format!("no picture in {empty} beside {training}: one in ten of all is held out")))
            }
            _ => Ok(None),
        }
    }

    /// The side of a picture.
    pub(super) fn side(&self, inside: &Path) -> Side {
        match top(inside) {
            Some(top) if top == self.training => Side::Training,
            Some(top) if top == self.held_out => Side::HeldOut,
            _ => Side::Neither,
        }
    }
}

/// Names of classes, and the class of each picture.
type Classes = (Vec<String>, Vec<u8>);

/// A label is a byte.
pub(super) const MOST_CLASSES: usize = u8::MAX as usize + 1;

/// The names of the classes, sorted, and the class of each picture: where all lie in at least two folders, of which
/// none has others. Paths are those inside the data folder; with a split, below its folders.
///
/// # Errors
/// There are more folders than classes can be; so many.
pub(super) fn classes(inside: &[&Path], split: Option<&Split>) -> Result<Option<Classes>, usize> {
    let folders: Option<Vec<String>> = inside.iter().map(|path| class_folder(path, split)).collect();
    let Some(folders) = folders else { return Ok(None) };
    let names: BTreeSet<&String> = folders.iter().collect();
    if names.len() < 2 {
        return Ok(None);
    }
    if names.len() > MOST_CLASSES {
        return Err(names.len());
    }
    let names: Vec<String> = names.into_iter().cloned().collect();
    let class = |folder: &String| names.binary_search(folder).ok().map(|class| class as u8);
    let labels: Option<Vec<u8>> = folders.iter().map(class).collect();
    Ok(labels.map(|labels| (names, labels)))
}

/// The one folder that a picture lies in.
fn class_folder(inside: &Path, split: Option<&Split>) -> Option<String> {
    let mut parts = inside.components();
    if split.is_some() {
        parts.next();
    }
    match (parts.next(), parts.next(), parts.next()) {
        (Some(Component::Normal(class)), Some(_), None) => Some(class.to_string_lossy().into_owned()),
        _ => None,
    }
}

/// The folder right in the data folder that a picture lies in.
fn top(inside: &Path) -> Option<&str> {
    let mut parts = inside.components().map(Component::as_os_str);
    let top = parts.next().and_then(OsStr::to_str)?;
    parts.next().map(|_| top)
}

/// The paths inside a folder.
pub(super) fn inside<'a>(folder: &Path, paths: impl Iterator<Item = &'a PathBuf>) -> Vec<&'a Path> {
    paths.map(|path| path.strip_prefix(folder).unwrap_or(path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(names: &[&'static str]) -> Vec<&'static Path> {
        names.iter().map(|name| Path::new(*name)).collect()
    }

    #[test]
    fn train_and_test_are_the_split() {
        let all = paths(&["Train/a.png", "val/b.png", "test/c.png", "d.png"]);
        let split = Split::of(&all).unwrap();
        let sides: Vec<_> = all.iter().map(|path| split.side(path)).collect();
        assert_eq!(sides, [Side::Training, Side::Neither, Side::HeldOut, Side::Neither]);
        assert_eq!(Split::of(&paths(&["train/a.png", "valid/b.png"])).unwrap().held_out, "valid");
        for none in [&["train/a.png", "b.png"][..], &["test/a.png"], &["train", "test"], &["a/train/b", "a/test/c"]] {
            assert!(Split::of(&paths(none)).is_none(), "{none:?}");
        }
    }

    #[test]
    fn folders_of_one_kind_each_are_classes() {
        let found = |names: &[&'static str], split: bool| {
            let split = split.then(|| Split { training: "train".into(), held_out: "test".into() });
            classes(&paths(names), split.as_ref()).unwrap()
        };
        let (names, labels) = found(&["b/1.png", "a/1.png", "b/2.png"], false).unwrap();
        assert_eq!((names, labels), (vec!["a".to_owned(), "b".to_owned()], vec![1, 0, 1]));
        let (names, labels) = found(&["train/cat/1", "train/dog/1", "test/dog/2"], true).unwrap();
        assert_eq!((names.len(), labels), (2, vec![0, 1, 1]));
        for none in [&["a/1.png", "a/2.png"][..], &["a/1.png", "2.png"], &["a/1.png", "b/c/2.png"], &["1.png"]] {
            assert!(found(none, false).is_none(), "{none:?}");
        }
        let many: Vec<PathBuf> = (0..300).map(|class| PathBuf::from(format!("{class}/1.png"))).collect();
        let many: Vec<&Path> = many.iter().map(PathBuf::as_path).collect();
        assert_eq!(classes(&many, None), Err(300));
        assert_eq!(classes(&many[..256], None).unwrap().unwrap().0.len(), 256);
    }
}
