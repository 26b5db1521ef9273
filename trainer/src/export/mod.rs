//! What a model folder needs besides the weights.

mod folder;
mod held_out;

pub use folder::ModelFolder;
pub use held_out::{HeldOut, percentiles};
