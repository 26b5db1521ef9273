//! The convolution, forward and adjoint, with what stands before and after it.

use burn::tensor::Shape;
use burn_cubecl::{ops::numeric::empty_device_contiguous_dtype, tensor::CubeTensor};
use cubecl::{calculate_cube_count_elemwise, prelude::*};

use super::dense;
use crate::Activation;

/// Output channels of one unit: what it reads of the input serves all of them.
const TILE: usize = 8;

/// Which way the kernel is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Weights `[channels_out, channels_in, k, k]`.
    Forward,
    /// Weights `[channels_in, channels_out, k, k]`, the kernel turned by 180 degrees.
    Adjoint,
}

/// What happens to a sum before it is stored.
pub struct Epilogue {
    /// `[channels_out]`
    pub bias: Option<CubeTensor>,
    /// Of the output's shape, with the activation whose derivative there multiplies the sum.
    pub gate: Option<(CubeTensor, Activation)>,
    /// Of the output's shape.
    pub residual: Option<CubeTensor>,
}

/// What the compiler of the kernel knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Plan {
    kernel: usize,
    tile: usize,
    direction: Direction,
    activation: Option<Activation>,
    gate: Option<Activation>,
    bias: bool,
    residual: bool,
}

/// `conv(s(input), weight)` or `conv^T(input, weight)`, through the epilogue: `[N, channels_out, H, W]`.
pub fn launch(
    input: CubeTensor,
    weight: CubeTensor,
    direction: Direction,
    activation: Option<Activation>,
    epilogue: Epilogue,
) -> CubeTensor {
    let (input, weight) = (dense(input), dense(weight));
    let [images, channels_in, height, width] = input.meta.shape().dims();
    let [outer, inner, kernel, _] = weight.meta.shape().dims();
    let (weight_in, channels_out) = match direction {
        Direction::Forward => (inner, outer),
        Direction::Adjoint => (outer, inner),
    };
    assert_eq!(channels_in, weight_in, "the channels of the images and of the weight");
    let output = empty_device_contiguous_dtype(
        input.client.clone(),
        input.device.clone(),
        Shape::new([images, channels_out, height, width]),
        input.dtype,
    );
    let plan = Plan {
        kernel,
        tile: TILE.min(channels_out),
        direction,
        activation,
        gate: epilogue.gate.as_ref().map(|(_, activation)| *activation),
        bias: epilogue.bias.is_some(),
        residual: epilogue.residual.is_some(),
    };
    // A tensor that is not there is never read: any other stands for it.
    let or_weight = |tensor: Option<CubeTensor>| tensor.map_or_else(|| weight.clone(), dense);
    let (bias, residual) = (or_weight(epilogue.bias), or_weight(epilogue.residual));
    let gate = or_weight(epilogue.gate.map(|(gate, _)| gate));
    let units = images * channels_out.div_ceil(plan.tile) * height * width;
    let dim = CubeDim::new(&input.client, units);
    let count = calculate_cube_count_elemwise(&input.client, units, dim);
    // SAFETY: units beyond the output end at once, and every position that is read or written is inside its tensor.
    unsafe {
        convolution::launch_unchecked(
            &output.client,
            count,
            dim,
            input.into_tensor_arg(),
            weight.into_tensor_arg(),
            bias.into_tensor_arg(),
            gate.into_tensor_arg(),
            residual.into_tensor_arg(),
            output.clone().into_tensor_arg(),
            plan,
        );
    }
    output
}

/// Each unit computes one pixel of a tile of output channels.
#[cube(launch_unchecked)]
#[allow(clippy::too_many_arguments, reason = "a kernel takes its tensors one by one")]
fn convolution(
    input: &Tensor<f32>,
    weight: &Tensor<f32>,
    bias: &Tensor<f32>,
    gate: &Tensor<f32>,
    residual: &Tensor<f32>,
    output: &mut Tensor<f32>,
    #[comptime] plan: Plan,
) {
    let (channels_in, channels_out) = (input.shape(1), output.shape(1));
    let (height, width) = (output.shape(2), output.shape(3));
    let plane = height * width;
    let tiles = channels_out.div_ceil(plan.tile);
    let image = ABSOLUTE_POS / (tiles * plane);
    if image >= output.shape(0) {
        terminate!();
    }
    let pixel = ABSOLUTE_POS % plane;
    let (row, column) = (pixel / width, pixel % width);
    let first = (ABSOLUTE_POS / plane) % tiles * plan.tile;

    let taps = comptime!(plan.kernel * plan.kernel);
    let reach = comptime!(plan.kernel / 2);
    let mut sums = Array::<f32>::new(plan.tile);
    #[unroll]
    for t in 0..plan.tile {
        sums[t] = 0.0;
    }
    for channel in 0..channels_in {
        let start = (image * channels_in + channel) * plane;
        #[unroll]
        for tap in 0..taps {
            // One more than the position, so that it is not negative beside the image.
            let y = row + comptime!(tap / plan.kernel + 1 - reach);
            let x = column + comptime!(tap % plan.kernel + 1 - reach);
            let inside = y >= 1 && y <= height && x >= 1 && x <= width;
            let at = select(inside, start + (y - 1) * width + (x - 1), start);
            let value = select(inside, activate(input[at], plan.activation), 0.0);
            #[unroll]
            for t in 0..plan.tile {
                let out = (first + t).min(channels_out - 1);
                let at = match comptime!(plan.direction) {
                    Direction::Forward => (out * channels_in + channel) * taps + tap,
                    Direction::Adjoint => (channel * channels_out + out) * taps + comptime!(taps - 1 - tap),
                };
                sums[t] += value * weight[at];
            }
        }
    }
    #[unroll]
    for t in 0..plan.tile {
        let out = first + t;
        if out < channels_out {
            let at = (image * channels_out + out) * plane + pixel;
            let mut sum = sums[t];
            if comptime!(plan.gate.is_some()) {
                sum *= slope(gate[at], plan.gate);
            }
            if comptime!(plan.bias) {
                sum += bias[out];
            }
            if comptime!(plan.residual) {
                sum += residual[at];
            }
            output[at] = sum;
        }
    }
}

#[cube]
fn activate(v: f32, #[comptime] activation: Option<Activation>) -> f32 {
    match comptime!(activation) {
        None => v,
        Some(Activation::Elu) => select(v > 0.0, v, v.exp() - 1.0),
        Some(Activation::Silu) => v * sigmoid(v),
    }
}

#[cube]
fn slope(v: f32, #[comptime] activation: Option<Activation>) -> f32 {
    match comptime!(activation) {
        None => 1.0,
        Some(Activation::Elu) => select(v > 0.0, 1.0, v.exp()),
        Some(Activation::Silu) => {
            let s = sigmoid(v);
            s + v * s * (1.0 - s)
        }
    }
}

#[cube]
fn sigmoid(v: f32) -> f32 {
    1.0 / (1.0 + (-v).exp())
}
