//! The loss of a batch and its gradient, computed in slices one after the other, on one device or on several that share
//! the slices: a replica of the network on each, by Burn's forks, whose gradients Burn moves to the first and adds up.

use std::{
    ops::Range,
    sync::{atomic::Ordering, mpsc::Receiver},
    thread,
};

use burn::{
    module::Module,
    optim::{GradientsAccumulator, GradientsParams},
    tensor::{Device, Tensor, TensorData},
};
use shared::{
    network::{EnergyNetwork, Frame, Parameter},
    training::{StableTargets, denoising_loss, mdsm_loss, stable_targets, weights},
};

use super::{RunConfig, flat, interruption::INTERRUPTED, prefetch::Batch, references::means_from};
use crate::{
    data::Images,
    error::{Error, Result},
    output,
    ranks::Ranks,
};

/// The devices of a run and what each has to do.
pub struct Replicas<'a> {
    config: &'a RunConfig,
    shares: Vec<Share>,
    frame: Frame,
    /// The noise level from which targets are means of the pictures of a batch, if they are means at all.
    means_from: Option<f32>,
    ranks: &'a Ranks,
}

/// A device and its part of every batch.
struct Share {
    device: Device,
    /// The slots of the batch, a slice after the other.
    slices: Vec<Range<usize>>,
}

impl<'a> Replicas<'a> {
    /// Shares batches of these pictures between devices, of which there is at least one and at most as many as images in
    /// a batch. Where several processes share them, each has its part of the slices, which its own devices share.
    pub fn new(config: &'a RunConfig, images: &Images, frame: Frame, devices: &[Device], ranks: &'a Ranks) -> Self {
        let plan = &config.optimization;
        let slices = plan.slices.unwrap_or(1);
        let slices_of_devices = if ranks.count() == 1 {
            let of_device = |slots| parts(slots, slices.div_ceil(devices.len()));
            parts(0..plan.batch, devices.len()).into_iter().map(of_device).collect()
        } else {
            let all = parts(0..plan.batch, slices);
            let own = parts(0..slices, ranks.count()).swap_remove(ranks.number());
            let of_device = |range: Range<usize>| all[range].to_vec();
            parts(own, devices.len()).into_iter().map(of_device).collect::<Vec<_>>()
        };
        let shares = slices_of_devices.into_iter().zip(devices);
        let shares = shares.map(|(slices, device)| Share { device: device.clone(), slices }).collect();
        let means_from = (plan.references > 0).then(|| means_from(images, plan.seed));
        Self { config, shares, frame, means_from, ranks }
    }

    /// The paper's loss (its expectation, where targets are means of pictures; of the U-Net alone as a denoiser in
    /// [its steps](super::Optimization::is_denoiser_step)), `[1]`, and the gradients of the objective, on the first device. The objective weighs the losses and is scaled by the pixels, so that the
    /// clipping limit means the same for every image size.
    ///
    /// # Errors
    /// A device has failed.
    pub fn gradients(&self, network: &EnergyNetwork, batch: &Batch) -> Result<(Tensor<1>, GradientsParams)> {
        if self.ranks.count() > 1 {
            return self.lead(network, batch);
        }
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

    /// The same with the other processes, which learn the weights from this one.
    fn lead(&self, network: &EnergyNetwork, batch: &Batch) -> Result<(Tensor<1>, GradientsParams)> {
        self.send_weights(network)?;
        let sum = self.sum_with_others(network, batch)?;
        let device = &self.first_device()?;
        let Some(([asked_to_stop, loss], gradients)) = sum.as_deref().and_then(<[f32]>::split_first_chunk) else {
            return Err(Error::failed("there is no sum of gradients"));
        };
        if *asked_to_stop > 0.0 {
            INTERRUPTED.store(true, Ordering::Relaxed);
        }
        Ok((Tensor::from_floats([*loss], device), flat::unpack(gradients, &network.parameters(), device)))
    }

    /// Computes its part of every batch for the leader, until that one says that it is enough; the first so many times
    /// only what travels does.
    ///
    /// # Errors
    /// A device has failed, or the others cannot be reached.
    pub fn work(&self, rehearsals: usize, batches: &Receiver<Batch>) -> Result<()> {
        let network = EnergyNetwork::new(&self.config.network(), &self.first_device()?);
        let parameters = network.map_err(|error| Error::failed(error.to_string()))?.parameters();
        let mut done = 0;
        while let Some(network) = self.receive_weights(&parameters)? {
            if done < rehearsals {
                self.ranks.sum(&self.rehearsed(&network))?;
            } else {
                let batch = batches.recv().map_err(|_| Error::failed("the thread that makes the batches has ended"))?;
                self.sum_with_others(&network, &batch)?;
            }
            done += 1;
        }
        Ok(())
    }

    /// Sends between the processes what a step does.
    ///
    /// # Errors
    /// The others cannot be reached.
    pub fn rehearse(&self, network: &EnergyNetwork) -> Result<()> {
        self.send_weights(network)?;
        self.ranks.sum(&self.rehearsed(network)).map(drop)
    }

    /// As many numbers as the own slices give.
    fn rehearsed(&self, network: &EnergyNetwork) -> Vec<Vec<f32>> {
        let numbers: usize = network.parameters().iter().map(|one| one.shape.iter().product::<usize>()).sum();
        let slices = self.shares.iter().map(|share| share.slices.len()).sum();
        vec![vec![0.0; numbers + 2]; slices]
    }

    fn send_weights(&self, network: &EnergyNetwork) -> Result<()> {
        self.ranks.broadcast_numbers(flat::pack_weights(network)?).map(drop)
    }

    /// The network with the leader's weights, or none when it is enough.
    fn receive_weights(&self, parameters: &[Parameter]) -> Result<Option<EnergyNetwork>> {
        let numbers = self.ranks.broadcast_numbers(Vec::new())?;
        if numbers.is_empty() {
            return Ok(None);
        }
        let device = self.first_device()?.autodiff();
        flat::unpack_weights(&numbers, parameters, &self.config.network(), &device).map(Some)
    }

    fn first_device(&self) -> Result<Device> {
        let first = self.shares.first().map(|share| share.device.clone());
        first.ok_or_else(|| Error::failed("there is no device to train on"))
    }

    /// Of all slices, for the leader: how many were asked to stop, the loss, and the gradients parameter by parameter.
    fn sum_with_others(&self, network: &EnergyNetwork, batch: &Batch) -> Result<Option<Vec<f32>>> {
        let of_share = |share: &Share, network: &EnergyNetwork| -> Result<Vec<Vec<f32>>> {
            let (pictures, parameters) = (self.pictures(&batch.pictures, &share.device), network.parameters());
            let slice = |slots: &Range<usize>| {
                let (loss, gradients) = self.slice(network, batch, &pictures, slots.clone());
                // A process that is told to stop has the leader save and stop.
                let mut numbers = vec![f32::from(INTERRUPTED.load(Ordering::Relaxed))];
                numbers.extend(output::floats(loss)?);
                flat::pack(&gradients, &parameters, &mut numbers)?;
                Ok(numbers)
            };
            share.slices.iter().map(slice).collect()
        };
        let own = thread::scope(|scope| {
            let (first, others) =
                self.shares.split_first().ok_or_else(|| Error::failed("there is no device to train on"))?;
            let replicas: Vec<_> = others
                .iter()
                .map(|share| {
                    let replica = network.clone().fork(&share.device);
                    scope.spawn(move || of_share(share, &replica))
                })
                .collect();
            let mut own = of_share(first, network)?;
            for replica in replicas {
                own.extend(replica.join().map_err(|_| Error::failed("a device has failed"))??);
            }
            Ok(own)
        })?;
        self.ranks.sum(&own)
    }

    /// The sums over the slices of a device.
    fn gradients_of(&self, share: &Share, network: &EnergyNetwork, batch: &Batch) -> (Tensor<1>, GradientsParams) {
        let pictures = self.pictures(&batch.pictures, &share.device);
        let mut loss = Tensor::zeros([1], &share.device);
        let mut sum = GradientsAccumulator::new();
        for slots in &share.slices {
            let (part, gradients) = self.slice(network, batch, &pictures, slots.clone());
            loss = loss + part;
            // A sum of one would be a copy.
            if share.slices.len() == 1 {
                return (loss, gradients);
            }
            sum.accumulate(network, gradients);
        }
        (loss, sum.grads())
    }

    fn slice(
        &self,
        network: &EnergyNetwork,
        batch: &Batch,
        pictures: &Tensor<4>,
        slots: Range<usize>,
    ) -> (Tensor<1>, GradientsParams) {
        let (plan, shape) = (&self.config.optimization, self.config.network());
        let device = pictures.device();
        let levels = &batch.levels[slots.clone()];
        let factors = weights(plan.weighting, &self.config.noise, levels);
        let [sigma, factors] = [levels, &factors].map(|numbers| Tensor::<1>::from_floats(numbers, &device));
        let StableTargets { clean, noise, unlearnable } = self.targets(batch, pictures, slots, sigma.clone());
        let [clean, noise] = [self.frame.add(clean), noise].map(Tensor::autodiff);
        let losses = self.losses(network, batch, [clean, noise], sigma.autodiff());
        let numbers: usize = shape.batch_shape(plan.batch).iter().product();
        let objective = (losses.clone() * factors.autodiff()).sum() / numbers as f64;
        let gradients = GradientsParams::from_grads(objective.backward(), network);
        ((losses.inner() + unlearnable).sum() / plan.batch as f64, gradients)
    }

    /// The paper's loss, or before it that of the U-Net alone.
    fn losses(
        &self,
        network: &EnergyNetwork,
        batch: &Batch,
        [clean, noise]: [Tensor<4>; 2],
        sigma: Tensor<1>,
    ) -> Tensor<1> {
        if self.config.optimization.is_denoiser_step(batch.step) {
            let noisy = clean.clone() + noise.clone() * sigma.clone().reshape([-1, 1, 1, 1]);
            if let Some(denoised) = network.reconstruction(noisy) {
                return denoising_loss(denoised, clean, sigma);
            }
        }
        mdsm_loss(network, self.config.network.sigma_0, clean, noise, sigma)
    }

    /// What the network is to find in a slice of a batch.
    fn targets(&self, batch: &Batch, pictures: &Tensor<4>, slots: Range<usize>, sigma: Tensor<1>) -> StableTargets {
        let count = slots.len();
        let device = pictures.device();
        let input = self.config.network().batch_shape(count);
        let numbers: usize = input[1..].iter().product();
        let noise = batch.noise[slots.start * numbers..slots.end * numbers].to_vec();
        let noise = Tensor::from_data(TensorData::new(noise, input), &device);
        let clean = pictures.clone().slice([slots.clone()]);
        // Levels rise: below the first that needs a mean, the picture itself is it.
        let from = self.means_from.map_or(count, |least| batch.levels[slots].partition_point(|&level| level < least));
        let own = |range: Range<usize>| StableTargets {
            clean: clean.clone().slice([range.clone()]),
            noise: noise.clone().slice([range.clone()]),
            unlearnable: Tensor::zeros([range.len()], &device),
        };
        if from == count {
            return own(0..count);
        }
        let StableTargets { clean: some, noise: theirs, .. } = own(from..count);
        let means = stable_targets(some, theirs, sigma.narrow(0, from, count - from), pictures.clone(), self.frame);
        if from == 0 {
            return means;
        }
        let own = own(0..from);
        StableTargets {
            clean: Tensor::cat(vec![own.clean, means.clean], 0),
            noise: Tensor::cat(vec![own.noise, means.noise], 0),
            unlearnable: Tensor::cat(vec![own.unlearnable, means.unlearnable], 0),
        }
    }

    /// Pictures as `[M, C, h, w]`, 0..1.
    fn pictures(&self, bytes: &[u8], device: &Device) -> Tensor<4> {
        let (channels, size) = (self.config.network().channels, self.config.card().size);
        let floats: Vec<f32> = bytes.iter().map(|&byte| f32::from(byte) / 255.0).collect();
        let count = floats.len() / (channels * size * size).max(1);
        Tensor::from_data(TensorData::new(floats, [count, channels, size, size]), device)
    }
}

/// Cuts a range into so many parts, alike within one.
fn parts(range: Range<usize>, count: usize) -> Vec<Range<usize>> {
    let boundary = |index: usize| range.start + range.len() * index / count;
    let all = (0..count).map(|index| boundary(index)..boundary(index + 1));
    all.filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests;
