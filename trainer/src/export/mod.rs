//! What a model folder needs besides the weights.

mod card;
mod folder;
mod history;
mod leftovers;
mod probes;
mod shown;

pub use card::{AT_EXPORT, CHOSEN, MEASURED, card, measured_again};
pub use folder::{Contents, ModelFolder, WEIGHTS};
pub use probes::Probes;
pub use shown::{check_unseen, held_out_strip, of_folder};
