//! One number for each image of a batch.

use burn::tensor::Tensor;

/// The sum of the values of each image: `[N, C, H, W]` to `[N]`.
pub(crate) fn sums(x: Tensor<4>) -> Tensor<1> {
    x.flatten::<2>(1, 3).sum_dim(1).squeeze_dim(1)
}

/// `|x|^2` of each image: `[N, C, H, W]` to `[N]`.
pub(crate) fn squared_lengths(x: Tensor<4>) -> Tensor<1> {
    sums(x.square())
}
