//! The flags of `trainer train`.

use std::path::PathBuf;

use clap::Args;
use options::{Activation, Optimizer, Spacing, Weighting};
use serde::Serialize;

use super::{
    BackendArgs,
    values::{count_parser, fraction, noise_level, positive, side, whole_parser, written_path, written_seed},
};
use crate::train::TrainingPreset;

#[derive(Args)]
pub struct TrainArgs {
    #[command(flatten)]
    pub layers: LayersArgs,
    /// Folder of the data set's files, if it is not where `trainer data fetch` puts them. With --resume, where the
    /// run's pictures are now.
    #[arg(long, value_parser = written_path())]
    pub data_dir: Option<PathBuf>,
    /// The run folder, for settings, metrics, checkpoints, sample grids and a report [default: runs/ and the data's
    /// name].
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Estimate memory and time by a few steps, and write nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Continue from the newest checkpoint in --out with the settings stored there. Flags and --config can change the
    /// number of steps, the noise levels, how the loss and its targets are made, the batch, the learning rate, the
    /// average, mirroring and the seed, for the steps that follow, and how often checkpoints and grids are written; the
    /// model's card will say so. The network, the optimizer and denoiser steps that are past stay. --data says where
    /// the pictures are now.
    #[arg(long)]
    pub resume: bool,
    #[command(flatten)]
    pub backend: BackendArgs,
    /// Number of GPUs that share each batch.
    #[arg(long, default_value_t = 1, value_parser = count_parser(64))]
    pub devices: usize,
}

/// Where the settings of a training come from.
#[derive(Args)]
pub struct LayersArgs {
    /// A TOML file with settings: any run's `run.toml`, or a part of one.
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// The settings to start from; flags and --config change single ones [default: unet4].
    #[arg(long, value_enum)]
    pub preset: Option<TrainingPreset>,
    #[command(flatten)]
    pub settings: SettingsArgs,
}

/// The flags of [`RunConfig`](crate::train::RunConfig), in its shape; what is not given is not in it.
#[derive(Args, Serialize)]
pub struct SettingsArgs {
    /// A data set's name (see `trainer data list`) or a folder of pictures [default: digits].
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// Fine-tune a model on these pictures, which may have another size: start from the weights of an exported folder,
    /// a checkpoint or a run. Its network is used.
    #[arg(long, value_name = "MODEL", value_parser = written_path())]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<PathBuf>,
    /// Resize the pictures of a folder to this side, 8 to 256. Pictures that are not square are cropped to their middle
    /// [default: the median of their shorter sides, at most 64; to the nearest multiple of 8, unless most pictures have
    /// that side].
    #[arg(long, value_name = "N", value_parser = side)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_size: Option<usize>,
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
    /// Channels after the first convolution [default: 16].
    #[arg(long, value_parser = count_parser(256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<usize>,
    /// The non-linearity [default: silu for unet, elu for the others].
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activation: Option<Activation>,
}

#[derive(Args, Serialize)]
pub struct NoiseArgs {
    /// Smallest noise level, in pixel units (pixels are 0..1) [default: 0.05].
    #[arg(long = "sigma-min", value_parser = noise_level)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Largest noise level [default: 5, and more in proportion to the side beyond 32x32].
    #[arg(long = "sigma-max", value_parser = noise_level)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// How the noise levels are spaced [default: geometric].
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spacing: Option<Spacing>,
}

#[derive(Args, Serialize)]
pub struct OptimizationArgs {
    /// Optimizer steps [default: 2000].
    #[arg(long, value_parser = whole_parser(1, u32::MAX))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u32>,
    /// Images per batch, each with its own noise level [default: 64].
    #[arg(long, value_parser = count_parser(8192))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<usize>,
    /// Split each batch into this many parts, computed one after another. More parts need less memory and give the same
    /// result up to rounding [default: the fewest for which activations fit into one GiB].
    #[arg(long, value_parser = count_parser(8192))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slices: Option<usize>,
    /// The optimizer [default: muon].
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub optimizer: Option<Optimizer>,
    /// Peak learning rate, after a linear warm-up and before a cosine decay [default: 0.002].
    #[arg(long, value_parser = positive)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learning_rate: Option<f64>,
    /// Decay of the moving average of the weights; 0 turns it off [default: 0.999].
    #[arg(long = "ema", value_parser = fraction)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ema_decay: Option<f64>,
    /// The weight of each noise level in the loss [default: edm].
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weighting: Option<Weighting>,
    /// Number of training pictures over which each target is averaged, each weighted by how likely the noisy picture was
    /// made from it; 0 for the paper's targets [default: 4096].
    #[arg(long, value_parser = whole_parser(0, 1_usize << 20))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub references: Option<usize>,
    /// First train the U-Net inside the energy as a plain denoiser for this many steps; each takes half the time
    /// [default: 0].
    #[arg(long, value_parser = whole_parser(0, u64::from(u32::MAX)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub denoiser_steps: Option<u64>,
    /// Mirror each picture with probability one half [default: false].
    #[arg(long, num_args = 0..=1, default_missing_value = "true")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flip: Option<bool>,
    /// Seed of the weights, the data order and the noise [default: 42].
    #[arg(long, value_parser = written_seed)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

#[derive(Args, Serialize)]
pub struct RecordArgs {
    /// Steps between checkpoints [default: 200].
    #[arg(long, value_parser = whole_parser(1, u32::MAX))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint_every: Option<u32>,
    /// Number of newest checkpoints to keep, besides the best [default: 2].
    #[arg(long, value_parser = count_parser(1000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep: Option<usize>,
    /// Number of pictures in the sample grid drawn at each checkpoint; 0 for none [default: 16].
    #[arg(long, value_parser = whole_parser(0, 256_u32))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grid: Option<u32>,
}

impl RecordArgs {
    /// One that was given, as it is called.
    pub fn given(&self) -> Option<&'static str> {
        let all = [
            ("--checkpoint-every", self.checkpoint_every.is_some()),
            ("--keep", self.keep.is_some()),
            ("--grid", self.grid.is_some()),
        ];
        all.into_iter().find(|(_, given)| *given).map(|(flag, _)| flag)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    /// The value of a setting in a `run.toml`.
    fn stored(settings: &toml::Table, flag: &str) -> String {
        let inside = |name: &str| settings.values().find_map(|part| part.get(name));
        let name = match flag {
            "sigma-min" => "min",
            "sigma-max" => "max",
            "ema" => "ema_decay",
            other => &other.replace('-', "_"),
        };
        match inside(name) {
            Some(toml::Value::String(word)) => word.clone(),
            Some(value) => value.to_string().trim_end_matches(".0").to_owned(),
            // What is not written down where it is nothing.
            None => "0".to_owned(),
        }
    }

    #[test]
    fn the_help_has_the_defaults_that_the_preset_has() {
        let settings = |preset: TrainingPreset| preset.settings().to_toml().unwrap().parse::<toml::Table>().unwrap();
        let (default, others) =
            (settings(TrainingPreset::Unet4), [TrainingPreset::Unet, TrainingPreset::Res18].map(settings));
        let cli = Cli::command();
        let train = cli.find_subcommand("train").unwrap();
        let mut checked = 0;
        for argument in train.get_arguments().filter(|argument| argument.get_default_values().is_empty()) {
            let (Some(flag), Some(help)) = (argument.get_long(), argument.get_help()) else { continue };
            let help = help.to_string();
            let Some((_, rest)) = help.split_once("[default: ") else { continue };
            let told = rest.split([',', ']']).next().unwrap();
            if told.contains(' ') || ["data", "preset"].contains(&flag) {
                continue;
            }
            assert_eq!(told, stored(&default, flag), "--{flag}");
            for other in &others {
                assert_eq!(told, stored(other, flag), "--{flag} of another preset");
            }
            checked += 1;
        }
        assert_eq!(checked, 17);
    }
}
