//! The numbers of an experiment on the disk. What was measured is kept, whatever else cannot be written, and whoever else
//! measures into the same folder at the same time.

use std::path::Path;

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    error::{Error, Result},
    files, folders,
};

/// The results of an experiment.
pub trait Experiment: Serialize {
    /// What of its file is read again.
    type Written: DeserializeOwned;

    /// What its files are called: the numbers go to `NAME.json`.
    const NAME: &'static str;

    /// Whether a file is of the same subject and settings: others are no results of this one.
    fn is_of(&self, written: &Self::Written) -> bool;

    /// Whether nothing was measured yet: such a file may be replaced by any other.
    fn is_empty(written: &Self::Written) -> bool;

    /// Takes in what is in the file and not here.
    fn take(&mut self, written: Self::Written);

    /// What is made of the numbers, to look at: names and contents of files.
    fn shown(&self) -> Vec<(&'static str, Result<String>)>;
}

/// What the same experiment has measured before into this folder; none where there is nothing.
///
/// # Errors
/// The file has results of another subject or of other settings, which would be replaced.
pub fn earlier<E: Experiment>(folder: &Path, is_of: impl FnOnce(&E::Written) -> bool) -> Result<Option<E::Written>> {
    let path = folder.join(format!("{}.json", E::NAME));
    if !path.exists() {
        return Ok(None);
    }
    let text = files::read(&path)?;
    let refused = |text: &str| Err(Error::input(format!("{}: {text}; choose another folder", path.display())));
    match serde_json::from_slice::<E::Written>(&text) {
        Ok(earlier) if is_of(&earlier) => Ok(Some(earlier)),
        Ok(earlier) if E::is_empty(&earlier) => Ok(None),
        Ok(_) => refused("it has results of another model, data set or seed, or of other settings"),
        Err(error) => refused(&format!("it was not written by this version of the experiment ({error})")),
    }
}

/// Takes in what was measured before into this folder.
///
/// # Errors
/// As [`earlier`].
pub fn resume<E: Experiment>(folder: &Path, results: &mut E) -> Result<()> {
    if let Some(written) = earlier::<E>(folder, |written| results.is_of(written))? {
        results.take(written);
    }
    Ok(())
}

/// Writes the numbers, with what another run of the same experiment has put there meanwhile, and what is made of them. The
/// numbers come first: of the rest, what cannot be written is told, and costs nothing that was measured.
///
/// # Errors
/// The numbers cannot be written, or the file has become another experiment's.
pub fn keep<E: Experiment>(folder: &Path, results: &mut E) -> Result<()> {
    let _lock = folders::locked(folder);
    resume(folder, results)?;
    let path = folder.join(format!("{}.json", E::NAME));
    files::write_atomically(&path, |file| Ok(serde_json::to_writer_pretty(file, results)?))?;
    for (name, content) in results.shown() {
        let path = folder.join(name);
        or_warned(content.and_then(|text| files::write_atomically(&path, |file| file.write_all(text.as_bytes()))));
    }
    Ok(())
}

/// Tells what went wrong with what is only to be looked at.
pub fn or_warned(outcome: Result<()>) {
    if let Err(error) = outcome {
        eprintln!("warning: {error}; the numbers are kept without it");
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde::Deserialize;

    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Numbers {
        seed: u64,
        found: Vec<u32>,
    }

    impl Experiment for Numbers {
        type Written = Self;
        const NAME: &'static str = "numbers";

        fn is_of(&self, written: &Self) -> bool {
            self.seed == written.seed
        }

        fn is_empty(written: &Self) -> bool {
            written.found.is_empty()
        }

        fn take(&mut self, written: Self) {
            let new: Vec<u32> = written.found.into_iter().filter(|number| !self.found.contains(number)).collect();
            self.found.extend(new);
        }

        fn shown(&self) -> Vec<(&'static str, Result<String>)> {
            vec![("numbers.svg", Err(Error::failed("no plot"))), ("numbers.md", Ok(format!("{:?}", self.found)))]
        }
    }

    fn read(folder: &Path) -> Vec<u32> {
        let written = serde_json::from_slice::<Numbers>(&fs::read(folder.join("numbers.json")).unwrap()).unwrap();
        let mut found = written.found;
        found.sort_unstable();
        found
    }

    #[test]
    fn what_another_run_has_measured_meanwhile_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let [mut one, mut other] = [1, 2].map(|number| Numbers { seed: 1, found: vec![number] });
        for results in [&mut one, &mut other] {
            keep(folder.path(), results).unwrap();
        }
        one.found.push(3);
        keep(folder.path(), &mut one).unwrap();
        assert_eq!(read(folder.path()), [1, 2, 3]);
        assert!(fs::read_to_string(folder.path().join("numbers.md")).unwrap().contains('2'));
        let refused = keep(folder.path(), &mut Numbers { seed: 2, found: vec![9] }).unwrap_err();
        assert!(refused.to_string().contains("numbers.json: it has results of another"), "{refused}");
        assert_eq!(read(folder.path()), [1, 2, 3]);
    }

    #[test]
    fn what_has_no_numbers_yet_is_in_nobody_s_way() {
        let folder = tempfile::tempdir().unwrap();
        keep(folder.path(), &mut Numbers { seed: 1, found: Vec::new() }).unwrap();
        keep(folder.path(), &mut Numbers { seed: 2, found: vec![5] }).unwrap();
        assert_eq!(read(folder.path()), [5]);
    }

    #[test]
    fn numbers_are_kept_where_nothing_can_be_shown() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("numbers.md")).unwrap();
        keep(folder.path(), &mut Numbers { seed: 1, found: vec![7] }).unwrap();
        assert_eq!(read(folder.path()), [7]);
    }
}
