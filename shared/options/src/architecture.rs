//! The shapes of energy networks.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumMessage, EnumString, IntoStaticStr, VariantArray};

/// The shape of an energy network.
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
pub enum Architecture {
    /// The paper's small network: three residual blocks, one in each stage.
    Res6,
    /// The paper's network for MNIST and Fashion-MNIST: six residual blocks, of width 64 there.
    Res12,
    /// The paper's network for CIFAR-10: nine residual blocks, of width 128 there.
    Res18,
    /// The energy of a small U-Net of three scales, which trains several times faster.
    Unet,
    /// The same with a fourth scale, which sees the whole of a picture: better pictures for little more time.
    Unet4,
}
