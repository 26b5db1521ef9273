//! What a network is worth at a checkpoint, on a few pictures that are always the same.

use burn::tensor::Device;
use shared::network::{EnergyNetwork, Frame};

use super::{
    RunConfig,
    metrics::{DenoisingError, Probed},
};
use crate::{data::DataSet, error::Result, validation::Validation};

/// Of the draw of pictures.
const SEED: u64 = 0;

/// The pictures, with their noise.
pub struct Probe {
    training: Validation,
    held_out: Validation,
}

impl Probe {
    /// Pictures of each kind.
    const PICTURES: usize = 128;
    /// Levels at which denoising is measured.
    const LEVELS: usize = 6;

    /// Takes pictures of both sides of the data set.
    pub fn new(config: &RunConfig, data: &DataSet, frame: Frame, device: &Device) -> Self {
        let count = Self::PICTURES.min(data.train.len()).min(data.held_out.len());
        let [training, held_out] = [&data.train, &data.held_out]
            .map(|images| Validation::new(&images.sample(count, SEED), config.network.sigma_0, frame, device));
        Self { training, held_out }
    }

    /// Measures a network after `step` steps.
    ///
    /// # Errors
    /// The device fails.
    pub fn measure(&self, network: &EnergyNetwork, config: &RunConfig, step: u64) -> Result<Probed> {
        let energy = |pictures: &Validation| -> Result<f64> {
            let energies = pictures.energies(network)?;
            Ok(energies.iter().copied().map(f64::from).sum::<f64>() / energies.len().max(1) as f64)
        };
        let denoising = |level: f32| -> Result<DenoisingError> {
            let share_left = self.held_out.denoising_error(network, level)? / f64::from(level);
            Ok(DenoisingError { level, share_left })
        };
        Ok(Probed {
            step,
            held_out_loss: self.held_out.loss(network, &config.noise)?,
            training_energy: energy(&self.training)?,
            held_out_energy: energy(&self.held_out)?,
            denoising: config.noise.levels(Self::LEVELS).into_iter().map(denoising).collect::<Result<_>>()?,
        })
    }
}
