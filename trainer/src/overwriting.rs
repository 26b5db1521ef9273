//! What no output may replace: a file that is read, another output, and what somebody else has written.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    data::{self, DataSet},
    error::{Error, Result},
};

/// A path, and the flag that it was given by.
pub type Named<'a> = (&'a str, &'a Path);

/// Refuses an output that is one of the inputs or another output, whatever they are called.
///
/// # Errors
/// There is one.
pub fn apart(inputs: &[Named<'_>], outputs: &[Named<'_>]) -> Result<()> {
    for (index, (flag, output)) in outputs.iter().enumerate() {
        let same = |(_, other): &&Named<'_>| place(output).is_some_and(|place| Some(place) == self::place(other));
        if let Some((other, _)) = inputs.iter().chain(&outputs[..index]).find(same) {
            let text = format!("this is also the file of {other}, which would be replaced; give another name");
            return Err(Error::input(format!("{flag} {}: {text}", output.display())));
        }
    }
    Ok(())
}

/// Refuses the folder of the pictures themselves. A known set has a name in the place of a folder, and a folder of that
/// name may be anything.
///
/// # Errors
/// It is.
pub fn not_among(out: &Path, data: &DataSet) -> Result<()> {
    let pictures = Path::new(&data.source);
    if !data::is_named(&data.source) && pictures.is_dir() && place(pictures) == place(out) {
        let text = "it is the folder of the pictures itself; give one in it, or elsewhere";
        return Err(Error::input(format!("--out {}: {text}", out.display())));
    }
    Ok(())
}

/// Where a file is, or would be.
pub fn place(path: &Path) -> Option<PathBuf> {
    if let Ok(real) = fs::canonicalize(path) {
        return Some(real);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Some(fs::canonicalize(folder).ok()?.join(path.file_name()?))
}

/// Refuses a folder in which a file or a folder of one of these names would be replaced that this program did not
/// write: what it writes has `sign` beside it.
///
/// # Errors
/// There is one.
pub fn ours(folder: &Path, sign: &str, names: &[&str]) -> Result<()> {
    if folder.join(sign).exists() {
        return Ok(());
    }
    let filled = |name: &&&str| match fs::read_dir(folder.join(name)) {
        Ok(mut entries) => entries.next().is_some(),
        Err(_) => folder.join(name).exists(),
    };
    let Some(name) = names.iter().find(filled) else { return Ok(()) };
    let text = format!(
        "it contains {name} but no {sign}, so {name} may belong to something else and would be overwritten; choose another \
         folder"
    );
    Err(Error::input(format!("--out {}: {text}", folder.display())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Images;

    #[test]
    fn an_output_is_neither_an_input_nor_another_output() {
        let folder = tempfile::tempdir().unwrap();
        let [image, same, other] = ["a.png", "./a.png", "b.png"].map(|name| folder.path().join(name));
        fs::write(&image, "").unwrap();
        apart(&[("--image", &image)], &[("--out", &other), ("--npy", &folder.path().join("b.npy"))]).unwrap();
        let error = apart(&[("--image", &image)], &[("--out", &same)]).unwrap_err();
        assert!(
            error.to_string().contains("a.png: this is also the file of --image") && error.exit_code() == 2,
            "{error}"
        );
        // Neither is there yet.
        let error = apart(&[], &[("--out", &other), ("--npy", &folder.path().join("./b.png"))]).unwrap_err();
        assert!(error.to_string().starts_with("--npy ") && error.to_string().contains("of --out,"), "{error}");
        #[cfg(unix)]
        {
            let link = folder.path().join("link.png");
            std::os::unix::fs::symlink(&image, &link).unwrap();
            assert!(apart(&[("--image", &image)], &[("--out", &link)]).is_err());
        }
    }

    #[test]
    fn the_folder_of_the_pictures_themselves_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let pictures = Images { channels: 1, height: 8, width: 8, pixels: vec![0; 640], labels: Vec::new() };
        let of = |source: &str| DataSet { source: source.to_owned(), ..DataSet::of(pictures.clone()) };
        let source = folder.path().to_str().unwrap();
        let error = not_among(&folder.path().join("."), &of(source)).unwrap_err();
        assert!(error.to_string().contains("the folder of the pictures itself") && error.exit_code() == 2, "{error}");
        not_among(&folder.path().join("run"), &of(source)).unwrap();
    }

    #[test]
    fn a_folder_of_somebody_elses_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let names = ["report.html", "samples"];
        fs::create_dir(folder.path().join("samples")).unwrap();
        ours(folder.path(), "run.toml", &names).unwrap();
        fs::write(folder.path().join("report.html"), "mine").unwrap();
        let error = ours(folder.path(), "run.toml", &names).unwrap_err();
        assert!(error.to_string().contains("it contains report.html but no run.toml"), "{error}");
        fs::write(folder.path().join("run.toml"), "").unwrap();
        ours(folder.path(), "run.toml", &names).unwrap();
    }
}
