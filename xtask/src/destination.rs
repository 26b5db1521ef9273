//! The folder a site goes to. A site replaces an earlier site as a whole and nothing else: every other folder is
//! refused, before anything is built.

use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};

use crate::contents::{self, Contents};
use crate::refuse;

/// What a site must never replace.
#[derive(Debug)]
pub struct Surroundings<'a> {
    /// This repository.
    pub repository: &'a Path,
    /// Cargo's target directory, where the site is built first.
    pub target: &'a Path,
    /// The models that go into the site.
    pub models: &'a Path,
    /// The folder in which earlier versions left sites without a list of their files.
    pub unlisted: &'a Path,
}

/// A folder that may be replaced.
#[derive(Debug)]
pub struct Destination {
    /// As it was typed.
    shown: PathBuf,
    /// Without links and `..`.
    folder: PathBuf,
    /// Whether a site without a list of its files may be replaced here.
    unlisted: bool,
}

impl Destination {
    /// Looks at a folder, an absolute path, and leaves it as it is.
    ///
    /// # Errors
    /// A [`crate::misuse::Misuse`] that names the folder: it is no folder, holds anything but a site or cannot be written, or
    /// the repository, the models or the target directory would be in the way.
    pub fn check(shown: &Path, around: &Surroundings<'_>) -> Result<Self> {
        let folder = resolve(shown)?;
        let name = shown.display();
        if folder.exists() && !folder.is_dir() {
            refuse!("{name}: is a file; a site needs a folder, empty or new");
        }
        if resolve(around.repository)?.starts_with(&folder) {
            refuse!("{name}: holds this repository; choose a folder for the site alone, such as {}", below(shown));
        }
        let models = resolve(around.models)?;
        if models.starts_with(&folder) || folder.starts_with(&models) {
            let models = around.models.display();
            refuse!("{name}: overlaps the models in {models}; choose a folder that is neither in it nor around it");
        }
        if resolve(around.target)?.starts_with(&folder) {
            let target = around.target.display();
            refuse!("{name}: holds {target}, where the site is built; choose a folder beside it");
        }
        let unlisted = resolve(around.unlisted).is_ok_and(|unlisted| unlisted == folder);
        let destination = Self { shown: shown.to_owned(), folder, unlisted };
        destination.check_contents()?;
        destination.check_place()?;
        Ok(destination)
    }

    /// Whether a site could be renamed to its place, as it will be after the build.
    fn check_place(&self) -> Result<()> {
        let name = self.shown.display();
        if is_mounted(&self.folder, &fs::read_to_string("/proc/self/mountinfo").unwrap_or_default()) {
            refuse!(
                "{name}: something is mounted there, so no other folder can take its place; choose a folder in it, such as {}",
                below(&self.shown)
            );
        }
        // Folders that are not there yet are made in one that is.
        let mut around = self.folder.ancestors().skip(1);
        let Some(around) = around.find(|folder| folder.is_dir()) else { return Ok(()) };
        let trial = around.join(self.beside("new")?.file_name().context("has no name")?);
        if let Err(error) = fs::create_dir(&trial).and_then(|()| fs::remove_dir(&trial)) {
            refuse!(
                "{name}: nothing can be written in {}, where a site is put before it takes its place: {error}",
                around.display()
            );
        }
        Ok(())
    }

    /// The folder, as it was typed.
    #[must_use]
    pub fn shown(&self) -> &Path {
        &self.shown
    }

    fn check_contents(&self) -> Result<()> {
        let name = self.shown.display();
        match contents::of(&self.folder)? {
            Contents::Nothing | Contents::Site => Ok(()),
            Contents::UnlistedSite if self.unlisted => Ok(()),
            Contents::SiteAnd(file) => refuse!(
                "{name}: holds {}, which is no part of the site that was built there; move it, or choose an empty or new \
                 folder",
                file.display()
            ),
            Contents::UnlistedSite | Contents::Other => refuse!(
                "{name}: is not empty and holds no site of `cargo xtask`; choose an empty or new folder, such as {}",
                below(&self.shown)
            ),
        }
    }

    /// Puts a built site here, in the place of an earlier one. Only renames touch the earlier site, so that it stays
    /// whole if anything fails before.
    ///
    /// # Errors
    /// The folder has changed since it was checked, or cannot be written. The error names where the new site is.
    pub fn put(&self, site: &Path) -> Result<()> {
        contents::write_list(site)?;
        self.check_contents().and_then(|()| self.replace(site)).with_context(|| {
            format!("{}: does not have the new site, which is in {}", self.shown.display(), site.display())
        })
    }

    fn replace(&self, site: &Path) -> Result<()> {
        let parent = self.folder.parent().context("has no parent folder")?;
        fs::create_dir_all(parent).with_context(|| format!("{}", parent.display()))?;
        // Beside the folder, because a rename does not lead to another disk.
        let new = self.beside("new")?;
        copy(site, &new).and_then(|()| self.swap(&new)).inspect_err(|_| {
            // What is left of it is of no use, and the error is about what came before.
            let _ = fs::remove_dir_all(&new);
        })
    }

    fn swap(&self, new: &Path) -> Result<()> {
        if !self.folder.exists() {
            return rename(new, &self.folder);
        }
        let old = self.beside("old")?;
        rename(&self.folder, &old)?;
        if let Err(error) = rename(new, &self.folder) {
            rename(&old, &self.folder)?;
            return Err(error);
        }
        if let Err(error) = fs::remove_dir_all(&old) {
            eprintln!("{}: the earlier site, cannot be deleted: {error}", old.display());
        }
        Ok(())
    }

    /// A path in the same folder that nothing has. Other processes have other names.
    fn beside(&self, what: &str) -> Result<PathBuf> {
        let mut name = OsString::from(".");
        name.push(self.folder.file_name().context("has no name")?);
        name.push(format!(".{what}-{}", std::process::id()));
        Ok(self.folder.with_file_name(name))
    }
}

/// Whether something is mounted at this folder, by Linux's own list of what is; where there is none, nobody knows.
fn is_mounted(folder: &Path, mounts: &str) -> bool {
    // The fifth field is where. Spaces in it are written otherwise, and not looked for.
    mounts.lines().any(|line| line.split(' ').nth(4).is_some_and(|place| folder == Path::new(place)))
}

/// A folder that would do instead of this one.
fn below(folder: &Path) -> String {
    folder.join("site").display().to_string()
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).with_context(|| format!("{}: cannot become {}", from.display(), to.display()))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir(to).with_context(|| format!("{}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("{}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target).with_context(|| format!("{}", target.display()))?;
        }
    }
    Ok(())
}

/// Where an absolute path leads, whether something is there or not: two paths to one place become equal.
fn resolve(path: &Path) -> Result<PathBuf> {
    let mut resolved = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                resolved.pop();
            }
            _ => {
                resolved.push(part);
                if fs::symlink_metadata(&resolved).is_ok() {
                    // A link that leads nowhere fails here.
                    resolved = fs::canonicalize(&resolved)
                        .with_context(|| format!("{}: leads nowhere", resolved.display()))?;
                }
            }
        }
    }
    Ok(resolved)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::is_mounted;

    #[test]
    fn what_is_mounted_is_told_from_what_is_below_it() {
        let mounts = "29 1 254:0 / / rw - ext4 /dev/vda rw\n40 29 0:35 / /srv/site rw,nosuid - tmpfs tmpfs rw\n";
        assert!(is_mounted(Path::new("/srv/site"), mounts));
        assert!(!is_mounted(Path::new("/srv/site/new"), mounts) && !is_mounted(Path::new("/srv"), mounts));
        assert!(!is_mounted(Path::new("/srv/site"), ""));
    }
}
