//! The convolutions of the energy networks on processors, with what stands before and after them: slices in, slices
//! out.
//!
//! A convolution runs over a few images or a band of rows at a time: their rows are copied, through the activation and
//! Winograd's transform of tiles of pixels, into scratch memory that stays in the cache. What is left is products of
//! matrices, with a third of the multiplications. Consecutive numbers there are consecutive tiles, so that one vector
//! holds tiles of one channel, and several vectors by several output channels stay in registers through the whole sum.
//! No im2col, and no halo in the tensors themselves. For the weight gradient, a sum over tiles, a vector holds input
//! channels of one tile instead.
//!
//! Every kernel is told the [`Vectors`] to compute with. Another width is another order of sums, so results differ by
//! rounding; they never depend on the number of threads.

#![warn(unreachable_pub)]

mod collect;
mod convolution;
mod fill;
mod gates;
mod geometry;
mod lanes;
mod layout;
mod output;
mod parallel;
mod pointwise;
mod product_weights;
mod resample;
mod rows;
mod units;
mod vectors;
mod weight_gradient;
mod winograd;
mod work;

pub use convolution::{Convolution, Epilogue};
pub use gates::{gate, gate_vjp};
pub use geometry::Geometry;
pub use options::Activation;
pub use parallel::threads;
pub use resample::{pool, unpool};
pub use vectors::Vectors;
pub use weight_gradient::WeightGradient;
