//! The pointwise non-linearities, each with its derivative.

use burn::tensor::{Tensor, activation::sigmoid};
use serde::{Deserialize, Serialize};

/// The non-linearity between convolutions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// `v` above 0, `exp(v) - 1` below: the paper's choice.
    Elu,
    /// `v * sigmoid(v)`: smooth, so that the trained gradient field is smooth too.
    Silu,
}

impl Activation {
    /// The activation and its derivative at `v`, both of the shape of `v`.
    pub fn value_and_derivative(self, v: Tensor<4>) -> (Tensor<4>, Tensor<4>) {
        match self {
            Self::Elu => {
                // exp(min(v, 0)) is the derivative on both sides, and the value follows from it.
                let derivative = v.clone().clamp_max(0.0).exp();
                let value = v.clamp_min(0.0) + derivative.clone() - 1.0;
                (value, derivative)
            }
            Self::Silu => {
                let s = sigmoid(v.clone());
                let value = v * s.clone();
                // s + v s (1 - s), written with the value.
                let derivative = s.clone() + value.clone() - value.clone() * s;
                (value, derivative)
            }
        }
    }
}
