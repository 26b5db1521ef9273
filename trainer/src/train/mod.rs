//! Training: the loop, and what it keeps from step to step.

mod batches;
mod checkpoint;
mod clip;
mod config;
mod ema;
mod progress;
mod run;

pub use batches::Batches;
pub use checkpoint::Checkpoint;
pub use config::{Optimization, RunConfig};
pub use run::{INTERRUPTED, RunFolder, to_tensor, train};
