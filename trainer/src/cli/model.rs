//! Flags about the model that is used, and where it computes.

use std::path::PathBuf;

use burn::tensor::Device;
use clap::Args;
use cpu_kernels::Vectors;

use super::values::{number_parser, vectors};
use crate::{backend::Backend, error::Result};

/// Far above what has ever been of use: more is a mistake.
const MOST_GUIDANCE: f64 = 10.0;

#[derive(Args)]
pub struct BackendArgs {
    /// Where to compute: `auto` takes a GPU where there is one, else the CPU.
    #[arg(long, value_enum, default_value_t = Backend::Auto)]
    pub backend: Backend,
    /// Compute on the CPU with narrower vectors than this processor has, to compare: `scalar`, `sse4`, `avx2`,
    /// `avx512`, `neon` [default: the widest that it has].
    #[arg(long, value_parser = vectors, hide_short_help = true)]
    pub vectors: Option<Vectors>,
}

impl BackendArgs {
    /// The device, and the name of the backend that was chosen.
    ///
    /// # Errors
    /// The machine has no such device.
    pub fn device(&self) -> Result<(Device, &'static str)> {
        self.apply();
        self.backend.device()
    }

    /// Several devices of one kind, and the name of the backend.
    ///
    /// # Errors
    /// The machine has fewer.
    pub fn devices(&self, count: usize) -> Result<(Vec<Device>, &'static str)> {
        self.apply();
        self.backend.devices(count)
    }

    fn apply(&self) {
        if let Some(vectors) = self.vectors {
            shared::backend::use_vectors(vectors);
        }
    }
}

#[derive(Args)]
pub struct ModelArgs {
    /// An exported model folder, a checkpoint folder, or a run folder (its newest good checkpoint).
    #[arg(long)]
    pub model: PathBuf,
    #[command(flatten)]
    pub backend: BackendArgs,
}

#[derive(Args)]
pub struct GuideArgs {
    /// A weaker model of the same data: a smaller one, or one trained for less time. Samples are steered away from what
    /// it finds more likely than the model does, which is mostly mistakes [default: the exported model's own, if it has
    /// one].
    #[arg(long, value_name = "MODEL")]
    pub guide: Option<PathBuf>,
    /// How strongly samples are steered away from the guide: chains descend E + guidance * (E - guide's energy); 0
    /// turns the guide off [default: the exported model's own, or 0.75 with --guide].
    #[arg(long, value_parser = number_parser(0.0, MOST_GUIDANCE))]
    pub guidance: Option<f64>,
}
