//! Which files of a folder are its pictures.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use user_files::ENDINGS;
use walkdir::WalkDir;

use crate::{files::reason, pictures};

/// What systems leave among the files of people.
const LITTER: [&str; 3] = ["__macosx", "thumbs.db", "desktop.ini"];
/// A folder with one of these was written by this program: what is in it was drawn, and is no data.
const WRITTEN_HERE: [&str; 9] = [
    "run.toml",
    "model.json",
    "evaluation.json",
    "samplers.json",
    "starts.json",
    "mixing.json",
    "noise-levels.json",
    "restoration.json",
    "maps.json",
];

/// What was found in a folder and those below it.
#[derive(Default)]
pub(super) struct Contents {
    /// The pictures, in the order of their names so that every run sees the same order.
    pub pictures: Vec<PathBuf>,
    /// A line for each place that could not be looked into.
    pub unreadable: Vec<String>,
    /// Other files, counted by their endings; those without one under "".
    pub others: BTreeMap<String, usize>,
    /// Folders that this program wrote, which are left out.
    pub written_here: Vec<PathBuf>,
}

/// Looks through a folder and those below it, following links; what is hidden is left out.
pub(super) fn look_through(folder: &Path) -> Contents {
    look(folder, usize::MAX)
}

/// Looks into a folder alone, in the same way.
pub(super) fn look_into(folder: &Path) -> Contents {
    look(folder, 1)
}

fn look(folder: &Path, depth: usize) -> Contents {
    let mut contents = Contents::default();
    let mut seen = Seen::new(folder);
    let mut entries = WalkDir::new(folder).max_depth(depth).follow_links(true).sort_by_file_name().into_iter();
    while let Some(entry) = entries.next() {
        seen.one_more();
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let path = error.path().unwrap_or(folder);
                if !is_litter(path.file_name().unwrap_or_default()) {
                    let why = error.io_error().map_or_else(|| error.to_string(), reason);
                    contents.unreadable.push(format!("{}: {why}", path.display()));
                }
                continue;
            }
        };
        let inside = entry.depth() > 0;
        let is_folder = entry.file_type().is_dir();
        if inside && is_litter(entry.file_name()) {
            if is_folder {
                entries.skip_current_dir();
            }
        } else if !is_folder {
            contents.add(entry.into_path());
        } else if inside && written_here(entry.path()).is_some() {
            entries.skip_current_dir();
            contents.written_here.push(entry.into_path());
        }
    }
    contents
}

/// Says now and then how many files and folders were seen: a tree may have millions, and nobody knows how many.
struct Seen<'a> {
    folder: &'a Path,
    count: u64,
    told: Instant,
}

impl<'a> Seen<'a> {
    /// Between lines.
    const LINES: Duration = Duration::from_secs(5);

    fn new(folder: &'a Path) -> Self {
        Self { folder, count: 0, told: Instant::now() }
    }

    fn one_more(&mut self) {
        self.count += 1;
        if self.told.elapsed() >= Self::LINES {
            eprintln!("{}: looking for pictures among {} files and folders so far", self.folder.display(), self.count);
            self.told = Instant::now();
        }
    }
}

/// Whether pictures are to be looked for in a folder.
///
/// # Errors
/// It may not be read, or this program wrote it: the end of a sentence.
pub(super) fn may_be_looked_into(folder: &Path) -> Result<(), String> {
    fs::read_dir(folder).map_err(|error| reason(&error))?;
    written_here(folder).map_or(Ok(()), |file| {
        Err(format!("it holds {file}, so it was written by this program, and is no folder of pictures"))
    })
}

/// The file that shows that this program wrote a folder, if one does.
fn written_here(folder: &Path) -> Option<&'static str> {
    WRITTEN_HERE.into_iter().find(|name| folder.join(name).is_file())
}

impl Contents {
    fn add(&mut self, path: PathBuf) {
        if is_elsewhere(path.file_name().unwrap_or_default()) {
            *self.others.entry("icloud".to_owned()).or_default() += 1;
            return;
        }
        match ending(&path) {
            Some(ending) if ENDINGS.contains(&ending.as_str()) => self.pictures.push(path),
            Some(ending) => *self.others.entry(ending).or_default() += 1,
            // The name says nothing: the content does.
            None if pictures::is_picture(&path) => self.pictures.push(path),
            None => *self.others.entry(String::new()).or_default() += 1,
        }
    }

    /// The other files in a line, if there are any: "6 .gif, 1 .txt and 2 without an ending".
    pub(super) fn others_told(&self) -> Option<String> {
        let count = |(ending, count): (&String, &usize)| match ending.as_str() {
            "" => format!("{count} without an ending"),
            ending => format!("{count} .{ending}"),
        };
        let counts: Vec<_> = self.others.iter().map(count).collect();
        (!counts.is_empty())
            .then(|| format!("left out files that are not PNG, JPEG or WebP by their endings: {}", counts.join(", ")))
    }
}

/// What a Mac leaves in the place of a picture that it has moved to iCloud, hidden: `.IMG_1.jpg.icloud`.
fn is_elsewhere(name: &OsStr) -> bool {
    name.to_string_lossy().ends_with(".icloud")
}

/// Hidden files and folders, such as the `._` files that a Mac leaves on other disks, and the like.
fn is_litter(name: &OsStr) -> bool {
    let elsewhere = is_elsewhere(name);
    let name = name.to_string_lossy().to_lowercase();
    !elsewhere && name.starts_with('.') || LITTER.contains(&name.as_str())
}

/// The ending of a name in small letters, if it is one that says what the file is: not a number, nor half a sentence.
fn ending(path: &Path) -> Option<String> {
    let ending = path.extension()?.to_str()?.to_lowercase();
    let says_something = (1..=5).contains(&ending.len())
        && ending.chars().all(|letter| letter.is_ascii_alphanumeric())
        && ending.chars().any(|letter| letter.is_ascii_alphabetic());
    says_something.then_some(ending)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_is_left_out_and_what_is_in_the_cloud_is_told() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.png", "._a.png", "Thumbs.db", ".DS_Store", ".b.jpg.icloud", "maps/maps.json", "maps/a.png"] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let found = look_through(folder.path());
        assert_eq!(found.pictures, [folder.path().join("a.png")]);
        assert_eq!(found.written_here, [folder.path().join("maps")]);
        assert!(found.others_told().is_some_and(|told| told.ends_with(": 1 .icloud")), "{:?}", found.others);
    }
}
