//! The flags of `trainer experiment`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use options::Sampler;
use shared::sampling::Churn;

use super::{
    BackendArgs, GuideArgs, LayersArgs, MeasurementArgs, SubjectArgs,
    values::{churn, count_parser, noise_level, seed, whole_parser},
};

#[derive(Subcommand)]
pub enum ExperimentCommand {
    /// Compare sample quality with the number of energy gradients, for every sampler: numbers, a plot and a table.
    ///
    /// Writes samplers.json, samplers.svg and samplers.md to --out.
    /// Results of an earlier run with the same settings are reused.
    Samplers(SamplersArgs),
    /// Measure how fast Metropolis-adjusted Langevin chains forget their start at fixed temperatures.
    ///
    /// Writes mixing.json, mixing.svg and mixing.md to --out.
    /// Results of an earlier run with the same settings are reused.
    Mixing(MixingArgs),
    /// Find the noise level at which a model makes mistakes: chains start from held-out pictures under noise of several levels.
    ///
    /// Writes starts.json, starts.svg and starts.md to --out.
    /// Results of an earlier run with the same settings are reused.
    Starts(StartsArgs),
    /// Measure how much a setting helps, by trainings that differ only in it.
    ///
    /// Writes settings.json and settings.md to --out.
    /// Results of an earlier run with the same settings are reused.
    Settings(SettingsTrialArgs),
    /// Measure how well a model restores: held-out pictures are enlarged, coloured, sharpened and filled in.
    ///
    /// Writes restoration.json, restoration.md and a grid for each task to --out: the picture, what is made of it without a
    /// model, answers. The folder also has the pictures, and what is known of them, as .npy files for other programs.
    /// Results of an earlier run with the same settings are reused.
    Restoration(RestorationArgs),
    /// Compare one noise level with many, with pictures and in the plane.
    ///
    /// Writes noise-levels.json, noise-levels.md, plots, and a grid of samples for each training to --out.
    /// Results of an earlier run with the same settings are reused.
    NoiseLevels(NoiseLevelsArgs),
}

#[derive(Args)]
pub struct SamplersArgs {
    #[command(flatten)]
    pub measurement: MeasurementArgs,
    #[command(flatten)]
    pub guide: GuideArgs,
    /// Energy gradients of annealed Langevin dynamics.
    #[arg(long, value_delimiter = ',', default_values_t = [100, 270, 900, 2700], value_parser = count_parser(1_000_000))]
    pub annealed: Vec<usize>,
    /// Energy gradients of consistent annealed sampling.
    #[arg(long, value_delimiter = ',', default_values_t = [10, 20, 30, 50, 100, 200], value_parser = count_parser(1_000_000))]
    pub consistent: Vec<usize>,
    /// Energy gradients of the deterministic flow.
    #[arg(long, value_delimiter = ',', default_values_t = [10, 20, 35, 50, 100, 200], value_parser = count_parser(1_000_000))]
    pub ode: Vec<usize>,
    /// Churns to try in consistent annealed sampling, besides the default.
    #[arg(long, value_delimiter = ',', value_parser = churn)]
    pub churns: Vec<Churn>,
    /// Energy gradients that the churns are tried with.
    #[arg(long, requires = "churns", value_delimiter = ',', default_values_t = [30, 50], value_parser = count_parser(1_000_000))]
    pub churn_steps: Vec<usize>,
}

#[derive(Args)]
pub struct StartsArgs {
    #[command(flatten)]
    pub measurement: MeasurementArgs,
    /// Noise levels that chains begin at [default: those of 0.1, 0.2, 0.4, 0.8, 1.5 and 3 that the model was trained
    /// between, and its largest].
    #[arg(long, value_delimiter = ',', value_parser = noise_level)]
    pub levels: Vec<f64>,
    /// Steps of consistent annealed sampling from each.
    #[arg(long, default_value_t = 60, value_parser = count_parser(1_000_000))]
    pub steps: usize,
}

#[derive(Args)]
pub struct MixingArgs {
    #[command(flatten)]
    pub subject: SubjectArgs,
    /// Noise levels, each of which stands for a temperature [default: those of 0.1, 0.3, 0.5, 1 and 2 that the model was
    /// trained between].
    #[arg(long, value_delimiter = ',', value_parser = noise_level)]
    pub levels: Vec<f64>,
    /// Steps to settle, and as many that are measured.
    #[arg(long, default_value_t = 300, value_parser = count_parser(1_000_000))]
    pub steps: usize,
    /// Number of chains.
    #[arg(long, default_value_t = 64, value_parser = count_parser(10_000))]
    pub chains: usize,
}

#[derive(Args)]
pub struct RestorationArgs {
    #[command(flatten)]
    pub subject: SubjectArgs,
    /// Held-out pictures that are restored.
    #[arg(long, default_value_t = 32, value_parser = count_parser(10_000))]
    pub pictures: usize,
    /// Number of answers for each picture.
    #[arg(long, default_value_t = 8, value_parser = count_parser(1_000))]
    pub answers: usize,
    /// Steps of consistent annealed sampling.
    #[arg(long, default_value_t = Sampler::Consistent.default_steps(), value_parser = count_parser(1_000_000))]
    pub steps: usize,
    /// Seed of the noise and of the pictures.
    #[arg(long, default_value_t = 1, value_parser = seed)]
    pub seed: u64,
}

#[derive(Args)]
pub struct SettingsTrialArgs {
    #[command(flatten)]
    pub layers: LayersArgs,
    /// A change to try, as a line of TOML: `network.width = 24`. Repeat the flag for several.
    #[arg(long = "change", value_name = "TOML", required = true)]
    pub changes: Vec<String>,
    /// Where the data set's files are, if not where `trainer data fetch` puts them.
    #[arg(long)]
    pub data_dir: Option<PathBuf>,
    /// The folder to write.
    #[arg(long)]
    pub out: PathBuf,
    /// Number of samples drawn from each trained model.
    #[arg(long, default_value_t = 1000, value_parser = count_parser(100_000))]
    pub count: usize,
    /// Steps of consistent annealed sampling.
    #[arg(long, default_value_t = 60, value_parser = count_parser(1_000_000))]
    pub sampler_steps: usize,
    #[command(flatten)]
    pub backend: BackendArgs,
}

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
    /// Noise levels, each of which is the only one of a training.
    #[arg(long, value_delimiter = ',', default_values_t = [0.05, 0.1, 0.2, 0.4, 0.8, 1.5], value_parser = noise_level)]
    pub levels: Vec<f64>,
    /// Smallest of the many levels.
    #[arg(long, default_value_t = 0.05, value_parser = noise_level)]
    pub sigma_min: f64,
    /// Largest of the many levels. All chains begin at it.
    #[arg(long, default_value_t = 5.0, value_parser = noise_level)]
    pub sigma_max: f64,
    /// Steps of each training.
    #[arg(long, default_value_t = 1000, value_parser = whole_parser(1, u32::MAX))]
    pub steps: u32,
    /// Channels after the first convolution.
    #[arg(long, default_value_t = 16, value_parser = count_parser(256))]
    pub width: usize,
    /// Number of samples drawn from each trained model.
    #[arg(long, default_value_t = 500, value_parser = count_parser(100_000))]
    pub count: usize,
    /// Steps of annealed Langevin dynamics.
    #[arg(long, default_value_t = 540, value_parser = count_parser(1_000_000))]
    pub sampler_steps: usize,
    #[command(flatten)]
    pub backend: BackendArgs,
}
