//! What a network is worth at a checkpoint, on a few pictures that are always the same.

use burn::tensor::{Device, Tensor};
use shared::{Draw, Energy, EnergyNetwork, Frame, Noise, langevin, mdsm_loss};

use super::{
    RunConfig,
    metrics::{DenoisingError, Probed},
    to_tensor,
};
use crate::{data::DataSet, error::Result, output};

/// The pictures, with their noise.
pub struct Probe {
    sigma_0: f32,
    training: Tensor<4>,
    held_out: Tensor<4>,
    noise: Tensor<4>,
    levels: Vec<f32>,
}

impl Probe {
    /// Pictures of each kind.
    const PICTURES: usize = 128;
    /// Levels at which denoising is measured.
    const LEVELS: usize = 6;

    /// Takes pictures of both sides of the data set.
    pub fn new(config: &RunConfig, data: &DataSet, frame: Frame, device: &Device) -> Self {
        let count = Self::PICTURES.min(data.train.len()).min(data.held_out.len());
        let indices: Vec<usize> = (0..count).collect();
        let [training, held_out] =
            [&data.train, &data.held_out].map(|images| frame.add(to_tensor(images, &indices, device)));
        let noise = Noise::new(0).tensor(0, Draw::Start, held_out.dims(), device);
        Self { sigma_0: config.network.sigma_0, training, held_out, noise, levels: config.noise.levels(Self::LEVELS) }
    }

    /// Measures a network after `step` steps, its loss at the levels of a training batch of as many pictures.
    ///
    /// # Errors
    /// The device fails.
    pub fn measure(&self, network: &EnergyNetwork, config: &RunConfig, step: u64) -> Result<Probed> {
        let energy = |images: &Tensor<4>| -> Result<f64> {
            let energies = output::floats(network.energy_and_gradient(images.clone()).0)?;
            Ok(energies.iter().copied().map(f64::from).sum::<f64>() / energies.len().max(1) as f64)
        };
        let levels = config.noise.levels(self.held_out.dims()[0]);
        let sigma = Tensor::<1>::from_floats(levels.as_slice(), &self.held_out.device());
        let loss = mdsm_loss(network, self.sigma_0, self.held_out.clone(), self.noise.clone(), sigma).mean();
        let denoising = self.levels.iter().map(|&level| self.denoising(network, level)).collect::<Result<_>>()?;
        Ok(Probed {
            step,
            held_out_loss: f64::from(output::floats(loss)?.first().copied().unwrap_or(f32::NAN)),
            training_energy: energy(&self.training)?,
            held_out_energy: energy(&self.held_out)?,
            denoising,
        })
    }

    fn denoising(&self, network: &EnergyNetwork, level: f32) -> Result<DenoisingError> {
        let noisy = self.held_out.clone() + self.noise.clone() * level;
        let (_, gradient) = network.energy_and_gradient(noisy.clone());
        let error = langevin::denoise(noisy, gradient, self.sigma_0) - self.held_out.clone();
        let mean = output::floats(error.square().mean())?.first().copied().unwrap_or(f32::NAN);
        Ok(DenoisingError { level, share_left: f64::from(mean).sqrt() / f64::from(level) })
    }
}
