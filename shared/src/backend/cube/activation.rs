//! The activations and their derivatives.

use cubecl::prelude::*;
use options::Activation;

/// `s(v)`
#[cube]
pub(super) fn activate(v: f32, #[comptime] activation: Option<Activation>) -> f32 {
    match comptime!(activation) {
        None => v,
        Some(Activation::Elu) => select(v > 0.0, v, v.exp() - 1.0),
        Some(Activation::Silu) => v * sigmoid(v),
    }
}

/// `s'(v)`
#[cube]
pub(super) fn slope(v: f32, #[comptime] activation: Option<Activation>) -> f32 {
    match comptime!(activation) {
        None => 1.0,
        Some(Activation::Elu) => select(v > 0.0, 1.0, v.exp()),
        Some(Activation::Silu) => {
            let s = sigmoid(v);
            s + v * s * (1.0 - s)
        }
    }
}

/// `s''(v)`
#[cube]
pub(super) fn curvature(v: f32, #[comptime] activation: Option<Activation>) -> f32 {
    match comptime!(activation) {
        None => 0.0,
        Some(Activation::Elu) => select(v > 0.0, 0.0, v.exp()),
        Some(Activation::Silu) => {
            let s = sigmoid(v);
            s * (1.0 - s) * (2.0 + v * (1.0 - 2.0 * s))
        }
    }
}

#[cube]
fn sigmoid(v: f32) -> f32 {
    1.0 / (1.0 + (-v).exp())
}
