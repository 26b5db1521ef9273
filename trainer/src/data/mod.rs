//! Data sets: the named ones and folders of pictures, always as training pictures and held-out pictures.

mod catalogue;
mod cifar;
mod components;
mod digits;
mod download;
mod folder;
mod gzip;
mod idx;
mod images;
mod matlab;
mod mnist;
mod nearest;
mod published;
mod rendered;
mod svhn;

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::files::reason;
use catalogue::{Format, SETS, Set};
pub use components::principal_components;
pub use folder::{SIDES, is_fingerprint, lying_in};
pub use images::Images;
pub use nearest::nearest;

/// A data set: training and held-out pictures, which never mix.
#[derive(Debug)]
pub struct DataSet {
    /// The set's own name, or the folder's.
    pub name: String,
    /// The licence of the pictures, for a model's description.
    pub licence: String,
    /// What finds it again: the set's name, or the whole path of the folder.
    pub source: String,
    /// What a model may see.
    pub train: Images,
    /// What a model is judged with.
    pub held_out: Images,
    /// The names of the classes that labels count from 0, where they are known.
    pub classes: Vec<String>,
    /// What tells the pictures of a folder from others, and those that are held out from the rest, wherever they lie and
    /// at whatever size. Sets with a name have one where the files are others than the name stands for.
    pub fingerprint: Option<String>,
    /// Bytes that decoding them took at its height.
    pub decoding: u64,
    /// What is to be known of the pictures, a line each.
    pub told: Vec<String>,
    /// The files of a picture folder that could not be used, one line each with the reason.
    pub skipped: Vec<String>,
}

impl DataSet {
    /// How many pictures there are, on both sides.
    pub fn count(&self) -> usize {
        self.train.len() + self.held_out.len()
    }

    /// Files that are named one by one, at most.
    const NAMED: usize = 20;

    /// Says on stderr what is to be known of the pictures, and which files could not be used.
    pub fn tell(&self) {
        for line in &self.told {
            eprintln!("{}: {line}", self.name);
        }
        for line in self.skipped.iter().take(Self::NAMED) {
            eprintln!("skipped: {line}");
        }
        if let more @ 1.. = self.skipped.len().saturating_sub(Self::NAMED) {
            eprintln!("skipped: {more} more files");
        }
    }
}

/// The side of the square that the network sees: the smallest that the picture fits in (28 -> 32) and that can be
/// halved until 4 to 7 are left: a multiple of 8 up to 64, of 16 up to 128, of 32 beyond.
pub fn network_size(height: usize, width: usize) -> usize {
    let side = height.max(width);
    let step = match side {
        0..=64 => 8,
        65..=128 => 16,
        _ => 32,
    };
    side.next_multiple_of(step)
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
    let set = Set::named(name).ok_or_else(|| unknown(&format!("data fetch {name}"), name, ""))?;
    let source = match &set.format {
        Format::Embedded => {
            return Err(Error::input(format!("data fetch {name}: the set is built in; use it with `--data {name}`")));
        }
        Format::Rendered(recipe) => {
            let folder = set.download_folder(dir)?;
            return rendered::fetch(name, recipe, &folder).map(|()| folder);
        }
        Format::Idx(source) | Format::Cifar(source) | Format::Svhn(source) => source,
    };
    if dir.is_none()
        && let Some(package) = source.package.as_ref().map(|package| PathBuf::from(package.folder))
        && has(set, &package)
    {
        return Ok(package);
    }
    let folder = set.download_folder(dir)?;
    if let Format::Cifar(source) = &set.format
        && cifar::is_unpacked_in(&folder, source)
    {
        eprintln!("{}: already there, unpacked", folder.display());
        return Ok(folder);
    }
    let mirror = std::env::var(download::MIRROR).ok().filter(|mirror| !mirror.is_empty());
    download::fetch(name, source, &folder, mirror.as_deref(), &SETS)?;
    Ok(folder)
}

/// What is asked for with `--data` and what goes with it.
pub struct Wanted<'a> {
    /// A set's name, or a folder.
    pub source: &'a str,
    /// What the user knows it by: the flag or the file that says it.
    pub named: &'a str,
    /// The folder of a named set's files.
    pub dir: Option<&'a Path>,
    /// The side that the pictures of a folder are resized to, if not one that suits them; named sets keep their own.
    pub side: Option<usize>,
    /// Whether the pictures of a large folder are kept decoded for the next time; else nothing is written.
    pub keep: bool,
}

/// Reads a data set by its name, from `dir` or where it is usually kept, or a folder of pictures by its path.
pub fn open(name_or_folder: &str, dir: Option<&Path>) -> Result<DataSet> {
    open_sized(name_or_folder, dir, None)
}

/// [`open`], with the side that the pictures of a folder are resized to; named sets keep their own size.
pub fn open_sized(name_or_folder: &str, dir: Option<&Path>, side: Option<usize>) -> Result<DataSet> {
    read(&Wanted { source: name_or_folder, named: &format!("--data {name_or_folder}"), dir, side, keep: true })
}

/// [`open_sized`], and says what there is to say of the pictures, and of a folder that has the name of a set.
pub fn open_told(name_or_folder: &str, dir: Option<&Path>, side: Option<usize>) -> Result<DataSet> {
    if let Some(line) = namesake(name_or_folder) {
        eprintln!("{line}");
    }
    let data = open_sized(name_or_folder, dir, side)?;
    data.tell();
    Ok(data)
}

/// Reads a data set.
///
/// # Errors
/// There is no such set and no such folder, or what is there cannot be used.
pub fn read(wanted: &Wanted<'_>) -> Result<DataSet> {
    let Wanted { source: name, named, dir, .. } = *wanted;
    let Some(set) = Set::named(name) else {
        let path = Path::new(name);
        return match (path.is_dir(), dir) {
            (true, None) => folder::read(wanted),
            (true, Some(dir)) => Err(Error::input(format!(
                "--data-dir {}: {named} is a folder itself, and needs no other",
                dir.display()
            ))),
            _ if path.is_file() => {
                Err(Error::input(format!("{named}: it is a file; give a folder; unpack an archive first")))
            }
            _ => Err(match path.metadata() {
                Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                    Error::input(format!("{named}: {}", reason(&error)))
                }
                _ => unknown(named, name, ", and no folder either"),
            }),
        };
    };
    if let (Format::Embedded, Some(dir)) = (&set.format, dir) {
        let text = format!("--data-dir {}: {named} is built in, and needs no files", dir.display());
        return Err(Error::input(text));
    }
    // Whether the files are the published ones, where that was seen while they were read.
    let mut published = None;
    let (train, held_out) = match &set.format {
        Format::Embedded => digits::read()?,
        Format::Idx(source) => mnist::read(set, source, dir)?,
        Format::Cifar(source) => cifar::read(set, source, dir)?,
        Format::Svhn(source) => {
            let (parts, are_published) = svhn::read(set, source, dir)?;
            published = Some(are_published);
            parts
        }
        Format::Rendered(recipe) => rendered::read(set, recipe, dir)?,
    };
    let mut data = DataSet {
        name: set.name.into(),
        licence: set.licence.into(),
        source: set.name.into(),
        train,
        held_out,
        classes: Vec::new(),
        fingerprint: None,
        decoding: 0,
        told: Vec::new(),
        skipped: Vec::new(),
    };
    published::tell_others(&mut data, set, wanted, published)?;
    Ok(data)
}

/// Whether this is the name of a set, and not a folder.
pub fn is_named(name: &str) -> bool {
    Set::named(name).is_some()
}

/// Whether runs have long said where their files are not those that this name stands for: one that says nothing has those.
pub fn is_told_from_others(name: &str) -> bool {
    Set::named(name).is_some_and(|set| matches!(set.format, Format::Idx(_) | Format::Svhn(_)))
}

/// Whether no folder is at a path, as far as one may look.
pub fn is_gone(folder: &Path) -> bool {
    folder.metadata().map_or_else(|error| error.kind() != ErrorKind::PermissionDenied, |found| !found.is_dir())
}

/// What a data set may be called for short: the set's name, or the folder's.
pub fn short_name(name_or_folder: &str) -> String {
    match Set::named(name_or_folder) {
        Some(set) => set.name.to_owned(),
        None => folder::name(&std::fs::canonicalize(name_or_folder).unwrap_or_else(|_| name_or_folder.into())),
    }
}

/// The line for a set's name that is also a folder's here.
pub fn namesake(name: &str) -> Option<String> {
    (is_named(name) && Path::new(name).is_dir())
        .then(|| format!("--data {name} is the known set; the folder {name} that lies here is --data ./{name}"))
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
        Format::Idx(source) | Format::Svhn(source) => source.pair_in(folder).is_some(),
        Format::Cifar(source) => cifar::find(source, folder).is_some(),
        Format::Rendered(_) => rendered::find(folder).is_some(),
    }
}

fn unknown(named: &str, name: &str, else_too: &str) -> Error {
    let names: Vec<_> = SETS.iter().map(|set| set.name).collect();
    let meant = nearest(name, &names).map(|meant| format!("; did you mean {meant}?")).unwrap_or_default();
    Error::input(format!("{named}: not one of {}{else_too}{meant}", names.join(", ")))
}

#[cfg(test)]
impl DataSet {
    /// A set of these pictures, for tests; ten of them are held out as well.
    pub fn of(train: Images) -> Self {
        Self {
            name: "pictures".into(),
            licence: String::new(),
            source: "/pictures".into(),
            held_out: train.sample(10, 0),
            train,
            classes: Vec::new(),
            fingerprint: None,
            decoding: 0,
            told: Vec::new(),
            skipped: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digits_are_always_there_and_need_no_folder() {
        assert_eq!(open("digits", None).unwrap().train.len(), 1621);
        assert!(names().any(|set| set.name == "digits" && set.to_string().ends_with("here: built in")));
        assert!(fetch("digits", None).unwrap_err().to_string().contains("built in"));
        let error = open("digits", Some(Path::new("/"))).unwrap_err().to_string();
        assert!(error.starts_with("--data-dir /") && error.contains("built in"), "{error}");
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_names() {
        for error in [open("digit", None).unwrap_err(), fetch("digit", None).unwrap_err()] {
            assert!(
                error.to_string().contains("digits, fashion-mnist, mnist, cifar-10, svhn, faces, avatars, emoji"),
                "{error}"
            );
            assert_eq!(error.exit_code(), 2);
        }
    }

    #[test]
    fn a_name_that_is_nearly_right_is_put_right() {
        for (name, meant) in [("minst", "mnist"), ("cifar10", "cifar-10"), ("Fashion", "fashion-mnist")] {
            let error = open(name, None).unwrap_err().to_string();
            assert!(error.ends_with(&format!("did you mean {meant}?")), "{error}");
        }
        assert!(!open("holiday photos", None).unwrap_err().to_string().contains("did you mean"));
    }

    #[test]
    fn the_network_sees_sides_that_can_be_halved() {
        for (side, seen) in
            [(28, 32), (16, 16), (5, 8), (33, 40), (64, 64), (65, 80), (128, 128), (130, 160), (256, 256)]
        {
            assert_eq!((network_size(side, side), network_size(3, side)), (seen, seen));
            let mut least = seen;
            while least % 2 == 0 && least > 7 {
                least /= 2;
            }
            assert!((4..=7).contains(&least), "{side}: {least}");
        }
    }
}
