//! The chains of a run, and the way of pictures between messages and tensors.

use std::{ops::Range, sync::Arc};

use burn::tensor::{Bool, Tensor, TensorData};
use futures::future::join;
use shared::{
    backend::combination2,
    restoration::{Blocks, Blurred, Cosines, Grey, Linear, cosine_gains, gaussian_blur},
    sampling::{Chains, Draw, Given, Guided, Known, Noise, Schedule},
};
use web::{
    messages::{Run, Start},
    texts,
};

use crate::ready::Ready;

impl Ready {
    /// How many floats a picture has.
    pub fn picture_length(&self) -> usize {
        self.model.manifest.data.size.pow(2) * self.model.manifest.network.channels
    }

    /// Pictures `[N, H, W, C]` as the network sees them.
    pub fn images(&self, values: &[f32], channels: usize) -> Tensor<4> {
        let size = self.model.manifest.data.size;
        let shape = [values.len() / (size * size * channels), size, size, channels];
        let pictures = Tensor::<4>::from_data(TensorData::new(values.to_vec(), shape), &self.device);
        self.frame.add(pictures.permute([0, 3, 1, 2]))
    }

    /// Pictures under noise of this level, in the frame as well, where chains begin from this one on.
    pub fn noisy(&self, pictures: &[f32], noise: &Noise, level: f32, first_chain: u64) -> Tensor<4> {
        let pictures = self.images(pictures, self.model.manifest.network.channels);
        let z = noise.tensor(first_chain, Draw::Start, pictures.dims(), &self.device);
        combination2((1.0, pictures), (level, z))
    }

    /// Waits for the device: the energies of all batches, all finite, and what else is of the shape of pictures, as
    /// `[N, H, W, C]` at the data's own size.
    pub async fn read(
        &self,
        energies: Vec<Tensor<1>>,
        pictures: impl IntoIterator<Item = Tensor<4>>,
    ) -> Result<(Vec<f32>, Vec<f32>), String> {
        let pictures: Vec<_> = pictures.into_iter().map(|batch| self.frame.remove(batch)).collect();
        let pixels = async {
            match pictures.is_empty() {
                true => Vec::new(),
                false => self.floats(Tensor::cat(pictures, 0).permute([0, 2, 3, 1])).await,
            }
        };
        if energies.is_empty() {
            return Ok((Vec::new(), pixels.await));
        }
        // Together: a reading takes the time of a message to the GPU's process and back.
        let (energies, pixels) = join(self.floats(Tensor::cat(energies, 0)), pixels).await;
        check(&energies)?;
        Ok((energies, pixels))
    }
}

/// Some of the chains of a run, a number at a time that suits the device. `payload` is that of the run, with where these
/// chains are if steps are done.
///
/// # Errors
/// The payload is not what the run needs.
pub fn batches(ready: &Ready, run: &Run, chains: Range<usize>, mut payload: Vec<f32>) -> Result<Vec<Chains>, String> {
    let length = ready.picture_length();
    let left_at = if run.done == 0 {
        None
    } else {
        let start = payload.len().checked_sub(chains.len() * length).ok_or_else(texts::mismatch)?;
        Some(payload.split_off(start))
    };
    let known: Option<Arc<dyn Given>> = match run.start {
        Start::Around => Some(Arc::new(known(ready, &payload).ok_or_else(texts::mismatch)?)),
        Start::Restored(known) => Some(restored(ready, known, &payload).ok_or_else(texts::mismatch)?),
        Start::Noise | Start::Pictures { .. } => None,
    };
    let given = payload.len() / length;
    if matches!(run.start, Start::Pictures { .. })
        && (!payload.len().is_multiple_of(length) || ![1, run.count].contains(&given))
    {
        return Err(texts::mismatch().to_owned());
    }
    let schedule = schedule(ready, run);
    let network = &ready.model.manifest.network;
    let (sigma_0, noise) = (network.sigma_0, Noise::new(run.seed));
    let size = ready.batch_size();
    let batches = chains.clone().step_by(size).map(|first| {
        let count = size.min(chains.end - first);
        let shape = network.batch_shape(count);
        let sampler = Chains::new(schedule.clone(), sigma_0, noise.clone(), first as u64, shape, &ready.device);
        let sampler = match (&known, run.start) {
            (Some(known), _) => sampler.around(Arc::clone(known)),
            (None, Start::Pictures { level }) => {
                let x = if given == run.count {
                    let part = &payload[first * length..(first + count) * length];
                    ready.noisy(part, &noise, level, first as u64)
                } else {
                    ready.noisy(&payload, &noise, level, 0).expand(shape)
                };
                sampler.at(x, 0)
            }
            _ => sampler,
        };
        match &left_at {
            Some(states) => {
                let at = (first - chains.start) * length;
                let seen = ready.images(&states[at..at + count * length], network.channels);
                // Nobody saw what lay in the frame: as much noise as they are under.
                let level = sigma_0 * schedule.temperature(run.done).sqrt();
                let z = noise.tensor(first as u64, Draw::Start, shape, &ready.device);
                let frame = ready.frame.add(ready.frame.remove(z.ones_like())).mul_scalar(-1.0).add_scalar(1.0);
                sampler.at(combination2((1.0, seen), (level, z * frame)), run.done)
            }
            None => sampler,
        }
    });
    Ok(batches.collect())
}

/// What the chains of a run go down: new pictures away from the model's guide, if it has one.
pub fn energy<'a>(ready: &'a Ready, run: &Run) -> Guided<'a> {
    match run.start {
        Start::Noise => ready.model.guided(),
        Start::Around | Start::Restored(_) | Start::Pictures { .. } => Guided::new(&ready.model.network, None),
    }
}

/// What the steps of a run do.
pub fn schedule(ready: &Ready, run: &Run) -> Schedule {
    let manifest = &ready.model.manifest;
    if let Start::Pictures { level } = run.start {
        return Schedule::falling(run.steps, manifest.network.sigma_0, level, &manifest.noise)
            .with_churn(manifest.churn);
    }
    let schedule = manifest.schedule(run.sampler, run.steps);
    match run.start {
        // As the chains have it, so that what is told of a step is true of it.
        Start::Around | Start::Restored(_) => schedule.around_known(),
        Start::Noise | Start::Pictures { .. } => schedule,
    }
}

/// What is known of one picture, `[1, C, S, S]`, if the payload has picture and mask. The frame of zeros around small
/// pictures is known too.
fn known(ready: &Ready, payload: &[f32]) -> Option<Known> {
    let (picture, mask) = payload.split_at_checked(ready.picture_length())?;
    if mask.len() != ready.model.manifest.data.size.pow(2) {
        return None;
    }
    let unknown: Tensor<4, Bool> = ready.images(mask, 1).greater_elem(0.5);
    let pixels = ready.images(picture, ready.model.manifest.network.channels);
    Some(Known { unknown: unknown.expand(pixels.dims()), pixels })
}

/// What is known of a picture, if the payload is one.
fn restored(ready: &Ready, known: web::Known, payload: &[f32]) -> Option<Arc<dyn Given>> {
    let (size, frame) = (ready.model.manifest.data.size, ready.frame);
    let channels = ready.model.manifest.network.channels;
    if payload.len() != ready.picture_length() {
        return None;
    }
    let shape = [1, size, size, channels];
    let data = TensorData::new(payload.to_vec(), shape);
    let picture = Tensor::<4>::from_data(data, &ready.device).permute([0, 3, 1, 2]);
    if let Some(side) = known.block() {
        return Some(Arc::new(Linear { picture, part: Blocks { side }, noise: 0.0, frame }));
    }
    Some(match known {
        web::Known::Grey if channels == 3 => Arc::new(Linear { picture, part: Grey::of_colours(), noise: 0.0, frame }),
        web::Known::Blurred | web::Known::Soft => {
            let blurred = match known {
                web::Known::Soft => picture,
                _ => gaussian_blur(picture, web::Known::BLUR),
            };
            let gains = cosine_gains(web::Known::BLUR, size, size);
            let basis = Cosines::new(size, size, &ready.device);
            Arc::new(Blurred::new(blurred, basis, &gains, 0.0, frame))
        }
        _ => return None,
    })
}

fn check(energies: &[f32]) -> Result<(), String> {
    if energies.iter().all(|energy| energy.is_finite()) {
        return Ok(());
    }
    Err(texts::ran_away().to_owned())
}
