//! The pictures of a run that was begun before, wherever they lie now.

use std::path::Path;

use crate::{
    data::{self, DataSet, Wanted},
    error::{Error, Result},
    train::RunConfig,
};

/// Where the user says that they are.
pub struct Place<'a> {
    /// `--data`, or what `--config` has.
    pub data: Option<&'a str>,
    /// `--data-dir`.
    pub dir: Option<&'a Path>,
    /// As in [`Wanted`].
    pub keep: bool,
}

/// Reads the pictures of a run, from where the user says or where the run found them, at the run's own size.
///
/// # Errors
/// They are not there, or those that are where the user says are other pictures.
pub fn run_pictures(config: &RunConfig, run: &Path, place: &Place<'_>) -> Result<DataSet> {
    let size = config.card().size;
    if data::is_named(&config.data) {
        if let Some(other) = place.data.filter(|&data| data != config.data) {
            let text = format!("the run's data is {}, which cannot change; train anew into another --out", config.data);
            return Err(Error::input(format!("--data {other}: {text}")));
        }
        let named = format!("--data {}", config.data);
        let dir = config.files_in(place.dir);
        return data::read(&Wanted { source: &config.data, named: &named, dir, side: None, keep: place.keep });
    }
    let dir = place.dir.map(|dir| (dir.to_string_lossy().into_owned(), "--data-dir"));
    let given = place.data.map(|data| (data.to_owned(), "--data")).or(dir);
    let (source, named) = match &given {
        Some((source, flag)) => (source.as_str(), format!("{flag} {source}")),
        None => (config.data.as_str(), format!("{}: its pictures in {}", run.display(), config.data)),
    };
    if data::is_named(source) && given.is_some() {
        let text = "the run's data is a folder of pictures, not a known set; train anew into another --out";
        return Err(Error::input(format!("{named}: {text}")));
    }
    if given.is_none() && !Path::new(source).is_dir() {
        let since = if Path::new(source).is_absolute() { "" } else { " (seen from where it was begun)" };
        return Err(Error::input(format!(
            "{}: its pictures were in {source}{since}, where no folder is now; say where they are with --data FOLDER",
            run.display()
        )));
    }
    let data = data::read(&Wanted { source, named: &named, dir: None, side: Some(size), keep: place.keep })?;
    check_same(config, &data, &named, given.is_some() && data.source != config.data)?;
    Ok(data)
}

/// Checks that the pictures are those of the run; told of, where they are still in their place, and refused elsewhere.
fn check_same(config: &RunConfig, data: &DataSet, named: &str, moved: bool) -> Result<()> {
    let known = config.pictures.as_ref().and_then(|pictures| pictures.card.fingerprint.as_ref());
    match (known, &data.fingerprint, moved) {
        (Some(known), Some(found), _) if known == found => Ok(()),
        (Some(_), _, true) => Err(Error::input(format!(
            "{named}: these are not the pictures that the run was begun with, in {}; train anew into another --out",
            config.data
        ))),
        (Some(_), _, false) => {
            eprintln!(
                "warning: {named} are no longer those that the run was begun with: some were added, removed, changed or put \
                 on the other side, held out or not"
            );
            Ok(())
        }
        (None, _, _) => {
            eprintln!(
                "warning: {named}: the run is from an earlier version, which held out others of these pictures: it may have \
                 learned from some that are held out now"
            );
            Ok(())
        }
    }
}
