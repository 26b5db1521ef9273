//! What a network is trained for.
//!
//! [`NoiseLevels`] corrupt pictures, [`mdsm_loss`] trains the energy's gradient as a denoiser at every level at once,
//! [`weights`] say what an error at each level counts, and [`stable_targets`] have less chance in them.

mod noise_levels;
mod objective;
mod stable_targets;
mod weights;

pub use noise_levels::NoiseLevels;
pub use objective::{denoising_loss, mdsm_loss};
pub use stable_targets::{StableTargets, stable_targets};
pub use weights::{formula, weights};
