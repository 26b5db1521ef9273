//! What pictures say of a network: the loss, the error of the denoiser and the energies, always under the same noise.

use std::ops::Range;

use burn::tensor::{Device, Tensor};
use shared::{
    network::{Energy, EnergyNetwork, Frame},
    sampling::{Draw, Noise, langevin},
    training::{NoiseLevels, mdsm_loss},
};

use crate::{
    budget::{self, parts},
    data::{Images, network_size},
    error::Result,
    output,
    train::to_tensor,
};

/// Pictures, and the noise that they are measured under. Only the pictures are kept, as bytes: they and their noise as
/// numbers go to the device a few at a time.
pub struct Validation {
    images: Images,
    sigma_0: f32,
    frame: Frame,
    device: Device,
}

/// Both `[N, C, S, S]`, in the network's frame.
struct NoisyBatch {
    /// Places of the pictures in the set.
    places: Range<usize>,
    clean: Tensor<4>,
    noise: Tensor<4>,
}

impl Validation {
    /// Pictures that the noise levels are spread over.
    const SPREAD: usize = 128;

    /// Takes all pictures of a set.
    pub fn new(images: &Images, sigma_0: f32, frame: Frame, device: &Device) -> Self {
        Self { images: images.clone(), sigma_0, frame, device: device.clone() }
    }

    /// The paper's loss: the sum over pixels, in the mean over pictures and the levels, which are spread over every
    /// hundred or so, and not in their order: sets are often sorted by class.
    ///
    /// # Errors
    /// The device fails.
    pub fn loss(&self, network: &EnergyNetwork, levels: &NoiseLevels) -> Result<f64> {
        let spread: Vec<f32> =
            parts(self.images.len(), Self::SPREAD).flat_map(|part| scattered(&levels.levels(part.len()))).collect();
        self.mean(network, |NoisyBatch { places, clean, noise }| {
            let sigma = Tensor::<1>::from_floats(&spread[places], &clean.device());
            mdsm_loss(network, self.sigma_0, clean, noise, sigma)
        })
    }

    /// The root mean squared error of a pixel after one jump from noise of this level.
    ///
    /// # Errors
    /// The device fails.
    pub fn denoising_error(&self, network: &EnergyNetwork, level: f32) -> Result<f64> {
        let mean = self.mean(network, |NoisyBatch { clean, noise, .. }| {
            let noisy = clean.clone() + noise * level;
            let (_, gradient) = network.energy_and_gradient(noisy.clone());
            (langevin::denoise(noisy, gradient, self.sigma_0) - clean).square()
        });
        Ok(mean?.sqrt())
    }

    /// The energy of each picture, without noise.
    ///
    /// # Errors
    /// The device fails.
    pub fn energies(&self, network: &EnergyNetwork) -> Result<Vec<f32>> {
        let energies =
            self.parts(network).map(|places| output::floats(network.energy_and_gradient(self.clean(places)).0));
        Ok(energies.collect::<Result<Vec<_>>>()?.concat())
    }

    /// The mean of all values of all pictures.
    fn mean<const D: usize>(&self, network: &EnergyNetwork, of: impl Fn(NoisyBatch) -> Tensor<D>) -> Result<f64> {
        let (mut sum, mut count) = (0.0, 0);
        for places in self.parts(network) {
            let clean = self.clean(places.clone());
            let noise = Noise::new(0).tensor(places.start as u64, Draw::Start, clean.dims(), &self.device);
            let values = output::floats(of(NoisyBatch { places, clean, noise }))?;
            count += values.len();
            sum += values.into_iter().map(f64::from).sum::<f64>();
        }
        Ok(sum / count.max(1) as f64)
    }

    fn parts(&self, network: &EnergyNetwork) -> impl Iterator<Item = Range<usize>> {
        let side = network_size(self.images.height, self.images.width);
        parts(self.images.len(), budget::pictures(network, side, Self::SPREAD))
    }

    fn clean(&self, places: Range<usize>) -> Tensor<4> {
        self.frame.add(to_tensor(&self.images, &places.collect::<Vec<_>>(), &self.device))
    }
}

/// The same levels, so that neighbours, few or many, have levels of all sizes: in steps of about the golden ratio of their
/// number, which has no divisor in common with it.
fn scattered(levels: &[f32]) -> Vec<f32> {
    let count = levels.len();
    let coprime = |step: &usize| {
        let (mut a, mut b) = (count, *step);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a == 1
    };
    let step = (count * 382 / 1000..).find(coprime).unwrap_or(1);
    (0..count).map(|place| levels[place * step % count]).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_have_levels_of_all_sizes() {
        for count in 1..=300 {
            let levels: Vec<f32> = (0..count).map(|level| level as f32).collect();
            let scattered = scattered(&levels);
            let mut sorted = scattered.clone();
            sorted.sort_by(f32::total_cmp);
            assert_eq!(sorted, levels, "each level once");
            // A class of a tenth of the set, wherever it is.
            let few = count / 10;
            if few >= 5 {
                for class in scattered.windows(few) {
                    let mean = class.iter().sum::<f32>() / few as f32 / (count - 1) as f32;
                    assert!((mean - 0.5).abs() < 0.2, "{count}: a mean of {mean}");
                }
            }
        }
    }
}
