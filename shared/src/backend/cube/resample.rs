//! Halving and doubling of height and width.

use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::{dense, empty, spread};

/// `scale` times the sum of each cell of 2x2 pixels.
pub(super) fn pool(x: CubeTensor, scale: f32) -> CubeTensor {
    let [n, c, h, w] = x.meta.shape().dims();
    launch(x, [n, c, h / 2, w / 2], scale, true, None)
}

/// `scale` times each pixel for all of its cell, plus `residual`.
pub(super) fn unpool(x: CubeTensor, scale: f32, residual: Option<CubeTensor>) -> CubeTensor {
    let [n, c, h, w] = x.meta.shape().dims();
    launch(x, [n, c, 2 * h, 2 * w], scale, false, residual)
}

fn launch(x: CubeTensor, shape: [usize; 4], scale: f32, halve: bool, residual: Option<CubeTensor>) -> CubeTensor {
    let x = dense(x);
    let units = shape.iter().product();
    let output = empty(&x, shape);
    let (count, dim) = spread(&x.client, units);
    let with_residual = residual.is_some();
    // A tensor that is not there is never read: any other stands for it.
    let residual = residual.map_or_else(|| x.clone(), dense);
    resample::launch(
        &output.client,
        count,
        dim,
        x.into_tensor_arg(),
        residual.into_tensor_arg(),
        output.clone().into_tensor_arg(),
        scale,
        halve,
        with_residual,
    );
    output
}

/// Each unit computes one pixel.
#[cube(launch)]
fn resample(
    x: &Tensor<f32>,
    residual: &Tensor<f32>,
    output: &mut Tensor<f32>,
    scale: f32,
    #[comptime] halve: bool,
    #[comptime] with_residual: bool,
) {
    if ABSOLUTE_POS >= output.len() {
        terminate!();
    }
    let (height, width) = (output.shape(2), output.shape(3));
    let (pixel, plane) = (ABSOLUTE_POS % (height * width), ABSOLUTE_POS / (height * width));
    let (row, column) = (pixel / width, pixel % width);
    let input_width = x.shape(3);
    let start = plane * x.shape(2) * input_width;
    let mut v = if comptime!(halve) {
        let at = start + 2 * row * input_width + 2 * column;
        scale * ((x[at] + x[at + 1]) + (x[at + input_width] + x[at + input_width + 1]))
    } else {
        scale * x[start + row / 2 * input_width + column / 2]
    };
    if with_residual {
        v += residual[ABSOLUTE_POS];
    }
    output[ABSOLUTE_POS] = v;
}
