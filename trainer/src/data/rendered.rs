//! Sets that are rendered on this machine, by programs and from drawings that are published as packages of Node.js.

use std::{
    collections::HashSet,
    fs::{self, File},
    io::{BufReader, Read},
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use super::{
    Images,
    catalogue::{Recipe, Set},
    folder::fingerprint_of,
};
use crate::{
    error::{Error, Result},
    files::{reason, write_atomically},
    folders, npy, programs,
    progress::Progress,
};

/// The scripts and what pins their packages, by content hash.
const WORKSHOP: [(&str, &str); 7] = [
    ("package.json", include_str!("rendered/package.json")),
    ("package-lock.json", include_str!("rendered/package-lock.json")),
    ("pictures.mjs", include_str!("rendered/pictures.mjs")),
    ("dicebear.mjs", include_str!("rendered/dicebear.mjs")),
    ("avatars.mjs", include_str!("rendered/avatars.mjs")),
    ("faces.mjs", include_str!("rendered/faces.mjs")),
    ("emoji.mjs", include_str!("rendered/emoji.mjs")),
];
const ADVICE: &str = "the pictures are drawn by packages of Node.js: install Node.js 18 or later with npm";
const PARTS: [&str; 2] = ["train", "held-out"];
/// What was drawn into a folder is known by what is in this file: another processor may round otherwise.
const RECORD: &str = "drawn-by-trainer.txt";
/// Nothing that is rendered is as large.
const MAX_BYTES: u64 = 1 << 30;

/// Renders the set into `folder`, unless it is there already: `train.npy` and `held-out.npy`, bytes `[N, S, S, 3]`.
///
/// # Errors
/// Node.js is missing or fails, or the folder cannot be written.
pub(super) fn fetch(name: &str, recipe: &Recipe, folder: &Path) -> Result<()> {
    if let Some([train, _]) = find(folder) {
        // Another set's files have the same names.
        read_part(&train, recipe.side)?;
        eprintln!("{}: already there", folder.display());
        return Ok(());
    }
    check_half(name, recipe, folder)?;
    folders::filled(folder, || render(name, recipe, folder))
}

fn render(name: &str, recipe: &Recipe, folder: &Path) -> Result<()> {
    let workshop = TempDir::new()
        .map_err(|error| Error::failed(format!("data fetch {name}: no temporary folder: {}", reason(&error))))?;
    for (file, content) in WORKSHOP {
        let path = workshop.path().join(file);
        fs::write(&path, content)
            .map_err(|error| Error::failed(format!("{}: cannot be written: {}", path.display(), reason(&error))))?;
    }
    eprintln!("fetching the packages that draw {name}");
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let packages = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    let purpose = format!("data fetch {name}");
    programs::run(&purpose, ADVICE, Command::new(npm).args(packages).current_dir(&workshop), |_| ())?;
    let progress = Progress::new(format!("drawing {name}"), 0);
    let render = &mut Command::new("node");
    programs::run(&purpose, ADVICE, render.arg(recipe.script).arg(".").current_dir(&workshop), |line| {
        if let Some((done, total)) = line.split_once(' ') {
            progress.at(done.parse().unwrap_or(0), total.parse().unwrap_or(0));
        }
    })?;
    drop(progress);
    keep(workshop.path(), recipe.side, folder)
}

/// One of the two files alone may be left of a fetch that was ended, which begins again, or be somebody else's.
fn check_half(name: &str, recipe: &Recipe, folder: &Path) -> Result<()> {
    let is_theirs = |path: &PathBuf| path.exists() && read_part(path, recipe.side).is_err();
    let Some(path) = PARTS.iter().map(|part| file(folder, part)).find(is_theirs) else { return Ok(()) };
    let text = "it is not of this set, and would be replaced; move it, or choose another --dir";
    Err(Error::input(format!("data fetch {name}: {}: {text}", path.display())))
}

/// Puts what was rendered into its place, with what it is known by. A held-out picture that is also a training picture is
/// dropped.
fn keep(workshop: &Path, side: usize, folder: &Path) -> Result<()> {
    let picture = 3 * side * side;
    let [train, held_out] = PARTS.map(|part| {
        let path = workshop.join(part).with_extension("rgb");
        let bytes = fs::read(&path)
            .map_err(|error| Error::failed(format!("nothing was rendered: {}: {}", path.display(), reason(&error))))?;
        match bytes.len() % picture {
            0 if !bytes.is_empty() => Ok(bytes),
            _ => Err(Error::failed(format!("{}: {} bytes are no pictures", path.display(), bytes.len()))),
        }
    });
    let (train, held_out) = (train?, held_out?);
    let seen: HashSet<&[u8]> = train.chunks_exact(picture).collect();
    let unseen = held_out.chunks_exact(picture).filter(|bytes| !seen.contains(bytes)).flatten().copied().collect();
    let drawn = fingerprint_of([&train, &unseen].into_iter().map(|bytes| planes(bytes, side)));
    write_atomically(&folder.join(RECORD), |file| writeln!(file, "{drawn}"))?;
    for (part, bytes) in PARTS.into_iter().zip([&train, &unseen]) {
        npy::write(&file(folder, part), &[bytes.len() / picture, side, side, 3], bytes)?;
    }
    Ok(())
}

/// Whether pictures of this fingerprint are what the recipe draws, or what a fetch has drawn where they lie.
pub(super) fn are_drawn(set: &Set, recipe: &Recipe, dir: Option<&Path>, fingerprint: &str) -> bool {
    let place = || set.folders(dir).into_iter().find(|folder| find(folder).is_some());
    let drawn_there = || fs::read_to_string(place()?.join(RECORD)).ok();
    fingerprint == recipe.fingerprint || drawn_there().is_some_and(|drawn| drawn.trim_end() == fingerprint)
}

/// The two files in this folder.
pub(super) fn find(folder: &Path) -> Option<[PathBuf; 2]> {
    let files = PARTS.map(|part| file(folder, part));
    files.iter().all(|path| path.is_file()).then_some(files)
}

fn file(folder: &Path, part: &str) -> PathBuf {
    folder.join(part).with_extension("npy")
}

/// The training and the held-out pictures.
pub(super) fn read(set: &Set, recipe: &Recipe, dir: Option<&Path>) -> Result<(Images, Images)> {
    let [train, held_out] = set.folders(dir).iter().find_map(|folder| find(folder)).ok_or_else(|| set.missing(dir))?;
    Ok((read_part(&train, recipe.side)?, read_part(&held_out, recipe.side)?))
}

fn read_part(path: &Path, side: usize) -> Result<Images> {
    let wrong = |what: &str| Error::input(format!("{}: {what}; delete it and fetch the set again", path.display()));
    let file = File::open(path).map_err(|error| wrong(&reason(&error)))?;
    let array = npyz::NpyFile::new(BufReader::new(file.take(MAX_BYTES))).map_err(|error| wrong(&reason(&error)))?;
    let [count, height, width, 3] = array.shape()[..] else { return Err(wrong("it is no array of colour pictures")) };
    if (count, height, width) != (count.max(1), side as u64, side as u64) || array.order() != npyz::Order::C {
        return Err(wrong(&format!("its pictures are {height}x{width} where {side}x{side} are expected")));
    }
    let bytes: Vec<u8> = array.into_vec().map_err(|error| wrong(&reason(&error)))?;
    Ok(Images { channels: 3, height: side, width: side, pixels: planes(&bytes, side), labels: Vec::new() })
}

/// The red, the green and the blue values of pictures, one picture after the other.
fn planes(bytes: &[u8], side: usize) -> Vec<u8> {
    let channels = |picture: &[u8]| -> Vec<u8> {
        (0..3).flat_map(|channel| picture.iter().skip(channel).step_by(3).copied()).collect()
    };
    bytes.chunks_exact(3 * side * side).flat_map(channels).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TINY: Recipe = Recipe { script: "", side: 2, fingerprint: "" };

    fn rendered(train: &[u8], held_out: &[u8]) -> TempDir {
        let folder = TempDir::new().unwrap();
        for (part, pictures) in [("train.rgb", train), ("held-out.rgb", held_out)] {
            let bytes: Vec<u8> = pictures.iter().flat_map(|&first| first..first + 12).collect();
            fs::write(folder.path().join(part), bytes).unwrap();
        }
        folder
    }

    #[test]
    fn what_is_rendered_is_read_again_in_planes_and_the_sides_do_not_mix() {
        let folder = TempDir::new().unwrap();
        keep(rendered(&[0, 100], &[100, 50]).path(), 2, folder.path()).unwrap();
        let (train, held_out) = read(Set::named("faces").unwrap(), &TINY, Some(folder.path())).unwrap();
        assert_eq!((train.len(), held_out.len()), (2, 1), "one of the held-out pictures is a training picture");
        assert_eq!(train.image(0), [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11]);
        assert_eq!(held_out.image(0)[0], 50);
    }

    #[test]
    fn what_was_drawn_is_known_from_files_of_one_s_own() {
        let (drawn, own) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        keep(rendered(&[0, 100], &[50]).path(), 2, drawn.path()).unwrap();
        keep(rendered(&[1, 101], &[51]).path(), 2, own.path()).unwrap();
        let set = Set::named("faces").unwrap();
        let is_drawn = |recipe: &Recipe, folder: &TempDir| {
            let (train, held_out) = read(set, recipe, Some(folder.path())).unwrap();
            let fingerprint = fingerprint_of([&train.pixels, &held_out.pixels]);
            (are_drawn(set, recipe, Some(folder.path()), &fingerprint), fingerprint)
        };
        let (known, fingerprint) = is_drawn(&TINY, &drawn);
        assert!(known);
        // Files that took the place of those, with the record that lay beside them or without one.
        for part in PARTS {
            fs::copy(file(own.path(), part), file(drawn.path(), part)).unwrap();
        }
        assert!(!is_drawn(&TINY, &drawn).0);
        fs::remove_file(drawn.path().join(RECORD)).unwrap();
        assert!(!is_drawn(&TINY, &drawn).0);
        // Without a record, what the recipe is known to draw.
        keep(rendered(&[0, 100], &[50]).path(), 2, drawn.path()).unwrap();
        fs::remove_file(drawn.path().join(RECORD)).unwrap();
        assert!(!is_drawn(&TINY, &drawn).0);
        assert!(is_drawn(&Recipe { fingerprint: fingerprint.leak(), ..TINY }, &drawn).0);
    }

    #[test]
    fn a_fetch_goes_over_its_own_half_and_over_nobody_else_s_files() {
        let folder = TempDir::new().unwrap();
        keep(rendered(&[0], &[9]).path(), 2, folder.path()).unwrap();
        // The same names, another size: nothing is rendered, and nothing replaced.
        let larger = Recipe { side: 4, ..TINY };
        assert!(fetch("emoji", &larger, folder.path()).unwrap_err().to_string().contains("2x2"));
        fs::remove_file(folder.path().join("held-out.npy")).unwrap();
        check_half("faces", &TINY, folder.path()).unwrap();
        let error = check_half("emoji", &larger, folder.path()).unwrap_err();
        assert!(error.to_string().contains("train.npy: it is not of this set") && error.exit_code() == 2, "{error}");
    }

    #[test]
    fn damage_and_absence_are_named() {
        let folder = TempDir::new().unwrap();
        let set = Set::named("faces").unwrap();
        let error = read(set, &TINY, Some(folder.path())).unwrap_err().to_string();
        assert!(error.contains("trainer data fetch faces --dir"), "{error}");
        keep(rendered(&[0], &[9]).path(), 2, folder.path()).unwrap();
        let path = folder.path().join("train.npy");
        let whole = fs::read(&path).unwrap();
        for damage in [&whole[..whole.len() - 1], b"not NumPy's"] {
            fs::write(&path, damage).unwrap();
            let error = read(set, &TINY, Some(folder.path())).unwrap_err();
            assert!(error.to_string().contains("train.npy") && error.exit_code() == 2, "{error}");
        }
        fs::write(&path, whole).unwrap();
        let larger = Recipe { side: 4, ..TINY };
        assert!(read(set, &larger, Some(folder.path())).unwrap_err().to_string().contains("2x2"));
    }
}
