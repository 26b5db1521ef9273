//! The command line.

mod experiments;
mod training;
mod values;

use std::path::PathBuf;

use burn::tensor::Device;
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use cpu_kernels::Vectors;
use options::{Activation, Architecture, Sampler, Task};
use shared::sampling::Churn;

use crate::{backend::Backend, error::Result};
pub use experiments::{
    ExperimentCommand, MixingArgs, NoiseLevelsArgs, RestorationArgs, SamplersArgs, SettingsTrialArgs, StartsArgs,
};
pub use training::{LayersArgs, TrainArgs};
use values::{at_least_one, churn, count_parser, factor, fraction, gradients, guidance, positive, vectors};

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
    /// Restore a picture of which a part is known: pixels, a smaller picture, its brightness, a blur.
    Restore(RestoreArgs),
    /// Remove noise from a picture in one jump.
    Denoise(DenoiseArgs),
    /// Say how likely pictures are, how unusual, where they are odd, and which model they belong to.
    Score(ScoreArgs),
    /// Measure what a model is worth, into a report.
    Evaluate(EvaluateArgs),
    /// Answer a question about the method by measurement.
    #[command(subcommand)]
    Experiment(ExperimentCommand),
    /// Write the model folder that the page loads.
    Export(ExportArgs),
    /// Measure again how likely held-out pictures are to an exported model, and write it into the model's folder.
    Measure(MeasureArgs),
    /// Compare this implementation with an independent one.
    Verify(VerifyArgs),
    /// Measure the speed of the energy gradient and of a training step.
    Bench(BenchArgs),
    /// Print a script that has a shell complete these commands and flags.
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
    /// Bring a data set onto this machine, checked against its published SHA-256.
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
    /// Compute on the CPU with narrower vectors than this processor has, to compare: `scalar`, `sse4`, `avx2`, `avx512`,
    /// `neon` [default: the widest that it has].
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
    /// Temperature that annealed Langevin dynamics starts from [default: that of the model's largest noise level; the
    /// paper's is 100].
    #[arg(long, value_parser = at_least_one)]
    pub hottest: Option<f64>,
}

#[derive(Args)]
pub struct ChainArgs {
    /// How many pictures.
    #[arg(long, default_value_t = 16, value_parser = count_parser(1_000_000))]
    pub count: usize,
    /// Seed of the noise: the same seed gives the same pictures.
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    #[command(flatten)]
    pub sampler: SamplerArgs,
    /// The picture grid to write, a .png, .jpg or .webp; one picture (`--count 1`) is written as it is, at the model's
    /// size.
    #[arg(long)]
    pub out: PathBuf,
    /// Also write the pixels: float32 [N, H, W, C], 0..1.
    #[arg(long)]
    pub npy: Option<PathBuf>,
}

#[derive(Args)]
pub struct ChurnArgs {
    /// How much more noise a step of consistent annealed sampling removes and puts back than it must: 0 for none; more
    /// corrects more, and strays further [default: the exported model's own, or 0.5].
    #[arg(long, value_parser = churn, allow_negative_numbers = true)]
    pub churn: Option<Churn>,
}

#[derive(Args)]
pub struct GuideArgs {
    /// A weaker model of the same data, smaller or trained for shorter: new pictures keep away from what it finds
    /// likelier than the model does, which are mistakes mostly [default: the exported model's own, if it has one].
    #[arg(long, value_name = "MODEL")]
    pub guide: Option<PathBuf>,
    /// How strongly new pictures keep away from the guide: chains go down E + guidance (E - the guide's energy); 0 for no
    /// guide [default: the exported model's own, or 0.75 with --guide].
    #[arg(long, value_parser = guidance)]
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
    /// Another model, for pictures that both find likely: their energies are added. May be given several times.
    #[arg(long = "and", value_name = "MODEL")]
    pub and: Vec<PathBuf>,
    #[command(flatten)]
    pub chains: ChainArgs,
    /// The number of the first chain, to draw a part of one large run: the pictures of `--count 1000` are those of
    /// `--count 500` and of `--first 500 --count 500`.
    #[arg(long, default_value_t = 0)]
    pub first: u64,
    /// Write the run itself to this PNG file, as the page plays it: `run.png` in a model's folder. At most 64 pictures.
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
    /// What is unknown: a picture of the same size, white = unknown, which is cropped and resized with the other; or
    /// left, right, top, bottom, centre.
    #[arg(long)]
    pub mask: String,
}

#[derive(Args)]
pub struct RestoreArgs {
    #[command(flatten)]
    pub model: ModelArgs,
    #[command(flatten)]
    pub chains: ChainArgs,
    /// What is known: for super-resolution a picture of the model's size over --factor, or any picture, which is made
    /// smaller first; for colour a grey picture, or any, of which the brightness is kept; for deblur a blurred one.
    #[arg(long)]
    pub image: PathBuf,
    /// What is known of the picture.
    #[arg(long, value_enum)]
    pub task: Task,
    /// For inpaint, what is unknown: a picture of the same size, white = unknown; or left, right, top, bottom, centre,
    /// stripes, random.
    #[arg(long)]
    pub mask: Option<String>,
    /// For super-resolution, how many times longer the sides become.
    #[arg(long, value_parser = factor)]
    pub factor: Option<usize>,
    /// For deblur, the standard deviation of the Gaussian that the picture was blurred with, in pixels of the model's size.
    #[arg(long, value_parser = positive)]
    pub blur: Option<f64>,
    /// For deblur, a picture of any other blur: what became of one white pixel, in pixels of the model's size.
    #[arg(long, conflicts_with = "blur")]
    pub kernel: Option<PathBuf>,
    /// Standard deviation of the noise on what is known; with noise nothing is put in place exactly.
    #[arg(long, default_value_t = 0.0, value_parser = fraction)]
    pub noise: f64,
    /// Energy gradients that the bits of each answer are measured by.
    #[arg(long, default_value_t = 64, value_parser = gradients)]
    pub samples: usize,
    /// Print one JSON object: the bits of each answer, in the order of the grid.
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
    /// The clean picture to write, a .png, .jpg or .webp.
    #[arg(long)]
    pub out: PathBuf,
}

#[derive(Args)]
pub struct ScoreArgs {
    /// An exported model folder, a checkpoint folder, or a run folder (its newest good checkpoint). Of several, each
    /// picture is said to belong to the one that finds it likeliest.
    #[arg(long = "model", required = true, value_name = "MODEL")]
    pub models: Vec<PathBuf>,
    #[command(flatten)]
    pub backend: BackendArgs,
    /// The pictures.
    #[arg(required = true)]
    pub images: Vec<PathBuf>,
    /// Energy gradients that a picture's bits are measured by: more give a smaller standard error.
    #[arg(long, default_value_t = 64, value_parser = gradients)]
    pub samples: usize,
    /// Seed of the noise that they are measured under, the same for all pictures.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// A folder for maps of where each picture is odd: bits of each value, as NAME.npy and, the most surprising pixel
    /// white, as NAME.png.
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
    /// Where the data set's files are, if not where `trainer data fetch` puts them.
    #[arg(long)]
    pub data_dir: Option<PathBuf>,
    /// The folder to write.
    #[arg(long)]
    pub out: PathBuf,
}

/// The same by samples.
#[derive(Args)]
pub struct MeasurementArgs {
    #[command(flatten)]
    pub subject: SubjectArgs,
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
    /// Samples that are measured; distances to the held-out pictures need 64, their standard errors 128.
    #[arg(long, default_value_t = 1000, value_parser = count_parser(100_000))]
    pub count: usize,
    /// Samples that were drawn before, by `trainer sample --npy`: one file or several parts of a run. They are measured
    /// instead of new ones.
    #[arg(long, num_args = 1.., value_name = "NPY")]
    pub samples: Vec<PathBuf>,
    /// Seed of the noise; not that of `trainer experiment`, so that what was chosen by samples is judged by others.
    #[arg(long, default_value_t = 1001)]
    pub seed: u64,
    #[command(flatten)]
    pub sampler: SamplerArgs,
    #[command(flatten)]
    pub churn: ChurnArgs,
    #[command(flatten)]
    pub guide: GuideArgs,
    /// Also estimate the partition function by annealed importance sampling, over so many densities on the way from a
    /// Gaussian to the model's: a check of the likelihood, which needs no chains; 0 for none.
    #[arg(long, default_value_t = 0)]
    pub density_steps: u32,
    /// Chains that walk that way in each direction; where they amount to fewer than 5, there is no number.
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
    /// Export the checkpoint with the smallest loss on held-out pictures, not the newest.
    #[arg(long)]
    pub best: bool,
    /// The model folder to write; its name is the model's name. One that is there is replaced, unless it holds other
    /// files.
    #[arg(long)]
    pub out: PathBuf,
    /// Where the pictures of the run are now, if they are a folder that was moved.
    #[arg(long)]
    pub data: Option<String>,
    /// Where the data set's files are, if not where the run found them.
    #[arg(long)]
    pub data_dir: Option<PathBuf>,
    /// Held-out pictures that go with the model, for the page to complete; 0 where their licence does not allow it.
    #[arg(long, default_value_t = 24)]
    pub held_out: usize,
    /// What `trainer evaluate` has measured of this run (its evaluation.json), for the model card; of the same churn
    /// and guidance.
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
    /// An exported model folder, also one that was exported before likelihoods were measured.
    #[arg(long)]
    pub model: PathBuf,
    /// The data set that it was trained on.
    #[arg(long)]
    pub data: String,
    /// Where the data set's files are, if not where `trainer data fetch` puts them.
    #[arg(long)]
    pub data_dir: Option<PathBuf>,
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
            (Some(activation), _) => activation,
            (None, Architecture::Unet) => Activation::Silu,
            (None, _) => Activation::Elu,
        }
    }
}
