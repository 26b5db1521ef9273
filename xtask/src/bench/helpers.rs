//! A run of the page on the CPU, with helpers beside the engine.

use std::fmt::Write;

use anyhow::{Context, Result};
use serde_json::Value;
use xshell::{Shell, cmd};

use super::{number, rounded};
use crate::consent::Consent;
use crate::programs::executable;
use crate::site::Profile;
use crate::{paths, site};

const MODEL: &str = "fashion";
const COUNT: &str = "16";

/// A table.
pub fn section(shell: &Shell, consent: Consent) -> Result<String> {
    let destination = site::destination(&paths::dist(), &paths::models())?;
    site::build(shell, consent, Profile::Site, &paths::models(), &destination)?;
    // Built now, so that nothing compiles beside a measurement.
    cmd!(shell, "cargo build --package tests --bin helpers").run()?;
    let program = paths::target().join("debug").join(executable("helpers"));
    let text = cmd!(shell, "{program} {MODEL} {COUNT}").env("RUST_BACKTRACE", "0").read()?;
    let mut table = String::new();
    let mut alone = None;
    for line in text.lines() {
        let measured: Value = serde_json::from_str(line).context("helpers: no JSON")?;
        let seconds = number(&measured["seconds"])?;
        let alone = *alone.get_or_insert(seconds);
        writeln!(
            table,
            "| {} | {} | {:.2} | {} |",
            measured["helpers"],
            rounded(seconds),
            alone / seconds,
            rounded(number(&measured["megabytes"])?)
        )?;
    }
    Ok(format!(
        "## Helpers\n\n{COUNT} pictures of `{MODEL}` in headless Chromium, settings as the page has them, on the CPU. Each helper \
         is a worker with the engine's program and its own copy of the model; memory is that of all their WebAssembly.\n\n\
         | helpers beside the engine | s | times as fast | MB |\n| --- | --- | --- | --- |\n{table}"
    ))
}
