//! Stride-1 "same" convolution.

use burn::{
    module::{Module, Param},
    nn::Initializer,
    tensor::{Device, Tensor, module::conv2d, ops::ConvOptions},
};

/// A convolution with an odd square kernel that keeps height and width.
#[derive(Module, Debug)]
pub struct Convolution {
    /// `[channels_out, channels_in, kernel, kernel]`
    pub weight: Param<Tensor<4>>,
    /// `[channels_out]`
    pub bias: Option<Param<Tensor<1>>>,
}

impl Convolution {
    /// Weights and bias uniform in ±1/sqrt(fan in), PyTorch's default, which the paper's code uses (`models/ResNet.py`).
    pub fn new(channels_in: usize, channels_out: usize, kernel: usize, bias: bool, device: &Device) -> Self {
        let init = Initializer::KaimingUniform { gain: 1.0 / 3f64.sqrt(), fan_out_only: false };
        let fan_in = channels_in * kernel * kernel;
        let fan_out = channels_out * kernel * kernel;
        let shape = [channels_out, channels_in, kernel, kernel];
        Self {
            weight: init.init_with(shape, Some(fan_in), Some(fan_out), device),
            bias: bias.then(|| init.init_with([channels_out], Some(fan_in), Some(fan_out), device)),
        }
    }

    /// `[N, channels_in, H, W]` to `[N, channels_out, H, W]`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        same(x, self.weight.val(), self.bias.as_ref().map(Param::val))
    }

    /// Vector-Jacobian product: the gradient at the output, `[N, channels_out, H, W]`, pulled back to the input.
    ///
    /// The adjoint of a "same" convolution is the convolution with the kernel turned by 180 degrees and in and out exchanged.
    pub fn vjp(&self, dy: Tensor<4>) -> Tensor<4> {
        let weight = self.weight.val().swap_dims(0, 1);
        let weight = if self.weight.dims()[2] == 1 { weight } else { weight.flip([2, 3]) };
        same(dy, weight, None)
    }

    /// Floating-point operations for one image of this side.
    pub fn flop(&self, side: usize) -> f64 {
        let weights: usize = self.weight.lazy_shape().as_slice().iter().product();
        2.0 * (weights * side * side) as f64
    }
}

fn same(x: Tensor<4>, weight: Tensor<4>, bias: Option<Tensor<1>>) -> Tensor<4> {
    let padding = weight.dims()[2] / 2;
    conv2d(x, weight, bias, ConvOptions::new([1, 1], [padding, padding], [1, 1], 1))
}
