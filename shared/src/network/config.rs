//! One serialisable description of an energy network.

use options::{Activation, Architecture};
use serde::{Deserialize, Serialize};

/// Everything that decides the network's parameters and what they compute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NetworkConfig {
    /// The shape of the network.
    pub preset: Architecture,
    /// Channels after the stem.
    pub width: usize,
    /// Channels of the image: 1 for grey, 3 for colour.
    pub channels: usize,
    /// Side of the square image, divisible by 8.
    pub image_size: usize,
    /// The non-linearity.
    pub activation: Activation,
    /// The one noise level inside the residual, which fixes the scale of the energy (the paper: 0.1, pixels in 0..1).
    pub sigma_0: f32,
}

/// A description that no network can have.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{field} {value} is not possible: {wanted}")]
pub struct ConfigError {
    /// Which field.
    pub field: &'static str,
    /// What it says.
    pub value: String,
    /// What it may say.
    pub wanted: &'static str,
}

impl NetworkConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// The first field that is out of range. The upper limits keep a hostile file from asking for all memory.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let check = |good: bool, field, value: String, wanted| {
            if good { Ok(()) } else { Err(ConfigError { field, value, wanted }) }
        };
        check((1..=512).contains(&self.width), "width", self.width.to_string(), "1 to 512")?;
        check((1..=4).contains(&self.channels), "channels", self.channels.to_string(), "1 to 4")?;
        check(
            (8..=256).contains(&self.image_size) && self.image_size.is_multiple_of(8),
            "image size",
            self.image_size.to_string(),
            "a multiple of 8 from 8 to 256",
        )?;
        check(self.sigma_0.is_finite() && self.sigma_0 > 0.0, "sigma_0", self.sigma_0.to_string(), "a positive number")
    }

    /// The shape of a batch of `count` images: `[N, C, H, W]`.
    pub fn batch_shape(&self, count: usize) -> [usize; 4] {
        [count, self.channels, self.image_size, self.image_size]
    }
}
