//! Clipping of the gradient by its norm over all parameters.

use burn::{optim::GradientsParams, tensor::Tensor};
use shared::network::Parameter;

/// Scales the gradients so that their joint norm is at most `limit`; returns the norm before, `[1]`, which nobody has
/// to wait for. Burn's own clipping works on one parameter at a time, which would turn the direction of the step.
pub fn clip_by_global_norm(gradients: &mut GradientsParams, parameters: &[Parameter], limit: f64) -> Tensor<1> {
    let mut squares = Vec::with_capacity(parameters.len());
    for parameter in parameters {
        squares.extend(match parameter.shape.len() {
            1 => sum_of_squares::<1>(gradients, parameter),
            2 => sum_of_squares::<2>(gradients, parameter),
            _ => sum_of_squares::<4>(gradients, parameter),
        });
    }
    let norm = Tensor::cat(squares, 0).sum().sqrt();
    if limit.is_finite() {
        let factor = norm.clone().recip().mul_scalar(limit).clamp_max(1.0);
        for parameter in parameters {
            match parameter.shape.len() {
                1 => scale::<1>(gradients, parameter, &factor),
                2 => scale::<2>(gradients, parameter, &factor),
                _ => scale::<4>(gradients, parameter, &factor),
            }
        }
    }
    norm
}

fn sum_of_squares<const D: usize>(gradients: &GradientsParams, parameter: &Parameter) -> Option<Tensor<1>> {
    gradients.get::<D>(parameter.id).map(|gradient| gradient.square().sum())
}

fn scale<const D: usize>(gradients: &mut GradientsParams, parameter: &Parameter, factor: &Tensor<1>) {
    if let Some(gradient) = gradients.remove::<D>(parameter.id) {
        gradients.register(parameter.id, gradient * factor.clone().reshape([1; D]));
    }
}
