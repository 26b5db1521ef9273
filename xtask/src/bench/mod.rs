//! `cargo xtask bench`: this project beside its peers on the same machine, as a table in docs/benchmarks.md.

use std::fmt::Write;
use std::fs;
use std::thread::available_parallelism;

use anyhow::{Context, Result};
use serde_json::Value;
use xshell::{Shell, cmd};

use crate::{paths, test};

const PRESETS: [&str; 2] = ["unet", "res12"];
const WIDTHS: [&str; 2] = ["16", "32"];
const LAYOUTS: [&str; 2] = ["contiguous", "channels_last"];
/// What is compared, in images per second.
const WORKS: [(&str, &str); 2] = [("energy_gradient", "energy gradient"), ("training_step", "training step")];

/// Measures everything, one network after the other, and writes the table.
///
/// # Errors
/// The trainer cannot be built or run, or the table cannot be written. A peer that is not installed is left out.
pub fn run(shell: &Shell) -> Result<()> {
    test::build_native(shell)?;
    let threads = available_parallelism()?.to_string();
    let torch = torch(shell);
    let mut table = String::new();
    let mut version = None;
    for preset in PRESETS {
        for width in WIDTHS {
            let trainer = paths::trainer();
            let ours =
                cmd!(shell, "{trainer} bench --preset {preset} --width {width} --batch 64 --backend flex --json");
            let ours: Value = serde_json::from_str(&ours.read()?).context("trainer bench: no JSON")?;
            let mut peers = Vec::new();
            if let Some(python) = &torch {
                for layout in LAYOUTS {
                    let peer = measure_torch(shell, python, preset, width, &threads, layout)?;
                    version = peer["version"].as_str().map(str::to_owned);
                    peers.push(peer);
                }
            }
            for (work, name) in WORKS {
                let (speed, gflops) = (number(&ours[work]["images_per_second"])?, number(&ours[work]["gflops"])?);
                let peak = number(&ours["gemm_peak_gflops"])?;
                write!(
                    table,
                    "| `{preset}`, width {width} | {name} | {speed:.0} | {gflops:.0} ({:.2}) |",
                    gflops / peak
                )?;
                let best = peers
                    .iter()
                    .map(|peer| number(&peer[work]))
                    .try_fold(0f64, |best, speed| speed.map(|s| s.max(best)))?;
                if best > 0.0 {
                    writeln!(table, " {best:.0} | {:.2} |", speed / best)?;
                } else {
                    writeln!(table, " – | – |")?;
                }
            }
        }
    }
    let version = version.map_or_else(|| "not installed".to_owned(), |version| format!("{version}, the faster layout"));
    let text = format!(
        "# Benchmarks\n\nWritten by `cargo xtask bench` on {threads} cores of: {}. Batch 64, 32x32 grey, medians, one after the \
         other.\nIn brackets the fraction of a 1024^3 matrix product of Burn's CPU backend in the same run.\n\n| network | work | \
         images/s | GFLOP/s | PyTorch ({version}) images/s | ratio |\n| --- | --- | --- | --- | --- | --- |\n{table}",
        processor(),
    );
    let path = paths::root().join("docs/benchmarks.md");
    fs::write(&path, text).with_context(|| format!("{}", path.display()))?;
    eprintln!("{}", path.display());
    Ok(())
}

/// A Python that has PyTorch.
fn torch(shell: &Shell) -> Option<&'static str> {
    let found = ["/usr/bin/python3", "python3"]
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

fn number(value: &Value) -> Result<f64> {
    value.as_f64().with_context(|| format!("{value}: no number"))
}

/// What the system calls its processor.
fn processor() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map(|rest| rest.trim_start_matches([' ', '\t', ':']));
    name.unwrap_or("an unnamed processor").to_owned()
}
