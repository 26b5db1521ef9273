//! The kernels for GPUs, as operations of Burn's CubeCL backends (WebGPU, Vulkan, Metal, CUDA): one dispatch each. What only
//! training needs stays with the bodies in Burn's own operations.

mod convolution;
mod resample;

use burn::backend::{Cube, tensor::FloatTensor};
use burn_cubecl::{kernel::into_contiguous, tensor::CubeTensor};

use super::{ImageOps, Optional};
use crate::Activation;
use convolution::{Direction, Epilogue};

impl ImageOps for Cube {
    fn convolution(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: Optional<Self>,
        residual: Optional<Self>,
        activation: Option<Activation>,
    ) -> FloatTensor<Self> {
        let epilogue = Epilogue { bias: bias.get(), gate: None, residual: residual.get() };
        convolution::launch(x, weight, Direction::Forward, activation, epilogue)
    }

    fn convolution_vjp(
        dy: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        x: FloatTensor<Self>,
        residual: Optional<Self>,
        activation: Option<Activation>,
    ) -> FloatTensor<Self> {
        let gate = activation.map(|activation| (x, activation));
        let epilogue = Epilogue { bias: None, gate, residual: residual.get() };
        convolution::launch(dy, weight, Direction::Adjoint, None, epilogue)
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
