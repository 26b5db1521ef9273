//! Where things are in the working tree.

use std::path::{Path, PathBuf};

use crate::programs;

/// The repository root, absolute. Cargo says at run time where the package is; what it said when this was compiled may
/// have been another checkout, or this one before it was moved.
#[must_use]
pub fn root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&package).parent().map_or_else(PathBuf::new, Path::to_path_buf)
}

/// The published models.
#[must_use]
pub fn models() -> PathBuf {
    root().join("models")
}

/// Cargo's target directory, absolute.
#[must_use]
pub fn target() -> PathBuf {
    let chosen = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    root().join(chosen)
}

/// Where build tools go that a machine does not have in the version that this project needs. Not to cargo's own folder, where they would
/// replace those of other projects; nor to the target directory, which is emptied now and then.
#[must_use]
pub fn tools() -> PathBuf {
    root().join(".tools")
}

/// What a browser runs, as compilers call it.
pub const WASM: &str = "wasm32-unknown-unknown";

/// The target directory of WebAssembly builds. Apart from the native one because the compiler may be another (see
/// [`crate::wasm_target`]), and cargo would rebuild everything at each change of compiler.
#[must_use]
pub fn wasm_target() -> PathBuf {
    target().join("wasm")
}

/// The built site.
#[must_use]
pub fn dist() -> PathBuf {
    root().join("dist")
}

/// The trainer that `cargo xtask test` builds for the end-to-end tests.
#[must_use]
pub fn trainer() -> PathBuf {
    target().join("debug").join(programs::executable("trainer"))
}
