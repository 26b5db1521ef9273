//! Stride-1 "same" convolution, with the activation before it.

use burn::{
    backend::{Dispatch, tensor::FloatTensor},
    module::{Module, Param},
    tensor::{Device, Tensor},
};

use super::uniform::uniform;
use options::Activation;

use crate::backend::{self, Optional};

/// A convolution with an odd square kernel that keeps height and width.
#[derive(Module, Debug)]
pub struct Convolution {
    /// `[channels_out, channels_in, kernel, kernel]`
    pub weight: Param<Tensor<4>>,
    /// `[channels_out]`
    pub bias: Option<Param<Tensor<1>>>,
}

impl Convolution {
    /// With random weights and bias.
    pub fn new(channels_in: usize, channels_out: usize, kernel: usize, bias: bool, device: &Device) -> Self {
        let fan_in = channels_in * kernel * kernel;
        Self {
            weight: uniform([channels_out, channels_in, kernel, kernel], fan_in, device),
            bias: bias.then(|| uniform([channels_out], fan_in, device)),
        }
    }

    /// `conv(s(x)) + residual`: `[N, channels_in, H, W]` to `[N, channels_out, H, W]`.
    pub fn forward(&self, x: Tensor<4>, activation: Option<Activation>, residual: Option<Tensor<4>>) -> Tensor<4> {
        backend::convolution(x, self.weight.val(), self.bias.as_ref().map(Param::val), residual, activation)
    }

    /// Vector-Jacobian product: the gradient `dy` at the output, `[N, channels_out, H, W]`, pulled back to the input
    /// `x`, plus `residual`: `s'(x) conv^T(dy) + residual`.
    pub fn vjp(
        &self,
        dy: Tensor<4>,
        x: Tensor<4>,
        activation: Option<Activation>,
        residual: Option<Tensor<4>>,
    ) -> Tensor<4> {
        backend::convolution_vjp(dy, self.weight.val(), x, residual, activation)
    }

    /// Weight and bias, as operations of blocks take them.
    pub(super) fn to_dispatch(&self) -> (FloatTensor<Dispatch>, Optional<Dispatch>) {
        let bias = self.bias.as_ref().map(|bias| bias.val().into_dispatch());
        (self.weight.val().into_dispatch(), Optional::of(bias))
    }

    /// Numbers that it gives for one image of this side.
    pub fn values(&self, side: usize) -> usize {
        self.weight.lazy_shape().as_slice().first().copied().unwrap_or(0) * side * side
    }

    /// Floating-point operations for one image of this side.
    pub fn flop(&self, side: usize) -> f64 {
        let weights: usize = self.weight.lazy_shape().as_slice().iter().product();
        2.0 * (weights * side * side) as f64
    }
}
