//! Installs the build tools that are missing.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result, anyhow, bail};
use xshell::{Shell, cmd};

use crate::cargo_failure::{Cause, explain};
use crate::paths;

/// 0.22 needs a newer compiler than this project's.
const TRUNK: &str = "0.21.14";

/// What counts is how soon they are there; trunk itself asks for the slowest kind of build. At level 1 wasm-bindgen takes
/// three seconds for the engine instead of eleven, but three quarters of a minute more to build.
const QUICK: [(&str, &str); 4] = [
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "256"),
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0"),
    ("CARGO_PROFILE_RELEASE_DEBUG", "0"),
];

/// A program that cargo can install.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// Its name on the path.
    pub program: &'static str,
    /// The package it is in.
    pub package: &'static str,
    /// The version that this project needs.
    pub version: String,
}

/// What this project needs: trunk, and wasm-bindgen with its test runner.
///
/// # Errors
/// `Cargo.lock` has no wasm-bindgen.
pub fn all() -> Result<[Tool; 2]> {
    let lock = paths::root().join("Cargo.lock");
    let text = fs::read_to_string(&lock).with_context(|| format!("{}", lock.display()))?;
    // The tool and the library speak a private format: only the same version works.
    let version =
        locked_version(&text, "wasm-bindgen").with_context(|| format!("{}: has no wasm-bindgen", lock.display()))?;
    Ok([
        Tool { program: "trunk", package: "trunk", version: TRUNK.to_owned() },
        Tool { program: "wasm-bindgen", package: "wasm-bindgen-cli", version: version.to_owned() },
    ])
}

/// Those that are not on the path in the version that this project needs.
#[must_use]
pub fn missing<'a>(shell: &Shell, tools: &'a [Tool]) -> Vec<&'a Tool> {
    tools.iter().filter(|tool| installed(shell, tool).as_ref() != Some(&tool.version)).collect()
}

/// Puts the tools that are missing into `bin` in this place, which is on the shell's path, beside each other.
///
/// # Errors
/// A tool is missing and cannot be installed.
pub fn ensure(shell: &Shell, tools: &[Tool], place: &Path) -> Result<()> {
    let missing = missing(shell, tools);
    let prebuilt = !missing.is_empty() && cmd!(shell, "cargo binstall -V").quiet().ignore_stderr().read().is_ok();
    thread::scope(|scope| {
        let start = |tool: &'_ Tool| {
            let (tool, shell) = (tool.clone(), shell.clone());
            scope.spawn(move || install(&shell, &tool, place, prebuilt))
        };
        let installs: Vec<_> = missing.into_iter().map(start).collect();
        let end = |install: thread::ScopedJoinHandle<'_, Result<()>>| {
            install.join().unwrap_or_else(|_| Err(anyhow!("a thread panicked")))
        };
        // All of them end before the first failure is told.
        let ended: Vec<Result<()>> = installs.into_iter().map(end).collect();
        ended.into_iter().collect()
    })
}

/// The version of a tool on the path.
fn installed(shell: &Shell, tool: &Tool) -> Option<String> {
    let program = tool.program;
    let output = cmd!(shell, "{program} --version").quiet().ignore_stderr().read().ok()?;
    output.split_whitespace().nth(1).map(str::to_owned)
}

fn install(shell: &Shell, tool: &Tool, place: &Path, prebuilt: bool) -> Result<()> {
    let Tool { program, package, version } = tool;
    if let Some(other) = installed(shell, tool) {
        eprintln!("{program} {other} stays; this project needs {version}, which goes to {}", place.display());
    }
    if !(prebuilt && install_prebuilt(shell, tool, place)) {
        build(shell, tool, place)?;
    }
    match installed(shell, tool) {
        Some(now) if now == *version => Ok(()),
        _ => bail!("{package} {version}: installed in {}, but cannot be run", place.display()),
    }
}

fn install_prebuilt(shell: &Shell, tool: &Tool, place: &Path) -> bool {
    let Tool { package, version, .. } = tool;
    eprintln!("installing {package} {version} by cargo binstall");
    let done =
        cmd!(shell, "cargo binstall --no-confirm --root {place} --disable-strategies compile {package}@{version}")
            .env("BINSTALL_DISABLE_TELEMETRY", "true")
            .run()
            .is_ok();
    if !done {
        eprintln!("{package} {version} is not to be had prebuilt: building it");
    }
    done
}

fn build(shell: &Shell, tool: &Tool, place: &Path) -> Result<()> {
    let Tool { package, version, .. } = tool;
    eprintln!("building {package} {version} (once, some minutes)");
    // Without TLS: trunk finds every other tool on the path and downloads none, and the test runner's browser is on this
    // machine. One that was broken off may lie there.
    let install = |locked: Option<&str>| {
        let command = cmd!(
            shell,
            "cargo install --force --root {place} {locked...} {package} --version {version} --no-default-features"
        );
        // Not among the project's own parts: tools built at once would wait for each other there, and nothing would be deleted.
        // Nor are they ours to lint.
        let command = command.env_remove("CARGO_TARGET_DIR").env_remove("RUSTC_WORKSPACE_WRAPPER");
        run_and_keep(command.envs(QUICK).into())
    };
    let Err(written) = install(Some("--locked"))? else { return Ok(()) };
    if Cause::of(&written) != Cause::LockFile {
        bail!("{package} {version}: cannot be installed: {}", explain(&written));
    }
    eprintln!("{package} {version}: {}: building it with others", explain(&written));
    let Err(written) = install(None)? else { return Ok(()) };
    bail!("{package} {version}: cannot be installed: {}", explain(&written))
}

/// Runs a command whose errors are shown as they come, and gives them where it fails.
fn run_and_keep(mut command: Command) -> Result<Result<(), String>> {
    command.stderr(Stdio::piped());
    let mut child = command.spawn().context("cargo: cannot be run")?;
    let pipe = child.stderr.take().context("cargo: has no output")?;
    let mut kept = String::new();
    // By lines: cargo draws its progress bar on terminals only.
    for line in BufReader::new(pipe).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        eprintln!("{line}");
        kept.push_str(&line);
        kept.push('\n');
    }
    let ended = child.wait()?;
    Ok(if ended.success() { Ok(()) } else { Err(kept) })
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
