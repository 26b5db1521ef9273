//! Builds the page.

use std::path::Path;

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use crate::{tools, wasm_target};

/// Installs what is missing and builds the site, an optimised build, into `dist`.
///
/// # Errors
/// A tool cannot be installed or the build fails.
pub fn build(shell: &Shell, dist: &Path) -> Result<()> {
    let compiler = wasm_target::ensure(shell)?;
    tools::ensure(shell)?;
    // The public address is relative (Trunk.toml). trunk finds wasm-bindgen on the path and downloads nothing.
    let build = cmd!(shell, "trunk --skip-version-check build --dist {dist}");
    compiler
        .apply(build)
        // trunk refuses NO_COLOR=1, the usual value: it wants a boolean.
        .env_remove("NO_COLOR")
        .run()
        .context("the site could not be built")
}
