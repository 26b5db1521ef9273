//! The trainer beside PyTorch.

use std::fmt::Write;

use anyhow::{Context, Result};
use serde_json::Value;
use xshell::{Shell, cmd};

use super::{beside, number};
use crate::programs::PYTHON;
use crate::{paths, test};

const PRESETS: [&str; 3] = ["unet4", "unet", "res12"];
const WIDTHS: [&str; 2] = ["16", "32"];
const LAYOUTS: [&str; 2] = ["contiguous", "channels_last"];
/// What is compared, in images per second.
const WORKS: [(&str, &str); 2] = [("energy_gradient", "energy gradient"), ("training_step", "training step")];

/// A table of speeds and one of memory.
pub fn section(shell: &Shell, threads: &str) -> Result<String> {
    test::build_native(shell)?;
    let trainer = paths::trainer();
    let torch = torch(shell);
    let (mut speeds, mut memory) = (String::new(), String::new());
    let mut version = None;
    for preset in PRESETS {
        for width in WIDTHS {
            let ours =
                cmd!(shell, "{trainer} bench --preset {preset} --width {width} --batch 64 --backend flex --json");
            let ours: Value = serde_json::from_str(&ours.read()?).context("trainer bench: no JSON")?;
            let mut peers = Vec::new();
            if let Some(python) = &torch {
                for layout in LAYOUTS {
                    let peer = measure_torch(shell, python, preset, width, threads, layout)?;
                    version = peer["version"].as_str().map(str::to_owned);
                    peers.push(peer);
                }
            }
            for (work, name) in WORKS {
                let (speed, gflops) = (number(&ours[work]["images_per_second"])?, number(&ours[work]["gflops"])?);
                let fraction = gflops / number(&ours["gemm_peak_gflops"])?;
                let best = best(&peers, work, f64::max)?;
                writeln!(
                    speeds,
                    "| `{preset}`, width {width} | {name} | {speed:.0} | {gflops:.0} ({fraction:.2}) | {} |",
                    beside(speed, best)
                )?;
            }
            if let Some(bytes) = ours["peak_memory"].as_f64() {
                let peer = best(&peers, "peak_memory", f64::min)?.map(|bytes| bytes / 1e6);
                writeln!(memory, "| `{preset}`, width {width} | {:.0} | {} |", bytes / 1e6, beside(bytes / 1e6, peer))?;
            }
        }
    }
    let version = version.map_or_else(|| "not installed".to_owned(), |version| format!("{version}, the better layout"));
    Ok(format!(
        "## Training\n\nBatch 64, all cores. In brackets the fraction of a 1024^3 matrix product of Burn's CPU backend in the \
         same run.\n\n| network | work | images/s | GFLOP/s | PyTorch ({version}) images/s | ratio |\n\
         | --- | --- | --- | --- | --- | --- |\n{speeds}\nLargest resident memory of a process that takes training steps:\n\n\
         | network | MB | PyTorch MB | ratio |\n| --- | --- | --- | --- |\n{memory}"
    ))
}

/// A Python that has PyTorch.
fn torch(shell: &Shell) -> Option<&'static str> {
    let found = ["/usr/bin/python3", PYTHON]
        .into_iter()
        .find(|python| cmd!(shell, "{python} -c 'import torch'").quiet().ignore_stderr().run().is_ok());
    if found.is_none() {
        eprintln!("PyTorch is not installed: left out (Debian: python3-torch)");
    }
    found
}

fn measure_torch(shell: &Shell, python: &str, preset: &str, width: &str, threads: &str, layout: &str) -> Result<Value> {
    let script = paths::root().join("xtask/peers/pytorch.py");
    let text = cmd!(shell, "{python} {script} --preset {preset} --width {width} --threads {threads} --layout {layout}")
        .read()?;
    serde_json::from_str(&text).context("pytorch.py: no JSON")
}

/// The best number that the peers have under this name, none without peers.
fn best(peers: &[Value], name: &str, better: fn(f64, f64) -> f64) -> Result<Option<f64>> {
    let numbers = peers.iter().map(|peer| number(&peer[name])).collect::<Result<Vec<_>>>()?;
    Ok(numbers.into_iter().reduce(better))
}
