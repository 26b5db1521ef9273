//! Flags about the model that is used, and where it computes.

use std::path::PathBuf;

use burn::tensor::Device;
use clap::Args;
use cpu_kernels::Vectors;

use super::values::{number_parser, vectors};
use crate::{
    backend::Backend,
    error::{Error, Result},
};

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
    /// The machine has no such device, or vectors are asked for where it is no CPU.
    pub fn device(&self) -> Result<(Device, &'static str)> {
        self.apply();
        let found = self.backend.device()?;
        self.check(found.1)?;
        Ok(found)
    }

    /// Several devices of one kind, and the name of the backend.
    ///
    /// # Errors
    /// The machine has fewer, or vectors are asked for where they are no CPU.
    pub fn devices(&self, count: usize) -> Result<(Vec<Device>, &'static str)> {
        self.apply();
        let found = self.backend.devices(count)?;
        self.check(found.1)?;
        Ok(found)
    }

    /// Only the CPU computes with vectors of this processor.
    fn check(&self, backend: &str) -> Result<()> {
        match self.vectors {
            Some(vectors) if backend != "flex" => Err(Error::input(format!(
                "--vectors {}: they are the CPU's, and here a GPU computes ({backend}); add --backend flex",
                vectors.name()
            ))),
            _ => Ok(()),
        }
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
    /// it finds more likely than the model does, which is mostly mistakes [default: the guide that the model was exported
    /// with, if any; for `trainer export` none, even where it replaces a model with a guide].
    #[arg(long, value_name = "MODEL")]
    pub guide: Option<PathBuf>,
    /// How strongly samples are steered away from the guide: chains descend E + guidance * (E - guide's energy); 0
    /// turns the guide off. Models of --and that have guides get the same [default: 0.75 with --guide, else the guidance that the model was exported with].
    #[arg(long, value_parser = number_parser(0.0, MOST_GUIDANCE))]
    pub guidance: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_refused_where_a_gpu_computes() {
        let args = BackendArgs { backend: Backend::Auto, vectors: Vectors::named("scalar") };
        args.check("flex").unwrap();
        let error = args.check("wgpu").unwrap_err();
        assert!(error.to_string().starts_with("--vectors scalar: ") && error.exit_code() == 2, "{error}");
        BackendArgs { vectors: None, ..args }.check("wgpu").unwrap();
    }
}
