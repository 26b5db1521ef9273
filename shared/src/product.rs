//! Several models at once: the product of their densities has the sum of their energies.

use burn::tensor::Tensor;

use crate::{Energy, EnergyNetwork};

/// The sum of energies, with what the samplers need to know of it.
pub struct Product<'a>(Vec<&'a EnergyNetwork>);

impl<'a> Product<'a> {
    /// Of at least one network; all see images of the same shape.
    pub fn new(first: &'a EnergyNetwork, others: &'a [EnergyNetwork]) -> Self {
        Self(std::iter::once(first).chain(others).collect())
    }

    /// The `sigma_0` of the sum, where each network has this one: n equal wells make one that is `sqrt(n)` times narrower. The
    /// denoising jump then goes to the mean of the networks' denoised images.
    pub fn sigma_0(&self, of_each: f32) -> f32 {
        of_each / (self.0.len() as f32).sqrt()
    }
}

impl Energy for Product<'_> {
    fn energy_and_gradient(&self, x: Tensor<4>) -> (Tensor<1>, Tensor<4>) {
        let (first, others) = (self.0[0], &self.0[1..]);
        others.iter().fold(first.energy_and_gradient(x.clone()), |(energy, gradient), network| {
            let (more, steeper) = network.energy_and_gradient(x.clone());
            (energy + more, gradient + steeper)
        })
    }
}
