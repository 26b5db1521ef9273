//! The trainer beside PyTorch.

use std::fmt::Write;

use anyhow::{Context, Result};
use serde_json::Value;
use xshell::{Shell, cmd};

use super::{beside, number};
use crate::programs::PYTHON;
use crate::{paths, test};

const LAYOUTS: [&str; 2] = ["contiguous", "channels_last"];
/// Times that each is measured, in turn: the fastest counts, as a machine that does something else as well is slower.
const ROUNDS: usize = 3;
/// What is compared, in images per second.
const WORKS: [(&str, &str); 2] = [("energy_gradient", "energy gradient"), ("training_step", "training step")];

/// A network and the images that it sees.
struct Case {
    preset: &'static str,
    width: &'static str,
    channels: &'static str,
    side: &'static str,
    batch: &'static str,
}

impl Case {
    const fn new(preset: &'static str, width: &'static str) -> Self {
        Self { preset, width, channels: "1", side: "32", batch: "64" }
    }

    const fn colour(self) -> Self {
        Self { channels: "3", ..self }
    }

    const fn of_side(self, side: &'static str, batch: &'static str) -> Self {
        Self { side, batch, ..self }
    }

    /// The flags that the trainer and its peer take alike.
    fn flags(&self) -> [&'static str; 10] {
        let Self { preset, width, channels, side, batch } = *self;
        ["--preset", preset, "--width", width, "--channels", channels, "--image-size", side, "--batch", batch]
    }

    fn name(&self) -> String {
        let colour = if self.channels == "3" { "colour" } else { "grey" };
        format!(
            "`{}`, width {}, {} {colour} images of {side}x{side}",
            self.preset,
            self.width,
            self.batch,
            side = self.side
        )
    }
}

const CASES: [Case; 9] = [
    Case::new("unet4", "16"),
    Case::new("unet4", "24").colour(),
    Case::new("unet4", "32"),
    Case::new("unet", "16"),
    Case::new("unet", "32"),
    Case::new("res12", "16"),
    Case::new("res12", "32"),
    Case::new("unet4", "16").colour().of_side("64", "16"),
    Case::new("unet4", "16").colour().of_side("128", "4"),
];

/// A table of speeds, one of memory, and one of narrower vectors.
pub fn section(shell: &Shell, threads: &str) -> Result<String> {
    test::build_native(shell)?;
    let torch = torch(shell);
    let (mut speeds, mut memory) = (String::new(), String::new());
    let (mut version, mut vectors) = (None, None);
    for case in &CASES {
        let (mut ours, mut peers) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            ours.push(measure(shell, case, None)?);
            if let Some(python) = &torch {
                for layout in LAYOUTS {
                    peers.push(measure_torch(shell, python, case, threads, layout)?);
                }
            }
        }
        vectors = ours.iter().find_map(|ours| ours["vectors"].as_str().map(str::to_owned)).or(vectors);
        version = peers.iter().find_map(|peer| peer["version"].as_str().map(str::to_owned)).or(version);
        let name = case.name();
        for (work, what) in WORKS {
            let of_ours = |unit| best(ours.iter().map(|run| &run[work][unit]), f64::max);
            let (speed, gflops) = (of_ours("images_per_second")?, of_ours("gflops")?);
            let fraction = gflops / best(ours.iter().map(|run| &run["gemm_peak_gflops"]), f64::max)?;
            let peer = torch.map(|_| best(peers.iter().map(|run| &run[work]), f64::max)).transpose()?;
            writeln!(
                speeds,
                "| {name} | {what} | {speed:.0} | {gflops:.0} ({fraction:.2}) | {} |",
                beside(speed, peer)
            )?;
        }
        // Not every system tells.
        if ours.iter().chain(&peers).all(|run| run["peak_memory"].is_number()) {
            let least = |runs: &[Value]| best(runs.iter().map(|run| &run["peak_memory"]), f64::min);
            let (bytes, peer) = (least(&ours)?, torch.map(|_| least(&peers)).transpose()?);
            let (megabytes, peer) = (bytes / 1e6, peer.map(|bytes| bytes / 1e6));
            writeln!(memory, "| {name} | {megabytes:.0} | {} |", beside(megabytes, peer))?;
        }
    }
    let version = version.map_or_else(|| "not installed".to_owned(), |version| format!("{version}, the better layout"));
    let vectors = vectors.unwrap_or_default();
    Ok(format!(
        "## Training\n\nAll cores, vectors: {vectors}; the fastest of {ROUNDS} runs, ours and PyTorch's in turn. In brackets the fraction of a 1024^3 matrix product of Burn's CPU backend in the \
         same run.\n\n| network | work | images/s | GFLOP/s | PyTorch ({version}) images/s | ratio |\n\
         | --- | --- | --- | --- | --- | --- |\n{speeds}\nLargest resident memory of a process that takes training steps:\n\n\
         | network | MB | PyTorch MB | ratio |\n| --- | --- | --- | --- |\n{memory}\nThe first of them with other vectors \
         of this processor (`--vectors`):\n\n| vectors | energy gradient, images/s | training step, images/s |\n\
         | --- | --- | --- |\n{}",
        narrower(shell, &vectors)?
    ))
}

/// The first case at each vector width of this machine but the widest.
fn narrower(shell: &Shell, widest: &str) -> Result<String> {
    let mut rows = String::new();
    for vectors in ["avx2", "sse4", "scalar"].into_iter().filter(|vectors| *vectors != widest) {
        // What a processor has not is refused.
        let Ok(ours) = measure(shell, &CASES[0], Some(vectors)) else { continue };
        let [gradient, step] = WORKS.map(|(work, _)| number(&ours[work]["images_per_second"]));
        writeln!(rows, "| {vectors} | {:.0} | {:.0} |", gradient?, step?)?;
    }
    Ok(rows)
}

fn measure(shell: &Shell, case: &Case, vectors: Option<&str>) -> Result<Value> {
    let (trainer, flags) = (paths::trainer(), case.flags());
    let vectors = vectors.into_iter().flat_map(|vectors| ["--vectors", vectors]);
    let ours = cmd!(shell, "{trainer} bench {flags...} {vectors...} --backend flex --json").ignore_stderr().read()?;
    serde_json::from_str(&ours).context("trainer bench: no JSON")
}

/// A Python that has PyTorch.
fn torch(shell: &Shell) -> Option<&'static str> {
    let found = [PYTHON, "/usr/bin/python3"]
        .into_iter()
        .find(|python| cmd!(shell, "{python} -c 'import torch'").quiet().ignore_stderr().run().is_ok());
    if found.is_none() {
        eprintln!("PyTorch is not installed: left out (`pip install torch` brings it)");
    }
    found
}

fn measure_torch(shell: &Shell, python: &str, case: &Case, threads: &str, layout: &str) -> Result<Value> {
    let (script, flags) = (paths::root().join("xtask/peers/pytorch.py"), case.flags());
    let text = cmd!(shell, "{python} {script} {flags...} --threads {threads} --layout {layout}").read()?;
    serde_json::from_str(&text).context("pytorch.py: no JSON")
}

/// The best of some numbers.
fn best<'a>(numbers: impl Iterator<Item = &'a Value>, better: fn(f64, f64) -> f64) -> Result<f64> {
    let numbers = numbers.map(number).collect::<Result<Vec<_>>>()?;
    numbers.into_iter().reduce(better).context("nothing was measured")
}
