//! How much the loss at a noise level counts.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumMessage, EnumString, IntoStaticStr, VariantArray};

/// Which `l(sigma)` weighs the squared errors of the denoised pictures.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Default,
    Serialize,
    Deserialize,
    Display,
    EnumMessage,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum Weighting {
    /// `1 / sigma^2`, the paper's: an error counts by what it is of the noise, so that errors under large noise hardly
    /// count, where a picture's class is decided.
    #[default]
    InverseVariance,
    /// `1 / sigma^2 + 1 / sigma_data^2` (EDM; Karras and others 2022, table 1): an error counts by what it is of the
    /// noise or of the pictures themselves, whichever is less.
    Edm,
}
