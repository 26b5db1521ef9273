//! The options that a user chooses among. Each is one enum: its variants in kebab case are the words of flags, of
//! `run.toml`, of `model.json` and of the page's address, and the comments on them are their help. Nothing here needs
//! Burn, so that the page's main thread has the same words as the trainer; [`percentile`], which both tell,
//! [`Recording`], which one writes and the other plays, and what both take for a blur ([`gaussian`]) and for
//! [`BRIGHTNESS`] are here for the same reason.

#![warn(unreachable_pub)]

mod activation;
mod architecture;
mod brightness;
mod gaussian;
mod optimizer;
mod percentile;
mod recording;
mod region;
mod sampler;
mod spacing;
mod task;
mod toy_shape;
mod weighting;
mod words;

pub use activation::Activation;
pub use architecture::Architecture;
pub use brightness::BRIGHTNESS;
pub use gaussian::gaussian;
pub use optimizer::Optimizer;
pub use percentile::percentile;
pub use recording::{RecordedMoment, Recording};
pub use region::Region;
pub use sampler::Sampler;
pub use spacing::Spacing;
pub use task::Task;
pub use toy_shape::ToyShape;
pub use weighting::Weighting;
pub use words::Words;
