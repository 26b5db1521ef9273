//! Batches, made ahead of their steps on a thread of their own: making one takes longer than a step on a large GPU.

use std::{
    sync::mpsc::{Receiver, sync_channel},
    thread::Scope,
};

use burn::tensor::{Device, Tensor, TensorData};
use shared::{Draw, Frame, Noise, stable_targets};

use super::{RunConfig, batches::Batches};
use crate::{data::Images, error::Result, output};

/// Batches that wait for their step, at most.
const AHEAD: usize = 2;

/// What a step learns from, image by image: `clean + noise * sigma` is what the network sees.
pub struct Batch {
    /// What the network is to find, `[N, C, H, W]`: pictures, 0..1, or means of those that the noisy one may have been made of.
    pub clean: Vec<f32>,
    /// What is to be removed, of the shape of the network's input: standard normal numbers where `clean` is a picture.
    pub noise: Vec<f32>,
    /// What the loss of an image is larger by where the picture itself is to be found, not the mean: no network can learn that part.
    pub unlearnable_loss: f32,
}

/// The batches of the steps from `first` on, in order.
pub fn supply<'scope>(
    scope: &'scope Scope<'scope, '_>,
    images: &'scope Images,
    config: &'scope RunConfig,
    frame: Frame,
    first: u64,
) -> Receiver<Result<Batch>> {
    let (sender, receiver) = sync_channel(AHEAD);
    scope.spawn(move || {
        let mut maker = Maker::new(images, config, frame);
        for step in first..config.optimization.steps {
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
    frame: Frame,
    batches: Batches,
    noise: Noise,
    sigma: Tensor<1>,
}

impl<'a> Maker<'a> {
    fn new(images: &'a Images, config: &'a RunConfig, frame: Frame) -> Self {
        let plan = &config.optimization;
        Self {
            images,
            config,
            frame,
            batches: Batches::new(plan.seed, images.len(), plan.batch),
            noise: Noise::new(plan.seed),
            sigma: Tensor::from_floats(config.noise.levels(plan.batch).as_slice(), &Device::flex()),
        }
    }

    fn batch(&mut self, step: u64) -> Result<Batch> {
        let plan = &self.config.optimization;
        let references = plan.references.min(self.images.len());
        let count = plan.batch.max(references);
        let mut pictures = to_floats(self.images, &self.batches.with_others(step, count));
        if plan.flip {
            mirror(&mut pictures, self.images.width, &self.batches.mirrored(step, count));
        }
        // The chain of the generator is the slot in the batch.
        let noise = self.noise.numbers(0, Draw::Corruption(step as u32), self.config.network().batch_shape(plan.batch));
        if references == 0 {
            return Ok(Batch { clean: pictures, noise, unlearnable_loss: 0.0 });
        }
        self.stabilized(pictures, noise)
    }

    /// A batch of targets that are means over all of `pictures`, the first of which are the batch's own.
    fn stabilized(&self, pictures: Vec<f32>, noise: Vec<f32>) -> Result<Batch> {
        let device = Device::flex();
        let batch = self.config.optimization.batch;
        let Images { channels, height, width, .. } = *self.images;
        let shape = [pictures.len() / (channels * height * width), channels, height, width];
        let pictures = Tensor::from_data(TensorData::new(pictures, shape), &device);
        let noise = Tensor::from_data(TensorData::new(noise, self.config.network().batch_shape(batch)), &device);
        let targets = stable_targets(pictures, noise, self.sigma.clone(), self.frame);
        Ok(Batch {
            clean: output::floats(targets.clean)?,
            noise: output::floats(targets.noise)?,
            unlearnable_loss: output::floats(targets.unlearnable)?.iter().sum::<f32>() / batch as f32,
        })
    }
}

/// Pictures as `[N, C, H, W]`, 0..1.
pub fn to_tensor(images: &Images, indices: &[usize], device: &Device) -> Tensor<4> {
    let shape = [indices.len(), images.channels, images.height, images.width];
    Tensor::from_data(TensorData::new(to_floats(images, indices), shape), device)
}

fn to_floats(images: &Images, indices: &[usize]) -> Vec<f32> {
    let mut floats = Vec::with_capacity(indices.len() * images.channels * images.height * images.width);
    for &index in indices {
        floats.extend(images.image(index).iter().map(|&pixel| f32::from(pixel) / 255.0));
    }
    floats
}

/// Mirrors the pictures that are marked, left to right.
fn mirror(pictures: &mut [f32], width: usize, marked: &[bool]) {
    let each = pictures.len() / marked.len();
    for (picture, _) in pictures.chunks_mut(each).zip(marked).filter(|(_, marked)| **marked) {
        picture.chunks_mut(width).for_each(<[f32]>::reverse);
    }
}

#[cfg(test)]
mod tests {
    use shared::DataCard;

    use super::*;
    use crate::train::{TrainingPreset, config::PicturesCard};

    #[test]
    fn means_as_targets_leave_the_noisy_pictures_as_they_are() {
        let mut config = TrainingPreset::Unet.settings();
        config.optimization.batch = 8;
        let (size, each) = (12, 144);
        let card = DataCard { name: String::new(), licence: String::new(), size, pixel_range: [0.0, 1.0] };
        config.pictures = Some(PicturesCard { channels: 1, card });
        let pixels = (0..40 * each).map(|index| (index * index % 251) as u8).collect();
        let images = Images { pixels, labels: Vec::new(), channels: 1, height: size, width: size };
        let frame = Frame::new(size, config.network().image_size).unwrap();
        let batch_of = |references: usize| {
            let mut config = config.clone();
            config.optimization.references = references;
            Maker::new(&images, &config, frame).batch(3).unwrap()
        };
        let (plain, stable) = (batch_of(0), batch_of(40));
        let device = Device::flex();
        let levels = Tensor::<1>::from_floats(config.noise.levels(8).as_slice(), &device).reshape([8, 1, 1, 1]);
        let noisy = |batch: &Batch| {
            let clean = Tensor::<1>::from_floats(batch.clean.as_slice(), &device).reshape([8, 1, size, size]);
            let noise =
                Tensor::<1>::from_floats(batch.noise.as_slice(), &device).reshape(config.network().batch_shape(8));
            output::floats(frame.add(clean) + noise * levels.clone()).unwrap()
        };
        for (plain, stable) in noisy(&plain).iter().zip(noisy(&stable)) {
            assert!((plain - stable).abs() < 1e-5, "{plain} against {stable}");
        }
        // What is told stays the paper's loss.
        let squares: f32 = plain.noise.iter().zip(&stable.noise).map(|(plain, stable)| (plain - stable).powi(2)).sum();
        assert!((stable.unlearnable_loss - squares / 8.0).abs() < 1e-3 * stable.unlearnable_loss, "{squares}");
        // Under little noise there is one picture that it can be; under the largest there are several.
        assert_eq!(stable.clean[..each], plain.clean[..each]);
        assert_eq!(stable.noise[..each], plain.noise[..each]);
        let moved = |slot: usize| {
            let pixels = slot * each..(slot + 1) * each;
            pixels.map(|pixel| (stable.clean[pixel] - plain.clean[pixel]).abs()).sum::<f32>() / each as f32
        };
        assert!(moved(7) > 0.01, "{}", moved(7));
    }

    #[test]
    fn only_marked_pictures_are_mirrored() {
        let mut pictures = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
        mirror(&mut pictures, 2, &[false, true]);
        assert_eq!(pictures, [1.0, 2.0, 3.0, 4.0, 6.0, 5.0, 8.0, 7.0]);
    }
}
