//! Halving and doubling of height and width, each with its adjoint.

use burn::tensor::{Tensor, module::avg_pool2d, ops::AvgPoolOptions};

/// Mean over 2x2 cells: `[N, C, H, W]` to `[N, C, H/2, W/2]`.
pub fn mean_pool(x: Tensor<4>) -> Tensor<4> {
    avg_pool2d(x, AvgPoolOptions::new([2, 2]))
}

/// Nearest neighbour: `[N, C, H, W]` to `[N, C, 2H, 2W]`.
pub fn upsample(x: Tensor<4>) -> Tensor<4> {
    let [n, c, h, w] = x.dims();
    x.reshape([n, c, h, 1, w, 1]).expand([n, c, h, 2, w, 2]).reshape([n, c, 2 * h, 2 * w])
}

/// The adjoint of [`mean_pool`]: every pixel of a cell takes a quarter of the cell's gradient.
pub fn mean_pool_vjp(dy: Tensor<4>) -> Tensor<4> {
    upsample(dy * 0.25)
}

/// The adjoint of [`upsample`]: the four copies' gradients add up.
pub fn upsample_vjp(dy: Tensor<4>) -> Tensor<4> {
    mean_pool(dy) * 4.0
}
