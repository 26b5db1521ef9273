//! The kernels' own tests: at every vector width of this machine with every check of the compiler, under
//! AddressSanitizer, and, by an emulator, with the NEON vectors of phones and of Apple's machines.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use xshell::{Cmd, Shell, cmd};

use crate::{consent, debian, paths};

const HOST: &str = "x86_64-unknown-linux-gnu";
const NEON: &str = "aarch64-unknown-linux-gnu";
const NEON_LINKER: &str = "aarch64-linux-gnu-gcc";
const NEON_EMULATOR: &str = "qemu-aarch64-static";

/// Runs them. What a machine lacks for the sanitizer or the emulator is told and left out; on a build machine it is an error.
///
/// # Errors
/// A test failed.
pub fn run(shell: &Shell) -> Result<()> {
    cmd!(shell, "cargo test --package cpu-kernels --profile checked").run()?;
    for (what, tests) in [("AddressSanitizer", sanitized(shell)), ("NEON", neon(shell))] {
        match tests {
            Ok(tests) => tests.run().with_context(|| format!("failed: kernels, {what}"))?,
            Err(lack) if consent::on_build_machine() => return Err(lack.context(format!("kernels, {what}"))),
            Err(lack) => eprintln!("not run here: kernels, {what}: {lack:#}"),
        }
    }
    Ok(())
}

/// The tests with every access to memory checked, or what this machine lacks for them.
fn sanitized(shell: &Shell) -> Result<Cmd<'_>> {
    let libraries = cmd!(shell, "rustc --print target-libdir --target {HOST}").quiet().ignore_stderr().read()?;
    let runtime = Path::new(&libraries).read_dir().with_context(|| format!("{HOST}: no standard library"))?;
    let mut names = runtime.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    ensure!(names.any(|name| name.contains("_rt.asan")), "this compiler has no AddressSanitizer for {HOST}");
    let target = paths::target().join("sanitized");
    let test = cmd!(shell, "cargo test --package cpu-kernels --profile checked --target {HOST} --lib --tests");
    // The sanitizer's flag counts as unstable; what it finds does not depend on that.
    Ok(test.env("CARGO_TARGET_DIR", target).env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", "-Zsanitizer=address"))
}

/// The tests compiled for 64-bit ARM and run by an emulator, or what this machine lacks for them.
fn neon(shell: &Shell) -> Result<Cmd<'_>> {
    for program in [NEON_LINKER, NEON_EMULATOR] {
        let there = cmd!(shell, "{program} --version").quiet().ignore_stdout().ignore_stderr().run().is_ok();
        ensure!(there, "{program} is missing (Debian: gcc-aarch64-linux-gnu, libc6-dev-arm64-cross, qemu-user-static)");
    }
    // Without the target's library, which rustup adds, it is built beside the tests by the compiler whose sources are here.
    let build = if has_library(shell)? || cmd!(shell, "rustup target add {NEON}").run().is_ok() {
        None
    } else {
        ensure!(debian::has_sources(), "rustup cannot add {NEON} (Debian: rustc-web, rust-web-src)");
        Some("-Zbuild-std=std,panic_abort,panic_unwind,proc_macro,test")
    };
    let test =
        cmd!(shell, "cargo test {build...} --package cpu-kernels --profile checked --target {NEON} --lib --tests");
    let test = if build.is_some() { test.env("RUSTC", debian::RUSTC).env("RUSTC_BOOTSTRAP", "1") } else { test };
    let variable = |what: &str| format!("CARGO_TARGET_{}_{what}", NEON.to_uppercase().replace('-', "_"));
    Ok(test
        .env("CARGO_TARGET_DIR", paths::target().join("neon"))
        .env(variable("LINKER"), NEON_LINKER)
        .env(variable("RUNNER"), format!("{NEON_EMULATOR} -L /usr/aarch64-linux-gnu")))
}

/// Whether the compiler has the standard library for 64-bit ARM.
fn has_library(shell: &Shell) -> Result<bool> {
    let library = cmd!(shell, "rustc --print target-libdir --target {NEON}").quiet().ignore_stderr().read()?;
    Ok(Path::new(&library).is_dir())
}
