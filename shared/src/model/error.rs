//! What can be wrong with a model folder.

use user_files::POINTER;

use crate::network::ConfigError;

/// Why a model cannot be used; one line each.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// `model.json` is not what it should be.
    #[error("the manifest is not valid: {0}")]
    Manifest(String),
    /// The manifest describes an impossible network.
    #[error("the manifest is not valid: {0}")]
    Config(#[from] ConfigError),
    /// The weights file is not a safetensors file.
    #[error("the weights are not a valid safetensors file: {}", in_words(.0))]
    Format(String),
    /// A file is larger than any model can be.
    #[error("the {what} has {found} bytes, more than the limit of {limit}")]
    TooLarge {
        /// Which file.
        what: &'static str,
        /// Its length in bytes.
        found: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The file was not fetched.
    #[error("{POINTER} ({0})")]
    Pointer(&'static str),
    /// The weights file was cut off or exchanged.
    #[error(
        "the weights have {found} bytes where the manifest says {wanted}: the file is incomplete or of another model"
    )]
    Length {
        /// Length in the manifest.
        wanted: u64,
        /// Length of the file.
        found: u64,
    },
    /// The weights file is damaged or was exchanged.
    #[error(
        "the weights have SHA-256 {found} where the manifest says {wanted}: the file is damaged or of another model"
    )]
    Hash {
        /// Hash in the manifest.
        wanted: String,
        /// Hash of the file.
        found: String,
    },
    /// One tensor of the weights file cannot be used.
    #[error("tensor `{name}` {problem}")]
    Tensor {
        /// Its name.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The device computes other energies than the trainer did.
    #[error("the self-test failed: energy {found} where the model's probe says {wanted}; this device computes wrongly")]
    SelfTest {
        /// Energy in the manifest.
        wanted: f32,
        /// Energy on this device.
        found: f32,
    },
    /// The device computes other energy gradients than another one.
    #[error(
        "the self-test failed: at noise level {level} the energy gradient is off by {apart} of its length; this device \
         computes wrongly"
    )]
    Gradient {
        /// The noise level.
        level: f32,
        /// The distance, relative to the length that it should have.
        apart: f32,
    },
    /// The device could not be read.
    #[error("the device could not be read: {0}")]
    Device(String),
}

impl ModelError {
    pub(crate) fn tensor(name: &str, problem: impl Into<String>) -> Self {
        Self::Tensor { name: name.to_owned(), problem: problem.into() }
    }

    /// The same, where tensors of the file have this before the names that the network has for them.
    pub(crate) fn behind(self, prefix: &str) -> Self {
        match self {
            Self::Tensor { name, problem } => Self::Tensor { name: format!("{prefix}{name}"), problem },
            other => other,
        }
    }
}

/// What the library says of a file that is not whole, in words that say what happened to it.
fn in_words(text: &str) -> &str {
    match text {
        "incomplete metadata, file not fully covered" => "the file is cut off, or has bytes too many",
        "header too small" | "invalid header length" => "the file is cut off, or of another kind",
        other => other,
    }
}
