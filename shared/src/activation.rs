//! The pointwise non-linearities.

use serde::{Deserialize, Serialize};

/// The non-linearity between convolutions. [`crate::kernels`] computes it, and its derivatives, together with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// `v` above 0, `exp(v) - 1` below: the paper's choice.
    Elu,
    /// `v * sigmoid(v)`: smooth, so that the trained gradient field is smooth too.
    Silu,
}
