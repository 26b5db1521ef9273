//! The command line.

mod experiments;
mod training;
mod values;

use std::path::PathBuf;

use burn::tensor::Device;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, builder::NonEmptyStringValueParser};
use clap_complete::Shell;
use cpu_kernels::Vectors;
use options::{Activation, Architecture, Sampler, Task};
use shared::sampling::Churn;

use crate::{backend::Backend, error::Result, features::FeatureChoice};
pub use experiments::{
    ExperimentCommand, MixingArgs, NoiseLevelsArgs, RestorationArgs, SamplersArgs, SettingsTrialArgs, StartsArgs,
};
pub use training::{LayersArgs, TrainArgs};
pub use values::NOISE;
use values::{churn, count_parser, factor, fraction, gradients, number_parser, side, vectors};

/// Far above what has ever been of use: more is a mistake.
const MOST_GUIDANCE: f64 = 10.0;
/// A picture of any size is of one colour under such a blur.
const MOST_BLUR: f64 = 100.0;

/// Train, sample and export energy-based models by multi-scale denoising score matching.
#[derive(Parser)]
#[command(version, about, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// The command line of this process. Ends it where that is wrong, as clap does.
    pub fn of_process() -> Self {
        let matches = with_negative_numbers(Self::command()).get_matches();
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }
}

/// Lets every flag have a negative number, so that it is the flag that says what is wrong with it.
fn with_negative_numbers(command: clap::Command) -> clap::Command {
    let numbers = |argument: clap::Arg| {
        let takes = argument.get_action().takes_values();
        argument.allow_negative_numbers(takes)
    };
    command.mut_args(numbers).mut_subcommands(with_negative_numbers)
}

#[derive(Subcommand)]
pub enum Command {
    /// List data sets, or fetch one.
    #[command(subcommand)]
    Data(DataCommand),
    /// Train an energy model.
    ///
    /// Every setting may also stand in a file, as in the `run.toml` of a run folder; a flag goes over the file.
    Train(TrainArgs),
    /// Turn noise into pictures.
    Sample(SampleArgs),
    /// Fill in the unknown part of a picture.
    Inpaint(InpaintArgs),
    /// Restore a picture from what is left of it: some pixels, a smaller version, a grey version, a blur.
    Restore(RestoreArgs),
    /// Remove noise from a picture in a single step.
    Denoise(DenoiseArgs),
    /// Say how likely pictures are, where they are unusual, and which model fits them best.
    Score(ScoreArgs),
    /// Measure a model and write a report.
    Evaluate(EvaluateArgs),
    /// Run an experiment about the method.
    #[command(subcommand)]
    Experiment(ExperimentCommand),
    /// Write a model folder, which the page can load.
    Export(ExportArgs),
    /// Measure how likely held-out pictures are under an exported model, and store the result in its folder, with that of
    /// an evaluation if you give one.
    Measure(MeasureArgs),
    /// Check this implementation against an independent one.
    Verify(VerifyArgs),
    /// Measure the speed of the energy gradient and of a training step.
    Bench(BenchArgs),
    /// Print a script for shell completion.
    Completions {
        /// The shell.
        #[arg(value_enum)]
        shell: Shell,
    },
}

#[derive(Subcommand)]
pub enum DataCommand {
    /// The data sets that are known by name.
    List,
    /// Download a data set and check it against its published SHA-256.
    Fetch {
        /// Its name; see `trainer data list`.
        name: String,
        /// Where to put it, instead of the user's cache folder.
        #[arg(long)]
        dir: Option<PathBuf>,
    },
}

#[derive(Args)]
pub struct NetworkArgs {
    /// The shape of the network.
    #[arg(long, value_enum, default_value_t = Architecture::Unet)]
    pub preset: Architecture,
    /// Channels after the first convolution.
    #[arg(long, default_value_t = 16, value_parser = count_parser(256))]
    pub width: usize,
    /// The non-linearity [default: silu for unet, elu for the others].
    #[arg(long, value_enum)]
    pub activation: Option<Activation>,
}

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
pub struct SamplerArgs {
    /// How noise becomes pictures.
    #[arg(long, value_enum, default_value_t = Sampler::Consistent)]
    pub sampler: Sampler,
    /// Steps, one energy gradient each [default: 2700 for annealed, 50 for consistent, 20 for ode].
    #[arg(long, value_parser = count_parser(1_000_000))]
    pub steps: Option<usize>,
    /// Temperature at which annealed Langevin dynamics starts [default: that of the model's largest noise level; the
    /// paper uses 100].
    #[arg(long, alias = "hottest", value_parser = number_parser(1.0, 1e10))]
    pub initial_temperature: Option<f64>,
}

#[derive(Args)]
pub struct ChainArgs {
    /// Number of pictures.
    #[arg(long, default_value_t = 16, value_parser = count_parser(1_000_000))]
    pub count: usize,
    /// Seed of the noise: the same seed gives the same pictures.
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    #[command(flatten)]
    pub sampler: SamplerArgs,
    /// The picture grid to write: a .png, .jpg or .webp file. A single picture (`--count 1`) is written at the model's
    /// own size.
    #[arg(long)]
    pub out: PathBuf,
    /// Also write the pixels to this .npy file: float32 [N, H, W, C], values 0..1.
    #[arg(long)]
    pub npy: Option<PathBuf>,
}

#[derive(Args)]
pub struct ChurnArgs {
    /// Extra noise that each step of consistent annealed sampling removes and adds back; 0 for none. More corrects more
    /// errors, but drifts further [default: the exported model's own, or 0.5].
    #[arg(long, value_parser = churn)]
    pub churn: Option<Churn>,
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

#[derive(Args)]
pub struct SampleArgs {
    #[command(flatten)]
    pub model: ModelArgs,
    #[command(flatten)]
    pub churn: ChurnArgs,
    #[command(flatten)]
    pub guide: GuideArgs,
    /// Another model, for pictures that both find likely: their energies are added. Can be given several times.
    #[arg(long = "and", value_name = "MODEL")]
    pub and: Vec<PathBuf>,
    #[command(flatten)]
    pub chains: ChainArgs,
    /// Number of the first chain, to draw part of a larger run: `--count 500` and `--first 500 --count 500` together
    /// give the pictures of `--count 1000`.
    #[arg(long, default_value_t = 0)]
    pub first: u64,
    /// Also record the run in this PNG file, which the page can play (`run.png` in a model's folder). At most 64
    /// pictures.
    #[arg(long)]
    pub recording: Option<PathBuf>,
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
    /// The unknown part: left, right, top, bottom, centre, stripes, random, or a picture of the same shape in which
    /// white is unknown (cropped and resized like the other).
    #[arg(long)]
    pub mask: String,
}

#[derive(Args)]
pub struct RestoreArgs {
    #[command(flatten)]
    pub model: ModelArgs,
    #[command(flatten)]
    pub chains: ChainArgs,
    /// The picture to restore. For super-resolution, a picture of the model's size divided by --factor; any other is
    /// brought to the model's size, and only the means of its blocks are used. For colour, a grey picture; of any other,
    /// only the brightness is used. For deblur, a blurred picture.
    #[arg(long)]
    pub image: PathBuf,
    /// What is left of the picture.
    #[arg(long, value_enum)]
    pub task: Task,
    /// For inpaint, the unknown part: left, right, top, bottom, centre, stripes, random, or a picture of the same size
    /// in which white is unknown.
    #[arg(long)]
    pub mask: Option<String>,
    /// For super-resolution, how many times the sides grow.
    #[arg(long, value_parser = factor)]
    pub factor: Option<usize>,
    /// For deblur, the standard deviation of the Gaussian blur, in pixels at the model's size.
    #[arg(long, value_parser = number_parser(0.01, MOST_BLUR))]
    pub blur: Option<f64>,
    /// For deblur, a picture of any other blur: what it makes of a single white pixel, at the model's size.
    #[arg(long, conflicts_with = "blur")]
    pub kernel: Option<PathBuf>,
    /// Standard deviation of the noise in the picture to restore. With noise, the known part is no longer kept exactly.
    #[arg(long, default_value_t = 0.0, value_parser = fraction)]
    pub noise: f64,
    /// Energy gradients used to measure the bits of each answer.
    #[arg(long, default_value_t = 64, value_parser = gradients)]
    pub samples: usize,
    /// Print one JSON object with the bits of each answer, in the order of the grid.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct DenoiseArgs {
    #[command(flatten)]
    pub model: ModelArgs,
    /// The noisy picture.
    #[arg(long)]
    pub image: PathBuf,
    /// The denoised picture to write: a .png, .jpg or .webp file.
    #[arg(long)]
    pub out: PathBuf,
}

#[derive(Args)]
pub struct ScoreArgs {
    /// An exported model folder, a checkpoint folder, or a run folder (its newest good checkpoint). Given several
    /// times, each picture is assigned to the model that finds it most likely.
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
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// A folder for maps of where each picture is unusual: NAME.npy has the bits of each value, NAME.png shows them
    /// with the most surprising pixel in white.
    #[arg(long, value_name = "DIR")]
    pub map: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

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
    /// The features of pictures that distances between sets are measured on. Distances on others cannot be compared.
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
    #[arg(long, default_value_t = 1)]
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
    /// run.
    #[arg(long, num_args = 1.., value_name = "NPY")]
    pub samples: Vec<PathBuf>,
    /// Seed of the noise. It differs from that of `trainer experiment`, so that settings chosen on some samples are
    /// judged on others.
    #[arg(long, default_value_t = 1001)]
    pub seed: u64,
    #[command(flatten)]
    pub sampler: SamplerArgs,
    #[command(flatten)]
    pub churn: ChurnArgs,
    #[command(flatten)]
    pub guide: GuideArgs,
    /// Also estimate the partition function by annealed importance sampling, with this many densities between a
    /// Gaussian and the model; 0 to skip it. It is a check of the likelihood, which itself needs no chains.
    #[arg(long, default_value_t = 0)]
    pub density_steps: u32,
    /// Number of chains in each direction. If their effective number is below 5, no estimate is given.
    #[arg(long, default_value_t = 32, value_parser = count_parser(10_000))]
    pub density_chains: usize,
    /// Also print the report's numbers as one JSON object.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct ExportArgs {
    /// The run folder.
    #[arg(long)]
    pub run: PathBuf,
    /// Export the checkpoint with the lowest held-out loss instead of the newest.
    #[arg(long)]
    pub best: bool,
    /// The model folder to write. Its name becomes the model's name. An existing model folder is replaced, unless it
    /// holds other files.
    #[arg(long)]
    pub out: PathBuf,
    /// Where the run's folder of pictures is now, if it was moved.
    #[arg(long)]
    pub data: Option<String>,
    /// Folder of the data set's files, if it is not where the run found them.
    #[arg(long)]
    pub data_dir: Option<PathBuf>,
    /// Number of held-out pictures to publish with the model, for the page's other rooms; 0 if their licence does not
    /// allow it.
    #[arg(long, default_value_t = 24)]
    pub held_out: usize,
    /// The licence of the pictures, as the model card and the page shall tell it, such as "CC BY 4.0 (Jane Doe)" [default:
    /// the data set's].
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub licence: Option<String>,
    /// What else the model card shall say about the pictures: where they come from, how they were changed.
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub note: Option<String>,
    /// The evaluation.json that `trainer evaluate` wrote for this run, with the same churn and guidance; its results go
    /// on the model card.
    #[arg(long)]
    pub evaluation: Option<PathBuf>,
    #[command(flatten)]
    pub churn: ChurnArgs,
    #[command(flatten)]
    pub guide: GuideArgs,
    #[command(flatten)]
    pub backend: BackendArgs,
}

#[derive(Args)]
pub struct MeasureArgs {
    /// An exported model folder; it may be from a version that did not measure likelihoods.
    #[arg(long)]
    pub model: PathBuf,
    /// The data set that it was trained on.
    #[arg(long)]
    pub data: String,
    /// Folder of the data set's files, if it is not where `trainer data fetch` puts them.
    #[arg(long)]
    pub data_dir: Option<PathBuf>,
    /// The evaluation.json that `trainer evaluate` wrote for this folder; its results take the place of earlier ones.
    #[arg(long)]
    pub evaluation: Option<PathBuf>,
    #[command(flatten)]
    pub backend: BackendArgs,
}

#[derive(Args)]
pub struct VerifyArgs {
    /// A reference file: a network, inputs, and the results of an independent implementation.
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
    #[arg(long, default_value_t = 32, value_parser = side)]
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
            (Some(activation), _) => activation,
            (None, Architecture::Unet) => Activation::Silu,
            (None, _) => Activation::Elu,
        }
    }
}
