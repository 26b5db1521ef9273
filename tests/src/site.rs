//! A copy of the built site that a test may damage, served from a sub-path.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::Value;
use tempfile::TempDir;
use xtask::{paths, serve, version};

use crate::{
    host::{self, Habit, Habits},
    trainer,
};

/// The model that the tests train.
pub const SMALL: &str = "small";

/// A served copy of the built site whose only model is [`SMALL`].
#[derive(Debug)]
pub struct Site {
    folder: TempDir,
    server: serve::Server,
    habits: Habits,
}

impl Site {
    /// Copies and serves the site.
    ///
    /// # Errors
    /// The site or the trainer has not been built, or the model cannot be trained.
    pub fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        copy_site(folder.path())?;
        let models = folder.path().join("models");
        // The tests must not depend on which models the site has.
        if models.exists() {
            fs::remove_dir_all(&models)?;
        }
        copy(small_model()?, &models.join(SMALL))?;
        fs::write(
            models.join("index.json"),
            format!(r#"{{"models": [{{"name": "{SMALL}", "title": "Small", "recorded": true}}]}}"#),
        )?;
        Self::serve(folder)
    }

    /// Serves the site as it was built, with its own models.
    ///
    /// # Errors
    /// The site has not been built.
    pub fn as_built() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        copy_site(folder.path())?;
        Self::serve(folder)
    }

    /// Serves the site with these of the published models and no others.
    ///
    /// # Errors
    /// The site has not been built, or has no such model.
    pub fn with(names: &[&str]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        copy_site(folder.path())?;
        let path = folder.path().join("models/index.json");
        let mut list: Value = serde_json::from_slice(&fs::read(&path)?)?;
        let models = list["models"].as_array_mut().context("a list of models")?;
        models.retain(|model| names.iter().any(|name| model["name"] == **name));
        ensure!(models.len() == names.len(), "{}: not all of {names:?} are there", path.display());
        fs::write(&path, list.to_string())?;
        Self::serve(folder)
    }

    fn serve(folder: TempDir) -> Result<Self> {
        version::write(folder.path())?;
        let habits = Habits::default();
        let server = host::serve(serve::bind(0)?, folder.path(), "/some/where/", habits.clone())?;
        Ok(Self { folder, server, habits })
    }

    /// Has the host do this from now on.
    pub fn behave(&self, habit: Habit) {
        self.habits.set(habit);
    }

    /// Makes what the site is now a version of its own, and gives its name.
    ///
    /// # Errors
    /// The site cannot be read.
    pub fn publish(&self) -> Result<String> {
        version::write(self.folder.path())
    }

    /// Replaces a text in a file of the site, which must have it.
    ///
    /// # Errors
    /// It has not.
    pub fn edit(&self, file: &str, from: &str, to: &str) -> Result<()> {
        let path = self.path(file);
        let text = fs::read_to_string(&path)?;
        ensure!(text.contains(from), "{file} has no {from:?}");
        Ok(fs::write(path, text.replacen(from, to, 1))?)
    }

    /// The page's address with a query.
    #[must_use]
    pub fn url(&self, query: &str) -> String {
        format!("{}{query}", self.server.url())
    }

    /// A file or folder of the site.
    #[must_use]
    pub fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    /// Has this JavaScript run in the worker before the engine starts.
    ///
    /// # Errors
    /// The site has no engine.
    pub fn before_engine(&self, script: &str) -> Result<()> {
        let loader = self.path("engine_loader.js");
        let code = fs::read_to_string(&loader)?;
        let start = code.find("await init").context("engine_loader.js: where does it start the engine?")?;
        fs::write(&loader, format!("{}{script};{}", &code[..start], &code[start..]))?;
        self.publish().map(drop)
    }

    /// The folder of the small model.
    #[must_use]
    pub fn small_model(&self) -> PathBuf {
        self.path("models").join(SMALL)
    }
}

/// The small model, trained once for all tests of this process.
fn small_model() -> Result<&'static Path> {
    static MODEL: OnceLock<Result<TempDir, String>> = OnceLock::new();
    let model = MODEL.get_or_init(|| {
        let train = || {
            let folder = tempfile::tempdir()?;
            trainer::export_small_model(&folder.path().join(SMALL))?;
            anyhow::Ok(folder)
        };
        train().map_err(|error| format!("{error:#}"))
    });
    let folder = model.as_ref().map_err(|error| anyhow!("{error}"))?;
    // The path lives in a static.
    Ok(Box::leak(folder.path().join(SMALL).into_boxed_path()))
}

fn copy_site(to: &Path) -> Result<()> {
    let dist = paths::dist();
    ensure!(dist.join("index.html").is_file(), "{}: no site; `cargo xtask test` makes it", dist.display());
    copy(&dist, to)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("{}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
