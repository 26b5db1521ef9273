//! Folders that are to be written: what stands in their way is told before the work, not after it.

use std::{
    fs::{self, File, Metadata},
    path::Path,
};

use crate::{
    error::{Error, Result},
    files::reason,
};

/// Makes a folder that is to be written, with those above it.
///
/// # Errors
/// It cannot be made.
pub fn create(folder: &Path) -> Result<()> {
    let wrong = |what: &str| Error::input(format!("{}: {what}", folder.display()));
    obstacle(folder).map_or(Ok(()), |what| Err(wrong(&what)))?;
    fs::create_dir_all(folder).map_err(|error| wrong(&format!("cannot be made: {}", reason(&error))))
}

/// Keeps others who ask for it out of a folder for as long as what is returned is there; where folders cannot be locked,
/// nobody is kept out.
pub fn locked(folder: &Path) -> Option<File> {
    let folder = File::open(folder).ok()?;
    folder.lock().ok()?;
    Some(folder)
}

/// Does what fills a folder, which is made for it; where that fails, no new and empty folder is left.
///
/// # Errors
/// It cannot be made, or the work fails.
pub fn filled<T>(folder: &Path, fill: impl FnOnce() -> Result<T>) -> Result<T> {
    let new: Vec<&Path> = folder.ancestors().take_while(|path| !path.exists()).collect();
    create(folder)?;
    let outcome = fill();
    if outcome.is_err() {
        // One that has something in it is not removed.
        new.into_iter().take_while(|folder| fs::remove_dir(folder).is_ok()).for_each(drop);
    }
    outcome
}

/// Checks that a folder can be, or is, at a path that was given with this flag.
///
/// # Errors
/// A file or a broken link is in its place, or in that of a folder above it.
pub fn check(flag: &str, folder: &Path) -> Result<()> {
    obstacle(folder).map_or(Ok(()), |what| Err(Error::input(format!("{flag} {}: {what}", folder.display()))))
}

/// What is there in the place of a folder or of one above it, as the end of a sentence.
fn obstacle(folder: &Path) -> Option<String> {
    // The last that is there decides: nothing lies in what is not there, nor in what is no folder.
    let there = folder.ancestors().find(|path| path.symlink_metadata().is_ok())?;
    let it = if there == folder { "it".to_owned() } else { there.display().to_string() };
    match there.metadata() {
        Ok(found) if found.is_dir() => None,
        Ok(found) => Some(format!("{it} is {}; give a folder", kind(&found))),
        Err(error) => Some(format!("{it} is a link that leads nowhere ({}); give another folder", reason(&error))),
    }
}

fn kind(found: &Metadata) -> &'static str {
    if found.is_file() { "a file" } else { "no folder" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_the_way_of_a_folder_is_named() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        fs::write(at("picture.png"), "").unwrap();
        create(&at("new/folder")).unwrap();
        for free in ["new/folder", "new/other/folder", "."] {
            check("--out", &at(free)).unwrap();
        }
        check("--out", Path::new("not/there")).unwrap();
        let told = |name: &str| {
            let error = check("--out", &at(name)).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert_eq!(create(&at(name)).unwrap_err().to_string(), error.to_string()["--out ".len()..]);
            error.to_string()
        };
        assert!(told("picture.png").ends_with("picture.png: it is a file; give a folder"));
        let inside = told("picture.png/a/b");
        assert!(inside.ends_with(&format!("b: {} is a file; give a folder", at("picture.png").display())), "{inside}");
        #[cfg(unix)]
        {
            for (link, to) in [("nowhere", "absent"), ("circle", "circle")] {
                std::os::unix::fs::symlink(to, at(link)).unwrap();
            }
            assert!(told("nowhere").ends_with("leads nowhere (no such file or folder); give another folder"));
            assert!(told("nowhere/run").contains("nowhere is a link that leads nowhere"));
            assert!(told("circle").contains("its symbolic links lead in a circle"));
        }
    }
}
