//! The kernels for GPUs, as operations of Burn's CubeCL backends (WebGPU, Vulkan, Metal, CUDA): one dispatch each. What only
//! training needs stays with the bodies in Burn's own operations.

mod activation;
mod convolution;
mod resample;

use burn::backend::{Cube, tensor::FloatTensor};
use burn_cubecl::{kernel::into_contiguous, tensor::CubeTensor};

use super::{ImageOps, Optional};
use crate::Activation;
use convolution::{Convolution, Direction, Weighted};

impl ImageOps for Cube {
    fn convolution(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: Optional<Self>,
        residual: Optional<Self>,
        activation: Option<Activation>,
    ) -> FloatTensor<Self> {
        Convolution {
            direction: Direction::Forward,
            activation,
            main: Weighted { weight, parts: vec![x] },
            gate: None,
            side: None,
            biases: bias.get().into_iter().collect(),
            residual: residual.get(),
            channels: None,
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
            direction: Direction::Adjoint,
            activation: None,
            main: Weighted { weight, parts: vec![dy] },
            gate: activation.map(|activation| (x, activation)),
            side: None,
            biases: Vec::new(),
            residual: residual.get(),
            channels: None,
        }
        .launch()
    }

    fn pool(x: FloatTensor<Self>, scale: f32) -> FloatTensor<Self> {
        resample::pool(x, scale)
    }

    fn unpool(x: FloatTensor<Self>, scale: f32) -> FloatTensor<Self> {
        resample::unpool(x, scale)
    }
}

/// In row-major order: views are copied.
fn dense(tensor: CubeTensor) -> CubeTensor {
    into_contiguous(tensor)
}
