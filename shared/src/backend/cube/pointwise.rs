//! What is computed for each number by itself.

use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::{
    activation::{curvature, slope},
    dense, empty, spread,
};
use options::Activation;

/// `s'(x) u + residual`
pub(super) fn gate(x: CubeTensor, u: CubeTensor, residual: Option<CubeTensor>, activation: Activation) -> CubeTensor {
    let (x, u) = (dense(x), dense(u));
    let output = empty(&x, x.meta.shape().clone());
    let (count, dim) = one_unit_each(&x);
    let (client, activation) = (x.client.clone(), Some(activation));
    let with_residual = residual.is_some();
    // A tensor that is not there is never read: any other stands for it.
    let residual = residual.map_or_else(|| x.clone(), dense);
    gate_kernel::launch(
        &client,
        count,
        dim,
        x.into_tensor_arg(),
        u.into_tensor_arg(),
        residual.into_tensor_arg(),
        output.clone().into_tensor_arg(),
        activation,
        with_residual,
    );
    output
}

/// `s'(x) u` and `s''(x) q u`
pub(super) fn gate_vjp(
    x: CubeTensor,
    q: CubeTensor,
    u: CubeTensor,
    activation: Activation,
) -> (CubeTensor, CubeTensor) {
    let (x, q, u) = (dense(x), dense(q), dense(u));
    let (first, second) = (empty(&x, x.meta.shape().clone()), empty(&x, x.meta.shape().clone()));
    let (count, dim) = one_unit_each(&x);
    gate_vjp_kernel::launch(
        &x.client.clone(),
        count,
        dim,
        x.into_tensor_arg(),
        q.into_tensor_arg(),
        u.into_tensor_arg(),
        first.clone().into_tensor_arg(),
        second.clone().into_tensor_arg(),
        Some(activation),
    );
    (first, second)
}

/// `factors[0] x + factors[1] y + factors[2] z`
pub(super) fn combination(x: CubeTensor, y: CubeTensor, z: Option<CubeTensor>, factors: [f32; 3]) -> CubeTensor {
    let (x, y) = (dense(x), dense(y));
    let output = empty(&x, x.meta.shape().clone());
    let (count, dim) = one_unit_each(&x);
    let (client, three) = (x.client.clone(), z.is_some());
    // A tensor that is not there is never read: any other stands for it.
    let z = z.map_or_else(|| x.clone(), dense);
    let [at_x, at_y, at_z] = factors;
    combination_kernel::launch(
        &client,
        count,
        dim,
        x.into_tensor_arg(),
        y.into_tensor_arg(),
        z.into_tensor_arg(),
        output.clone().into_tensor_arg(),
        at_x,
        at_y,
        at_z,
        three,
    );
    output
}

fn one_unit_each(x: &CubeTensor) -> (CubeCount, CubeDim) {
    spread(&x.client, x.meta.shape().num_elements())
}

#[cube(launch)]
fn gate_kernel(
    x: &Tensor<f32>,
    u: &Tensor<f32>,
    residual: &Tensor<f32>,
    output: &mut Tensor<f32>,
    #[comptime] activation: Option<Activation>,
    #[comptime] with_residual: bool,
) {
    if ABSOLUTE_POS >= output.len() {
        terminate!();
    }
    let mut v = u[ABSOLUTE_POS] * slope(x[ABSOLUTE_POS], activation);
    if with_residual {
        v += residual[ABSOLUTE_POS];
    }
    output[ABSOLUTE_POS] = v;
}

#[cube(launch)]
fn gate_vjp_kernel(
    x: &Tensor<f32>,
    q: &Tensor<f32>,
    u: &Tensor<f32>,
    first: &mut Tensor<f32>,
    second: &mut Tensor<f32>,
    #[comptime] activation: Option<Activation>,
) {
    if ABSOLUTE_POS >= first.len() {
        terminate!();
    }
    let (v, u) = (x[ABSOLUTE_POS], u[ABSOLUTE_POS]);
    first[ABSOLUTE_POS] = u * slope(v, activation);
    second[ABSOLUTE_POS] = curvature(v, activation) * q[ABSOLUTE_POS] * u;
}

#[cube(launch)]
#[allow(clippy::too_many_arguments, reason = "a kernel takes its tensors one by one")]
fn combination_kernel(
    x: &Tensor<f32>,
    y: &Tensor<f32>,
    z: &Tensor<f32>,
    output: &mut Tensor<f32>,
    at_x: f32,
    at_y: f32,
    at_z: f32,
    #[comptime] three: bool,
) {
    if ABSOLUTE_POS >= output.len() {
        terminate!();
    }
    let mut sum = at_x * x[ABSOLUTE_POS] + at_y * y[ABSOLUTE_POS];
    if three {
        sum += at_z * z[ABSOLUTE_POS];
    }
    output[ABSOLUTE_POS] = sum;
}
