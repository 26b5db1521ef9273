//! The energies' last operations: one cube for each image, which adds up its pixels or features.

use burn::backend::{Cube, tensor::FloatTensor};
use cubecl::prelude::*;

use super::{
    dense, empty,
    sum::{UNITS, sum_of_cube},
};
use crate::backend::{HeadOps, head::Functionals};

impl HeadOps for Cube {
    fn squared_distance(
        x: FloatTensor<Self>,
        y: FloatTensor<Self>,
        scale: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let (x, y) = (dense(x), dense(y));
        let images = x.meta.shape()[0];
        let (energies, difference) = (empty(&x, [images]), empty(&x, x.meta.shape().clone()));
        let (count, dim) = one_cube_each(images);
        squared_distance::launch(
            &x.client.clone(),
            count,
            dim,
            x.into_tensor_arg(),
            y.into_tensor_arg(),
            energies.clone().into_tensor_arg(),
            difference.clone().into_tensor_arg(),
            scale,
        );
        (energies, difference)
    }

    fn quadratic(h: FloatTensor<Self>, functionals: Functionals<Self>) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let h = dense(h);
        let Functionals { a, a_bias, c, c_bias, e, e_bias } = functionals;
        let [a, a_bias, c, c_bias, e, e_bias] = [a, a_bias, c, c_bias, e, e_bias].map(dense);
        let images = h.meta.shape()[0];
        // Two dispatches: together they would have more tensors than some GPUs can bind.
        let factors = empty(&h, [images, 3]);
        let (count, dim) = one_cube_each(images);
        factors::launch(
            &h.client.clone(),
            count.clone(),
            dim,
            h.clone().into_tensor_arg(),
            a.clone().into_tensor_arg(),
            c.clone().into_tensor_arg(),
            a_bias.into_tensor_arg(),
            c_bias.into_tensor_arg(),
            e_bias.into_tensor_arg(),
            factors.clone().into_tensor_arg(),
        );
        let (values, gradient) = (empty(&h, [images]), empty(&h, h.meta.shape().clone()));
        quadratic::launch(
            &h.client.clone(),
            count,
            dim,
            h.into_tensor_arg(),
            a.into_tensor_arg(),
            c.into_tensor_arg(),
            e.into_tensor_arg(),
            factors.into_tensor_arg(),
            values.clone().into_tensor_arg(),
            gradient.clone().into_tensor_arg(),
        );
        (values, gradient)
    }
}

fn one_cube_each(images: usize) -> (CubeCount, CubeDim) {
    // A launch has at most 65,535 cubes in each direction; batches are far smaller.
    debug_assert!(images <= 65_535);
    (CubeCount::new_1d(images as u32), CubeDim::new_1d(UNITS as u32))
}

/// `scale |x - y|^2 / 2` of each image, and `x - y`.
#[cube(launch)]
fn squared_distance(
    x: &Tensor<f32>,
    y: &Tensor<f32>,
    energies: &mut Tensor<f32>,
    difference: &mut Tensor<f32>,
    scale: f32,
) {
    let image = CUBE_POS;
    let pixels = x.len() / x.shape(0);
    let mut sum = 0f32;
    for pixel in range_stepped(UNIT_POS as usize, pixels, UNITS) {
        let at = image * pixels + pixel;
        let r = x[at] - y[at];
        difference[at] = r;
        sum += r * r;
    }
    let sum = sum_of_cube(sum);
    if UNIT_POS == 0 {
        energies[image] = 0.5 * scale * sum;
    }
}

/// `a.h + a_bias`, `c.h + c_bias` and `e_bias` for each image.
#[cube(launch)]
#[allow(clippy::too_many_arguments, reason = "a kernel takes its tensors one by one")]
fn factors(
    h: &Tensor<f32>,
    a: &Tensor<f32>,
    c: &Tensor<f32>,
    a_bias: &Tensor<f32>,
    c_bias: &Tensor<f32>,
    e_bias: &Tensor<f32>,
    factors: &mut Tensor<f32>,
) {
    let image = CUBE_POS;
    let features = h.shape(1);
    let mut along_a = 0f32;
    let mut along_c = 0f32;
    for feature in range_stepped(UNIT_POS as usize, features, UNITS) {
        let v = h[image * features + feature];
        along_a += v * a[feature];
        along_c += v * c[feature];
    }
    let along_a = sum_of_cube(along_a);
    let along_c = sum_of_cube(along_c);
    if UNIT_POS == 0 {
        factors[3 * image] = along_a + a_bias[0];
        factors[3 * image + 1] = along_c + c_bias[0];
        factors[3 * image + 2] = e_bias[0];
    }
}

/// The product of the factors plus `e.(h*h) + e_bias`, and the gradient.
#[cube(launch)]
#[allow(clippy::too_many_arguments, reason = "a kernel takes its tensors one by one")]
fn quadratic(
    h: &Tensor<f32>,
    a: &Tensor<f32>,
    c: &Tensor<f32>,
    e: &Tensor<f32>,
    factors: &Tensor<f32>,
    values: &mut Tensor<f32>,
    gradient: &mut Tensor<f32>,
) {
    let image = CUBE_POS;
    let features = h.shape(1);
    let (at_a, at_c) = (factors[3 * image], factors[3 * image + 1]);
    let mut squares = 0f32;
    for feature in range_stepped(UNIT_POS as usize, features, UNITS) {
        let v = h[image * features + feature];
        squares += v * v * e[feature];
        gradient[image * features + feature] = at_a * c[feature] + at_c * a[feature] + 2.0 * v * e[feature];
    }
    let squares = sum_of_cube(squares);
    if UNIT_POS == 0 {
        values[image] = at_a * at_c + squares + factors[3 * image + 2];
    }
}
