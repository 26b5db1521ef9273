//! Halving and doubling of height and width.

use burn::tensor::Shape;
use burn_cubecl::{ops::numeric::empty_device_contiguous_dtype, tensor::CubeTensor};
use cubecl::{calculate_cube_count_elemwise, prelude::*};

use super::dense;

/// `scale` times the sum of each cell of 2x2 pixels.
pub fn pool(x: CubeTensor, scale: f32) -> CubeTensor {
    let [n, c, h, w] = x.meta.shape().dims();
    launch(x, Shape::new([n, c, h / 2, w / 2]), scale, true)
}

/// `scale` times each pixel for all of its cell.
pub fn unpool(x: CubeTensor, scale: f32) -> CubeTensor {
    let [n, c, h, w] = x.meta.shape().dims();
    launch(x, Shape::new([n, c, 2 * h, 2 * w]), scale, false)
}

fn launch(x: CubeTensor, shape: Shape, scale: f32, halve: bool) -> CubeTensor {
    let x = dense(x);
    let units = shape.num_elements();
    let output = empty_device_contiguous_dtype(x.client.clone(), x.device.clone(), shape, x.dtype);
    let dim = CubeDim::new(&x.client, units);
    let count = calculate_cube_count_elemwise(&x.client, units, dim);
    resample::launch(&output.client, count, dim, x.into_tensor_arg(), output.clone().into_tensor_arg(), scale, halve);
    output
}

/// Each unit computes one pixel.
#[cube(launch)]
fn resample(x: &Tensor<f32>, output: &mut Tensor<f32>, scale: f32, #[comptime] halve: bool) {
    if ABSOLUTE_POS >= output.len() {
        terminate!();
    }
    let (height, width) = (output.shape(2), output.shape(3));
    let (pixel, plane) = (ABSOLUTE_POS % (height * width), ABSOLUTE_POS / (height * width));
    let (row, column) = (pixel / width, pixel % width);
    let input_width = x.shape(3);
    let start = plane * x.shape(2) * input_width;
    output[ABSOLUTE_POS] = if comptime!(halve) {
        let at = start + 2 * row * input_width + 2 * column;
        scale * ((x[at] + x[at + 1]) + (x[at + input_width] + x[at + input_width + 1]))
    } else {
        scale * x[start + row / 2 * input_width + column / 2]
    };
}
