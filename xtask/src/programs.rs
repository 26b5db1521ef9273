//! Programs on the path.

use std::env;
use std::path::{Path, PathBuf};

/// npm's name: on Windows it is a script, which is not found without its ending.
pub const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

/// Python's name.
pub const PYTHON: &str = if cfg!(windows) { "python" } else { "python3" };

/// Where a program is, by its name without an ending.
#[must_use]
pub fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let file = if name == "npm" { NPM.to_owned() } else { executable(name) };
    env::split_paths(&path).map(|folder| folder.join(Path::new(&file))).find(|file| file.is_file())
}

/// The file name of a program that is built here or elsewhere.
#[must_use]
pub fn executable(name: &str) -> String {
    format!("{name}{}", env::consts::EXE_SUFFIX)
}

#[cfg(test)]
mod tests {
    use super::{executable, find};

    #[test]
    fn a_program_is_found_on_the_path_and_only_there() {
        assert!(find("cargo").is_some_and(|file| file.ends_with(executable("cargo"))));
        assert!(find("no-program-has-this-name").is_none());
    }
}
