//! The pictures that are published with a model, for visitors to try out.

use std::{collections::HashSet, path::Path};

use crate::{
    data::{self, DataSet, Images},
    error::{Error, Result},
    pictures::{self, Picture},
};

/// They lie side by side in one file.
pub const HELD_OUT: &str = "held-out.png";

/// The pictures of a folder, in the order of their names, as a model sees them: `like` has their shape. Which files they
/// are is as in training; what else is left out is told on stderr.
///
/// # Errors
/// The folder has none, or one that is damaged, or was written by this program: the line begins with `--pictures`.
pub fn of_folder(folder: &Path, like: &Images) -> Result<Images> {
    let wrong = |what: &str| Error::input(format!("--pictures {}: {what}", folder.display()));
    let (paths, told) = data::lying_in(folder).map_err(|what| wrong(&what))?;
    for line in told {
        eprintln!("--pictures {}: {line}", folder.display());
    }
    if paths.is_empty() {
        return Err(wrong("the folder holds no PNG, JPEG or WebP picture"));
    }
    let mut images = like.like();
    for path in paths {
        let picture = pictures::read(&path, images.channels, images.height, images.width)
            .map_err(|error| wrong(&error.to_string()))?;
        images.pixels.extend(picture.pixels.iter().map(|value| (value * 255.0).round() as u8));
    }
    Ok(images)
}

/// Checks that none of these pictures is one of the run's own: they are published as others that the model has never seen,
/// and under another licence.
///
/// # Errors
/// There are such: the line begins with `--pictures`.
pub fn check_unseen(folder: &Path, shown: &Images, data: &DataSet) -> Result<()> {
    let wanted: HashSet<&[u8]> = each(shown).collect();
    let own: HashSet<&[u8]> =
        each(&data.train).chain(each(&data.held_out)).filter(|picture| wanted.contains(picture)).collect();
    let count = each(shown).filter(|picture| own.contains(picture)).count();
    if count == 0 {
        return Ok(());
    }
    let are = if count == 1 { "is a picture" } else { "are pictures" };
    Err(Error::input(format!(
        "--pictures {}: {count} of these {} {are} of {} itself, which the model has learned from or is measured on; give \
         others, or publish held-out ones with --held-out",
        folder.display(),
        shown.len(),
        data.name
    )))
}

/// The pixels of each picture.
fn each(images: &Images) -> impl Iterator<Item = &[u8]> {
    (0..images.len()).map(|index| images.image(index))
}

/// `held-out.png` of these pictures, if there are any.
///
/// # Errors
/// The page would not take it: `flag`, which says how many, is to say fewer.
pub fn held_out_strip(images: &Images, flag: &str) -> Result<Option<Vec<u8>>> {
    /// Bytes that the page's engine takes (its `HELD_OUT_LIMIT`).
    const FILE: usize = 16 << 20;
    /// Bytes that they may unpack to (`LIMIT` of its `strip`).
    const UNPACKED: usize = 64 << 20;
    let count = images.len();
    if count == 0 {
        return Ok(None);
    }
    let check = |bytes: usize, limit: usize, unpacked: &str| {
        if bytes <= limit {
            return Ok(());
        }
        let (found, most, fit) = (bytes.div_ceil(1 << 20), limit >> 20, count * (limit >> 10) / (bytes >> 10));
        let text = format!("would have {found} MiB{unpacked}, and the page takes {most}; about {fit} pictures fit");
        Err(Error::input(format!("{flag}: {HELD_OUT} with {count} pictures {text}")))
    };
    check(images.pixels.len(), UNPACKED, " unpacked")?;
    let pictures: Vec<&[u8]> = (0..count).map(|index| images.image(index)).collect();
    let file = pictures::encode(Path::new(HELD_OUT), &strip(&pictures, images.channels, images.height))?;
    check(file.len(), FILE, "")?;
    Ok(Some(file))
}

/// Pictures of `[channels, size, size]` bytes side by side.
fn strip(images: &[&[u8]], channels: usize, size: usize) -> Picture {
    let rows =
        (0..channels * size).flat_map(|row| images.iter().map(move |image| &image[row * size..(row + 1) * size]));
    let pixels = rows.flatten().map(|&pixel| f32::from(pixel) / 255.0).collect();
    Picture { channels, height: size, width: images.len() * size, pixels }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use tempfile::tempdir;

    use super::*;

    #[test]
    fn no_more_held_out_pictures_are_published_than_the_page_takes() {
        // Noise, which no format makes small.
        let mut pixels = vec![0; 90 * 3 * 256 * 256];
        ChaCha8Rng::seed_from_u64(1).fill_bytes(&mut pixels);
        let images = Images { channels: 3, height: 256, width: 256, pixels, labels: Vec::new() };
        let error = held_out_strip(&images, "--held-out 90").unwrap_err();
        assert!(error.exit_code() == 2 && error.to_string().starts_with("--held-out 90: "), "{error}");
        let count = error.to_string().split("about ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        assert!((80..90).contains(&count), "{error}");
        assert!(held_out_strip(&images.sample(count, 0), "").unwrap().is_some());
        assert!(held_out_strip(&images.like(), "").unwrap().is_none());
        // One colour, which becomes small, and as large as before when the page unpacks it.
        let flat = Images { pixels: vec![7; 342 * 3 * 256 * 256], ..images.like() };
        let error = held_out_strip(&flat, "--pictures flat").unwrap_err().to_string();
        let text = "with 342 pictures would have 65 MiB unpacked, and the page takes 64; about 341 pictures fit";
        assert!(error.starts_with("--pictures flat: ") && error.ends_with(text), "{error}");
    }

    #[test]
    fn what_is_hidden_or_written_here_is_not_published() {
        let folder = tempdir().unwrap();
        let grey = Images { channels: 1, height: 8, width: 8, pixels: vec![9; 64], labels: Vec::new() };
        for name in ["a.png", ".hidden.png", "._b.png", ".trashed-1-c.png", "below/d.png"] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            pictures::write_picture(&path, &grey.picture(0)).unwrap();
        }
        fs::write(folder.path().join(".DS_Store"), "").unwrap();
        fs::write(folder.path().join("Thumbs.db"), "").unwrap();
        assert_eq!(of_folder(folder.path(), &grey).unwrap().len(), 1);
        let (_, told) = data::lying_in(folder.path()).unwrap();
        assert!(told.is_empty(), "{told:?}");
        fs::write(folder.path().join("model.json"), "{}").unwrap();
        let error = of_folder(folder.path(), &grey).unwrap_err();
        let text = "it holds model.json, so it was written by this program";
        assert!(error.to_string().contains(text) && error.exit_code() == 2, "{error}");
    }

    #[test]
    fn pictures_that_the_model_has_learned_from_are_not_published_as_others() {
        let images = |values: &[u8]| Images {
            channels: 1,
            height: 8,
            width: 8,
            pixels: values.iter().flat_map(|&value| [value; 64]).collect(),
            labels: Vec::new(),
        };
        let data = DataSet { held_out: images(&[5]), ..DataSet::of(images(&[1, 2, 3])) };
        let folder = Path::new("others");
        check_unseen(folder, &images(&[4, 6]), &data).unwrap();
        for (values, told) in [
            (&[4, 2, 2][..], "--pictures others: 2 of these 3 are pictures of pictures itself"),
            (&[4, 5], "1 of these 2 is a picture of pictures itself"),
        ] {
            let error = check_unseen(folder, &images(values), &data).unwrap_err();
            assert!(error.to_string().contains(told) && error.exit_code() == 2, "{error}");
        }
    }

    #[test]
    fn pictures_of_a_folder_are_taken_in_the_order_of_their_names_exactly() {
        let folder = tempdir().unwrap();
        let grey = |value: u8| Images { channels: 1, height: 8, width: 8, pixels: vec![value; 64], labels: Vec::new() };
        for (name, value) in [("2.png", 255), ("1.png", 1), ("3.png", 128)] {
            pictures::write_picture(&folder.path().join(name), &grey(value).picture(0)).unwrap();
        }
        fs::write(folder.path().join("LICENCE.txt"), "CC0").unwrap();
        let images = of_folder(folder.path(), &grey(0)).unwrap();
        assert_eq!(images.pixels, [vec![1; 64], vec![255; 64], vec![128; 64]].concat());

        let whole = fs::read(folder.path().join("3.png")).unwrap();
        fs::write(folder.path().join("4.png"), &whole[..whole.len() / 2]).unwrap();
        let error = of_folder(folder.path(), &grey(0)).unwrap_err().to_string();
        assert!(error.starts_with("--pictures ") && error.contains("4.png"), "{error}");
        let empty = tempdir().unwrap();
        let error = of_folder(empty.path(), &grey(0)).unwrap_err().to_string();
        assert!(error.ends_with("the folder holds no PNG, JPEG or WebP picture"), "{error}");
    }
}
