//! Batches, made ahead of their steps on a thread of their own: making one takes longer than a step on a large GPU.

use std::{
    sync::mpsc::{Receiver, sync_channel},
    thread::Scope,
};

use burn::tensor::{Device, Tensor, TensorData};
use shared::{Draw, Noise};

use super::{Optimization, batches::Batches};
use crate::data::Images;

/// Batches that wait for their step, at most.
const AHEAD: usize = 2;

/// What a step learns from.
pub struct Batch {
    /// Pictures as `[N, C, H, W]`, 0..1.
    pub clean: TensorData,
    /// Which of them are mirrored; nothing where none ever is.
    pub mirrored: Option<Vec<bool>>,
    /// Standard normal numbers, of the shape of the network's input.
    pub noise: TensorData,
}

/// The batches of the steps from `first` on, in order. `input` is the shape of a batch as the network sees it.
pub fn supply<'scope>(
    scope: &'scope Scope<'scope, '_>,
    images: &'scope Images,
    plan: &'scope Optimization,
    first: u64,
    input: [usize; 4],
) -> Receiver<Batch> {
    let (sender, receiver) = sync_channel(AHEAD);
    scope.spawn(move || {
        let mut batches = Batches::new(plan.seed, images.len(), plan.batch);
        let noise = Noise::new(plan.seed);
        for step in first..plan.steps {
            // The chain of the generator is the slot in the batch.
            let batch = Batch {
                clean: to_data(images, &batches.at(step)),
                mirrored: plan.flip.then(|| batches.mirrored(step)),
                noise: noise.data(0, Draw::Corruption(step as u32), input),
            };
            // Nobody waits for it any more: the training is over.
            if sender.send(batch).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Pictures as `[N, C, H, W]`, 0..1.
pub fn to_tensor(images: &Images, indices: &[usize], device: &Device) -> Tensor<4> {
    Tensor::from_data(to_data(images, indices), device)
}

fn to_data(images: &Images, indices: &[usize]) -> TensorData {
    let pixels: Vec<f32> =
        indices.iter().flat_map(|&index| images.image(index)).map(|&pixel| f32::from(pixel) / 255.0).collect();
    TensorData::new(pixels, [indices.len(), images.channels, images.height, images.width])
}
