//! Flags of commands that draw and restore pictures.

use std::path::PathBuf;

use clap::Args;
use options::{Sampler, Task};
use shared::sampling::Churn;

use super::{
    model::{GuideArgs, ModelArgs},
    values::{churn, count_parser, factor, fraction, gradients, number_parser, seed, whole_parser},
};

/// A picture of any size is of one colour under such a blur.
const MOST_BLUR: f64 = 100.0;

#[derive(Args)]
pub struct SamplerArgs {
    /// How noise becomes pictures.
    #[arg(long, value_enum, default_value_t = Sampler::Consistent)]
    pub sampler: Sampler,
    /// Steps, one energy gradient each [default: 2700 for annealed, 30 for consistent, 20 for ode].
    #[arg(long, value_parser = count_parser(1_000_000))]
    pub steps: Option<usize>,
    /// Temperature at which annealed Langevin dynamics starts [default: that of the model's largest noise level; the
    /// paper uses 100].
    #[arg(long, alias = "hottest", value_parser = number_parser(1.0, 1e10))]
    pub initial_temperature: Option<f64>,
}

#[derive(Args)]
pub struct ChurnArgs {
    /// Extra noise that each step of consistent annealed sampling removes and adds back; 0 for none. More corrects more
    /// errors, but drifts further [default: the churn that the model was exported with, or 0.5; for `trainer export`
    /// always 0.5, even where it replaces a model with another churn].
    #[arg(long, value_parser = churn)]
    pub churn: Option<Churn>,
}

#[derive(Args)]
pub struct ChainArgs {
    /// Number of pictures.
    #[arg(long, default_value_t = 16, value_parser = count_parser(1_000_000))]
    pub count: usize,
    /// Seed of the noise: the same seed gives the same pictures.
    #[arg(long, default_value_t = 42, value_parser = seed)]
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
    #[arg(long, default_value_t = 0, value_parser = whole_parser(0, u64::MAX))]
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
    /// white (or transparent) is unknown and black is known (cropped and resized like the other).
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
    /// The kind of restoration, by what is left of the picture.
    #[arg(long, value_enum)]
    pub task: Task,
    /// For inpaint, the unknown part: left, right, top, bottom, centre, stripes, random, or a picture of the same shape
    /// in which white (or transparent) is unknown and black is known.
    #[arg(long)]
    pub mask: Option<String>,
    /// For super-resolution, how many times the sides grow.
    #[arg(long, value_parser = factor)]
    pub factor: Option<usize>,
    /// For deblur, the standard deviation of the Gaussian blur, in pixels at the model's size.
    #[arg(long, value_parser = number_parser(0.01, MOST_BLUR))]
    pub blur: Option<f64>,
    /// For deblur, a picture of the blur, if it is not Gaussian: what the blur makes of one white pixel, at the model's size.
    #[arg(long, conflicts_with = "blur")]
    pub kernel: Option<PathBuf>,
    /// Standard deviation of the noise in the picture to restore. With noise, the known part is no longer kept exactly.
    #[arg(long, default_value_t = 0.0, value_parser = fraction)]
    pub noise: f64,
    /// Energy gradients used to measure the bits of each answer [default: 64].
    #[arg(long, value_parser = gradients)]
    pub samples: Option<usize>,
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
    /// Standard deviation of the noise in the picture, if you know it. Where the picture is smaller than the network's
    /// input, the frame around it then gets noise of the same level, as in training. Without this flag the frame is empty.
    #[arg(long, default_value_t = 0.0, value_parser = fraction)]
    pub noise: f64,
    /// The denoised picture to write: a .png, .jpg or .webp file.
    #[arg(long)]
    pub out: PathBuf,
}
