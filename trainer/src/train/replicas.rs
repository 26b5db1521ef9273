//! The loss of a batch and its gradient, from one device or from several that share the batch: a replica of the network on each, by
//! Burn's forks, whose gradients Burn moves to the first and adds up.

use std::{ops::Range, thread};

use burn::{
    module::Module,
    optim::{GradientsAccumulator, GradientsParams},
    tensor::{Device, Tensor, TensorData},
};
use shared::{EnergyNetwork, Frame, mdsm_loss};

use super::{RunConfig, supply::Batch};
use crate::error::{Error, Result};

/// The devices of a run and what each has to do.
pub struct Replicas {
    shares: Vec<Share>,
    frame: Frame,
    sigma_0: f32,
    batch: usize,
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
        let factors = plan.weighting.factors(&levels);
        let boundary = |index: usize| plan.batch * index / devices.len();
        let shares = devices.iter().enumerate().map(|(index, device)| {
            let device = device.clone().autodiff();
            let slots = boundary(index)..boundary(index + 1);
            let tensor = |numbers: &[f32]| Tensor::from_floats(&numbers[slots.clone()], &device);
            Share { sigma: tensor(&levels), factors: tensor(&factors), slots, device }
        });
        Self {
            shares: shares.collect(),
            frame,
            sigma_0: network.sigma_0,
            batch: plan.batch,
            picture: [1, network.channels, config.card().size, config.card().size],
            input: network.batch_shape(1),
        }
    }

    /// The paper's loss (its expectation, where targets are means of pictures), `[1]`, and the gradients of the objective, on the first
    /// device. The objective weighs the losses and is scaled by the pixels, so that the clipping limit means the same for every image
    /// size.
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
            let (loss, gradients) = self.gradients_of(first, network, batch);
            let mut loss = loss + batch.unlearnable_loss;
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
        let clean = part(&batch.clean, &share.slots, self.picture, &share.device);
        let noise = part(&batch.noise, &share.slots, self.input, &share.device);
        let losses = mdsm_loss(network, self.sigma_0, self.frame.add(clean), noise, share.sigma.clone());
        let objective =
            (losses.clone() * share.factors.clone()).sum() / (self.batch * self.input.iter().product::<usize>()) as f64;
        let gradients = GradientsParams::from_grads(objective.backward(), network);
        (losses.inner().sum() / self.batch as f64, gradients)
    }
}

/// Some images of many, as `[N, C, H, W]`.
fn part(numbers: &[f32], slots: &Range<usize>, [_, c, h, w]: [usize; 4], device: &Device) -> Tensor<4> {
    let each = c * h * w;
    let numbers = numbers[slots.start * each..slots.end * each].to_vec();
    Tensor::from_data(TensorData::new(numbers, [slots.len(), c, h, w]), device)
}

#[cfg(all(test, feature = "wgpu"))]
mod tests {
    use burn::tensor::DeviceKind;
    use shared::{Draw, Noise};

    use super::*;
    use crate::{output, train::TrainingPreset};

    #[test]
    fn devices_that_share_a_batch_find_what_one_finds() {
        let mut config = TrainingPreset::Unet.settings();
        (config.optimization.batch, config.network.width) = (7, 4);
        let network = EnergyNetwork::new(&config.network_of(1, 8), &Device::flex().autodiff()).unwrap();
        let frame = Frame::new(8, 8).unwrap();
        let noise = |key| Noise::new(key).numbers(0, Draw::Start, [7, 1, 8, 8]);
        let batch = Batch { clean: noise(1), noise: noise(2), unlearnable_loss: 0.0 };
        let on = |devices: &[Device]| {
            let replicas =
                Replicas { picture: [1, 1, 8, 8], input: [1, 1, 8, 8], ..Replicas::new(&config, frame, devices) };
            let (loss, gradients) = replicas.gradients(&network, &batch).unwrap();
            let mut found = vec![output::floats(loss).unwrap()];
            for parameter in network.parameters().iter().filter(|parameter| parameter.shape.len() == 4) {
                found.extend(gradients.get::<4>(parameter.id).map(|gradient| output::floats(gradient).unwrap()));
            }
            found
        };
        let expected = on(&[Device::flex()]);
        // The second is another device where there is a GPU, or one made of software.
        for devices in [vec![Device::flex(); 3], vec![Device::flex(), Device::wgpu(DeviceKind::DefaultDevice)]] {
            let found = on(&devices);
            assert!(expected.len() > 10 && found.len() == expected.len());
            for (found, expected) in found.iter().zip(&expected) {
                let largest = expected.iter().fold(0f32, |largest, value| largest.max(value.abs()));
                for (found, expected) in found.iter().zip(expected) {
                    assert!((found - expected).abs() <= 1e-5 * largest, "{found} against {expected} (up to {largest})");
                }
            }
        }
    }
}
