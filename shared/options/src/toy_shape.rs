//! What the two-dimensional toy learns.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumMessage, EnumString, IntoStaticStr, VariantArray};

/// A distribution of points in the plane.
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
pub enum ToyShape {
    /// Two half circles that hold each other.
    Moons,
    /// Two circles with one middle.
    Rings,
    /// Nine clusters, three by three.
    Grid,
    /// One arm that winds outwards.
    Spiral,
}
