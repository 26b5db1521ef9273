//! Every test of the project, the quickest to fail first.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use xshell::{Cmd, Shell, cmd};

use crate::consent::Consent;
use crate::site::Profile;
use crate::{forecast, kernel_tests, needs, paths, programs, site, test_programs, tools, wasm_target};

/// Runs all parts in order and stops at the first that fails.
///
/// # Errors
/// A part failed.
pub fn run(shell: &Shell, consent: Consent) -> Result<()> {
    needs::check_tests(shell)?;
    let destination = site::destination(&paths::dist(), &paths::models())?;
    forecast::tell(shell, Profile::Site)?;
    part("format", || Ok(cmd!(shell, "cargo fmt --all --check").run()?))?;
    let mut programs = Vec::new();
    part("lints and native build", || {
        let build = linted(native_tests(shell)).args(["--all-targets", "--no-run"]);
        programs = test_programs::among(&build.arg("--message-format=json-render-diagnostics").read()?);
        ensure!(!programs.is_empty(), "Cargo has built no tests");
        Ok(())
    })?;
    part("native tests", || test_programs::run(std::mem::take(&mut programs)))?;
    part("examples in documentation", || Ok(linted(native_tests(shell)).arg("--doc").run()?))?;
    part("WebAssembly tests", || wasm_tests(shell, consent))?;
    // After the tests for browsers: they bring the compiler that NEON may need too.
    part("kernels", || kernel_tests::run(shell))?;
    part("site", || {
        // What brings tools, which are not ours to lint, was done for the tests for browsers.
        let _lints = LINTS.map(|(name, value)| shell.push_env(name, value));
        site::build(shell, consent, Profile::Site, &paths::models(), &destination)
    })?;
    part("end-to-end tests", || {
        // `tests` does not depend on Burn: it runs the trainer and the page that the parts before have built. More at once
        // than cores: they wait for browsers, which start in turn.
        Ok(linted(cmd!(shell, "cargo test --package tests -- --test-threads=16")).run()?)
    })
}

/// Builds what the native tests run, the trainer among it.
///
/// # Errors
/// It does not compile.
pub fn build_native(shell: &Shell) -> Result<()> {
    Ok(native_tests(shell).arg("--no-run").run()?)
}

/// The tests of all packages but `tests`, which runs programs that must be there by then.
///
/// The only native build: another command or selection of packages would give Burn other features and build it again. It
/// makes the trainer's program too, which the end-to-end tests run.
fn native_tests(shell: &Shell) -> Cmd<'_> {
    let features = native_features();
    cmd!(shell, "cargo test --workspace --exclude tests {features...}")
}

/// What makes Clippy the compiler of the project's own packages.
const LINTS: [(&str, &str); 2] =
    [("RUSTC_WORKSPACE_WRAPPER", "clippy-driver"), ("CLIPPY_ARGS", "-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__")];

/// Compiles the project's own packages by Clippy, whose warnings are errors.
///
/// `cargo clippy` only checks, and would check every dependency beside building it. As the compiler of a build, which is
/// how `cargo clippy` itself calls it, Clippy lints what is built anyway.
fn linted(cargo: Cmd<'_>) -> Cmd<'_> {
    cargo.envs(LINTS)
}

/// Trainings on several machines are built and tested where there is an MPI library.
fn native_features() -> &'static [&'static str] {
    if programs::find("mpicc").is_some() {
        return &["--features", "trainer/mpi"];
    }
    eprintln!("not run here: trainings on several machines: this machine has no mpicc");
    &[]
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
    tools::ensure(shell, &tools::all()?, &paths::tools())?;
    // The site's profile: most dependencies are then built once for both.
    let driver = programs::find("chromedriver").context("chromedriver: not on the path; install it with Chromium")?;
    let target = paths::WASM;
    let test = cmd!(
        shell,
        "cargo test --profile site --target {target} --package cpu-kernels --package shared --test kernels --test noise_everywhere"
    );
    // The browser leaves its files behind.
    let files = shell.create_temp_dir()?;
    let test = compiler.apply(test).env("CHROMEDRIVER", driver).env("TMPDIR", files.path());
    Ok(linted(test).env("WASM_BINDGEN_USE_BROWSER", "1").run()?)
}
