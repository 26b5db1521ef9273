//! Stride-1 "same" convolution, with the activation before it.

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor},
};

use super::uniform::uniform;
use crate::{Activation, kernels};

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
        self.forward_joined([x], activation, residual)
    }

    /// The same for an input in several parts, which together have the input's channels: they are not copied together.
    pub fn forward_joined<const PARTS: usize>(
        &self,
        parts: [Tensor<4>; PARTS],
        activation: Option<Activation>,
        mut residual: Option<Tensor<4>>,
    ) -> Tensor<4> {
        let mut weights = Weights::of(self);
        let mut bias = self.bias.as_ref().map(Param::val);
        for x in parts {
            let weight = weights.next(&x);
            residual = Some(kernels::convolution(x, weight, bias.take(), residual, activation));
        }
        residual.unwrap_or_else(|| unreachable!("an input has at least one part"))
    }

    /// Vector-Jacobian product: the gradient `dy` at the output, `[N, channels_out, H, W]`, pulled back to the input `x`, plus
    /// `residual`: `s'(x) conv^T(dy) + residual`.
    pub fn vjp(
        &self,
        dy: Tensor<4>,
        x: Tensor<4>,
        activation: Option<Activation>,
        residual: Option<Tensor<4>>,
    ) -> Tensor<4> {
        let [dx] = self.vjp_joined(dy, [(x, residual)], activation);
        dx
    }

    /// The same for an input in several parts, each with its residual.
    pub fn vjp_joined<const PARTS: usize>(
        &self,
        dy: Tensor<4>,
        parts: [(Tensor<4>, Option<Tensor<4>>); PARTS],
        activation: Option<Activation>,
    ) -> [Tensor<4>; PARTS] {
        let mut weights = Weights::of(self);
        parts.map(|(x, residual)| {
            let weight = weights.next(&x);
            kernels::convolution_vjp(dy.clone(), weight, x, residual, activation)
        })
    }

    /// Floating-point operations for one image of this side.
    pub fn flop(&self, side: usize) -> f64 {
        let weights: usize = self.weight.lazy_shape().as_slice().iter().product();
        2.0 * (weights * side * side) as f64
    }
}

/// What of a weight belongs to each part of the input, from the first channel on.
struct Weights {
    whole: Tensor<4>,
    first: usize,
}

impl Weights {
    fn of(convolution: &Convolution) -> Self {
        Self { whole: convolution.weight.val(), first: 0 }
    }

    fn next(&mut self, part: &Tensor<4>) -> Tensor<4> {
        let channels = part.dims()[1];
        if channels == self.whole.dims()[1] {
            return self.whole.clone();
        }
        self.first += channels;
        self.whole.clone().narrow(1, self.first - channels, channels)
    }
}
