//! The trainer as a user runs it.
#![allow(dead_code, reason = "every test program uses a part")]

pub mod place;
#[cfg(feature = "mpi")]
pub mod processes;

use std::path::{Path, PathBuf};

use assert_cmd::Command;

/// The built program, computing on the CPU of whatever machine this is.
pub fn trainer() -> Command {
    let mut command = Command::cargo_bin("trainer").unwrap();
    command.env_remove("TRAINER_DATA_URL");
    command
}

/// Arguments that train a very small network on the embedded digits.
pub fn tiny(run: &Path, steps: u32) -> Vec<String> {
    let run = run.to_str().unwrap();
    let steps = steps.to_string();
    [
        "train",
        "--data",
        "digits",
        "--width",
        "2",
        "--batch",
        "8",
        "--grid",
        "0",
        "--backend",
        "flex",
        "--steps",
        &steps,
        "--out",
        run,
    ]
    .map(str::to_owned)
    .to_vec()
}

/// The same with grids of two samples.
pub fn tiny_with_grids(run: &Path, steps: u32) -> Vec<String> {
    let mut arguments = tiny(run, steps);
    let grid = arguments.iter().position(|argument| argument == "--grid").unwrap();
    "2".clone_into(&mut arguments[grid + 1]);
    arguments
}

/// A run folder with a very small network, trained for a moment.
pub fn tiny_run(folder: &Path) -> PathBuf {
    let run = folder.join("run");
    trainer().args(tiny(&run, 4)).assert().success();
    run
}

/// The checkpoints of a run, but for what is still being written.
pub fn complete_checkpoints(run: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(run.join("checkpoints")).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| !path.file_name().unwrap().to_string_lossy().starts_with('.'))
        .collect()
}

/// The bytes of a checkpoint's weights and of their moving average. The optimizer's file has names in it that are drawn anew.
pub fn weights(run: &Path, step: u32) -> [Vec<u8>; 2] {
    let folder = run.join(format!("checkpoints/step-{step:07}"));
    ["weights.safetensors", "ema.safetensors"].map(|name| std::fs::read(folder.join(name)).unwrap())
}

/// A reference file that is shipped with the tests.
pub fn reference(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference").join(name)
}

/// A grey PNG of this size.
pub fn picture(path: &Path, width: u32, height: u32, value: impl Fn(u32, u32) -> u8) {
    image::GrayImage::from_fn(width, height, |x, y| image::Luma([value(x, y)])).save(path).unwrap();
}

/// The float32 values of a `.npy` file and its shape.
pub fn npy(path: &Path) -> (Vec<u64>, Vec<f32>) {
    let file = npyz::NpyFile::new(std::fs::File::open(path).unwrap()).unwrap();
    let shape = file.shape().to_vec();
    (shape, file.into_vec().unwrap())
}

/// A number that must be there.
pub fn of_row(row: &serde_json::Value, name: &str) -> f64 {
    row[name].as_f64().unwrap_or_else(|| panic!("{name} in {row}"))
}
