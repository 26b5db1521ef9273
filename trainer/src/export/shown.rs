//! The pictures that are published with a model, for visitors to try out.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    data::Images,
    error::{Error, Result},
    files::reason,
    pictures::{self, Picture},
};

/// They lie side by side in one file.
pub const HELD_OUT: &str = "held-out.png";

/// The pictures of a folder, in the order of their names, as a model sees them: `like` has their shape. Other files are
/// told of on stderr.
///
/// # Errors
/// The folder has none, or one that is damaged: the line begins with `--pictures`.
pub fn of_folder(folder: &Path, like: &Images) -> Result<Images> {
    let wrong = |what: &str| Error::input(format!("--pictures {}: {what}", folder.display()));
    let entries = fs::read_dir(folder).map_err(|error| wrong(&reason(&error)))?;
    let files = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file());
    let (mut paths, others): (Vec<PathBuf>, Vec<PathBuf>) = files.partition(|path| pictures::is_picture(path));
    paths.sort_unstable();
    for other in others {
        eprintln!("{}: left out, as it is no PNG, JPEG or WebP picture", other.display());
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

/// `held-out.png` of these pictures, if there are any.
///
/// # Errors
/// The page would not take it: `flag`, which says how many, is to say fewer.
pub fn held_out_strip(images: &Images, flag: &str) -> Result<Option<Vec<u8>>> {
    /// As much as the page's engine takes (`HELD_OUT_LIMIT`).
    const LIMIT: usize = 16 << 20;
    let count = images.len();
    if count == 0 {
        return Ok(None);
    }
    let pictures: Vec<&[u8]> = (0..count).map(|index| images.image(index)).collect();
    let file = pictures::encode(Path::new(HELD_OUT), &strip(&pictures, images.channels, images.height))?;
    if file.len() > LIMIT {
        let (bytes, most) = (file.len() >> 20, count * LIMIT / file.len());
        return Err(Error::input(format!(
            "{flag}: {HELD_OUT} with {count} pictures would have {bytes} MiB, and the page takes {}; about {most} pictures fit",
            LIMIT >> 20
        )));
    }
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
