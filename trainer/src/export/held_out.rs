//! What held-out pictures say of a model.

use burn::tensor::{Device, Tensor};
use shared::{Draw, Energy, EnergyNetwork, Frame, Metric, Noise, langevin, mdsm_loss};

use crate::{
    data::Images,
    error::{Error, Result},
    output,
    train::{RunConfig, to_tensor},
};

/// Measures a network on pictures that it was not trained on.
pub struct HeldOut<'a> {
    config: &'a RunConfig,
    network: &'a EnergyNetwork,
    device: &'a Device,
    /// The measured pictures, framed, in batches.
    batches: Vec<Tensor<4>>,
    shown: Vec<&'a [u8]>,
    count: usize,
}

impl<'a> HeldOut<'a> {
    /// Pictures that are measured.
    pub const MEASURED: usize = 1000;
    const BATCH: usize = 100;
    /// Levels at which the one-jump denoiser is measured.
    const LEVELS: [f32; 3] = [0.1, 0.4, 1.0];

    /// The first `shown` pictures go with the model, to be inpainted.
    ///
    /// # Errors
    /// The data set has no held-out pictures, or they are not of the run's size.
    pub fn new(
        images: &'a Images,
        config: &'a RunConfig,
        network: &'a EnergyNetwork,
        device: &'a Device,
        shown: usize,
    ) -> Result<Self> {
        let count = images.len().min(Self::MEASURED);
        let source = &config.data;
        config.check(images)?;
        let frame = Frame::new(config.card().size, config.network().image_size)
            .ok_or_else(|| Error::input(format!("{source}: the pictures are larger than the network's input")))?;
        let indices: Vec<usize> = (0..count).collect();
        let batches = indices.chunks(Self::BATCH).map(|batch| frame.add(to_tensor(images, batch, device))).collect();
        let shown = (0..images.len().min(shown)).map(|index| images.image(index)).collect();
        Ok(Self { config, network, device, batches, shown, count })
    }

    /// The pictures that go with the model, `[C, H, W]` bytes each.
    pub fn pictures(&self) -> &[&'a [u8]] {
        &self.shown
    }

    /// The energies at percentiles 0, 1, ..., 100.
    pub fn energy_percentiles(&self) -> Result<Vec<f32>> {
        let mut energies = Vec::new();
        for batch in &self.batches {
            energies.extend(output::floats(self.network.energy_and_gradient(batch.clone()).0)?);
        }
        Ok(percentiles(energies))
    }

    /// The training loss and the error of the one-jump denoiser.
    pub fn metrics(&self) -> Result<Vec<Metric>> {
        let how = |what: String| format!("{what}, on {} held-out pictures, at export", self.count);
        let mut metrics = vec![Metric {
            name: "MDSM loss".to_owned(),
            value: self.loss()?,
            how: how("sum over pixels, mean over images and the trained noise levels; a constant energy has the number of pixels".into()),
        }];
        for level in Self::LEVELS {
            metrics.push(Metric {
                name: format!("denoising RMSE at noise {level}"),
                value: self.rmse(level)?,
                how: how("root mean squared error per pixel after one jump".into()),
            });
        }
        Ok(metrics)
    }

    fn loss(&self) -> Result<f64> {
        let mut sum = 0.0;
        for (batch, z) in self.corrupted() {
            let levels = self.config.noise.levels(batch.dims()[0]);
            let sigma = Tensor::<1>::from_floats(levels.as_slice(), self.device);
            let loss = mdsm_loss(self.network, self.config.network.sigma_0, batch, z, sigma);
            sum += output::floats(loss)?.into_iter().map(f64::from).sum::<f64>();
        }
        Ok(sum / self.count as f64)
    }

    fn rmse(&self, level: f32) -> Result<f64> {
        let (mut sum, mut pixels) = (0.0, 0);
        for (clean, z) in self.corrupted() {
            let noisy = clean.clone() + z * level;
            let (_, gradient) = self.network.energy_and_gradient(noisy.clone());
            let error = langevin::denoise(noisy, gradient, self.config.network.sigma_0) - clean;
            pixels += error.dims().iter().product::<usize>();
            sum += output::floats(error.square().sum())?.into_iter().map(f64::from).sum::<f64>();
        }
        Ok((sum / pixels as f64).sqrt())
    }

    /// Every batch with noise that is always the same.
    fn corrupted(&self) -> impl Iterator<Item = (Tensor<4>, Tensor<4>)> {
        let noise = Noise::new(0);
        self.batches.iter().enumerate().map(move |(index, batch)| {
            let z = noise.tensor((index * Self::BATCH) as u64, Draw::Start, batch.dims(), self.device);
            (batch.clone(), z)
        })
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
