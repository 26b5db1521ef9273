//! The trainer's program, run as a user would.

use std::{ffi::OsStr, path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use xtask::paths;

/// Runs the trainer with these arguments and gives its standard output.
///
/// # Errors
/// It has not been built, or it fails: the error has what it said.
pub fn run<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Result<String> {
    let program = paths::trainer();
    ensure!(program.is_file(), "{}: not there; `cargo build -p trainer` makes it", program.display());
    let output = Command::new(&program).args(arguments).output().with_context(|| format!("{}", program.display()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the trainer failed ({}): {said}", output.status);
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Trains a small network for a moment, and a smaller one as its guide, and exports it as the model folder `folder`.
///
/// # Errors
/// Training or export failed.
pub fn export_small_model(folder: &Path) -> Result<()> {
    let runs = tempfile::tempdir()?;
    let (network, guide) = (runs.path().join("run"), runs.path().join("guide"));
    // Enough for chains to end in different pictures.
    for (folder, width, steps) in [(&network, "4", "100"), (&guide, "2", "40")] {
        let train = ["train", "--data", "digits", "--preset", "unet", "--backend", "flex", "--width", width];
        let out = [OsStr::new("--out"), folder.as_os_str()];
        run(train.into_iter().chain(["--steps", steps]).map(OsStr::new).chain(out))?;
    }
    // A churn and a guide of its own, which the page has to follow as well.
    let export = ["export", "--backend", "flex", "--churn", "1.5", "--guidance", "0.5", "--guide"].map(OsStr::new);
    let folders =
        [guide.as_os_str(), OsStr::new("--run"), network.as_os_str(), OsStr::new("--out"), folder.as_os_str()];
    run(export.into_iter().chain(folders))?;
    Ok(())
}

/// Trains a small network on small colour pictures for a moment and exports it as the model folder `folder`.
///
/// # Errors
/// Training or export failed.
pub fn export_colour_model(folder: &Path) -> Result<()> {
    let work = tempfile::tempdir()?;
    let (pictures, run_folder) = (work.path().join("pictures"), work.path().join("run"));
    std::fs::create_dir(&pictures)?;
    for index in 0..80u8 {
        const SIDE: u8 = 16;
        // A square of one colour on a ground of another. Not all on one line, which no map of a plane goes through.
        let inside = |at: u8| (4..12).contains(&at);
        let blue = (u16::from(index).pow(2) / 32) as u8;
        let colour =
            |front: bool| if front { [index * 3, 255 - index * 2, blue] } else { [40, index, 200 - index * 2] };
        let bytes = (0..SIDE).flat_map(|y| (0..SIDE).flat_map(move |x| colour(inside(x) && inside(y))));
        let file = std::fs::File::create(pictures.join(format!("{index}.png")))?;
        let mut encoder = png::Encoder::new(file, SIDE.into(), SIDE.into());
        encoder.set_color(png::ColorType::Rgb);
        encoder.write_header()?.write_image_data(&bytes.collect::<Vec<u8>>())?;
    }
    let train = "train --preset unet --width 4 --steps 20 --backend flex --data".split(' ').map(OsStr::new);
    run(train.chain([pictures.as_os_str(), OsStr::new("--out"), run_folder.as_os_str()]))?;
    let export = ["export", "--backend", "flex", "--run"].map(OsStr::new);
    run(export.into_iter().chain([run_folder.as_os_str(), OsStr::new("--out"), folder.as_os_str()]))?;
    Ok(())
}
