//! The micro-benchmarks of the kernels, in `shared/benches`.

use anyhow::Result;
use xshell::{Shell, cmd};

/// What they print.
pub fn section(shell: &Shell) -> Result<String> {
    // By `cargo test`: the packages and the profile that everything native is built with already.
    let bench = cmd!(shell, "cargo test --workspace --exclude tests --bench kernels -- --bench --color never");
    let text = bench.read()?;
    Ok(format!("## Kernels\n\n```text\n{}\n```\n", text.trim()))
}
