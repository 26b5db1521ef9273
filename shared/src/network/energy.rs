//! What the sampler and the objective need of an energy.

use burn::tensor::Tensor;

/// A function from images to one scalar each, with its gradient: a network, or a closed form in tests.
pub trait Energy {
    /// Images `[N, C, H, W]` to energies `[N]` and the energy gradient `[N, C, H, W]`.
    fn energy_and_gradient(&self, x: Tensor<4>) -> (Tensor<1>, Tensor<4>);
}
