//! What the page and its engine share: the messages between them, the settings and how the address bar spells them, and the
//! pictures with the files they are saved in.
//!
//! `page` runs on the main thread and owns the document; `engine` runs in a dedicated worker and owns the model. They only
//! exchange [`messages`], packed into [`Envelope`]s.

#[cfg(target_family = "wasm")]
mod constructors;
mod envelope;
mod mask;
pub mod messages;
mod models;
mod pictures;
mod request;
mod saved;
mod settings;
mod strip;

#[cfg(target_family = "wasm")]
pub use constructors::run_constructors;
pub use envelope::Envelope;
pub use mask::{Mask, Region};
pub use models::{ModelEntry, Models};
pub use pictures::Pictures;
pub use request::{Request, number};
pub use saved::SavedRun;
pub use settings::{Backend, Sampler, Settings, Task};
