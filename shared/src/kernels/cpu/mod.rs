//! The kernels for processors, on plain slices.
//!
//! A convolution runs over a few images or a band of rows at a time: their rows are copied, through the activation, into scratch
//! memory that stays in the cache; there consecutive numbers are consecutive pixels of a row, so that one vector holds pixels of
//! one output channel, and a tile of several vectors by several channels stays in registers through the whole sum. No im2col, no
//! halo in the tensors themselves, and half of the multiplications saved by Winograd's filtering along the columns. For the weight
//! gradient, a sum over positions, a vector holds input channels of one pixel instead.

mod convolution;
mod lanes;
mod layout;
mod output;
mod parallel;
mod pointwise;
mod resample;
mod tap_weights;
mod units;
mod weight_gradient;
mod winograd;

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
