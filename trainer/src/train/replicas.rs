//! The loss of a batch and its gradient, from one device or from several that share the batch: a replica of the network
//! on each, by Burn's forks, whose gradients Burn moves to the first and adds up.

use std::{ops::Range, thread};

use burn::{
    module::Module,
    optim::{GradientsAccumulator, GradientsParams},
    tensor::{Device, Tensor, TensorData},
};
use shared::{
    network::{EnergyNetwork, Frame},
    training::{StableTargets, mdsm_loss, stable_targets, weights},
};

use super::{RunConfig, prefetch::Batch};
use crate::error::{Error, Result};

/// The devices of a run and what each has to do.
pub struct Replicas {
    shares: Vec<Share>,
    frame: Frame,
    sigma_0: f32,
    batch: usize,
    /// Whether targets are means of the pictures of a batch.
    means: bool,
    /// Shapes of one image, as the data have it and as the network sees it.
    picture: [usize; 4],
    input: [usize; 4],
}

/// A device and its part of every batch.
struct Share {
    device: Device,
    slots: Range<usize>,
    /// The noise levels of the slots, `[N]`.
    sigma: Tensor<1>,
    /// What their losses count, `[N]`.
    factors: Tensor<1>,
}

impl Replicas {
    /// Shares batches between devices, of which there is at least one and at most as many as images in a batch.
    pub fn new(config: &RunConfig, frame: Frame, devices: &[Device]) -> Self {
        let (plan, network) = (&config.optimization, config.network());
        let levels = config.noise.levels(plan.batch);
        let factors = weights(plan.weighting, &levels);
        let boundary = |index: usize| plan.batch * index / devices.len();
        let shares = devices.iter().enumerate().map(|(index, device)| {
            let slots = boundary(index)..boundary(index + 1);
            let tensor = |numbers: &[f32]| Tensor::from_floats(&numbers[slots.clone()], device);
            Share { sigma: tensor(&levels), factors: tensor(&factors), slots, device: device.clone() }
        });
        Self {
            shares: shares.collect(),
            frame,
            sigma_0: network.sigma_0,
            batch: plan.batch,
            means: plan.references > 0,
            picture: [1, network.channels, config.card().size, config.card().size],
            input: network.batch_shape(1),
        }
    }

    /// The paper's loss (its expectation, where targets are means of pictures), `[1]`, and the gradients of the
    /// objective, on the first device. The objective weighs the losses and is scaled by the pixels, so that the
    /// clipping limit means the same for every image size.
    ///
    /// # Errors
    /// A device has failed.
    pub fn gradients(&self, network: &EnergyNetwork, batch: &Batch) -> Result<(Tensor<1>, GradientsParams)> {
        let Some((first, others)) = self.shares.split_first() else {
            return Err(Error::failed("there is no device to train on"));
        };
        thread::scope(|scope| {
            let replicas: Vec<_> = others
                .iter()
                .map(|share| {
                    let replica = network.clone().fork(&share.device);
                    scope.spawn(move || self.gradients_of(share, &replica, batch))
                })
                .collect();
            let (mut loss, gradients) = self.gradients_of(first, network, batch);
            if replicas.is_empty() {
                return Ok((loss, gradients));
            }
            let mut sum = GradientsAccumulator::new();
            sum.accumulate(network, gradients);
            for replica in replicas {
                let (other, gradients) = replica.join().map_err(|_| Error::failed("a device has failed"))?;
                let device = loss.device();
                loss = loss + other.to_device(&device);
                sum.accumulate(network, gradients.to_device(&device, network));
            }
            Ok((loss, sum.grads()))
        })
    }

    fn gradients_of(&self, share: &Share, network: &EnergyNetwork, batch: &Batch) -> (Tensor<1>, GradientsParams) {
        let StableTargets { clean, noise, unlearnable } = self.targets(share, batch);
        let [clean, noise] = [self.frame.add(clean), noise].map(Tensor::autodiff);
        let losses = mdsm_loss(network, self.sigma_0, clean, noise, share.sigma.clone().autodiff());
        let objective = (losses.clone() * share.factors.clone().autodiff()).sum()
            / (self.batch * self.input.iter().product::<usize>()) as f64;
        let gradients = GradientsParams::from_grads(objective.backward(), network);
        ((losses.inner() + unlearnable).sum() / self.batch as f64, gradients)
    }

    /// What the network is to find in a share of a batch.
    fn targets(&self, share: &Share, Batch { pictures, noise }: &Batch) -> StableTargets {
        let pictures = tensor(pictures, self.picture, &share.device);
        let clean = pictures.clone().slice([share.slots.clone()]);
        let noise = tensor(noise, self.input, &share.device).slice([share.slots.clone()]);
        if self.means {
            return stable_targets(clean, noise, share.sigma.clone(), pictures, self.frame);
        }
        StableTargets { clean, noise, unlearnable: Tensor::zeros([share.slots.len()], &share.device) }
    }
}

/// Images of this shape, `[N, C, H, W]`.
fn tensor(numbers: &[f32], [_, c, h, w]: [usize; 4], device: &Device) -> Tensor<4> {
    Tensor::from_data(TensorData::new(numbers.to_vec(), [numbers.len() / (c * h * w), c, h, w]), device)
}

#[cfg(all(test, feature = "wgpu"))]
mod tests {
    use burn::tensor::DeviceKind;
    use shared::sampling::{Draw, Noise};

    use super::*;
    use crate::{output, train::TrainingPreset};

    #[test]
    fn devices_that_share_a_batch_find_what_one_finds() {
        let mut config = TrainingPreset::Unet.settings();
        (config.optimization.batch, config.network.width) = (7, 4);
        let network = EnergyNetwork::new(&config.network_of(1, 8), &Device::flex().autodiff()).unwrap();
        let frame = Frame::new(8, 8).unwrap();
        let numbers = |key, count| Noise::new(key).numbers(0, Draw::Start, [count, 1, 8, 8]);
        let batch = Batch { pictures: numbers(1, 20), noise: numbers(2, 7) };
        let on = |devices: &[Device], means: bool| {
            let shape = [1, 1, 8, 8];
            let replicas = Replicas { picture: shape, input: shape, means, ..Replicas::new(&config, frame, devices) };
            let (loss, gradients) = replicas.gradients(&network, &batch).unwrap();
            let mut found = vec![output::floats(loss).unwrap()];
            for parameter in network.parameters().iter().filter(|parameter| parameter.shape.len() == 4) {
                found.extend(gradients.get::<4>(parameter.id).map(|gradient| output::floats(gradient).unwrap()));
            }
            found
        };
        let gpu = Device::wgpu(DeviceKind::DefaultDevice);
        for means in [false, true] {
            let expected = on(&[Device::flex()], means);
            // The second is another device where there is a GPU, or one made of software.
            for devices in [vec![Device::flex(); 3], vec![Device::flex(), gpu.clone()]] {
                let found = on(&devices, means);
                assert!(expected.len() > 10 && found.len() == expected.len());
                for (found, expected) in found.iter().zip(&expected) {
                    let largest = expected.iter().fold(0f32, |largest, value| largest.max(value.abs()));
                    for (found, expected) in found.iter().zip(expected) {
                        let difference = (found - expected).abs();
                        assert!(difference <= 1e-5 * largest, "{found} against {expected} (up to {largest})");
                    }
                }
            }
        }
    }
}
