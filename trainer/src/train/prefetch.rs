//! Batches, made ahead of their steps on a thread of their own, so that a GPU has not to wait for them.

use std::{
    sync::mpsc::{Receiver, sync_channel},
    thread::Scope,
};

use burn::tensor::{Device, Tensor, TensorData};
use shared::sampling::{Draw, Noise};

use super::{RunConfig, batches::Batches};
use crate::data::Images;

/// Batches that wait for their step, at most.
const AHEAD: usize = 2;

/// What a step learns from.
pub struct Batch {
    /// Which, from 0.
    pub step: u64,
    /// Pictures, `[M, C, h, w]`, 0..255: the first are made noisy; targets that are means are so over all of them.
    pub pictures: Vec<u8>,
    /// Standard normal numbers for the pictures that are made noisy, of the shape of the network's input.
    pub noise: Vec<f32>,
    /// The noise level of each picture that is made noisy, rising.
    pub levels: Vec<f32>,
}

/// The batches of `steps`, in their order.
pub fn prefetch<'scope>(
    scope: &'scope Scope<'scope, '_>,
    images: &'scope Images,
    config: &'scope RunConfig,
    steps: impl IntoIterator<Item = u64, IntoIter: Send + 'scope>,
) -> Receiver<Batch> {
    let (sender, receiver) = sync_channel(AHEAD);
    let steps = steps.into_iter();
    scope.spawn(move || {
        let mut maker = Maker::new(images, config);
        for step in steps {
            // Nobody waits for it any more: the training is over.
            if sender.send(maker.batch(step)).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Makes batches, on the CPU.
struct Maker<'a> {
    images: &'a Images,
    config: &'a RunConfig,
    batches: Batches,
    noise: Noise,
}

impl<'a> Maker<'a> {
    fn new(images: &'a Images, config: &'a RunConfig) -> Self {
        let plan = &config.optimization;
        let batches = Batches::new(plan.seed, images.len(), plan.batch);
        Self { images, config, batches, noise: Noise::new(plan.seed) }
    }

    fn batch(&mut self, step: u64) -> Batch {
        let plan = &self.config.optimization;
        let count = plan.batch.max(plan.references.min(self.images.len()));
        let chosen = self.batches.with_others(step, count);
        // Bytes: as floats, those that wait would take four times the memory.
        let mut pictures: Vec<u8> = chosen.iter().flat_map(|&index| self.images.image(index)).copied().collect();
        if plan.flip {
            mirror(&mut pictures, self.images.width, &self.batches.mirrored(step, count));
        }
        // The chain of the generator is the slot in the batch.
        let noise = self.noise.numbers(0, Draw::Corruption(step as u32), self.config.network().batch_shape(plan.batch));
        let levels = self.config.noise.stratified(&self.noise.uniform(0, Draw::Levels(step as u32), plan.batch));
        Batch { step, pictures, noise, levels }
    }
}

/// Pictures as `[N, C, H, W]`, 0..1.
pub fn to_tensor(images: &Images, indices: &[usize], device: &Device) -> Tensor<4> {
    let mut floats = Vec::with_capacity(indices.len() * images.channels * images.height * images.width);
    for &index in indices {
        floats.extend(images.image(index).iter().map(|&pixel| f32::from(pixel) / 255.0));
    }
    let shape = [indices.len(), images.channels, images.height, images.width];
    Tensor::from_data(TensorData::new(floats, shape), device)
}

/// Mirrors the pictures that are marked, left to right.
fn mirror(pictures: &mut [u8], width: usize, marked: &[bool]) {
    let each = pictures.len() / marked.len();
    for (picture, _) in pictures.chunks_mut(each).zip(marked).filter(|(_, marked)| **marked) {
        picture.chunks_mut(width).for_each(<[u8]>::reverse);
    }
}

#[cfg(test)]
mod tests {
    use options::Spacing;
    use shared::{model::DataCard, training::NoiseLevels};

    use super::*;
    use crate::train::{TrainingPreset, config::PicturesCard};

    #[test]
    fn half_of_the_pictures_are_mirrored_where_the_plan_says_so() {
        // No row is its own mirror image, and none that of another.
        let pixels: Vec<u8> = (0..16 * 64).map(|at| (at % 251) as u8).collect();
        let images = Images { channels: 1, height: 8, width: 8, pixels, labels: Vec::new() };
        let card =
            DataCard { name: "x".into(), licence: "y".into(), size: 8, pixel_range: [0.0, 1.0], fingerprint: None };
        let mut config = TrainingPreset::Unet.settings();
        config.pictures = Some(PicturesCard { channels: 1, changed: false, count: None, card });
        config.noise = NoiseLevels { min: 0.05, max: 5.0, spacing: Spacing::Geometric };
        (config.optimization.batch, config.optimization.references) = (16, 0);
        let mut mirrored = |flip| {
            config.optimization.flip = flip;
            let batch = Maker::new(&images, &config).batch(3);
            let pictures: Vec<Vec<u8>> = batch.pictures.chunks(64).map(<[u8]>::to_vec).collect();
            let originals: Vec<Vec<u8>> = (0..16).map(|index| images.image(index).to_vec()).collect();
            assert_eq!(pictures.len(), 16);
            let found = pictures.iter().filter(|picture| {
                let mut back = (*picture).clone();
                mirror(&mut back, 8, &[true]);
                assert!(originals.contains(picture) != originals.contains(&back), "{picture:?}");
                originals.contains(&back)
            });
            found.count()
        };
        assert_eq!(mirrored(false), 0);
        let some = mirrored(true);
        assert!((1..16).contains(&some), "{some} of 16");
    }

    #[test]
    fn only_marked_pictures_are_mirrored() {
        let mut pictures = [1, 2, 3, 4, 5, 6, 7, 8];
        mirror(&mut pictures, 2, &[false, true]);
        assert_eq!(pictures, [1, 2, 3, 4, 6, 5, 8, 7]);
    }
}
