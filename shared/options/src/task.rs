//! What a picture is restored from.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumMessage, EnumString, IntoStaticStr, VariantArray};

/// What is known of a picture that is to be restored.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
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
pub enum Task {
    /// Some of its pixels: the others are filled in.
    Inpaint,
    /// A smaller picture: it is enlarged.
    SuperResolution,
    /// Its brightness: it is given colours.
    #[strum(to_string = "colour", serialize = "color")]
    #[serde(alias = "color")]
    #[cfg_attr(feature = "clap", value(alias = "color"))]
    Colour,
    /// A blurred picture: it is made sharp.
    Deblur,
}
