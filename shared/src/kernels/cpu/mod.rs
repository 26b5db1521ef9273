//! The kernels for processors, on plain slices.
//!
//! A convolution runs over a few images or a band of rows at a time: their rows are copied, through the activation and
//! Winograd's transform of tiles of pixels, into scratch memory that stays in the cache. What is left is products of
//! matrices, with a third of the multiplications. Consecutive numbers there are consecutive tiles, so that one vector
//! holds tiles of one channel, and several vectors by several output channels stay in registers through the whole sum.
//! No im2col, and no halo in the tensors themselves. For the weight gradient, a sum over tiles, a vector holds input
//! channels of one tile instead.

mod collect;
mod convolution;
mod fill;
mod lanes;
mod layout;
mod output;
mod parallel;
mod pointwise;
mod product_weights;
mod resample;
mod rows;
mod units;
mod weight_gradient;
mod winograd;
mod work;

pub use convolution::{Convolution, Epilogue};
pub use output::Output;
pub use pointwise::{gate, gate_vjp};
pub use resample::{pool, unpool};
pub use weight_gradient::WeightGradient;

/// The sides of a convolution's tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Images.
    pub images: usize,
    /// Channels that are read.
    pub channels_in: usize,
    /// Channels that are written.
    pub channels_out: usize,
    /// Rows of an image.
    pub height: usize,
    /// Columns of an image.
    pub width: usize,
    /// Side of the kernel, 1 or 3.
    pub kernel: usize,
}

impl Geometry {
    /// Pixels of a plane.
    pub fn plane(&self) -> usize {
        self.height * self.width
    }

    /// The plane of one channel of one image of a tensor with `channels` channels.
    fn pixels<'a>(&self, tensor: &'a [f32], channels: usize, image: usize, channel: usize) -> &'a [f32] {
        let start = (image * channels + channel) * self.plane();
        &tensor[start..start + self.plane()]
    }
}
