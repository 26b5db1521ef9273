//! The micro-benchmarks of the kernels, at every vector width of this machine.

use anyhow::Result;
use xshell::{Shell, cmd};

/// What they print.
pub fn section(shell: &Shell) -> Result<String> {
    let bench = cmd!(shell, "cargo bench --package cpu-kernels --bench kernels -- --color never");
    let text = bench.read()?;
    Ok(format!("## Kernels\n\n```text\n{}\n```\n", text.trim()))
}
