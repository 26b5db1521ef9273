//! Data sets: the named ones and folders of pictures, always as training pictures and held-out pictures.

mod catalogue;
mod cifar;
mod digits;
mod download;
mod folder;
mod idx;
mod mnist;
mod rendered;

use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::pictures::Picture;
use catalogue::{Format, SETS, Set};

/// 8-bit pictures of one size.
#[derive(Debug, Clone, PartialEq)]
pub struct Images {
    /// 1 (grey) or 3 (red, green, blue).
    pub channels: usize,
    /// Rows of each picture.
    pub height: usize,
    /// Columns of each picture.
    pub width: usize,
    /// Values 0..255, [count, channels, height, width].
    pub pixels: Vec<u8>,
    /// The class of each picture, from 0; empty where the set has none.
    pub labels: Vec<u8>,
}

impl Images {
    /// The number of pictures.
    pub fn len(&self) -> usize {
        self.pixels.len() / self.picture_len()
    }

    /// Whether there is no picture.
    pub fn is_empty(&self) -> bool {
        self.pixels.is_empty()
    }

    /// The pixels of picture `i`, [channels, height, width].
    pub fn image(&self, i: usize) -> &[u8] {
        let len = self.picture_len();
        &self.pixels[i * len..(i + 1) * len]
    }

    /// Picture `i`.
    pub fn picture(&self, i: usize) -> Picture {
        let Self { channels, height, width, .. } = *self;
        Picture { channels, height, width, pixels: unit(self.image(i)).collect() }
    }

    /// All values, 0..1.
    pub fn floats(&self) -> Vec<f32> {
        unit(&self.pixels).collect()
    }

    /// Checks that there are pictures of this shape, `[channels, height, width]`; `source` is what the user knows them
    /// by.
    ///
    /// # Errors
    /// There are none, or they have another shape.
    pub fn check(&self, source: &str, wanted: [usize; 3]) -> Result<()> {
        if self.is_empty() {
            return Err(Error::input(format!("{source}: there are no pictures")));
        }
        let found = [self.channels, self.height, self.width];
        if found == wanted {
            return Ok(());
        }
        Err(Error::input(format!(
            "{source}: the pictures are {found:?} (channels, height, width) where the model takes {wanted:?}"
        )))
    }

    /// The first pictures, at most `count`.
    pub fn first(&self, count: usize) -> Self {
        let count = count.min(self.len());
        let labels = self.labels.iter().take(count).copied().collect();
        Self { pixels: self.pixels[..count * self.picture_len()].to_vec(), labels, ..self.like() }
    }

    /// No pictures, of the same shape.
    pub fn like(&self) -> Self {
        let Self { channels, height, width, .. } = *self;
        Self { channels, height, width, pixels: Vec::new(), labels: Vec::new() }
    }

    fn picture_len(&self) -> usize {
        self.channels * self.height * self.width
    }
}

/// Bytes as values 0..1.
fn unit(bytes: &[u8]) -> impl Iterator<Item = f32> {
    bytes.iter().map(|&byte| f32::from(byte) / 255.0)
}

/// A data set: training and held-out pictures, which never mix.
#[derive(Debug)]
pub struct DataSet {
    /// The set's own name, or the folder's.
    pub name: String,
    /// The licence of the pictures, for a model's description.
    pub licence: String,
    /// What a model may see.
    pub train: Images,
    /// What a model is judged with.
    pub held_out: Images,
    /// The files of a picture folder that could not be used, one line each with the reason.
    pub skipped: Vec<String>,
}

/// The side of the square that the network sees: the smallest multiple of 8 that the picture fits in (28 -> 32).
pub fn network_size(height: usize, width: usize) -> usize {
    height.max(width).next_multiple_of(8)
}

/// A named data set in the list; printed as one line.
#[derive(Debug)]
pub struct Listing {
    /// What `--data` takes.
    pub name: &'static str,
    /// The pictures, in a few words.
    pub about: &'static str,
    /// The licence of the pictures.
    pub licence: &'static str,
    /// Where the set is on this machine, if it is.
    pub place: Option<String>,
}

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, about, licence, place } = self;
        write!(f, "{name:14} {about}; licence: {licence}; ")?;
        match place {
            Some(place) => write!(f, "here: {place}"),
            None => write!(f, "not on this machine: `trainer data fetch {name}`"),
        }
    }
}

/// The named data sets.
pub fn names() -> impl Iterator<Item = Listing> {
    SETS.iter().map(|set| Listing { name: set.name, about: set.about, licence: set.licence, place: place(set) })
}

/// Downloads a named data set into `dir` or the cache folder, checked, and returns the folder that now has it.
///
/// Files that are there already are checked and kept; without `dir`, so is the whole set where a system's package has
/// it. `$TRAINER_DATA_URL/NAME/FILE` replaces the publishers' addresses. What is rendered needs Node.js with npm, whose
/// settings say where packages come from.
pub fn fetch(name: &str, dir: Option<&Path>) -> Result<PathBuf> {
    let set = Set::named(name).ok_or_else(|| unknown("data fetch", name))?;
    let source = match &set.format {
        Format::Embedded => {
            return Err(Error::input(format!("data fetch {name}: the set is built in; use it with `--data {name}`")));
        }
        Format::Rendered(recipe) => {
            let folder = set.download_folder(dir)?;
            return rendered::fetch(name, recipe, &folder).map(|()| folder);
        }
        Format::Idx(source) | Format::Cifar(source) => source,
    };
    if dir.is_none()
        && let Some(package) = source.package.as_ref().map(|package| PathBuf::from(package.folder))
        && has(set, &package)
    {
        return Ok(package);
    }
    let folder = set.download_folder(dir)?;
    let mirror = std::env::var(download::MIRROR).ok().filter(|mirror| !mirror.is_empty());
    download::fetch(name, source, &folder, mirror.as_deref())?;
    Ok(folder)
}

/// Reads a data set by its name, from `dir` or where it is usually kept, or a folder of pictures by its path.
pub fn open(name_or_folder: &str, dir: Option<&Path>) -> Result<DataSet> {
    open_sized(name_or_folder, dir, None)
}

/// [`open`], with the side that the pictures of a folder are resized to; named sets keep their own size.
pub fn open_sized(name_or_folder: &str, dir: Option<&Path>, side: Option<usize>) -> Result<DataSet> {
    let set = Set::named(name_or_folder);
    if let Some(dir) = dir
        && set.is_none_or(|set| matches!(set.format, Format::Embedded))
    {
        let dir = dir.display();
        return Err(Error::input(format!("--dir {dir}: --data {name_or_folder} reads no files of a named set")));
    }
    let Some(set) = set else {
        let folder = Path::new(name_or_folder);
        return match folder.is_dir() {
            true => folder::read(folder, side.unwrap_or(folder::DEFAULT_SIDE)),
            false => Err(unknown("--data", name_or_folder)),
        };
    };
    let (train, held_out) = match &set.format {
        Format::Embedded => digits::read()?,
        Format::Idx(source) => mnist::read(set, source, dir)?,
        Format::Cifar(source) => cifar::read(set, source, dir)?,
        Format::Rendered(recipe) => rendered::read(set, recipe, dir)?,
    };
    Ok(DataSet { name: set.name.into(), licence: set.licence.into(), train, held_out, skipped: Vec::new() })
}

fn place(set: &Set) -> Option<String> {
    match set.format {
        Format::Embedded => Some("built in".into()),
        _ => set.folders(None).into_iter().find(|folder| has(set, folder)).map(|folder| folder.display().to_string()),
    }
}

/// Whether this folder has the files of the set.
fn has(set: &Set, folder: &Path) -> bool {
    match &set.format {
        Format::Embedded => false,
        Format::Idx(source) => mnist::find(source, folder).is_some(),
        Format::Cifar(source) => cifar::find(source, folder).is_some(),
        Format::Rendered(_) => rendered::find(folder).is_some(),
    }
}

fn unknown(place: &str, name: &str) -> Error {
    let names: Vec<_> = SETS.iter().map(|set| set.name).collect();
    let folder = if place == "--data" { ", and no folder either" } else { "" };
    Error::input(format!("{place} {name}: not one of {}{folder}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digits_are_always_there_and_need_no_folder() {
        assert_eq!(open("digits", None).unwrap().train.len(), 1621);
        assert!(names().any(|set| set.name == "digits" && set.to_string().ends_with("here: built in")));
        assert!(fetch("digits", None).unwrap_err().to_string().contains("built in"));
        assert!(open("digits", Some(Path::new("/"))).unwrap_err().to_string().starts_with("--dir /"));
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_names() {
        for error in [open("digit", None).unwrap_err(), fetch("digit", None).unwrap_err()] {
            assert!(error.to_string().contains("digits, fashion-mnist, mnist, cifar-10, faces, emoji"), "{error}");
            assert_eq!(error.exit_code(), 2);
        }
    }

    #[test]
    fn the_network_sees_multiples_of_eight() {
        assert_eq!([(28, 28), (16, 16), (5, 33)].map(|(height, width)| network_size(height, width)), [32, 16, 40]);
    }
}
