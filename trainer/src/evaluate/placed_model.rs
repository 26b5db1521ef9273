//! The model that is being evaluated, as a function of plain pictures.

use burn::tensor::{Device, Tensor};
use shared::{
    network::Energy,
    sampling::{Draw, Noise, langevin},
};

use crate::{data::Images, error::Result, model::LoadedModel, output, train::to_tensor};

/// A model on its device.
pub struct PlacedModel<'a> {
    /// The model.
    pub model: &'a LoadedModel,
    /// Where it computes.
    pub device: &'a Device,
}

/// What the energy says at a picture.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// `E(x)`
    pub energy: f32,
    /// `|sigma_0^2 grad E(x)|`, the length of the denoising jump.
    pub jump: f32,
}

/// A noisy picture's way back.
pub struct Denoised {
    /// The noisy pictures, in the frame: `[N, C, S, S]`.
    pub noisy: Tensor<4>,
    /// After one jump.
    pub clean: Tensor<4>,
}

impl PlacedModel<'_> {
    /// Pictures at a time: bounds the memory.
    pub const BATCH: usize = 100;

    /// Pictures of a set in the network's frame, in batches with the place of their first.
    pub fn batches<'s>(&'s self, images: &'s Images) -> impl Iterator<Item = (usize, Tensor<4>)> + 's {
        let all: Vec<usize> = (0..images.len()).collect();
        let firsts = (0..images.len()).step_by(Self::BATCH);
        firsts.map(move |first| {
            let batch = &all[first..(first + Self::BATCH).min(all.len())];
            (first, self.model.frame.add(to_tensor(images, batch, self.device)))
        })
    }

    /// Energy and jump of every picture.
    ///
    /// # Errors
    /// The device fails.
    pub fn read(&self, images: &Images) -> Result<Vec<Reading>> {
        let mut readings = Vec::with_capacity(images.len());
        for (_, batch) in self.batches(images) {
            let (energy, gradient) = self.model.network.energy_and_gradient(batch);
            let energies = output::floats(energy)?;
            let jumps = output::floats(self.lengths(gradient))?;
            readings.extend(energies.into_iter().zip(jumps).map(|(energy, jump)| Reading { energy, jump }));
        }
        Ok(readings)
    }

    /// Adds noise of a level, always the same for the same place in the set, and jumps.
    pub fn denoise(&self, first: usize, clean: Tensor<4>, level: f32) -> Denoised {
        let z = Noise::new(0).tensor(first as u64, Draw::Start, clean.dims(), self.device);
        let noisy = clean + z * level;
        let (_, gradient) = self.model.network.energy_and_gradient(noisy.clone());
        let clean = langevin::denoise(noisy.clone(), gradient, self.model.config.sigma_0);
        Denoised { noisy, clean }
    }

    /// `|sigma_0^2 gradient|` of each picture.
    fn lengths(&self, gradient: Tensor<4>) -> Tensor<1> {
        let squares = gradient.square().flatten::<2>(1, 3).sum_dim(1);
        squares.sqrt().flatten(0, 1) * self.model.config.sigma_0.powi(2)
    }
}
