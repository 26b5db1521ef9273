//! One serialisable description of an energy network.

use options::{Activation, Architecture};
use serde::{Deserialize, Serialize};

/// Everything that decides the network's parameters and what they compute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NetworkConfig {
    /// The shape of the network.
    pub preset: Architecture,
    /// Scales of a U-Net, each with half the side of the one before; nothing for those of its preset at 32x32, which
    /// also says what older models have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scales: Option<usize>,
    /// Channels after the stem.
    pub width: usize,
    /// Channels of the image: 1 for grey, 3 for colour; 2 and 4 are possible.
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
    pub wanted: String,
}

impl NetworkConfig {
    /// The largest width. The weights of every network up to it, with a guide as large, are within what
    /// [`Weights`](crate::model::Weights) reads.
    const WIDEST: usize = 256;

    /// Checks every field.
    ///
    /// # Errors
    /// The first field that is out of range. The upper limits keep a hostile file from asking for all memory.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let check = |good: bool, field, value: String, wanted: &str| {
            if good { Ok(()) } else { Err(ConfigError { field, value, wanted: wanted.to_owned() }) }
        };
        check((1..=Self::WIDEST).contains(&self.width), "width", self.width.to_string(), "1 to 256")?;
        check((1..=4).contains(&self.channels), "channels", self.channels.to_string(), "1 to 4")?;
        check(
            (8..=256).contains(&self.image_size) && self.image_size.is_multiple_of(8),
            "image_size",
            self.image_size.to_string(),
            "a multiple of 8 from 8 to 256",
        )?;
        if let Some(scales) = self.scales {
            let most = match Self::scales_for(self.preset, self.image_size) {
                // Of either U-Net as many as the deeper one may have.
                Some(_) => Self::scales_for(Architecture::Unet4, self.image_size).unwrap_or_default(),
                None => {
                    return Err(ConfigError {
                        field: "scales",
                        value: scales.to_string(),
                        wanted: "only U-Nets have scales".to_owned(),
                    });
                }
            };
            check(
                (1..=most).contains(&scales),
                "scales",
                scales.to_string(),
                &format!("1 to {most} for images of {0}x{0}", self.image_size),
            )?;
        }
        // Beyond these its square, which divides energies, is none in single precision.
        check((1e-4..=1e4).contains(&self.sigma_0), "sigma_0", self.sigma_0.to_string(), "0.0001 to 10000")
    }

    /// The scales of the U-Net of a preset for images of this side: those at 32x32, and for larger images more in the
    /// same way, until the lowest has a side of 4 to 7 (`unet4`) or of 8 to 15 (`unet`), if the side can be halved so
    /// often. `None` for a network without scales.
    pub fn scales_for(preset: Architecture, image_size: usize) -> Option<usize> {
        let (least, lowest) = match preset {
            Architecture::Unet => (3, 8),
            Architecture::Unet4 => (4, 4),
            Architecture::Res6 | Architecture::Res12 | Architecture::Res18 => return None,
        };
        let mut scales = least;
        while image_size.is_multiple_of(1 << scales) && image_size >> scales >= lowest {
            scales += 1;
        }
        Some(scales)
    }

    /// The shape of a batch of `count` images: `[N, C, H, W]`.
    pub fn batch_shape(&self, count: usize) -> [usize; 4] {
        [count, self.channels, self.image_size, self.image_size]
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::{model::Weights, network::EnergyNetwork};

    #[test]
    fn a_larger_image_has_further_scales_until_the_lowest_is_small() {
        let scales = |preset, sizes: [usize; 9]| sizes.map(|size| NetworkConfig::scales_for(preset, size));
        let sizes = [8, 16, 32, 40, 64, 80, 96, 128, 256];
        assert_eq!(scales(Architecture::Unet4, sizes), [4, 4, 4, 4, 5, 5, 5, 6, 7].map(Some));
        assert_eq!(scales(Architecture::Unet, sizes), [3, 3, 3, 3, 4, 4, 4, 5, 6].map(Some));
        assert_eq!(NetworkConfig::scales_for(Architecture::Res6, 64), None);
    }

    /// As counted from the authors' code, in thousands.
    #[test]
    fn the_paper_s_networks_have_as_many_parameters_as_the_paper_s() {
        for (preset, width, channels, thousands) in [
            (Architecture::Res18, 128, 3, 62_300),
            (Architecture::Res12, 64, 1, 9_060),
            (Architecture::Res12, 32, 1, 2_270),
            (Architecture::Res12, 16, 1, 570),
            (Architecture::Res6, 64, 1, 2_520),
        ] {
            let activation = Activation::Elu;
            let config =
                NetworkConfig { preset, scales: None, width, channels, image_size: 32, activation, sigma_0: 0.1 };
            let network = EnergyNetwork::new(&config, &Device::flex()).unwrap();
            let numbers: usize = network.parameters().iter().map(|p| p.shape.iter().product::<usize>()).sum();
            let share = numbers as f64 / (1000.0 * f64::from(thousands));
            assert!((share - 1.0).abs() < 0.005, "{preset:?}, width {width}: {numbers}");
        }
    }

    #[test]
    fn every_network_that_can_be_described_can_be_read_back() {
        for preset in
            [Architecture::Res6, Architecture::Res12, Architecture::Res18, Architecture::Unet, Architecture::Unet4]
        {
            let image_size = 256;
            // The most that a U-Net may have; others have none.
            let most = NetworkConfig::scales_for(Architecture::Unet4, image_size);
            let scales = NetworkConfig::scales_for(preset, image_size).and(most);
            let activation = Activation::Silu;
            let config = NetworkConfig {
                preset,
                scales,
                width: NetworkConfig::WIDEST,
                channels: 4,
                image_size,
                activation,
                sigma_0: 0.1,
            };
            let more = NetworkConfig { scales: most.map(|most| most + 1), ..config.clone() };
            assert_eq!(more.validate().unwrap_err().field, "scales");
            let network = EnergyNetwork::new(&config, &Device::flex()).unwrap();
            let numbers: usize = network.parameters().iter().map(|p| p.shape.iter().product::<usize>()).sum();
            assert!(2 * 4 * numbers < Weights::LIMIT, "{preset:?}: {numbers} numbers");
        }
    }

    #[test]
    fn what_no_network_can_have_is_named() {
        let good = NetworkConfig {
            preset: Architecture::Unet,
            scales: Some(3),
            width: 4,
            channels: 1,
            image_size: 16,
            activation: Activation::Elu,
            sigma_0: 0.1,
        };
        assert_eq!(good.validate(), Ok(()));
        for (field, bad) in [
            ("scales", NetworkConfig { preset: Architecture::Res6, ..good.clone() }),
            ("scales", NetworkConfig { scales: Some(9), ..good.clone() }),
            ("image_size", NetworkConfig { image_size: 20, ..good.clone() }),
            ("sigma_0", NetworkConfig { sigma_0: 1e-30, ..good.clone() }),
            ("sigma_0", NetworkConfig { sigma_0: f32::NAN, ..good.clone() }),
        ] {
            assert_eq!(bad.validate().unwrap_err().field, field);
        }
    }
}
