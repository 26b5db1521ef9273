//! Every test of the project, the quickest to fail first.

use std::time::Instant;

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use crate::consent::Consent;
use crate::site::Profile;
use crate::{forecast, kernel_tests, needs, paths, programs, site, tools, wasm_target};

/// Runs all parts in order and stops at the first that fails.
///
/// # Errors
/// A part failed.
pub fn run(shell: &Shell, consent: Consent) -> Result<()> {
    needs::check_tests(shell)?;
    let destination = site::destination(&paths::dist(), &paths::root().join("models"))?;
    forecast::tell(shell, Profile::Site)?;
    part("format", || Ok(cmd!(shell, "cargo fmt --all --check").run()?))?;
    let features = native_features();
    part("lints", || Ok(cmd!(shell, "cargo clippy --workspace --all-targets {features...} -- -D warnings").run()?))?;
    part("native tests", || {
        // The only native build: another command or selection of packages would give Burn other features and build it
        // again. It makes the trainer's program too, which the end-to-end tests run.
        Ok(cmd!(shell, "cargo test --workspace --exclude tests {features...}").run()?)
    })?;
    part("WebAssembly tests", || wasm_tests(shell, consent))?;
    // After the tests for browsers: they bring the compiler that NEON may need too.
    part("kernels", || kernel_tests::run(shell))?;
    part("site", || site::build(shell, consent, Profile::Site, None, &destination))?;
    part("end-to-end tests", || {
        // `tests` does not depend on Burn: it runs the trainer and the page that the parts before have built. More at once
        // than cores: they wait for browsers, which start in turn.
        Ok(cmd!(shell, "cargo test --package tests -- --test-threads=16").run()?)
    })
}

/// Builds what the native tests run, the trainer among it: the same selection of packages, so that nothing is built
/// twice.
///
/// # Errors
/// It does not compile.
pub fn build_native(shell: &Shell) -> Result<()> {
    let features = native_features();
    Ok(cmd!(shell, "cargo test --workspace --exclude tests {features...} --no-run").run()?)
}

/// Trainings on several machines are built and tested where there is an MPI library.
fn native_features() -> &'static [&'static str] {
    if programs::find("mpicc").is_some() { &["--features", "trainer/mpi"] } else { &[] }
}

fn part(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    eprintln!("\n=== {name} ===");
    let begin = Instant::now();
    work().with_context(|| format!("failed: {name}"))?;
    eprintln!("=== {name}: {} s ===", begin.elapsed().as_secs());
    Ok(())
}

/// The tests of `shared` and `cpu-kernels` that are marked for WebAssembly, in headless Chromium.
fn wasm_tests(shell: &Shell, consent: Consent) -> Result<()> {
    let compiler = wasm_target::ensure(shell, consent)?;
    tools::ensure(shell, &tools::all()?)?;
    // The site's profile: most dependencies are then built once for both.
    let driver = programs::find("chromedriver").context("chromedriver: not on the path; install it with Chromium")?;
    let test = cmd!(
        shell,
        "cargo test --profile site --target wasm32-unknown-unknown --package cpu-kernels --package shared --test kernels --test noise_everywhere"
    );
    // The browser leaves its files behind.
    let files = shell.create_temp_dir()?;
    let test = compiler.apply(test).env("CHROMEDRIVER", driver).env("TMPDIR", files.path());
    Ok(test.env("WASM_BINDGEN_USE_BROWSER", "1").run()?)
}
