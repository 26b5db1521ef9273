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
    build_page(shell, Path::new("index.html"), &[], dist)
}

/// The same for another page, a path from the repository root, with more of trunk's options.
///
/// # Errors
/// As for [`build`].
pub fn build_page(shell: &Shell, page: &Path, options: &[&str], dist: &Path) -> Result<()> {
    let compiler = wasm_target::ensure(shell)?;
    tools::ensure(shell, &tools::all()?)?;
    // The public address is relative (Trunk.toml). trunk finds its tools on the path.
    let build = cmd!(shell, "trunk --skip-version-check build {options...} --dist {dist} {page}");
    compiler
        .apply(build)
        // trunk refuses NO_COLOR=1, the usual value: it wants a boolean.
        .env_remove("NO_COLOR")
        .run()
        .with_context(|| format!("{} could not be built", page.display()))
}
