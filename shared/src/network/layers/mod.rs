//! The layers of the energy networks. Each has a forward pass and a vector-Jacobian product in tensor operations, so
//! that energy and energy gradient together are one ordinary computation: the browser needs no autodiff, and
//! first-order autodiff over it gives the exact training gradient.

mod block;
mod convolution;
mod head;
mod resample;
mod uniform;

pub use block::{Block, BlockTape, Resampling};
pub use convolution::Convolution;
pub use head::QuadraticHead;
pub use resample::{mean_pool, mean_pool_vjp_onto, upsample, upsample_vjp};
