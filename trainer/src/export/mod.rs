//! What a model folder needs besides the weights.

mod card;
mod folder;

pub use card::{AT_EXPORT, CHOSEN, card, measured_again};
pub use folder::{Contents, ModelFolder};
