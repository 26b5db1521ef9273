//! A compiler and a standard library for `wasm32-unknown-unknown`.
//!
//! Ordinarily rustup adds the target. Where it cannot (a machine that reaches package registries only) Debian's
//! `rustc-web` and `rust-web-src` bring a compiler and the library sources of one version; the library is then built
//! here, once, and put where that compiler looks for it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use xshell::{Cmd, Shell, cmd};

use crate::paths;

const TARGET: &str = "wasm32-unknown-unknown";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_RUSTLIB: &str = "/usr/lib/rustlib";
/// Where a compiler keeps its linker, below `rustlib`.
const LINKER: &str = "x86_64-unknown-linux-gnu/bin/rust-lld";

/// The compiler that builds for the browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WasmCompiler {
    /// The one that builds everything else too.
    Native,
    /// Debian's `rustc-web`.
    Debian,
}

impl WasmCompiler {
    /// Prepares a command that compiles for the browser: target directory and, where needed, compiler.
    pub fn apply<'a>(self, command: Cmd<'a>) -> Cmd<'a> {
        let command = command.env("CARGO_TARGET_DIR", paths::wasm_target());
        match self {
            Self::Native => command,
            Self::Debian => command.env("RUSTC", DEBIAN_RUSTC),
        }
    }
}

/// Finds a compiler for the browser, or installs one and says which and why.
///
/// # Errors
/// Neither rustup nor apt can install one.
pub fn ensure(shell: &Shell) -> Result<WasmCompiler> {
    let library =
        cmd!(shell, "rustc --print target-libdir --target {TARGET}").quiet().read().context("rustc: cannot be run")?;
    if has_core(Path::new(&library)) {
        return Ok(WasmCompiler::Native);
    }
    if debian_library_is_current(shell) {
        return Ok(WasmCompiler::Debian);
    }
    if cmd!(shell, "rustup target add {TARGET}").run().is_ok() {
        return Ok(WasmCompiler::Native);
    }
    if !Path::new("/usr/bin/apt-get").exists() {
        bail!("{TARGET}: rustup cannot add it; install it as your Rust distribution says and try again");
    }
    eprintln!("rustup cannot add {TARGET}: using Debian's rustc-web, for browser builds only");
    install_debian(shell).context("Debian's rustc-web (as root: apt-get install rustc-web rust-web-src)")?;
    Ok(WasmCompiler::Debian)
}

fn has_core(library: &Path) -> bool {
    rlibs(library).is_ok_and(|files| files.iter().any(|file| crate_of(file) == "core"))
}

/// The `.rlib` files of a folder.
fn rlibs(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("{}", folder.display()))?;
    let paths: Result<Vec<_>, _> = entries.map(|entry| entry.map(|e| e.path())).collect();
    let mut paths = paths?;
    paths.retain(|path| path.extension().is_some_and(|end| end == "rlib"));
    Ok(paths)
}

/// `core` of `libcore-0123456789abcdef.rlib`.
fn crate_of(rlib: &Path) -> &str {
    let stem = rlib.file_stem().and_then(|stem| stem.to_str());
    let stem = stem.and_then(|stem| stem.strip_prefix("lib")).unwrap_or("");
    stem.rsplit_once('-').map_or(stem, |(name, _hash)| name)
}

fn debian_library() -> PathBuf {
    Path::new(DEBIAN_RUSTLIB).join(TARGET).join("lib")
}

/// Names the compiler that built the library: after an upgrade of the package it must be built again.
fn stamp() -> PathBuf {
    debian_library().join("built-by")
}

fn debian_version(shell: &Shell) -> Result<String> {
    Ok(cmd!(shell, "{DEBIAN_RUSTC} -V").quiet().read()?)
}

fn linker_link() -> PathBuf {
    Path::new(DEBIAN_RUSTLIB).join(LINKER)
}

fn debian_library_is_current(shell: &Shell) -> bool {
    // A removed toolchain leaves its link dangling.
    if !linker_link().exists() {
        return false;
    }
    let built_by = fs::read_to_string(stamp());
    built_by.is_ok_and(|built_by| debian_version(shell).is_ok_and(|now| now == built_by))
}

fn install_debian(shell: &Shell) -> Result<()> {
    if !(Path::new(DEBIAN_RUSTC).exists() && Path::new(DEBIAN_RUSTLIB).join("src/rust").exists()) {
        cmd!(shell, "apt-get update -qq").run()?;
        let install = cmd!(shell, "apt-get install -y -qq --no-install-recommends rustc-web rust-web-src");
        install.env("DEBIAN_FRONTEND", "noninteractive").run()?;
    }
    link_linker(shell)?;
    let temporary = shell.create_temp_dir()?;
    let built = build_library(shell, temporary.path())?;
    let library = debian_library();
    fs::create_dir_all(&library).with_context(|| format!("{}", library.display()))?;
    for old in rlibs(&library)? {
        fs::remove_file(old)?;
    }
    for rlib in built {
        let name = rlib.file_name().context("a library without a name")?;
        fs::copy(&rlib, library.join(name))?;
    }
    // Last, so that a half-done copy is done again.
    fs::write(stamp(), debian_version(shell)?)?;
    Ok(())
}

/// Debian's compiler looks for the linker in a place that its package leaves empty; rustup's serves.
fn link_linker(shell: &Shell) -> Result<()> {
    let link = linker_link();
    if link.exists() {
        return Ok(());
    }
    let sysroot = cmd!(shell, "rustc --print sysroot").quiet().read()?;
    let linker = Path::new(&sysroot).join("lib/rustlib").join(LINKER);
    ensure!(linker.exists(), "{}: rustup's linker is missing", linker.display());
    let folder = link.parent().context("a link without a folder")?;
    cmd!(shell, "mkdir -p {folder}").run()?;
    cmd!(shell, "ln -sfn {linker} {link}").run()?;
    Ok(())
}

/// Compiles the standard library beside an empty crate in `folder`, which is outside the workspace so that the
/// workspace's settings have no say, and gives its files.
fn build_library(shell: &Shell, folder: &Path) -> Result<Vec<PathBuf>> {
    let manifest = "[package]\nname = \"empty\"\nversion = \"0.0.0\"\nedition = \"2021\"\n[workspace]\n";
    shell.write_file(folder.join("Cargo.toml"), manifest)?;
    shell.write_file(folder.join("src/lib.rs"), "")?;
    let _inside = shell.push_dir(folder);
    // `test` is what `cargo test` links; bitcode is what link-time optimisation needs.
    cmd!(shell, "cargo build --release -Z build-std=std,panic_abort,panic_unwind,proc_macro,test --target {TARGET}")
        .env("RUSTC", DEBIAN_RUSTC)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", "-C embed-bitcode=yes")
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .run()?;
    let mut built = rlibs(&folder.join("target").join(TARGET).join("release/deps"))?;
    built.retain(|rlib| crate_of(rlib) != "empty");
    Ok(built)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::crate_of;

    #[test]
    fn the_crate_of_a_library_file() {
        assert_eq!(crate_of(Path::new("/x/libcore-0123abcd.rlib")), "core");
        assert_eq!(crate_of(Path::new("libpanic_abort-12.rlib")), "panic_abort");
        assert_eq!(crate_of(Path::new("libempty.rlib")), "empty");
    }
}
