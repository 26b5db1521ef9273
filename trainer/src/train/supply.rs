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

/// What a step learns from, image by image.
pub struct Batch {
    /// Pictures, `[N, C, H, W]`, 0..1.
    pub clean: Vec<f32>,
    /// Standard normal numbers, of the shape of the network's input.
    pub noise: Vec<f32>,
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
            let mut clean = to_floats(images, &batches.at(step));
            if plan.flip {
                mirror(&mut clean, images.width, &batches.mirrored(step));
            }
            // The chain of the generator is the slot in the batch.
            let noise = noise.numbers(0, Draw::Corruption(step as u32), input);
            // Nobody waits for it any more: the training is over.
            if sender.send(Batch { clean, noise }).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Pictures as `[N, C, H, W]`, 0..1.
pub fn to_tensor(images: &Images, indices: &[usize], device: &Device) -> Tensor<4> {
    let shape = [indices.len(), images.channels, images.height, images.width];
    Tensor::from_data(TensorData::new(to_floats(images, indices), shape), device)
}

fn to_floats(images: &Images, indices: &[usize]) -> Vec<f32> {
    indices.iter().flat_map(|&index| images.image(index)).map(|&pixel| f32::from(pixel) / 255.0).collect()
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
    use super::*;

    #[test]
    fn only_marked_pictures_are_mirrored() {
        let mut pictures = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
        mirror(&mut pictures, 2, &[false, true]);
        assert_eq!(pictures, [1.0, 2.0, 3.0, 4.0, 6.0, 5.0, 8.0, 7.0]);
    }
}
