//! Installs the build tools that are missing.

use std::fs;

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use crate::paths;

/// 0.22 needs a newer compiler than this project's.
const TRUNK: &str = "0.21.14";

/// Puts trunk and wasm-bindgen (with its test runner) on the path, in the versions that this project needs.
///
/// # Errors
/// A tool is missing and cannot be installed, or `Cargo.lock` has no wasm-bindgen.
pub fn ensure(shell: &Shell) -> Result<()> {
    let lock = paths::root().join("Cargo.lock");
    let text = fs::read_to_string(&lock).with_context(|| format!("{}", lock.display()))?;
    let wasm_bindgen =
        locked_version(&text, "wasm-bindgen").with_context(|| format!("{}: has no wasm-bindgen", lock.display()))?;
    install(shell, "trunk", "trunk", TRUNK)?;
    // The tool and the library speak a private format: only the same version works.
    install(shell, "wasm-bindgen", "wasm-bindgen-cli", wasm_bindgen)
}

fn install(shell: &Shell, program: &str, package: &str, version: &str) -> Result<()> {
    let found = cmd!(shell, "{program} --version").quiet().ignore_stderr().read();
    if found.is_ok_and(|output| output.split_whitespace().nth(1) == Some(version)) {
        return Ok(());
    }
    eprintln!("installing {package} {version} (once, several minutes)");
    // trunk asks for the slowest kind of build, five times the time for nothing that this project would notice.
    let quick = [
        ("CARGO_PROFILE_RELEASE_LTO", "off"),
        ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
        ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1"),
    ];
    let locked = cmd!(shell, "cargo install --locked {package} --version {version}").envs(quick);
    if locked.run().is_ok() {
        return Ok(());
    }
    eprintln!("{package}'s own Cargo.lock cannot be met here (a registry copy that lags behind?): trying without it");
    cmd!(shell, "cargo install {package} --version {version}")
        .envs(quick)
        .run()
        .with_context(|| format!("{package} {version}: cannot be installed"))
}

/// The version of a package in the text of a `Cargo.lock`.
fn locked_version<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name);
    let version = lines.nth(1)?;
    version.strip_prefix("version = \"")?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::locked_version;

    const LOCK: &str = "[[package]]\nname = \"wasm-bindgen-futures\"\nversion = \"0.4.80\"\n\n\
                        [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n";

    #[test]
    fn the_version_is_that_of_the_exact_name() {
        assert_eq!(locked_version(LOCK, "wasm-bindgen"), Some("0.2.130"));
        assert_eq!(locked_version(LOCK, "wasm"), None);
    }
}
