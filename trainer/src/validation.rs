//! What pictures say of a network: the loss, the error of the denoiser and the energies, always under the same noise.

use burn::tensor::{Device, Tensor};
use shared::{
    network::{Energy, EnergyNetwork, Frame},
    sampling::{Draw, Noise, langevin},
    training::{NoiseLevels, mdsm_loss},
};

use crate::{data::Images, error::Result, output, train::to_tensor};

/// Pictures on a device, and the noise that they are measured under.
pub struct Validation {
    sigma_0: f32,
    batches: Vec<NoisyBatch>,
}

/// Both `[N, C, S, S]`, in the network's frame.
struct NoisyBatch {
    clean: Tensor<4>,
    noise: Tensor<4>,
}

impl Validation {
    const BATCH: usize = 128;

    /// Takes all pictures of a set.
    pub fn new(images: &Images, sigma_0: f32, frame: Frame, device: &Device) -> Self {
        let all: Vec<usize> = (0..images.len()).collect();
        let batch = |batch: &[usize]| {
            let clean = frame.add(to_tensor(images, batch, device));
            let first = batch.first().map_or(0, |&first| first as u64);
            NoisyBatch { noise: Noise::new(0).tensor(first, Draw::Start, clean.dims(), device), clean }
        };
        Self { sigma_0, batches: all.chunks(Self::BATCH).map(batch).collect() }
    }

    /// The paper's loss: the sum over pixels, in the mean over pictures and the levels, which are spread over each
    /// batch.
    ///
    /// # Errors
    /// The device fails.
    pub fn loss(&self, network: &EnergyNetwork, levels: &NoiseLevels) -> Result<f64> {
        self.mean(|NoisyBatch { clean, noise }| {
            let levels = levels.levels(clean.dims()[0]);
            let sigma = Tensor::<1>::from_floats(levels.as_slice(), &clean.device());
            mdsm_loss(network, self.sigma_0, clean.clone(), noise.clone(), sigma)
        })
    }

    /// The root mean squared error of a pixel after one jump from noise of this level.
    ///
    /// # Errors
    /// The device fails.
    pub fn denoising_error(&self, network: &EnergyNetwork, level: f32) -> Result<f64> {
        let mean = self.mean(|NoisyBatch { clean, noise }| {
            let noisy = clean.clone() + noise.clone() * level;
            let (_, gradient) = network.energy_and_gradient(noisy.clone());
            (langevin::denoise(noisy, gradient, self.sigma_0) - clean.clone()).square()
        });
        Ok(mean?.sqrt())
    }

    /// The energy of each picture, without noise.
    ///
    /// # Errors
    /// The device fails.
    pub fn energies(&self, network: &EnergyNetwork) -> Result<Vec<f32>> {
        let energies = |batch: &NoisyBatch| output::floats(network.energy_and_gradient(batch.clean.clone()).0);
        Ok(self.batches.iter().map(energies).collect::<Result<Vec<_>>>()?.concat())
    }

    /// The mean of all values of all batches.
    fn mean<const D: usize>(&self, of: impl Fn(&NoisyBatch) -> Tensor<D>) -> Result<f64> {
        let (mut sum, mut count) = (0.0, 0);
        for batch in &self.batches {
            let values = output::floats(of(batch))?;
            count += values.len();
            sum += values.into_iter().map(f64::from).sum::<f64>();
        }
        Ok(sum / count.max(1) as f64)
    }
}

/// Values at percentiles 0, 1, ..., 100 of at least one value.
pub fn percentiles(mut values: Vec<f32>) -> Vec<f32> {
    values.sort_by(f32::total_cmp);
    let last = (values.len() - 1) as f64;
    let at = |percent: i32| {
        let position = last * f64::from(percent) / 100.0;
        let (low, within) = (position.floor() as usize, position.fract() as f32);
        let high = (low + 1).min(values.len() - 1);
        values[low] + (values[high] - values[low]) * within
    };
    (0..=100).map(at).collect()
}
