//! Halving and doubling of height and width, each with its adjoint.

use burn::tensor::Tensor;

use crate::backend::{pool, unpool, unpool_onto};

/// Mean over 2x2 cells: `[N, C, H, W]` to `[N, C, H/2, W/2]`.
pub fn mean_pool(x: Tensor<4>) -> Tensor<4> {
    pool(x, 0.25)
}

/// Nearest neighbour: `[N, C, H, W]` to `[N, C, 2H, 2W]`.
pub fn upsample(x: Tensor<4>) -> Tensor<4> {
    unpool(x, 1.0)
}

/// The adjoint of [`mean_pool`], where every pixel of a cell takes a quarter of the cell's gradient, plus another gradient of
/// what was pooled.
pub fn mean_pool_vjp_onto(dy: Tensor<4>, other: Tensor<4>) -> Tensor<4> {
    unpool_onto(dy, 0.25, other)
}

/// The adjoint of [`upsample`]: the four copies' gradients add up.
pub fn upsample_vjp(dy: Tensor<4>) -> Tensor<4> {
    pool(dy, 1.0)
}
