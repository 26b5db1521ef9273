//! What a model folder needs besides the weights.

mod card;
mod folder;
mod held_out;

pub use card::card;
pub use folder::{Contents, ModelFolder};
pub use held_out::{HeldOut, percentiles};
