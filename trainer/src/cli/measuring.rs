//! Flags of commands that measure a model or say how likely pictures are.

use std::path::PathBuf;

use clap::Args;

use super::{
    drawing::{ChurnArgs, SamplerArgs},
    model::{BackendArgs, GuideArgs, ModelArgs},
    values::{count_parser, gradients, seed, whole_parser},
};
use crate::features::FeatureChoice;

/// What is measured, on which pictures, and where the numbers go.
#[derive(Args)]
pub struct SubjectArgs {
    #[command(flatten)]
    pub model: ModelArgs,
    /// The data set whose held-out pictures the model is measured on, or a folder of pictures.
    #[arg(long)]
    pub data: String,
    /// Folder of the data set's files, if it is not where `trainer data fetch` puts them.
    #[arg(long)]
    pub data_dir: Option<PathBuf>,
    /// The folder to write.
    #[arg(long)]
    pub out: PathBuf,
}

/// What sets of pictures are compared by.
#[derive(Args)]
pub struct FeaturesArgs {
    /// The features of pictures that distances between sets are measured on. Distances on different features cannot be compared.
    #[arg(long, value_enum, default_value_t = FeatureChoice::Auto)]
    pub features: FeatureChoice,
}

/// The same by samples.
#[derive(Args)]
pub struct MeasurementArgs {
    #[command(flatten)]
    pub subject: SubjectArgs,
    #[command(flatten)]
    pub features: FeaturesArgs,
    /// Samples that are measured.
    #[arg(long, default_value_t = 1000, value_parser = count_parser(100_000))]
    pub count: usize,
    /// Seed of the noise.
    #[arg(long, default_value_t = 1, value_parser = seed)]
    pub seed: u64,
}

#[derive(Args)]
pub struct EvaluateArgs {
    #[command(flatten)]
    pub subject: SubjectArgs,
    #[command(flatten)]
    pub features: FeaturesArgs,
    /// Number of samples to measure. Distances to the held-out pictures need at least 64, their standard errors at
    /// least 128.
    #[arg(long, default_value_t = 1000, value_parser = count_parser(100_000))]
    pub count: usize,
    /// Measure samples drawn earlier with `trainer sample --npy` instead of new ones: one file, or several parts of a
    /// run. How they were drawn is not in such a file, so the report does not say it.
    #[arg(long, num_args = 1.., value_name = "NPY", conflicts_with = "count")]
    pub samples: Vec<PathBuf>,
    /// Seed of the noise. It differs from that of `trainer experiment`, so that settings chosen on some samples are
    /// judged on others.
    #[arg(long, default_value_t = 1001, value_parser = seed)]
    pub seed: u64,
    #[command(flatten)]
    pub sampler: SamplerArgs,
    #[command(flatten)]
    pub churn: ChurnArgs,
    #[command(flatten)]
    pub guide: GuideArgs,
    /// Also estimate the partition function by annealed importance sampling, with this many densities between a
    /// Gaussian and the model; 0 to skip it. It is a check of the likelihood, which itself needs no chains.
    #[arg(long, default_value_t = 0, value_parser = whole_parser(0, u32::MAX))]
    pub density_steps: u32,
    /// Number of chains in each direction. If their effective number is below 5, no estimate is given.
    #[arg(long, requires = "density_steps", default_value_t = 32, value_parser = count_parser(10_000))]
    pub density_chains: usize,
    /// Also print the report's numbers as one JSON object.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct ScoreArgs {
    /// An exported model folder, a checkpoint folder, or a run folder (its newest good checkpoint). Given several
    /// times, each picture is assigned to the model that finds it most likely, if they were trained at the same noise
    /// levels and the difference is larger than chance.
    #[arg(long = "model", required = true, value_name = "MODEL")]
    pub models: Vec<PathBuf>,
    #[command(flatten)]
    pub backend: BackendArgs,
    /// The pictures.
    #[arg(required = true)]
    pub images: Vec<PathBuf>,
    /// Energy gradients used to measure a picture's bits. More give a smaller standard error.
    #[arg(long, default_value_t = 64, value_parser = gradients)]
    pub samples: usize,
    /// Seed of the noise used to measure them; all pictures get the same noise.
    #[arg(long, default_value_t = 0, value_parser = seed)]
    pub seed: u64,
    /// A folder for maps of where each picture is unusual: NAME.npy has the bits of each value, NAME.png shows them
    /// with the most surprising pixel in white.
    #[arg(long, value_name = "DIR")]
    pub map: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}
