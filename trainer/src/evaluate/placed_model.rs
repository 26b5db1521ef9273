//! The model that is being evaluated, as a function of plain pictures.

use burn::tensor::{Device, Tensor};
use shared::{
    network::Energy,
    sampling::{Draw, Noise, langevin},
};

use crate::{budget, data::Images, error::Result, model::LoadedModel, output, train::to_tensor};

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

impl PlacedModel<'_> {
    /// Pictures that go through the network at a time. No number depends on it.
    pub fn batch(&self) -> usize {
        const MOST: usize = 100;
        budget::pictures(&self.model.network, self.model.config.image_size, MOST)
    }

    /// Pictures of a set in the network's frame, in batches with the place of their first.
    pub fn batches<'s>(&'s self, images: &'s Images) -> impl Iterator<Item = (usize, Tensor<4>)> + 's {
        budget::parts(images.len(), self.batch()).map(move |part| {
            let first = part.start;
            (first, self.model.frame.add(to_tensor(images, &part.collect::<Vec<_>>(), self.device)))
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

    /// The energy of every picture under noise of this level.
    ///
    /// # Errors
    /// The device fails.
    pub fn energies_under(&self, images: &Images, level: f32) -> Result<Vec<f32>> {
        let batches = self.batches(images).map(|(first, clean)| {
            output::floats(self.model.network.energy_and_gradient(self.noisy(first, clean, level)).0)
        });
        Ok(batches.collect::<Result<Vec<_>>>()?.concat())
    }

    /// Pictures `[N, C, S, S]` with noise of a level, always the same for the same place in the set.
    pub fn noisy(&self, first: usize, clean: Tensor<4>, level: f32) -> Tensor<4> {
        let z = Noise::new(0).tensor(first as u64, Draw::Start, clean.dims(), self.device);
        clean + z * level
    }

    /// Pictures `[N, C, S, S]` after one jump `x - sigma_0^2 grad E(x)`.
    pub fn jump(&self, noisy: Tensor<4>) -> Tensor<4> {
        let (_, gradient) = self.model.network.energy_and_gradient(noisy.clone());
        langevin::denoise(noisy, gradient, self.model.config.sigma_0)
    }

    /// `|sigma_0^2 gradient|` of each picture.
    fn lengths(&self, gradient: Tensor<4>) -> Tensor<1> {
        let squares = gradient.square().flatten::<2>(1, 3).sum_dim(1);
        squares.sqrt().flatten(0, 1) * self.model.config.sigma_0.powi(2)
    }
}
