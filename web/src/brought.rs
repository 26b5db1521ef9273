//! What a visitor brings: a model, pictures, or something that is neither, told by the names of its files.

use crate::texts;

/// What files are, by their numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Brought {
    /// A model.
    Model {
        /// `model.json`.
        manifest: usize,
        /// What may be its weights: `model.json` says which.
        weights: Vec<usize>,
        /// `held-out.png`, if there is one.
        held_out: Option<usize>,
    },
    /// What may be pictures.
    Pictures(Vec<usize>),
    /// Something else: a sentence that says what to bring.
    Else(String),
}

/// What the files of these paths are, parts of a path parted by `/`: `faces/model.json`, or `me.png` for a file by itself.
pub fn sort(paths: &[String]) -> Brought {
    let files: Vec<(usize, &str, &str)> = paths
        .iter()
        .enumerate()
        .filter(|(_, path)| !is_litter(path))
        .map(|(index, path)| {
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
            (index, folder, name)
        })
        .collect();
    if files.is_empty() {
        return Brought::Else(texts::no_file().to_owned());
    }
    let numbers = |folder: &str, is: &dyn Fn(&str) -> bool| -> Vec<usize> {
        files.iter().filter(|(_, at, name)| *at == folder && is(name)).map(|(index, ..)| *index).collect()
    };
    // The file of this name, or else the only one that may be a copy of it, as browsers number downloads: `model (1).json`.
    let file = |folder: &str, name: &str, is_copy: &dyn Fn(&str) -> bool| {
        let named = numbers(folder, &|found| found.eq_ignore_ascii_case(name));
        match (&named[..], &numbers(folder, is_copy)[..]) {
            ([first, ..], _) | ([], [first]) => Some(*first),
            _ => None,
        }
    };
    let has = |is: &dyn Fn(&str) -> bool| files.iter().any(|(_, _, name)| is(name));

    let mut folders: Vec<&str> = Vec::new();
    for (_, folder, name) in &files {
        if is_weights(name) && !folders.contains(folder) {
            folders.push(folder);
        }
    }
    // Beside weights, whatever it is called: what is in it tells.
    let manifest = |folder| file(folder, MANIFEST, &|name| ends_in(name, &["json"]) && name != CHECKPOINT);
    let mut models: Vec<(usize, &str)> =
        folders.into_iter().filter_map(|folder| Some((manifest(folder)?, folder))).collect();
    // A model may hold an older one; one beside the other must be chosen.
    let depth = |folder: &str| if folder.is_empty() { 0 } else { folder.split('/').count() };
    let least = models.iter().map(|(_, folder)| depth(folder)).min();
    models.retain(|(_, folder)| Some(depth(folder)) == least);
    match models[..] {
        [] => {}
        [(manifest, folder)] => {
            let is_copy = |name: &str| ends_in(name, &["png"]) && is_called(name, "held-out");
            let held_out = file(folder, "held-out.png", &is_copy);
            return Brought::Model { manifest, weights: numbers(folder, &is_weights), held_out };
        }
        _ => {
            let names: Vec<&str> =
                models.iter().map(|(_, folder)| folder.rsplit('/').next().unwrap_or_default()).take(5).collect();
            return Brought::Else(texts::several_models(names.join(", ")));
        }
    }
    if has(&|name| name == "run.toml" || name == CHECKPOINT) {
        return Brought::Else(texts::a_run().to_owned());
    }
    if has(&|name| ends_in(name, &["json"]) && is_called(name, "model")) {
        return Brought::Else(texts::no_weights().to_owned());
    }
    if has(&is_weights) {
        return Brought::Else(texts::no_manifest().to_owned());
    }
    // Of a folder what is called a picture; of single files the content tells.
    let single = |folder: &str| folder.is_empty();
    let pictures: Vec<usize> = files
        .iter()
        .filter(|(_, folder, name)| !is_packed(name) && (single(folder) || is_called_picture(name)))
        .map(|(index, ..)| *index)
        .collect();
    if !pictures.is_empty() {
        return Brought::Pictures(pictures);
    }
    if let Some((_, _, name)) = files.iter().find(|(_, _, name)| is_packed(name)) {
        return Brought::Else(texts::packed(name));
    }
    Brought::Else(texts::no_model_or_picture().to_owned())
}

const MANIFEST: &str = "model.json";
/// What the trainer keeps beside weights while it trains.
const CHECKPOINT: &str = "checkpoint.json";

fn is_weights(name: &str) -> bool {
    ends_in(name, &["safetensors"])
}

/// Whether the name begins so, in small letters or large.
fn is_called(name: &str, beginning: &str) -> bool {
    name.get(..beginning.len()).is_some_and(|found| found.eq_ignore_ascii_case(beginning))
}

/// What systems put beside the files of people: `._model.json` of macOS, for one.
fn is_litter(path: &str) -> bool {
    let is_known =
        |part: &str| ["__MACOSX", "Thumbs.db", "desktop.ini"].iter().any(|name| part.eq_ignore_ascii_case(name));
    path.split('/').any(|part| part.starts_with('.') || is_known(part))
}

fn is_called_picture(name: &str) -> bool {
    ends_in(name, &user_files::ENDINGS)
}

fn is_packed(name: &str) -> bool {
    ends_in(name, &["zip", "7z", "rar", "tar", "gz", "tgz", "xz", "txz", "bz2", "zst"])
}

fn ends_in(name: &str, endings: &[&str]) -> bool {
    name.rsplit_once('.').is_some_and(|(_, found)| endings.iter().any(|ending| found.eq_ignore_ascii_case(ending)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(paths: &[&str]) -> Brought {
        sort(&paths.iter().map(|&path| path.to_owned()).collect::<Vec<_>>())
    }

    fn said(paths: &[&str]) -> String {
        match sorted(paths) {
            Brought::Else(sentence) => sentence,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_model_is_found_wherever_it_lies() {
        let model =
            |manifest, weights: &[usize], held_out| Brought::Model { manifest, weights: weights.to_vec(), held_out };
        let flat = ["model.json", "model.safetensors", "held-out.png"];
        assert_eq!(sorted(&flat), model(0, &[1], Some(2)));
        let litter = ["faces/._model.json", "faces/.DS_Store", "faces/model.safetensors", "faces/model.json"];
        assert_eq!(sorted(&litter), model(3, &[2], None));
        let nested = [
            "wrapped/readme.txt",
            "wrapped/faces/model.json",
            "wrapped/faces/model.safetensors",
            "wrapped/held-out.png",
        ];
        assert_eq!(sorted(&nested), model(1, &[2], None), "pictures of another folder are not its own");
        let two = ["m/ema.safetensors", "m/model.json", "m/model.safetensors"];
        assert_eq!(sorted(&two), model(1, &[0, 2], None), "model.json says which");
        let second = ["held-out (1).png", "model (1).json", "model (1).safetensors"];
        assert_eq!(sorted(&second), model(1, &[2], Some(0)), "downloads of another model into one folder");
        let both = [
            "held-out-2.png",
            "held-out.png",
            "model-2.json",
            "model-2.safetensors",
            "model.json",
            "model.safetensors",
        ];
        assert_eq!(sorted(&both), model(4, &[3, 5], Some(1)));
        assert_eq!(sorted(&["M/HELD-OUT.PNG", "M/MODEL.JSON", "M/MODEL.SAFETENSORS"]), model(1, &[2], Some(0)));
        assert_eq!(
            sorted(&["mine.json", "mine.safetensors", "me.png"]),
            model(0, &[1], None),
            "pictures are not its own"
        );
        let older = ["m/old/model.json", "m/old/model.safetensors", "m/model.json", "m/model.safetensors"];
        assert_eq!(sorted(&older), model(2, &[3], None));
    }

    #[test]
    fn what_is_no_model_yet_is_told() {
        assert!(said(&["a-run/run.toml", "a-run/checkpoints/step-2/model.safetensors"]).contains("trainer export"));
        assert!(said(&["step-2/checkpoint.json"]).contains("trainer export"));
        assert!(said(&["m/model.json", "m/notes.txt"]).contains("no weights"));
        assert!(said(&["model (1).json"]).contains("no weights"));
        assert!(said(&["x.safetensors"]).contains("without their model.json"));
        assert!(said(&["a.json", "b.json", "x.safetensors"]).contains("without their model.json"));
        assert!(said(&["step-2/checkpoint.json", "step-2/model.safetensors"]).contains("trainer export"));
        let several =
            said(&["models/a/model.json", "models/a/w.safetensors", "models/b/model.json", "models/b/w.safetensors"]);
        assert!(several.contains("(a, b)"), "{several}");
        assert!(said(&["faces.zip"]).contains("Unpack"));
        assert!(said(&["f/notes.txt", "f/data.csv"]).contains("no picture"));
        for nothing in [&[][..], &["._x.png"], &["f/.DS_Store", "__MACOSX/f/x.png"]] {
            assert!(said(nothing).contains("no file"), "{nothing:?}");
        }
    }

    #[test]
    fn pictures_are_taken_from_folders_by_name_and_alone_by_content() {
        let folder = ["f/a.PNG", "f/notes.txt", "f/deep/b.jfif", "f/old.zip"];
        assert_eq!(sorted(&folder), Brought::Pictures(vec![0, 2]));
        assert_eq!(sorted(&["a.png", "b.heic", "c"]), Brought::Pictures(vec![0, 1, 2]));
    }
}
