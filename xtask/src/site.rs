//! Builds the page.

use std::fs;
use std::path::Path;
use std::thread;

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use crate::consent::Consent;
use crate::destination::{Destination, Surroundings};
use crate::stage::Stage;
use crate::{models, paths, tools, version, wasm_target};

/// How the page's programs are compiled, a profile of `Cargo.toml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Soon built.
    Demo,
    /// Small, for visitors to download.
    Site,
}

impl Profile {
    /// Its name in `Cargo.toml`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Demo => "demo",
            Self::Site => "site",
        }
    }

    /// What is soonest there for looking at: what an earlier build left, or else what builds soonest.
    #[must_use]
    pub fn soonest(target: &Path) -> Self {
        if Self::Site.is_built(target) && !Self::Demo.is_built(target) { Self::Site } else { Self::Demo }
    }

    /// Whether an earlier build of the programs came to its end below this target directory.
    #[must_use]
    pub fn is_built(self, target: &Path) -> bool {
        target.join(paths::WASM).join(self.name()).join("engine.wasm").is_file()
    }
}

/// Checks a folder, an absolute path, as the place for a site with the models of another folder.
///
/// # Errors
/// A [`crate::misuse::Misuse`]: the folder holds something that would be lost.
pub fn destination(folder: &Path, models: &Path) -> Result<Destination> {
    let (repository, target, unlisted) = (paths::root(), paths::target(), paths::dist());
    Destination::check(folder, &Surroundings { repository: &repository, target: &target, models, unlisted: &unlisted })
}

/// Installs what is missing, builds the site and puts it in its place, with the models of a folder.
///
/// # Errors
/// The folder has no models, a tool cannot be installed, the build fails, or the site cannot be put there. An earlier site is then left whole.
pub fn build(
    shell: &Shell,
    consent: Consent,
    profile: Profile,
    models: &Path,
    destination: &Destination,
) -> Result<()> {
    // Before the build: a wrong folder should not be found out after ten minutes.
    let list = models::list(models)?;
    let stage = Stage::new(&paths::target())?;
    prepare(shell, consent, profile)?;
    build_page(shell, consent, Path::new("index.html"), &["--cargo-profile", profile.name()], stage.folder())?;
    models::replace(models, &list, stage.folder())?;
    version::write(stage.folder())?;
    destination.put(stage.folder())?;
    if let Err(error) = fs::remove_dir_all(stage.folder()) {
        // The next build empties it.
        eprintln!("{}: cannot be deleted: {error}", stage.folder().display());
    }
    Ok(())
}

/// Installs the tools that are missing, and compiles the engine, which takes as long, at the same time: each leaves a core
/// idle at its end.
///
/// # Errors
/// A tool is missing and cannot be installed.
pub fn prepare(shell: &Shell, consent: Consent, profile: Profile) -> Result<()> {
    let compiler = wasm_target::ensure(shell, consent)?;
    let tools = tools::all()?;
    if tools::missing(shell, &tools).is_empty() {
        return Ok(());
    }
    thread::scope(|scope| {
        let beside = shell.clone();
        // As trunk will do (`index.html`), to find it done. What fails here fails there once more, and is told.
        scope.spawn(move || {
            let (target, profile) = (paths::WASM, profile.name());
            let build = cmd!(
                beside,
                "cargo build --package web --features engine,decoder --bin engine --target {target} --profile {profile}"
            );
            compiler.apply(build).run().ok()
        });
        tools::ensure(shell, &tools, &paths::tools())
    })
}

/// Builds a page, a path from the repository root, with more of trunk's options. The folder is emptied first.
///
/// # Errors
/// A tool cannot be installed or the build fails.
pub fn build_page(shell: &Shell, consent: Consent, page: &Path, options: &[&str], folder: &Path) -> Result<()> {
    let compiler = wasm_target::ensure(shell, consent)?;
    tools::ensure(shell, &tools::all()?, &paths::tools())?;
    // The public address is relative (Trunk.toml). trunk finds its tools on the path.
    let build = cmd!(shell, "trunk --skip-version-check build {options...} --dist {folder} {page}");
    compiler
        .apply(build)
        // trunk refuses NO_COLOR=1, the usual value: it wants a boolean.
        .env_remove("NO_COLOR")
        .run()
        .with_context(|| format!("{} could not be built", page.display()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::Profile;

    #[test]
    fn a_demo_takes_what_is_built_already() {
        let target = tempfile::TempDir::new().unwrap();
        let build = |profile: Profile| {
            let folder = target.path().join("wasm32-unknown-unknown").join(profile.name());
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("engine.wasm"), "").unwrap();
        };
        assert_eq!(Profile::soonest(target.path()), Profile::Demo);
        build(Profile::Site);
        assert!(Profile::Site.is_built(target.path()) && !Profile::Demo.is_built(target.path()));
        assert_eq!(Profile::soonest(target.path()), Profile::Site);
        build(Profile::Demo);
        assert_eq!(Profile::soonest(target.path()), Profile::Demo);
    }
}
