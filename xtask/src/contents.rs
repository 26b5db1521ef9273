//! What belongs to a built site. A list of its files lies in the site itself, as a file that every host may serve: only
//! what it names may be deleted when the site is built again.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::{Context, Result};

/// The name of the list.
pub const LIST: &str = ".energy-site";

const HEADING: &str = "# The files of this site. `cargo xtask` replaces a folder that holds these and no others.";

/// What a host wants beside a file: the same, compressed.
const COMPRESSED: [&str; 3] = ["gz", "br", "zst"];

/// What file managers leave in every folder they show.
const LITTER: [&str; 3] = [".DS_Store", "Thumbs.db", "desktop.ini"];

/// Writes the list of a new site's files into it.
///
/// # Errors
/// The folder cannot be read or written.
pub fn write_list(site: &Path) -> Result<()> {
    let mut text = format!("{HEADING}\n");
    for file in files(site)? {
        text.push_str(&listed(&file));
        text.push('\n');
    }
    let list = site.join(LIST);
    fs::write(&list, text).with_context(|| format!("{}", list.display()))
}

/// What is in a folder.
#[derive(Debug, PartialEq, Eq)]
pub enum Contents {
    /// No file and no folder but what file managers leave, or there is no such folder.
    Nothing,
    /// A site, and no more than hosts and file managers put beside it.
    Site,
    /// A site, and this file that its list does not name.
    SiteAnd(PathBuf),
    /// What an earlier version has left: the page without a list.
    UnlistedSite,
    /// Anything else.
    Other,
}

/// Looks at a folder.
///
/// # Errors
/// The folder or its list cannot be read.
pub fn of(folder: &Path) -> Result<Contents> {
    if !folder.exists() || is_bare(folder).with_context(|| format!("{}", folder.display()))? {
        return Ok(Contents::Nothing);
    }
    let list = folder.join(LIST);
    let text = if list.is_file() { fs::read_to_string(&list)? } else { String::new() };
    if text.lines().next() != Some(HEADING) {
        return Ok(if looks_like_a_site(folder)? { Contents::UnlistedSite } else { Contents::Other });
    }
    let ours: BTreeSet<&str> = text.lines().skip(1).collect();
    let is_listed = |file: &Path| ours.contains(listed(file).as_str());
    let belongs = |file: &Path| {
        let litter = file.file_name().is_some_and(is_litter);
        let compressed = file.extension().is_some_and(|end| COMPRESSED.iter().any(|compressed| end == *compressed));
        let is_ours = |file: &Path| file == Path::new(LIST) || is_listed(file);
        litter || is_ours(file) || (compressed && is_ours(&file.with_extension("")))
    };
    Ok(files(folder)?.into_iter().find(|file| !belongs(file)).map_or(Contents::Site, Contents::SiteAnd))
}

/// Whether there is nothing in a folder, or no more than file managers put there.
fn is_bare(folder: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(folder)? {
        if !is_litter(&entry?.file_name()) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_litter(name: &OsStr) -> bool {
    LITTER.iter().any(|litter| name == *litter)
}

/// Whether a folder holds the page and nothing hidden, but for what trunk leaves when it is stopped.
fn looks_like_a_site(folder: &Path) -> Result<bool> {
    let page = ["index.html", "page_bg.wasm", "engine_bg.wasm"].iter().all(|file| folder.join(file).is_file());
    let hidden = |file: &Path| file.to_string_lossy().starts_with('.') && !file.starts_with(".stage");
    Ok(page && !files(folder)?.iter().any(|file| hidden(file)))
}

/// Every file below a folder, links among them, relative to it and in order.
fn files(folder: &Path) -> Result<BTreeSet<PathBuf>> {
    let mut files = BTreeSet::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(inside) = folders.pop() {
        let here = folder.join(&inside);
        for entry in fs::read_dir(&here).with_context(|| format!("{}", here.display()))? {
            let entry = entry?;
            let path = inside.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else {
                files.insert(path);
            }
        }
    }
    Ok(files)
}

/// A file as it stands in the list: with slashes on every system.
fn listed(file: &Path) -> String {
    file.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}
