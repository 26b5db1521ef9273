//! Clipping of the gradient by its norm over all parameters.

use burn::{
    optim::GradientsParams,
    tensor::{ElementConversion, Tensor},
};
use shared::Parameter;

/// Scales the gradients so that their joint norm is at most `limit`; returns the norm before. Burn's own clipping works on
/// one parameter at a time, which would turn the direction of the step.
pub fn clip_by_global_norm(gradients: &mut GradientsParams, parameters: &[Parameter], limit: f64) -> f64 {
    let mut squares: Option<Tensor<1>> = None;
    for parameter in parameters {
        let square = match parameter.shape.len() {
            1 => sum_of_squares::<1>(gradients, parameter),
            2 => sum_of_squares::<2>(gradients, parameter),
            _ => sum_of_squares::<4>(gradients, parameter),
        };
        squares = match (squares, square) {
            (Some(a), Some(b)) => Some(a + b),
            (a, b) => a.or(b),
        };
    }
    let norm = squares.map_or(0.0, |squares| squares.into_scalar::<f32>().elem::<f64>().sqrt());
    if norm > limit {
        let factor = limit / norm;
        for parameter in parameters {
            match parameter.shape.len() {
                1 => scale::<1>(gradients, parameter, factor),
                2 => scale::<2>(gradients, parameter, factor),
                _ => scale::<4>(gradients, parameter, factor),
            }
        }
    }
    norm
}

fn sum_of_squares<const D: usize>(gradients: &GradientsParams, parameter: &Parameter) -> Option<Tensor<1>> {
    gradients.get::<D>(parameter.id).map(|gradient| gradient.square().sum())
}

fn scale<const D: usize>(gradients: &mut GradientsParams, parameter: &Parameter, factor: f64) {
    if let Some(gradient) = gradients.remove::<D>(parameter.id) {
        gradients.register(parameter.id, gradient * factor);
    }
}
