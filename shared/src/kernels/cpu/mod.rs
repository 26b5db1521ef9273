//! The kernels for processors, on plain slices.
//!
//! A convolution runs over one image at a time: its planes are copied, through the activation, into zero-padded scratch memory
//! that stays in the cache; there the output pixels of a plane are consecutive, so that one vector holds pixels of one output
//! channel, and a tile of several vectors by several channels stays in registers through the whole sum. No im2col, no packing
//! of images, no halo in the tensors themselves.

mod convolution;
mod lanes;
mod output;
mod parallel;
mod planes;
mod pointwise;
mod resample;
mod tap_weights;
mod weight_gradient;

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
}
