//! The files that surprise maps go to.

use std::{
    collections::{BTreeSet, HashSet},
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

/// The file that lists the maps in a folder of pictures: hidden, and the folder goes on to be one of pictures.
const LIST: &str = ".maps.json";

/// What is in either.
#[derive(Serialize, Deserialize)]
struct Sign {
    /// The pictures, as they were given.
    images: Vec<String>,
    /// The names of the maps among them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    maps: BTreeSet<String>,
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
        // What lies there is this program's where a sign of it is, which is read once for each folder: there may be a hundred
        // thousand pictures.
        let earlier: Vec<Earlier> = folders.iter().map(|folder| Earlier::of(folder)).collect();
        let others = places.iter().flat_map(|places| places.iter().zip(&earlier));
        let files = others.flat_map(|(place, earlier)| files_at(place).map(|file| (file, earlier)));
        let foreign = |(file, earlier): &(PathBuf, &Earlier)| !earlier.has(file) && file.exists();
        if let Some((file, _)) = files.into_iter().find(foreign) {
            let text = format!("{} is there already, and would be replaced; choose another folder", file.display());
            return Err(Error::input(format!("{named}: {text}")));
        }
        let foreign = |(folder, earlier): &(&PathBuf, &Earlier)| !earlier.all && folder.join(MAPS).exists();
        if let Some((folder, _)) = folders.iter().zip(&earlier).find(foreign) {
            let text =
                format!("{} was not written by this program; choose another folder", folder.join(MAPS).display());
            return Err(Error::input(format!("{named}: {text}")));
        }
        folders.iter().try_for_each(|folder| folders::create(folder))?;
        let folder_of = |image: &PathBuf| match image.parent()? {
            here if here.as_os_str().is_empty() => overwriting::place(Path::new(".")),
            folder => overwriting::place(folder),
        };
        let among: HashSet<PathBuf> = images.iter().filter_map(folder_of).collect();
        // Names that are no text are shown as far as they are.
        let images: Vec<String> = images.iter().map(|image| image.display().to_string()).collect();
        for (number, (folder, earlier)) in folders.iter().zip(&earlier).enumerate() {
            // Maps are no pictures to train on. Among the pictures themselves a list says which files are maps, so that they
            // may be replaced.
            let is_among = overwriting::place(folder).is_some_and(|place| among.contains(&place));
            let maps = places.iter().flat_map(|places| files_at(&places[number])).filter_map(|file| name_of(&file));
            let (name, maps) = match is_among {
                true => (LIST, earlier.maps.iter().cloned().chain(maps).collect()),
                false => (MAPS, BTreeSet::new()),
            };
            let sign = Sign { images: images.clone(), maps };
            files::write_atomically(&folder.join(name), |file| Ok(serde_json::to_writer_pretty(file, &sign)?))?;
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

/// What was written into a folder before.
#[derive(Default)]
struct Earlier {
    /// Whether it is a folder of maps, where all is this program's.
    all: bool,
    /// The names of the maps among pictures.
    maps: BTreeSet<String>,
}

impl Earlier {
    fn of(folder: &Path) -> Self {
        let sign =
            |name: &str| fs::read(folder.join(name)).ok().and_then(|text| serde_json::from_slice::<Sign>(&text).ok());
        Self { all: sign(MAPS).is_some(), maps: sign(LIST).map(|sign| sign.maps).unwrap_or_default() }
    }

    fn has(&self, file: &Path) -> bool {
        self.all || name_of(file).is_some_and(|name| self.maps.contains(&name))
    }
}

fn name_of(file: &Path) -> Option<String> {
    Some(file.file_name()?.to_string_lossy().into_owned())
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
    fn among_pictures_only_earlier_maps_are_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let map = |image: &str| Maps::at(folder.path(), &["model".into()], &[at(image)]).map(drop);
        for name in ["a.jpg", "b.jpg", "b.png"] {
            fs::write(at(name), "a picture").unwrap();
        }
        map("a.jpg").unwrap();
        fs::write(at("a.png"), "a map").unwrap();
        // What is there of the first run is its own, and the folder is no folder of maps.
        map("a.jpg").unwrap();
        assert!(!at(MAPS).exists());
        let error = map("b.jpg").unwrap_err();
        assert!(error.to_string().contains("b.png is there already"), "{error}");
        map("a.jpg").unwrap();
    }

    /// A list of many maps is read a few times, not for each of them.
    #[test]
    fn many_maps_are_as_soon_planned_again() {
        let folder = tempfile::tempdir().unwrap();
        let maps = folder.path().join("maps");
        let images: Vec<PathBuf> = (0..20_000).map(|number| format!("pictures/{number}.png").into()).collect();
        Maps::at(&maps, &["model".into()], &images).unwrap();
        let begun = std::time::Instant::now();
        Maps::at(&maps, &["model".into()], &images).unwrap();
        assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
    }

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
