//! `cargo xtask bench`: this project beside its peers on the same machine, as tables in docs/benchmarks.md.

mod browser;
mod helpers;
mod kernels;
mod native;

use std::fs;
use std::thread::available_parallelism;

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde_json::Value;
use xshell::Shell;

use crate::consent::Consent;
use crate::paths;

/// A part of the measurements: a section of docs/benchmarks.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// The trainer beside PyTorch
    Training,
    /// The energy gradient in Chromium beside TensorFlow.js and Burn's own operations
    Browser,
    /// A run of the page with several workers
    Helpers,
    /// The CPU kernels one by one
    Kernels,
}

impl Part {
    const ALL: [Self; 4] = [Self::Training, Self::Browser, Self::Helpers, Self::Kernels];

    fn heading(self) -> &'static str {
        match self {
            Self::Training => "## Training\n",
            Self::Browser => "## In a browser\n",
            Self::Helpers => "## Helpers\n",
            Self::Kernels => "## Kernels\n",
        }
    }

    fn measure(self, shell: &Shell, consent: Consent, threads: &str) -> Result<String> {
        match self {
            Self::Training => native::section(shell, threads),
            Self::Browser => browser::section(shell, consent),
            Self::Helpers => helpers::section(shell, consent),
            Self::Kernels => kernels::section(shell),
        }
    }

    /// A section, with the machine that it was measured on: parts may be measured on different ones.
    fn on(self, machine: &str, section: &str) -> String {
        section.replacen(self.heading(), &format!("{}\nOn {machine}.\n", self.heading()), 1)
    }

    /// The section that an earlier run has written, if one has.
    fn earlier(self, text: &str) -> Option<String> {
        let section = &text[text.find(self.heading())?..];
        let end = section[2..].find("\n## ").map_or(section.len(), |end| end + 2);
        Some(section[..end].to_owned())
    }
}

/// Measures everything, or one part, one thing after the other, and writes the tables.
///
/// # Errors
/// This project cannot be built or run, or the tables cannot be written. A peer that is not installed is left out. What was
/// measured before stays written.
pub fn run(shell: &Shell, consent: Consent, only: Option<Part>) -> Result<()> {
    let path = paths::root().join("docs/benchmarks.md");
    let threads = available_parallelism()?.to_string();
    let machine = format!("{threads} threads of: {}", processor());
    for part in Part::ALL.into_iter().filter(|&part| only.is_none_or(|only| only == part)) {
        let section = part.on(&machine, &part.measure(shell, consent, &threads)?);
        // Each as soon as it is measured: a later one may fail.
        let earlier = fs::read_to_string(&path).unwrap_or_default();
        fs::write(&path, with(&earlier, part, &section)).with_context(|| format!("{}", path.display()))?;
        eprintln!("{}: {}", path.display(), part.heading().trim());
    }
    Ok(())
}

/// The tables with this section in the place of an earlier one.
fn with(tables: &str, new: Part, section: &str) -> String {
    let mut text = "# Benchmarks\n\nWritten by `cargo xtask bench`. Medians, one after the other.\n".to_owned();
    for part in Part::ALL {
        let section = if part == new { Some(section.to_owned()) } else { part.earlier(tables) };
        text.extend(section.map(|section| format!("\n{}\n", section.trim_end())));
    }
    text
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
    use super::{Part, beside, rounded, with};

    #[test]
    fn a_part_that_is_not_measured_again_stays() {
        let text = "# Benchmarks\n\n## Training\n\na\n\n## In a browser\n\nb\n\n## Helpers\n\nd\n\n## Kernels\n\nc\n";
        let sections = Part::ALL.map(|part| part.earlier(text).unwrap());
        let wanted = ["## Training\n\na\n", "## In a browser\n\nb\n", "## Helpers\n\nd\n", "## Kernels\n\nc\n"];
        assert_eq!(sections, wanted.map(str::to_owned));
        assert_eq!(Part::Kernels.on("a machine", "## Kernels\n\nc\n"), "## Kernels\n\nOn a machine.\n\nc\n");
        assert_eq!(Part::Browser.earlier("# Benchmarks\n\n## Training\n"), None);
        let replaced = with(text, Part::Helpers, "## Helpers\n\nnew\n");
        let sections = Part::ALL.map(|part| part.earlier(&replaced).unwrap());
        assert_eq!(sections[2], "## Helpers\n\nnew\n");
        assert_eq!([&sections[0], &sections[1], &sections[3]], [wanted[0], wanted[1], wanted[3]]);
        assert!(with("", Part::Kernels, "## Kernels\n").ends_with("\n\n## Kernels\n"));
    }

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
