//! The files that surprise maps go to.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    files, folders, npy, output, overwriting,
    pictures::{self, Picture},
};

/// The file by which a folder of maps is known.
pub const MAPS: &str = "maps.json";

/// What is in it.
#[derive(Serialize, Deserialize)]
struct Sign {
    /// The pictures, as they were given.
    images: Vec<String>,
}

/// A folder of maps, or of folders of them where there are several models.
pub struct Maps {
    /// By picture and model, without the end of a name.
    places: Vec<Vec<PathBuf>>,
}

impl Maps {
    /// Where the maps of these pictures go. Names that are there twice get numbers.
    ///
    /// # Errors
    /// The folder cannot be made, or a map would replace one of the pictures.
    pub fn at(folder: &Path, models: &[PathBuf], images: &[PathBuf]) -> Result<Self> {
        let named = format!("--map {}", folder.display());
        if folder.exists() && !folder.is_dir() {
            return Err(Error::input(format!("{named}: it is a file; give a folder")));
        }
        let folders: Vec<PathBuf> = match models {
            [_] => vec![folder.to_owned()],
            _ => unlike(models.iter().map(|model| last_of(model.file_name()))).map(|name| folder.join(name)).collect(),
        };
        let names = unlike(images.iter().map(|image| last_of(image.file_stem())));
        let places: Vec<Vec<PathBuf>> =
            names.map(|name| folders.iter().map(|folder| folder.join(&name)).collect()).collect();

        let pictures: HashSet<PathBuf> = images.iter().filter_map(|image| overwriting::place(image)).collect();
        let files = places.iter().flatten().flat_map(|place| files_at(place));
        if let Some(file) =
            files.into_iter().find(|file| overwriting::place(file).is_some_and(|at| pictures.contains(&at)))
        {
            let text = format!("a map would replace the picture {}; choose another folder", file.display());
            return Err(Error::input(format!("{named}: {text}")));
        }
        // What lies there is this program's where its sign is. Among the pictures themselves there is none.
        let others = places.iter().flatten().filter(|place| !place.parent().is_some_and(is_ours));
        if let Some(file) = others.flat_map(|place| files_at(place)).find(|file| file.exists()) {
            let text = format!("{} is there already, and would be replaced; choose another folder", file.display());
            return Err(Error::input(format!("{named}: {text}")));
        }
        let foreign = |folder: &&PathBuf| folder.join(MAPS).exists() && !is_ours(folder);
        if let Some(folder) = folders.iter().find(foreign) {
            let text =
                format!("{} was not written by this program; choose another folder", folder.join(MAPS).display());
            return Err(Error::input(format!("{named}: {text}")));
        }
        folders.iter().try_for_each(|folder| folders::create(folder))?;
        // Maps are no pictures to train on. Among the pictures themselves they cannot be told from them.
        let beside = |folder: &&PathBuf| {
            let among = |image: &PathBuf| image.parent().and_then(overwriting::place) == overwriting::place(folder);
            !images.iter().any(among)
        };
        for folder in folders.iter().filter(beside) {
            files::write_atomically(&folder.join(MAPS), |file| {
                // Names that are no text are shown as far as they are.
                let images = images.iter().map(|image| image.display().to_string()).collect();
                Ok(serde_json::to_writer_pretty(file, &Sign { images })?)
            })?;
        }
        Ok(Self { places })
    }

    /// Writes the bits of each value as numbers, and as a picture whose white is the most.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write(&self, image: usize, model: usize, map: &Picture) -> Result<()> {
        let [array, shown] = files_at(&self.places[image][model]);
        let shape = [map.height, map.width, map.channels];
        npy::write(&array, &shape, &output::channels_last(map).collect::<Vec<_>>())?;
        pictures::write_picture(&shown, &whitened(map))
    }
}

/// Whether maps were written into this folder.
fn is_ours(folder: &Path) -> bool {
    let sign = fs::read(folder.join(MAPS)).ok().and_then(|text| serde_json::from_slice::<Sign>(&text).ok());
    sign.is_some()
}

/// The two files of a map.
fn files_at(place: &Path) -> [PathBuf; 2] {
    ["npy", "png"].map(|end| {
        let mut name = place.as_os_str().to_owned();
        name.push(".");
        name.push(end);
        name.into()
    })
}

/// The last part of a path, or of a path such as `.` that has none.
fn last_of(name: Option<&std::ffi::OsStr>) -> String {
    name.map_or_else(|| "picture".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// Names of which no two are alike, on any file system: one that is there already gets a number.
fn unlike(names: impl Iterator<Item = String>) -> impl Iterator<Item = String> {
    let mut taken = HashSet::new();
    names.map(move |name| {
        let numbered = (2..).map(|number| format!("{name}-{number}"));
        let free = std::iter::once(name.clone()).chain(numbered).find(|name| taken.insert(name.to_lowercase()));
        free.unwrap_or(name)
    })
}

/// Bits of pixels, all channels together, as brightness.
fn whitened(map: &Picture) -> Picture {
    let plane = map.height * map.width;
    let bits: Vec<f32> = (0..plane).map(|at| map.pixels.iter().skip(at).step_by(plane).sum()).collect();
    let most = bits.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    Picture { channels: 1, pixels: bits.into_iter().map(|bits| bits / most).collect(), ..*map }
}

#[cfg(test)]
mod tests {
    use std::{fs, slice};

    use super::*;

    #[test]
    fn maps_replace_no_picture_and_no_other_map() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let maps = at("maps");
        let [one, two] = ["models/one", "elsewhere/one"].map(PathBuf::from);
        let names = |models: &[PathBuf], images: &[&str]| -> Vec<Vec<PathBuf>> {
            Maps::at(&maps, models, &images.iter().map(PathBuf::from).collect::<Vec<_>>()).unwrap().places
        };
        let alike = ["x/a.png", "y/a-2.png", "z/A.jpg", "a.b.png", "a.c.png"];
        let places = names(slice::from_ref(&one), &alike).concat();
        assert_eq!(places, ["a", "a-2", "A-3", "a.b", "a.c"].map(|name| maps.join(name)));
        assert!(files_at(&places[3])[0].ends_with("a.b.npy"));
        let places = names(&[one.clone(), two.clone()], &["a.png"]).concat();
        assert_eq!(places, ["one/a", "one-2/a"].map(|name| maps.join(name)));

        // What is there without the sign of maps is somebody's.
        let [theirs, unsigned] = ["theirs", "unsigned"].map(&at);
        for (folder, name, content) in [(&theirs, "a.png", "mine"), (&unsigned, MAPS, "[]")] {
            fs::create_dir(folder).unwrap();
            fs::write(folder.join(name), content).unwrap();
            let error = Maps::at(folder, slice::from_ref(&one), &["x/a.png".into()]).err().unwrap();
            assert!(error.to_string().contains(&folder.join(name).display().to_string()), "{error}");
            assert_eq!(fs::read_to_string(folder.join(name)).unwrap(), content);
        }
        for (place, models) in [("maps/a.png", vec![one.clone()]), ("maps/one-2/a.png", vec![one, two])] {
            fs::write(at(place), "mine").unwrap();
            let error = Maps::at(&maps, &models, &[at(place)]).err().unwrap();
            assert!(error.to_string().contains("would replace the picture") && error.exit_code() == 2, "{error}");
        }
        let file = at("maps/a.png");
        let error = Maps::at(&file, &["one".into()], &[]).err().unwrap();
        assert!(error.to_string().starts_with("--map ") && error.to_string().contains("a file"), "{error}");
    }
}
