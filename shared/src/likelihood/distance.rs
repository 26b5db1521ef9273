//! How far apart two pictures are, as a model sees them.

use burn::tensor::Tensor;

use super::Quadrature;
use crate::{each::squared_lengths, network::Energy, sampling::langevin};

/// `|(a - D(a + s z)) - (b - D(b + s z))|^2 / s^2` of each pair of pictures, `[N]`: what a denoiser gets wrong in one and
/// not in the other. The noise is the same for both, so that only the pictures make the difference.
///
/// `a`, `b` and the standard normal `z` are `[N, C, H, W]`, the `levels` are `[N]`.
pub fn separation(
    energy: &impl Energy,
    sigma_0: f32,
    [a, b]: [Tensor<4>; 2],
    z: Tensor<4>,
    levels: Tensor<1>,
) -> Tensor<1> {
    let count = a.dims()[0];
    let levels: Tensor<4> = levels.reshape([-1, 1, 1, 1]);
    let offset = z * levels.clone();
    let noisy = Tensor::cat(vec![a.clone() + offset.clone(), b.clone() + offset], 0);
    let (_, gradient) = energy.energy_and_gradient(noisy.clone());
    let errors = Tensor::cat(vec![a, b], 0) - langevin::denoise(noisy, gradient, sigma_0);
    let difference = (errors.clone().narrow(0, 0, count) - errors.narrow(0, count, count)) / levels;
    squared_lengths(difference)
}

impl Quadrature {
    /// The information-estimation metric `sqrt(int |(a - D(a + s z)) - (b - D(b + s z))|^2 d(1/s^2))` of two pictures by
    /// their [`separation`] at each level (Ohayon and others 2026, "The information-estimation metric"). Differences
    /// where the data has much variance count little, those that no picture of the data has count much: for a Gaussian
    /// it is nearly the Mahalanobis distance. It has no unit; compare it with that of other pairs.
    pub fn distance(&self, separations: &[f64]) -> f64 {
        // d(1/s^2) is 2/s^2 dln s.
        libm::sqrt(self.nodes().iter().zip(separations).map(|(node, separation)| 2.0 * node.weight * separation).sum())
    }
}
