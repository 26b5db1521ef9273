//! `cargo xtask bench`: this project beside its peers on the same machine, as tables in docs/benchmarks.md.

mod browser;
mod kernels;
mod native;

use std::fs;
use std::thread::available_parallelism;

use anyhow::{Context, Result};
use serde_json::Value;
use xshell::Shell;

use crate::paths;

/// Measures everything, one thing after the other, and writes the tables.
///
/// # Errors
/// This project cannot be built or run, or the tables cannot be written. A peer that is not installed is left out.
pub fn run(shell: &Shell) -> Result<()> {
    let threads = available_parallelism()?.to_string();
    let text = format!(
        "# Benchmarks\n\nWritten by `cargo xtask bench` on {threads} cores of: {}. 32x32 grey, medians, one after the other.\n\
         \n{}\n{}\n{}",
        processor(),
        native::section(shell, &threads)?,
        browser::section(shell)?,
        kernels::section(shell)?,
    );
    let path = paths::root().join("docs/benchmarks.md");
    fs::write(&path, text).with_context(|| format!("{}", path.display()))?;
    eprintln!("{}", path.display());
    Ok(())
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

fn number(value: &Value) -> Result<f64> {
    value.as_f64().with_context(|| format!("{value}: no number"))
}

/// A peer's number and this project's as a multiple of it, as two cells; dashes where the peer was not measured.
fn beside(ours: f64, peer: Option<f64>) -> String {
    match peer {
        Some(peer) => format!("{} | {:.2}", rounded(peer), ours / peer),
        None => "– | –".to_owned(),
    }
}

/// Three digits, or all before the point.
fn rounded(number: f64) -> String {
    let decimals = if number < 10.0 { 2 } else { usize::from(number < 100.0) };
    format!("{number:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::{beside, rounded};

    #[test]
    fn numbers_have_three_digits() {
        assert_eq!([rounded(0.856), rounded(20.93), rounded(2165.4)], ["0.86", "20.9", "2165"]);
    }

    #[test]
    fn a_peer_has_a_number_and_a_ratio() {
        assert_eq!(beside(300.0, Some(200.0)), "200 | 1.50");
        assert_eq!(beside(300.0, None), "– | –");
    }
}
