//! Every test of the project, the quickest to fail first.

use std::time::Instant;

use anyhow::{Context, Result};
use xshell::{Cmd, Shell, cmd};

use crate::consent::Consent;
use crate::site::Profile;
use crate::test_programs::TestProgram;
use crate::{forecast, kernel_tests, needs, paths, programs, site, test_programs, wasm_target};

/// Runs all parts in order and stops at the first that fails.
///
/// # Errors
/// A part failed.
pub fn run(shell: &Shell, consent: Consent) -> Result<()> {
    needs::check_tests(shell)?;
    let destination = site::destination(&paths::dist(), &paths::models())?;
    forecast::tell(shell, Profile::Site)?;
    let mut programs = lint_and_build(shell)?;
    let end_to_end = programs.iter().position(|program| program.name == END_TO_END);
    let end_to_end = programs.remove(end_to_end.with_context(|| format!("Cargo has not built {END_TO_END}"))?);
    part("native tests", || test_programs::run(programs))?;
    part("tools and engine", || {
        let _lints = LINTS.map(|(name, value)| shell.push_env(name, value));
        site::prepare(shell, consent, Profile::Site)
    })?;
    part("WebAssembly tests", || wasm_tests(shell, consent))?;
    // After the tests for browsers: they bring the compiler that NEON may need too.
    part("kernels", || kernel_tests::run(shell))?;
    part("site", || {
        let _lints = LINTS.map(|(name, value)| shell.push_env(name, value));
        site::build(shell, consent, Profile::Site, &paths::models(), &destination)
    })?;
    part("end-to-end tests", || {
        // They run the trainer and the page that the parts before have built. More at once than cores: they wait for
        // browsers, which start in turn.
        let (program, folder) = (&end_to_end.executable, &end_to_end.folder);
        let _inside = shell.push_dir(folder);
        // As Cargo has it.
        let test = cmd!(shell, "{program} --test-threads=16").env("CARGO_MANIFEST_DIR", folder);
        Ok(test.run()?)
    })
}

/// The first two parts, which need nothing of this machine but Rust, a linker and, where there is to be MPI, its library.
///
/// # Errors
/// A part failed.
pub fn lint_and_build(shell: &Shell) -> Result<Vec<TestProgram>> {
    part("format", || Ok(cmd!(shell, "cargo fmt --all --check").run()?))?;
    let mut programs = Vec::new();
    part("lints and native build", || {
        let build = linted(native_tests(shell)).args(["--all-targets", "--no-run"]);
        programs = test_programs::among(&build.arg("--message-format=json-render-diagnostics").read()?);
        Ok(())
    })?;
    Ok(programs)
}

/// The tests that run what the other parts build, as [`TestProgram`] names them.
const END_TO_END: &str = "tests, e2e";

/// Builds what the native tests run, the trainer among it.
///
/// # Errors
/// It does not compile.
pub fn build_native(shell: &Shell) -> Result<()> {
    Ok(native_tests(shell).arg("--no-run").run()?)
}

/// The tests of all packages. There are no examples in documentation that Cargo would have to test by themselves: a test
/// says so.
///
/// The only native build: another command or selection of packages would give some packages other features and build
/// them again, and all that depends on them. It makes the trainer's program too, which the end-to-end tests run.
fn native_tests(shell: &Shell) -> Cmd<'_> {
    let features = native_features();
    cmd!(shell, "cargo test --workspace {features...}")
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
    // The site's profile, and its packages and features: what they need is then built once for both.
    let driver = programs::find("chromedriver").context("chromedriver: not on the path; install it with Chromium")?;
    let target = paths::WASM;
    let test = cmd!(
        shell,
        "cargo test --profile site --target {target} --package web --package shared --package cpu-kernels --no-default-features --features web/engine,web/decoder --test kernels --test noise_everywhere"
    );
    // The browser leaves its files behind.
    let files = shell.create_temp_dir()?;
    let test = compiler.apply(test).env("CHROMEDRIVER", driver).env("TMPDIR", files.path());
    Ok(linted(test).env("WASM_BINDGEN_USE_BROWSER", "1").run()?)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::paths;

    #[test]
    fn documentation_has_no_examples_to_be_tested() {
        let packages = ["shared", "tests", "trainer", "web", "xtask"];
        let mut folders = packages.map(|package| paths::root().join(package)).to_vec();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|end| end == "rs") {
                    let text = fs::read_to_string(&path).unwrap();
                    let words = text.lines().map(|line| line.trim().trim_start_matches(['/', '!']).trim());
                    // Every other one begins a block.
                    let mut blocks = words.filter(|words| words.starts_with("```")).step_by(2);
                    assert!(blocks.all(|begin| begin == "```text"), "{}: an example", path.display());
                }
            }
        }
    }
}
