//! The pictures of a run that was begun before, wherever they lie now.

use std::{fmt::Display, path::Path};

use crate::{
    data::{self, DataSet, Wanted},
    error::{Error, Result},
    overwriting,
    train::RunConfig,
};

/// Where the user says that they are.
pub struct Place<'a> {
    /// `--data` or what `--config` has, and what the user knows it by.
    pub data: Option<(&'a str, String)>,
    /// `--data-dir`.
    pub dir: Option<&'a Path>,
    /// As in [`Wanted`].
    pub keep: bool,
    /// What to do where they are other pictures.
    pub otherwise: &'static str,
}

/// Reads the pictures of a run, from where the user says or where the run found them, at the run's own size.
///
/// # Errors
/// They are not there, or those that are where the user says are other pictures.
pub fn run_pictures(config: &RunConfig, run: &Path, place: &Place<'_>) -> Result<DataSet> {
    if data::is_named(&config.data) { of_set(config, run, place) } else { of_folder(config, run, place) }
}

/// The folder of a named set's files, as the user says now or said when these settings were written; `whose` they are.
///
/// # Errors
/// It was said then, and is gone.
pub fn files_in<'a>(config: &'a RunConfig, given: Option<&'a Path>, whose: impl Display) -> Result<Option<&'a Path>> {
    match config.files_in(given) {
        Some(dir) if given.is_none() && data::is_gone(dir) => Err(Error::input(format!(
            "{whose}: data_dir is {}, where no folder is now; say where the files of {} are with --data-dir FOLDER",
            dir.display(),
            config.data
        ))),
        dir => Ok(dir),
    }
}

fn of_set(config: &RunConfig, run: &Path, place: &Place<'_>) -> Result<DataSet> {
    let set = &config.data;
    if let Some((_, named)) = place.data.as_ref().filter(|(data, _)| data != set) {
        let text = format!("the run's data is {set}, which cannot change; leave it out, or {}", place.otherwise);
        return Err(Error::input(format!("{named}: {text}")));
    }
    let dir = files_in(config, place.dir, run.display())?;
    let data = data::read(&Wanted { source: set, named: &format!("--data {set}"), dir, side: None, keep: place.keep })?;
    let before = config.data_dir.as_deref();
    let named = match (place.dir, before) {
        (Some(dir), _) => format!("--data-dir {}", dir.display()),
        (None, Some(dir)) => format!("{}: the files of {set} in {}", run.display(), dir.display()),
        (None, None) => format!("{}: the files of {set}", run.display()),
    };
    let moved = place.dir.is_some_and(|dir| overwriting::place(dir) != before.and_then(overwriting::place));
    check_same(config, &data, &named, moved.then_some(place.otherwise))?;
    Ok(data)
}

fn of_folder(config: &RunConfig, run: &Path, place: &Place<'_>) -> Result<DataSet> {
    let dir = place.dir.map(|dir| (dir.to_string_lossy().into_owned(), format!("--data-dir {}", dir.display())));
    let given = place.data.as_ref().map(|(data, named)| ((*data).to_owned(), named.clone())).or(dir);
    let (source, named) = match &given {
        Some((source, named)) => (source.as_str(), named.clone()),
        None => (config.data.as_str(), format!("{}: its pictures in {}", run.display(), config.data)),
    };
    if data::is_named(source) && given.is_some() {
        let text = format!("the run's data is a folder of pictures, not a known set; {}", place.otherwise);
        return Err(Error::input(format!("{named}: {text}")));
    }
    if given.is_none() && data::is_gone(Path::new(source)) {
        let since = if Path::new(source).is_absolute() { "" } else { " (seen from where it was begun)" };
        return Err(Error::input(format!(
            "{}: its pictures were in {source}{since}, where no folder is now; say where they are with --data FOLDER",
            run.display()
        )));
    }
    let side = Some(config.card().size);
    let elsewhere =
        given.is_some() && overwriting::place(Path::new(source)).as_deref() != Some(Path::new(&config.data));
    // What may turn out to be of no use is not kept.
    let data = data::read(&Wanted { source, named: &named, dir: None, side, keep: place.keep && !elsewhere })?;
    check_same(config, &data, &named, elsewhere.then_some(place.otherwise))?;
    Ok(data)
}

/// Checks that the pictures are those of the run; told of, where they are still in their place, and refused where they
/// have moved, with what to do then.
fn check_same(config: &RunConfig, data: &DataSet, named: &str, moved: Option<&str>) -> Result<()> {
    let known = config.pictures.as_ref().and_then(|pictures| pictures.card.fingerprint.as_ref());
    let is_set = data::is_named(&config.data);
    if known == data.fingerprint.as_ref() {
        return Ok(());
    }
    if let Some(otherwise) = moved.filter(|_| known.is_some() || data::is_told_from_others(&config.data)) {
        return Err(others(config, data, named, otherwise));
    }
    let what = match known {
        Some(_) => {
            " are no longer those that the run was begun with: some were added, removed, changed or put on the other side, \
             held out or not"
        }
        None if is_set => {
            ": these are not the pictures that the name stands for, and the run does not say that it was begun with others: \
             it may have learned from some that are held out now"
        }
        None => {
            ": the run is from an earlier version, which held out others of these pictures: it may have learned from some \
             that are held out now"
        }
    };
    eprintln!("warning: {named}{what}");
    Ok(())
}

/// That these are not the pictures of the run, after what there is to say of them: a file that cannot be read may be why.
fn others(config: &RunConfig, data: &DataSet, named: &str, otherwise: &str) -> Error {
    data.tell();
    let of_set = || config.data_dir.as_deref().map(|dir| dir.display().to_string());
    let place = if data::is_named(&config.data) { of_set() } else { Some(config.data.clone()) };
    let place = place.map(|place| format!(", in {place}")).unwrap_or_default();
    let counts = match config.pictures.as_ref().and_then(|pictures| pictures.count) {
        Some(then) if then != data.count() => format!(": {then} then, {} now", data.count()),
        _ => String::new(),
    };
    let unusable = match data.skipped.len() {
        0 => String::new(),
        1 => "one file could not be used, which may be why: mend it, or ".to_owned(),
        count => format!("{count} files could not be used, which may be why: mend them, or "),
    };
    Error::input(format!(
        "{named}: these are not the pictures that the run was begun with{place}{counts}; {unusable}{otherwise}"
    ))
}
