//! Several models at once: the product of their densities has the sum of their energies.

use burn::tensor::Tensor;

use crate::{network::Energy, sampling::Guided};

/// The sum of energies, with what the samplers need to know of it.
#[derive(Debug)]
pub struct Product<'a> {
    first: Guided<'a>,
    others: Vec<Guided<'a>>,
}

impl<'a> Product<'a> {
    /// All see images of the same shape.
    pub fn new(first: Guided<'a>, others: Vec<Guided<'a>>) -> Self {
        Self { first, others }
    }

    /// The `sigma_0` of the sum, where each network has this one: n equal wells make one that is `sqrt(n)` times
    /// narrower. The denoising jump then goes to the mean of the networks' denoised images.
    pub fn sigma_0(&self, of_each: f32) -> f32 {
        of_each / (1.0 + self.others.len() as f32).sqrt()
    }
}

impl Energy for Product<'_> {
    fn energy_and_gradient(&self, x: Tensor<4>) -> (Tensor<1>, Tensor<4>) {
        self.others.iter().fold(self.first.energy_and_gradient(x.clone()), |(energy, gradient), model| {
            let (more, steeper) = model.energy_and_gradient(x.clone());
            (energy + more, gradient + steeper)
        })
    }
}
