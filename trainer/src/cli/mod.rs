//! The command line.

mod values;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, value_parser};
use serde::Serialize;
use shared::Activation;

use crate::{backend::Backend, train::TrainingPreset};
use values::{ActivationArg, SpacingArg, count_parser, fraction, positive};
pub use values::{PresetArg, SamplerArg};

/// Train, sample and export energy-based models by multi-scale denoising score matching.
#[derive(Parser)]
#[command(version, about, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// List data sets, or fetch one.
    #[command(subcommand)]
    Data(DataCommand),
    /// Train an energy model.
    Train(TrainArgs),
    /// Turn noise into pictures.
    Sample(SampleArgs),
    /// Fill in the unknown part of a picture.
    Inpaint(InpaintArgs),
    /// Remove noise from a picture in one jump.
    Denoise(DenoiseArgs),
    /// Give the energy of pictures.
    Score(ScoreArgs),
    /// Measure what a model is worth, into a report.
    Evaluate(EvaluateArgs),
    /// Answer a question about the method by measurement.
    #[command(subcommand)]
    Experiment(ExperimentCommand),
    /// Write the model folder that the page loads.
    Export(ExportArgs),
    /// Compare this implementation with an independent one.
    Verify(VerifyArgs),
    /// Measure the speed of the energy gradient and of a training step.
    Bench(BenchArgs),
}

#[derive(Subcommand)]
pub enum DataCommand {
    /// The data sets that are known by name.
    List,
    /// Bring a data set onto this machine, checked against its published SHA-256.
    Fetch {
        /// Its name; see `trainer data list`.
        name: String,
        /// Where to put it, instead of the user's cache folder.
        #[arg(long)]
        dir: Option<PathBuf>,
    },
}

#[derive(Subcommand)]
pub enum ExperimentCommand {
    /// Sample quality against energy gradients, for every sampler: numbers, a plot and a table.
    Samplers(SamplersArgs),
    /// How fast Metropolis-adjusted Langevin chains forget their start at fixed temperatures.
    Mixing(MixingArgs),
    /// What settings are worth: trainings that differ in one of them.
    Settings(SettingsTrialArgs),
    /// One noise level against many, with pictures and in the plane.
    NoiseLevels(NoiseLevelsArgs),
}

/// Every setting may also stand in a file, as in the `run.toml` of a run folder; a flag goes over the file.
#[derive(Args)]
pub struct TrainArgs {
    /// Settings as TOML; any run's `run.toml` is one, any part of it as well.
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// What the settings that nobody gives are [default: unet].
    #[arg(long, value_enum)]
    pub preset: Option<TrainingPreset>,
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// Where the data set's files are, if not where `trainer data fetch` puts them.
    #[arg(long)]
    pub data_dir: Option<PathBuf>,
    /// The run folder: settings, metrics, checkpoints, sample grids, a report.
    #[arg(long, default_value = "runs/digits")]
    pub out: PathBuf,
    /// Go on from the newest checkpoint in --out, with the settings stored there; flags and --config may change those of the
    /// noise, the optimization and the record.
    #[arg(long)]
    pub resume: bool,
    #[command(flatten)]
    pub backend: BackendArgs,
}

/// The flags of [`RunConfig`](crate::train::RunConfig), in its shape; what is not given is not in it.
#[derive(Args, Serialize)]
pub struct SettingsArgs {
    /// A data set's name (see `trainer data list`) or a folder of pictures [default: digits].
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    #[command(flatten)]
    pub network: NetworkSettingsArgs,
    #[command(flatten)]
    pub noise: NoiseArgs,
    #[command(flatten)]
    pub optimization: OptimizationArgs,
    #[command(flatten)]
    pub record: RecordArgs,
}

#[derive(Args, Serialize)]
pub struct NetworkSettingsArgs {
    /// Channels after the first convolution [default: the preset's].
    #[arg(long, value_parser = count_parser(512))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<usize>,
    /// The non-linearity [default: silu for unet, elu for the others, as in the paper].
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activation: Option<ActivationArg>,
}

#[derive(Args, Serialize)]
pub struct NoiseArgs {
    /// Smallest noise level, in pixel units (pixels are 0..1).
    #[arg(long = "sigma-min", value_parser = positive)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Largest noise level.
    #[arg(long = "sigma-max", value_parser = positive)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// How the noise levels lie between them.
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spacing: Option<SpacingArg>,
}

#[derive(Args, Serialize)]
pub struct OptimizationArgs {
    /// Optimizer steps.
    #[arg(long, value_parser = value_parser!(u32).range(1..))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u32>,
    /// Images in a batch, one noise level each.
    #[arg(long, value_parser = count_parser(8192))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<usize>,
    /// Peak learning rate, after a linear warm-up and before a cosine decay.
    #[arg(long, value_parser = positive)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learning_rate: Option<f64>,
    /// Decay of the moving average of the weights; 0 for none.
    #[arg(long = "ema", value_parser = fraction)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ema_decay: Option<f64>,
    /// Mirror half of the pictures, by chance.
    #[arg(long, num_args = 0..=1, default_missing_value = "true")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flip: Option<bool>,
    /// Seed of the weights, the data order and the noise.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

#[derive(Args, Serialize)]
pub struct RecordArgs {
    /// Steps between checkpoints.
    #[arg(long, value_parser = value_parser!(u32).range(1..))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint_every: Option<u32>,
    /// Newest checkpoints that are kept, besides the best.
    #[arg(long, value_parser = count_parser(1000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep: Option<usize>,
    /// Pictures in the sample grids that are drawn at every checkpoint; 0 for none.
    #[arg(long, value_parser = value_parser!(u32).range(..=256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grid: Option<u32>,
}

#[derive(Args)]
pub struct NetworkArgs {
    /// The shape of the network.
    #[arg(long, value_enum, default_value_t = PresetArg::Unet)]
    pub preset: PresetArg,
    /// Channels after the first convolution.
    #[arg(long, default_value_t = 16, value_parser = count_parser(512))]
    pub width: usize,
    /// The non-linearity [default: silu for unet, elu for the others, as in the paper].
    #[arg(long, value_enum)]
    pub activation: Option<ActivationArg>,
}

#[derive(Args)]
pub struct BackendArgs {
    /// Where to compute: `auto` takes a GPU where there is one, else the CPU.
    #[arg(long, value_enum, default_value_t = Backend::Auto)]
    pub backend: Backend,
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
pub struct ChainArgs {
    /// How many pictures.
    #[arg(long, default_value_t = 16, value_parser = count_parser(1_000_000))]
    pub count: usize,
    /// Seed of the noise: the same seed gives the same pictures.
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    /// How noise becomes pictures.
    #[arg(long, value_enum, default_value_t = SamplerArg::Consistent)]
    pub sampler: SamplerArg,
    /// Steps, one energy gradient each [default: 2700 for annealed, 100 for consistent, 50 for ode].
    #[arg(long, value_parser = count_parser(1_000_000))]
    pub steps: Option<usize>,
    /// The picture grid to write.
    #[arg(long)]
    pub out: PathBuf,
    /// Also write the pixels: float32 [N, H, W, C], 0..1.
    #[arg(long)]
    pub npy: Option<PathBuf>,
}

#[derive(Args)]
pub struct SampleArgs {
    #[command(flatten)]
    pub model: ModelArgs,
    /// More models, for pictures that all find likely: their energies are added.
    #[arg(long = "and", value_name = "MODEL")]
    pub and: Vec<PathBuf>,
    #[command(flatten)]
    pub chains: ChainArgs,
}

#[derive(Args)]
pub struct InpaintArgs {
    #[command(flatten)]
    pub model: ModelArgs,
    #[command(flatten)]
    pub chains: ChainArgs,
    /// The picture.
    #[arg(long)]
    pub image: PathBuf,
    /// What is unknown: a picture of the same size, white = unknown, or left, right, top, bottom, centre.
    #[arg(long)]
    pub mask: String,
}

#[derive(Args)]
pub struct DenoiseArgs {
    #[command(flatten)]
    pub model: ModelArgs,
    /// The noisy picture.
    #[arg(long)]
    pub image: PathBuf,
    /// The clean picture to write.
    #[arg(long)]
    pub out: PathBuf,
}

#[derive(Args)]
pub struct ScoreArgs {
    #[command(flatten)]
    pub model: ModelArgs,
    /// The pictures.
    #[arg(required = true)]
    pub images: Vec<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// What is measured, on which pictures, and where the numbers go.
#[derive(Args)]
pub struct MeasurementArgs {
    #[command(flatten)]
    pub model: ModelArgs,
    /// The data set whose held-out pictures the model is measured on, or a folder of pictures.
    #[arg(long)]
    pub data: String,
    /// Where the data set's files are, if not where `trainer data fetch` puts them.
    #[arg(long)]
    pub data_dir: Option<PathBuf>,
    /// The folder to write.
    #[arg(long)]
    pub out: PathBuf,
    /// Samples that are measured.
    #[arg(long, default_value_t = 1000, value_parser = count_parser(100_000))]
    pub count: usize,
    /// Seed of the noise.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

#[derive(Args)]
pub struct EvaluateArgs {
    #[command(flatten)]
    pub measurement: MeasurementArgs,
    /// How noise becomes pictures.
    #[arg(long, value_enum, default_value_t = SamplerArg::Consistent)]
    pub sampler: SamplerArg,
    /// Steps, one energy gradient each [default: 2700 for annealed, 100 for consistent, 50 for ode].
    #[arg(long, value_parser = count_parser(1_000_000))]
    pub steps: Option<usize>,
    /// Densities on the way from a Gaussian to the model's, for the likelihood: more narrow its bounds; 0 for no likelihood.
    #[arg(long, default_value_t = 300)]
    pub density_steps: u32,
    /// Chains that walk that way in each direction.
    #[arg(long, default_value_t = 32, value_parser = count_parser(10_000))]
    pub density_chains: usize,
    /// Also print the report's numbers as one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// The folder gets samplers.json, samplers.svg and samplers.md; what an earlier run has measured there is kept.
#[derive(Args)]
pub struct SamplersArgs {
    #[command(flatten)]
    pub measurement: MeasurementArgs,
    /// Energy gradients of annealed Langevin dynamics.
    #[arg(long, value_delimiter = ',', default_values_t = [100, 270, 900, 2700], value_parser = count_parser(1_000_000))]
    pub annealed: Vec<usize>,
    /// Energy gradients of consistent annealed sampling.
    #[arg(long, value_delimiter = ',', default_values_t = [10, 20, 35, 50, 75, 100, 200, 400], value_parser = count_parser(1_000_000))]
    pub consistent: Vec<usize>,
    /// Energy gradients of the deterministic flow.
    #[arg(long, value_delimiter = ',', default_values_t = [10, 20, 35, 50, 100, 200], value_parser = count_parser(1_000_000))]
    pub ode: Vec<usize>,
    /// Shares of the residual to try in consistent annealed sampling, besides the default.
    #[arg(long, value_delimiter = ',', value_parser = positive)]
    pub shares: Vec<f64>,
    /// Energy gradients that the shares are tried with.
    #[arg(long, value_delimiter = ',', default_values_t = [50, 100], value_parser = count_parser(1_000_000))]
    pub share_steps: Vec<usize>,
}

/// The folder gets mixing.json, mixing.svg and mixing.md.
#[derive(Args)]
pub struct MixingArgs {
    #[command(flatten)]
    pub model: ModelArgs,
    /// The data set whose held-out pictures the chains start from, or a folder of pictures.
    #[arg(long)]
    pub data: String,
    /// Where the data set's files are, if not where `trainer data fetch` puts them.
    #[arg(long)]
    pub data_dir: Option<PathBuf>,
    /// The folder to write.
    #[arg(long)]
    pub out: PathBuf,
    /// Noise levels, each of which stands for a temperature.
    #[arg(long, value_delimiter = ',', default_values_t = [0.1, 0.3, 0.5, 1.0, 2.0], value_parser = positive)]
    pub levels: Vec<f64>,
    /// Steps to settle, and as many that are measured.
    #[arg(long, default_value_t = 300, value_parser = count_parser(1_000_000))]
    pub steps: usize,
    /// Chains.
    #[arg(long, default_value_t = 64, value_parser = count_parser(10_000))]
    pub chains: usize,
}

/// The folder gets settings.json and settings.md.
#[derive(Args)]
pub struct SettingsTrialArgs {
    /// Settings as TOML, as for `trainer train`.
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// What the settings that nobody gives are [default: unet].
    #[arg(long, value_enum)]
    pub preset: Option<TrainingPreset>,
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// A change to try, as a line of TOML: `network.width = 24`. Once for each.
    #[arg(long = "change", value_name = "TOML", required = true)]
    pub changes: Vec<String>,
    /// Where the data set's files are, if not where `trainer data fetch` puts them.
    #[arg(long)]
    pub data_dir: Option<PathBuf>,
    /// The folder to write.
    #[arg(long)]
    pub out: PathBuf,
    /// Samples of each.
    #[arg(long, default_value_t = 1000, value_parser = count_parser(100_000))]
    pub count: usize,
    /// Steps of consistent annealed sampling.
    #[arg(long, default_value_t = 60, value_parser = count_parser(1_000_000))]
    pub sampler_steps: usize,
    #[command(flatten)]
    pub backend: BackendArgs,
}

/// The folder gets noise-levels.json, noise-levels.md, plots, and a grid of samples for each training.
#[derive(Args)]
pub struct NoiseLevelsArgs {
    /// A data set with labels, which samples are judged by.
    #[arg(long, default_value = "digits")]
    pub data: String,
    /// Where the data set's files are, if not where `trainer data fetch` puts them.
    #[arg(long)]
    pub data_dir: Option<PathBuf>,
    /// The folder to write.
    #[arg(long)]
    pub out: PathBuf,
    /// Levels that are tried alone.
    #[arg(long, value_delimiter = ',', default_values_t = [0.05, 0.1, 0.2, 0.4, 0.8, 1.5], value_parser = positive)]
    pub levels: Vec<f64>,
    /// Smallest of the many levels.
    #[arg(long, default_value_t = 0.05, value_parser = positive)]
    pub sigma_min: f64,
    /// Largest of the many levels.
    #[arg(long, default_value_t = 2.0, value_parser = positive)]
    pub sigma_max: f64,
    /// Training steps of each.
    #[arg(long, default_value_t = 1000, value_parser = value_parser!(u32).range(1..))]
    pub steps: u32,
    /// Channels after the first convolution.
    #[arg(long, default_value_t = 16, value_parser = count_parser(512))]
    pub width: usize,
    /// Samples of each.
    #[arg(long, default_value_t = 500, value_parser = count_parser(100_000))]
    pub count: usize,
    /// Steps of annealed Langevin dynamics.
    #[arg(long, default_value_t = 540, value_parser = count_parser(1_000_000))]
    pub sampler_steps: usize,
    #[command(flatten)]
    pub backend: BackendArgs,
}

#[derive(Args)]
pub struct ExportArgs {
    /// The run folder.
    #[arg(long)]
    pub run: PathBuf,
    /// The model folder to write; its name is the model's name.
    #[arg(long)]
    pub out: PathBuf,
    /// Where the data set's files are, if not where the run found them.
    #[arg(long)]
    pub data_dir: Option<PathBuf>,
    /// Held-out pictures that go with the model, for the page to complete; 0 where their licence does not allow it.
    #[arg(long, default_value_t = 24)]
    pub held_out: usize,
    #[command(flatten)]
    pub backend: BackendArgs,
}

#[derive(Args)]
pub struct VerifyArgs {
    /// A reference file: a network, inputs, and the answers of an independent implementation.
    #[arg(long)]
    pub reference: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub backend: BackendArgs,
}

#[derive(Args)]
pub struct BenchArgs {
    #[command(flatten)]
    pub network: NetworkArgs,
    /// Side of the square images.
    #[arg(long, default_value_t = 32, value_parser = count_parser(256))]
    pub image_size: usize,
    /// Channels of the images.
    #[arg(long, default_value_t = 1, value_parser = count_parser(4))]
    pub channels: usize,
    /// Images in a batch.
    #[arg(long, default_value_t = 64, value_parser = count_parser(8192))]
    pub batch: usize,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub backend: BackendArgs,
}

impl NetworkArgs {
    /// The non-linearity: as asked, else the paper's for the paper's networks and a smooth one for the U-Net.
    pub fn activation(&self) -> Activation {
        match (self.activation, self.preset) {
            (Some(activation), _) => activation.into(),
            (None, PresetArg::Unet) => Activation::Silu,
            (None, _) => Activation::Elu,
        }
    }
}
