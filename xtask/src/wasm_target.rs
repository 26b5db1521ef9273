//! A compiler and a standard library for `wasm32-unknown-unknown`. Ordinarily rustup adds the target. Where it cannot,
//! Debian has a compiler for it (see [`crate::debian`]).

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use xshell::{Cmd, Shell, cmd};

use crate::consent::Consent;
use crate::paths::{self, WASM};
use crate::{debian, programs};

/// The compiler that builds for the browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WasmCompiler {
    /// The one that builds everything else too.
    Native,
    /// Debian's `rustc-web`, with this linker.
    Debian(PathBuf),
}

impl WasmCompiler {
    /// Prepares a command that compiles for the browser: target directory and, where needed, compiler.
    pub fn apply<'a>(&self, command: Cmd<'a>) -> Cmd<'a> {
        let command = command
            .env("CARGO_TARGET_DIR", paths::wasm_target())
            // These would replace the flags of `.cargo/config.toml`: the page would have no vectors.
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS");
        match self {
            Self::Native => command,
            Self::Debian(linker) => debian::apply(command, linker),
        }
    }
}

/// Finds a compiler for the browser, or installs one and says which and why.
///
/// # Errors
/// Neither rustup nor apt can install one, or nobody has allowed it.
pub fn ensure(shell: &Shell, consent: Consent) -> Result<WasmCompiler> {
    if is_native(shell)? {
        return Ok(WasmCompiler::Native);
    }
    if let Some(linker) = debian::current(shell) {
        return Ok(WasmCompiler::Debian(linker));
    }
    let rustup = programs::find("rustup").is_some();
    if rustup && cmd!(shell, "rustup target add {WASM}").run().is_ok() {
        return Ok(WasmCompiler::Native);
    }
    let reason = if rustup { "rustup cannot add it" } else { "there is no rustup to add it (https://rustup.rs)" };
    if !debian::is_here() {
        bail!("{WASM}: {reason}; install it as your Rust distribution says and try again");
    }
    eprintln!("{WASM}, without which nothing is compiled for a browser: {reason}");
    debian::install(shell, consent).map(WasmCompiler::Debian)
}

/// Whether the compiler of everything else has the target.
///
/// # Errors
/// There is no compiler.
pub fn is_native(shell: &Shell) -> Result<bool> {
    let library =
        cmd!(shell, "rustc --print target-libdir --target {WASM}").quiet().read().context("rustc: cannot be run")?;
    Ok(debian::rlibs(Path::new(&library)).is_ok_and(|files| files.iter().any(|file| debian::crate_of(file) == "core")))
}
