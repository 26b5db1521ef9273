//! What a model folder needs besides the weights.

mod card;
mod folder;

pub use card::{AT_EXPORT, CHOSEN, MEASURED, card, measured_again};
pub use folder::{Contents, HELD_OUT, ModelFolder, held_out_strip};
