//! Debian's compiler for browsers, for a machine that reaches package registries only. Its packages `rustc-web` and
//! `rust-web-src` bring a compiler and the sources of the standard library, of one version. The library is built here,
//! once, below the target directory.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use xshell::{Cmd, Shell, cmd};

use crate::consent::{self, Consent};
use crate::paths::{self, WASM};

/// The compiler.
pub const RUSTC: &str = "/usr/bin/rustc";
const SOURCES: &str = "/usr/lib/rustlib/src/rust";
const PACKAGES: [&str; 2] = ["rustc-web", "rust-web-src"];
/// Has apt-get wait for another that is at work: systems bring themselves up to date at any time.
const PATIENT: [&str; 2] = ["-o", "DPkg::Lock::Timeout=600"];
/// Has dpkg leave it to the system when files are on the disk: a build machine that loses its power is made anew.
const CARELESS: &[&str] = &["-o", "DPkg::Options::=--force-unsafe-io"];

/// Whether this is a system with Debian's packages.
#[must_use]
pub fn is_here() -> bool {
    Path::new("/usr/bin/apt-get").exists()
}

/// Whether the compiler and the sources of its standard library are installed.
#[must_use]
pub fn has_sources() -> bool {
    Path::new(RUSTC).exists() && Path::new(SOURCES).exists()
}

/// Has a command use Debian's compiler for the browser.
pub fn apply<'a>(command: Cmd<'a>, linker: &Path) -> Cmd<'a> {
    let sysroot = sysroot();
    command
        .env("RUSTC", RUSTC)
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker)
        // Cargo adds these to the flags of .cargo/config.toml.
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", format!("--sysroot={}", sysroot.display()))
}

/// The linker for Debian's compiler, if its standard library has been built.
#[must_use]
pub fn current(shell: &Shell) -> Option<PathBuf> {
    let built_by = fs::read_to_string(stamp()).ok()?;
    (built_by == version(shell).ok()?).then(|| linker(shell).ok()).flatten()
}

/// Installs the packages, once this is allowed, and builds the standard library. Returns the linker for the compiler.
///
/// # Errors
/// The packages cannot be installed or nobody has allowed it, or the library cannot be built.
pub fn install(shell: &Shell, consent: Consent) -> Result<PathBuf> {
    if !has_sources() {
        let root = cmd!(shell, "id -u").quiet().read().is_ok_and(|id| id == "0");
        let command = allow(root, consent)?;
        cmd!(shell, "apt-get {PATIENT...} update -qq").run()?;
        let (program, arguments) = command.split_first().context("no command")?;
        let careless = if consent::on_build_machine() { CARELESS } else { &[] };
        cmd!(shell, "{program} {PATIENT...} {careless...} {arguments...}")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .run()?;
    }
    let linker = linker(shell)?;
    eprintln!("building the standard library for {WASM} by Debian's compiler (once, a minute)");
    let temporary = shell.create_temp_dir()?;
    let built = build_library(shell, temporary.path())?;
    let library = library();
    if library.exists() {
        fs::remove_dir_all(&library).with_context(|| format!("{}", library.display()))?;
    }
    fs::create_dir_all(&library).with_context(|| format!("{}", library.display()))?;
    for rlib in built {
        let name = rlib.file_name().context("a library without a name")?;
        fs::copy(&rlib, library.join(name))?;
    }
    // Last, so that a half-done copy is done again.
    fs::write(stamp(), version(shell)?)?;
    Ok(linker)
}

/// The command that installs the packages, after saying what it brings and why, and asking.
fn allow(root: bool, consent: Consent) -> Result<Vec<&'static str>> {
    let mut command = vec!["apt-get", "install", "-y", "--no-install-recommends"];
    command.extend(PACKAGES);
    let text = command.join(" ");
    if !root {
        bail!("Debian's compiler for browsers is not installed: run `sudo {text}`, then this again");
    }
    eprintln!("Debian's packages {} bring a compiler that can: `{text}`, as root", PACKAGES.join(" and "));
    if !consent.to("Install them?")? {
        bail!("Debian's compiler for browsers is not installed: run `{text}`, or this again with --yes");
    }
    Ok(command)
}

fn version(shell: &Shell) -> Result<String> {
    Ok(cmd!(shell, "{RUSTC} -V").quiet().read()?)
}

/// rustup's linker: Debian's package has none.
fn linker(shell: &Shell) -> Result<PathBuf> {
    let sysroot = cmd!(shell, "rustc --print sysroot").quiet().read()?;
    let host = cmd!(shell, "rustc -vV").quiet().read()?;
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc: does not name its host")?;
    let linker = Path::new(&sysroot).join("lib/rustlib").join(host).join("bin/rust-lld");
    ensure!(linker.exists(), "{}: rustup's linker is missing", linker.display());
    Ok(linker)
}

fn sysroot() -> PathBuf {
    paths::wasm_target().join("sysroot")
}

fn library() -> PathBuf {
    sysroot().join("lib/rustlib").join(WASM).join("lib")
}

/// Names the compiler that built the library: after an upgrade of the package it must be built again.
fn stamp() -> PathBuf {
    library().join("built-by")
}

/// Compiles the standard library beside an empty crate in `folder`, which is outside the workspace so that the
/// workspace's settings have no say, and gives its files.
fn build_library(shell: &Shell, folder: &Path) -> Result<Vec<PathBuf>> {
    let manifest = "[package]\nname = \"empty\"\nversion = \"0.0.0\"\nedition = \"2021\"\n[workspace]\n";
    shell.write_file(folder.join("Cargo.toml"), manifest)?;
    shell.write_file(folder.join("src/lib.rs"), "")?;
    let _inside = shell.push_dir(folder);
    // `test` is what `cargo test` links; bitcode is what link-time optimisation needs.
    cmd!(shell, "cargo build --release -Z build-std=std,panic_abort,panic_unwind,proc_macro,test --target {WASM}")
        .env("RUSTC", RUSTC)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", "-C embed-bitcode=yes")
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .run()?;
    let mut built = rlibs(&folder.join("target").join(WASM).join("release/deps"))?;
    built.retain(|rlib| crate_of(rlib) != "empty");
    Ok(built)
}

/// The `.rlib` files of a folder.
///
/// # Errors
/// The folder cannot be read.
pub fn rlibs(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("{}", folder.display()))?;
    let paths: Result<Vec<_>, _> = entries.map(|entry| entry.map(|e| e.path())).collect();
    let mut paths = paths?;
    paths.retain(|path| path.extension().is_some_and(|end| end == "rlib"));
    Ok(paths)
}

/// `core` of `libcore-0123456789abcdef.rlib`.
#[must_use]
pub fn crate_of(rlib: &Path) -> &str {
    let stem = rlib.file_stem().and_then(|stem| stem.to_str());
    let stem = stem.and_then(|stem| stem.strip_prefix("lib")).unwrap_or("");
    stem.rsplit_once('-').map_or(stem, |(name, _hash)| name)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{allow, crate_of};
    use crate::consent::Consent;

    #[test]
    fn the_crate_of_a_library_file() {
        assert_eq!(crate_of(Path::new("/x/libcore-0123abcd.rlib")), "core");
        assert_eq!(crate_of(Path::new("libpanic_abort-12.rlib")), "panic_abort");
        assert_eq!(crate_of(Path::new("libempty.rlib")), "empty");
    }

    #[test]
    fn packages_are_installed_only_by_root_and_when_allowed() {
        let command = "apt-get install -y --no-install-recommends rustc-web rust-web-src";
        assert_eq!(allow(true, Consent::Given).unwrap().join(" "), command);
        let unasked = format!("{:#}", allow(true, Consent::Refused).unwrap_err());
        assert!(unasked.contains(&format!("`{command}`")) && unasked.contains("--yes"), "{unasked}");
        // Not even --yes makes anyone root.
        let user = format!("{:#}", allow(false, Consent::Given).unwrap_err());
        assert!(user.contains(&format!("`sudo {command}`")) && !user.contains('\n'), "{user}");
    }
}
