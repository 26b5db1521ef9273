//! What a model folder needs besides the weights.

mod card;
mod folder;

pub use card::card;
pub use folder::{Contents, ModelFolder};
