//! Training: the loop, and what it keeps from step to step.

mod batches;
mod checkpoint;
mod clip;
mod config;
mod display;
mod dry_run;
mod ema;
mod flat;
mod folder;
mod interruption;
mod layers;
mod memory;
mod metrics;
mod optimization;
mod optimizer;
mod pending_losses;
mod prefetch;
mod presets;
mod probe;
mod references;
mod replicas;
mod report;
mod run;
mod timing;
mod watch;

pub use batches::Batches;
pub use checkpoint::Checkpoint;
pub use config::{PicturesCard, RunConfig, TrainingPreset};
pub use dry_run::{REHEARSALS, dry_run};
pub use folder::RunFolder;
pub use interruption::heed_interruptions;
pub use metrics::{Settings, held_out_loss, history};
pub use optimization::Optimization;
pub use optimizer::optimizer_title;
pub use prefetch::to_tensor;
pub use run::{Start, train, work};
