//! The kernels for GPUs, as operations of Burn's CubeCL backends (WebGPU, Vulkan, Metal, CUDA): one dispatch each, but
//! for the gradients of weights.

mod activation;
mod block;
mod convolution;
mod head;
mod pointwise;
mod resample;
mod sum;
#[cfg(all(test, feature = "autodiff", not(target_family = "wasm")))]
mod tests;
mod weight_gradient;

use burn::{
    backend::{Cube, tensor::FloatTensor},
    tensor::Shape,
};
use burn_cubecl::{kernel::into_contiguous, ops::numeric::empty_device_contiguous_dtype, tensor::CubeTensor};
use cubecl::{CubeCount, CubeDim, calculate_cube_count_elemwise, client::Client};

use super::{ImageOps, Optional};
use convolution::{Convolution, Direction, Weighted};
use options::Activation;

impl ImageOps for Cube {
    fn convolution(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: Optional<Self>,
        residual: Optional<Self>,
        activation: Option<Activation>,
    ) -> FloatTensor<Self> {
        Convolution {
            activation,
            biases: bias.get().into_iter().collect(),
            residual: residual.get(),
            ..Convolution::new(Direction::Forward, Weighted { weight, parts: vec![x] })
        }
        .launch()
    }

    fn convolution_vjp(
        dy: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        x: FloatTensor<Self>,
        residual: Optional<Self>,
        activation: Option<Activation>,
    ) -> FloatTensor<Self> {
        Convolution {
            gate: activation.map(|activation| (x, activation)),
            residual: residual.get(),
            ..Convolution::new(Direction::Adjoint, Weighted { weight, parts: vec![dy] })
        }
        .launch()
    }

    fn weight_gradient(
        x: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        activation: Option<Activation>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        weight_gradient::weight_gradient(x, dy, &weight, activation)
    }

    fn gate(
        x: FloatTensor<Self>,
        u: FloatTensor<Self>,
        residual: Optional<Self>,
        activation: Activation,
    ) -> FloatTensor<Self> {
        pointwise::gate(x, u, residual.get(), activation)
    }

    fn gate_vjp(
        x: FloatTensor<Self>,
        q: FloatTensor<Self>,
        u: FloatTensor<Self>,
        activation: Activation,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        pointwise::gate_vjp(x, q, u, activation)
    }

    fn pool(x: FloatTensor<Self>, scale: f32) -> FloatTensor<Self> {
        resample::pool(x, scale)
    }

    fn unpool(x: FloatTensor<Self>, scale: f32) -> FloatTensor<Self> {
        resample::unpool(x, scale, None)
    }

    fn unpool_onto(x: FloatTensor<Self>, scale: f32, residual: FloatTensor<Self>) -> FloatTensor<Self> {
        resample::unpool(x, scale, Some(residual))
    }

    fn combination(
        x: FloatTensor<Self>,
        y: FloatTensor<Self>,
        z: Optional<Self>,
        factors: [f32; 3],
    ) -> FloatTensor<Self> {
        pointwise::combination(x, y, z.get(), factors)
    }
}

/// In row-major order: views are copied.
fn dense(tensor: CubeTensor) -> CubeTensor {
    into_contiguous(tensor)
}

/// Memory for a tensor of this shape, beside another.
fn empty(beside: &CubeTensor, shape: impl Into<Shape>) -> CubeTensor {
    empty_device_contiguous_dtype(beside.client.clone(), beside.device.clone(), shape.into(), beside.dtype)
}

/// Groups for so many units, all of one size. CubeCL's own choice is smaller for little work, and a kernel is compiled anew
/// for every size: in a browser a convolution's takes longer than a run of small pictures.
fn spread(client: &Client, units: usize) -> (CubeCount, CubeDim) {
    let dim = CubeDim::new(client, u32::MAX as usize);
    (calculate_cube_count_elemwise(client, units, dim), dim)
}
