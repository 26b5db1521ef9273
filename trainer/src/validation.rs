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
    /// Their numbers.
    readings: Range<usize>,
    clean: Tensor<4>,
    noise: Tensor<4>,
}

impl Validation {
    /// Readings that the noise levels are spread over. Of fewer pictures each is read several times, under other noise.
    const SPREAD: usize = 128;

    /// Takes all pictures of a set.
    pub fn new(images: &Images, sigma_0: f32, frame: Frame, device: &Device) -> Self {
        Self { images: images.clone(), sigma_0, frame, device: device.clone() }
    }

    /// The paper's loss: the sum over all values of the network's input, in the mean over pictures and the levels, which are
    /// spread over every hundred readings or so, and not in their order: sets are often sorted by class.
    ///
    /// # Errors
    /// The device fails.
    pub fn loss(&self, network: &EnergyNetwork, levels: &NoiseLevels) -> Result<f64> {
        let spread: Vec<f32> =
            parts(self.readings(), Self::SPREAD).flat_map(|part| scattered(&levels.levels(part.len()))).collect();
        self.mean(network, |NoisyBatch { readings, clean, noise }| {
            let sigma = Tensor::<1>::from_floats(&spread[readings], &clean.device());
            mdsm_loss(network, self.sigma_0, clean, noise, sigma)
        })
    }

    /// The root mean squared error of a pixel of the data's own size after one jump from noise of this level.
    ///
    /// # Errors
    /// The device fails.
    pub fn denoising_error(&self, network: &EnergyNetwork, level: f32) -> Result<f64> {
        let mean = self.mean(network, |NoisyBatch { clean, noise, .. }| {
            let noisy = clean.clone() + noise * level;
            let (_, gradient) = network.energy_and_gradient(noisy.clone());
            self.frame.remove(langevin::denoise(noisy, gradient, self.sigma_0) - clean).square()
        });
        Ok(mean?.sqrt())
    }

    /// The energy of each picture, without noise.
    ///
    /// # Errors
    /// The device fails.
    pub fn energies(&self, network: &EnergyNetwork) -> Result<Vec<f32>> {
        let energies = self
            .parts(network, self.images.len())
            .map(|places| output::floats(network.energy_and_gradient(self.clean(places)).0));
        Ok(energies.collect::<Result<Vec<_>>>()?.concat())
    }

    /// Each picture once, or as often as there are [`SPREAD`](Self::SPREAD) readings at least: few have neither all levels
    /// nor all noise.
    fn readings(&self) -> usize {
        let pictures = self.images.len();
        if pictures == 0 { 0 } else { pictures * Self::SPREAD.div_ceil(pictures) }
    }

    /// The mean of all values of all readings.
    fn mean<const D: usize>(&self, network: &EnergyNetwork, of: impl Fn(NoisyBatch) -> Tensor<D>) -> Result<f64> {
        let (mut sum, mut count) = (0.0, 0);
        for readings in self.parts(network, self.readings()) {
            let clean = self.clean(readings.clone());
            let noise = Noise::new(0).tensor(readings.start as u64, Draw::Start, clean.dims(), &self.device);
            let values = output::floats(of(NoisyBatch { readings, clean, noise }))?;
            count += values.len();
            sum += values.into_iter().map(f64::from).sum::<f64>();
        }
        Ok(sum / count.max(1) as f64)
    }

    fn parts(&self, network: &EnergyNetwork, count: usize) -> impl Iterator<Item = Range<usize>> {
        let side = network_size(self.images.height, self.images.width);
        parts(count, budget::pictures(network, side, Self::SPREAD))
    }

    fn clean(&self, readings: Range<usize>) -> Tensor<4> {
        let places: Vec<usize> = readings.map(|reading| reading % self.images.len()).collect();
        self.frame.add(to_tensor(&self.images, &places, &self.device))
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
    use burn::tensor::TensorData;
    use options::{Activation, Architecture, Spacing};
    use shared::{model::Weights, network::NetworkConfig};

    use super::*;

    /// So many even grey pictures, framed where they are smaller than the network's 32x32, and a small network for them
    /// whose weights are all made of the given numbers.
    fn measured(count: usize, side: usize, grey: u8, weight: impl Fn(usize) -> f32) -> (Validation, EnergyNetwork) {
        let device = Device::flex();
        let config = NetworkConfig {
            preset: Architecture::Unet,
            scales: None,
            width: 2,
            channels: 1,
            image_size: network_size(side, side),
            activation: Activation::Elu,
            sigma_0: 0.1,
        };
        let mut weights = Weights::of(&EnergyNetwork::new(&config, &device).unwrap());
        let names: Vec<String> = weights.names().map(str::to_owned).collect();
        for name in names {
            let shape = weights.take(&name).unwrap().shape().clone();
            let values = (0..shape.num_elements()).map(&weight).collect();
            weights.insert(name, TensorData::new(values, shape));
        }
        let images = Images {
            channels: 1,
            height: side,
            width: side,
            pixels: vec![grey; count * side * side],
            labels: Vec::new(),
        };
        let frame = Frame::new(side, config.image_size).unwrap();
        (Validation::new(&images, config.sigma_0, frame, &device), weights.into_network(&config, &device).unwrap())
    }

    #[test]
    fn a_loss_of_few_pictures_has_all_levels_in_it() {
        let levels = NoiseLevels { min: 0.05, max: 5.0, spacing: Spacing::Geometric };
        let loss = |count| {
            let (pictures, network) = measured(count, 16, 100, |index| 0.1 * (index % 7) as f32 - 0.25);
            pictures.loss(&network, &levels).unwrap()
        };
        assert_eq!(loss(1), loss(128));
        // Of two, with twice as many readings as they have, only the noise of some is another.
        assert!((loss(100) / loss(128) - 1.0).abs() < 0.1, "{} and {}", loss(100), loss(128));
    }

    #[test]
    fn the_error_of_a_pixel_is_that_of_the_data_s_own_pixels() {
        // All weights zero: the denoiser knows nothing and answers with black.
        let (pictures, network) = measured(2, 28, 51, |_| 0.0);
        let error = pictures.denoising_error(&network, 0.1).unwrap();
        assert!((error - 0.2).abs() < 1e-6, "{error}, with the black frame it would be {}", 0.2 * 28.0 / 32.0);
    }

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
