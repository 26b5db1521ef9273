//! The settings of a run: one type for the command line, for `--config`, and for the record in the run folder.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use clap::ValueEnum;
use options::{Activation, Architecture};
use serde::{Deserialize, Serialize};
use shared::{
    model::{DataCard, TrainingCard},
    network::NetworkConfig,
    training::NoiseLevels,
};

use super::{checkpoint::Progress, memory, optimization::Optimization};
use crate::{
    data::{self, DataSet, Images},
    error::{Error, Result},
    model::LoadedModel,
};

/// Everything that decides what a run computes. As TOML it is `run.toml` of a run folder, and any part of that is a
/// `--config`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunConfig {
    /// The data set's name, or the whole path of a folder.
    pub data: String,
    /// Where the files of a data set with a name are, if they are where the user said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<PathBuf>,
    /// The side that the pictures of a folder are resized to; nothing for one that suits them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_size: Option<usize>,
    /// The model whose weights the run starts from; nothing for random weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<PathBuf>,
    /// Where settings come from that are not given.
    pub preset: TrainingPreset,
    /// The network.
    pub network: NetworkSettings,
    /// The noise levels.
    pub noise: NoiseLevels,
    /// Whether the largest of them is meant for 32x32, as nobody chose it, and grows with larger pictures when the run
    /// begins.
    #[serde(skip)]
    pub noise_follows_size: bool,
    /// The optimizer and its schedule.
    pub optimization: Optimization,
    /// What is kept in the run folder.
    pub record: Record,
    /// What the data turned out to be. Found, not chosen: a `--config` that has it is read without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pictures: Option<PicturesCard>,
}

/// A value of `--preset` in training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum TrainingPreset {
    /// The energy of a small U-Net, which trains several times faster.
    Unet,
    /// The same with a fourth scale: better pictures for little more time.
    Unet4,
    /// The paper's small network.
    Res6,
    /// The paper's network for MNIST and Fashion-MNIST.
    Res12,
    /// The paper's network for CIFAR-10.
    Res18,
    /// The paper's settings for MNIST: 100,000 steps of res12 with width 64, plain Adam.
    PaperMnist,
    /// The paper's settings for Fashion-MNIST: the same.
    PaperFashionMnist,
    /// The paper's settings for CIFAR-10: 300,000 steps of res18 with width 128, plain Adam.
    #[value(name = "paper-cifar-10")]
    #[serde(rename = "paper-cifar-10")]
    PaperCifar10,
    /// The paper's settings for CelebA, cropped to 32x32: those for CIFAR-10; mirrored pictures.
    PaperCeleba,
}

/// The network, as far as the data do not decide it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkSettings {
    /// The shape of the network.
    pub shape: Architecture,
    /// Scales of a U-Net. If they are not set, they follow the size of the pictures when the run begins; older runs have
    /// those of their shape at 32x32.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scales: Option<usize>,
    /// Channels after the stem.
    pub width: usize,
    /// The non-linearity.
    pub activation: Activation,
    /// The one noise level inside the residual.
    pub sigma_0: f32,
}

impl NetworkSettings {
    /// Those of a model, given with `--from`.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn of_model(from: &Path) -> Result<Self> {
        let NetworkConfig { preset: shape, scales, width, activation, sigma_0, .. } =
            LoadedModel::open("--from", from, &Device::flex())?.config;
        // A model that does not say has what its shape has at 32x32, whatever the size of the pictures.
        let scales = scales.or_else(|| NetworkConfig::scales_for(shape, 32));
        Ok(Self { shape, scales, width, activation, sigma_0 })
    }
}

/// The pictures of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PicturesCard {
    /// 1 for grey, 3 for colour.
    pub channels: usize,
    /// Whether they were others when the run began, so that it may have learned from some that are held out now.
    #[serde(default, skip_serializing_if = "is_false")]
    pub changed: bool,
    /// How many there are, on both sides; runs from before this was taken down do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<usize>,
    /// What the data set says of itself.
    #[serde(flatten)]
    pub card: DataCard,
}

/// What is kept in the run folder, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Steps between checkpoints.
    pub checkpoint_every: u64,
    /// Newest checkpoints that are kept, besides the best.
    pub keep: usize,
    /// Pictures in the sample grids of every checkpoint.
    pub grid: usize,
}

impl RunConfig {
    /// The same settings, if all are in range.
    ///
    /// # Errors
    /// The first that is not.
    pub fn checked(mut self) -> Result<Self> {
        if NetworkConfig::scales_for(self.network.shape, 32).is_none() {
            // A file that another shape was chosen over may say how many that one had.
            self.network.scales = None;
        }
        let Optimization { steps, batch, slices, learning_rate, clip, ema_decay, references, denoiser_steps, .. } =
            self.optimization;
        let (least, most) = (self.noise.min, self.noise.max);
        let demands = [
            ((1..=u64::from(u32::MAX)).contains(&steps), "optimization.steps (--steps) must be from 1 to 4294967295"),
            ((1..=8192).contains(&batch), "optimization.batch (--batch) must be from 1 to 8192"),
            (
                slices.is_none_or(|slices| (1..=batch).contains(&slices)),
                "optimization.slices (--slices) must be from 1 to the batch (--batch)",
            ),
            (
                learning_rate > 0.0 && learning_rate.is_finite(),
                "optimization.learning_rate (--learning-rate) must be a positive number",
            ),
            (clip > 0.0, "optimization.clip must be a positive number, or inf for no limit"),
            ((0.0..1.0).contains(&ema_decay), "optimization.ema_decay (--ema) must be at least 0 and below 1"),
            (references <= 1 << 20, "optimization.references (--references) must be at most 1048576"),
            (
                denoiser_steps == 0 || NetworkConfig::scales_for(self.network.shape, 32).is_some(),
                "optimization.denoiser_steps (--denoiser-steps) must be 0 for a network without a U-Net in it",
            ),
            (
                denoiser_steps <= steps,
                "optimization.denoiser_steps (--denoiser-steps) must be at most optimization.steps (--steps)",
            ),
            (
                NoiseLevels::POSSIBLE.contains(&least) && NoiseLevels::POSSIBLE.contains(&most),
                "noise.min and noise.max (--sigma-min, --sigma-max) must be from 0.0001 to 10000",
            ),
            (self.record.checkpoint_every >= 1, "record.checkpoint_every (--checkpoint-every) must be at least 1"),
            (self.record.keep >= 1, "record.keep (--keep) must be at least 1"),
            (self.record.grid <= 256, "record.grid (--grid) must be at most 256"),
            (
                self.image_size.is_none_or(|side| data::SIDES.contains(&side)),
                "image_size (--image-size) must be from 8 to 256",
            ),
        ];
        if let Some((_, demand)) = demands.into_iter().find(|(met, _)| !met) {
            return Err(Error::input(demand));
        }
        if least > most {
            return Err(Error::input(format!(
                "noise.min {least} is above noise.max {most} (--sigma-min, --sigma-max)"
            )));
        }
        // How many scales are too many depends on the pictures; those that are not known yet may be the largest.
        let network = if self.pictures.is_some() { self.network() } else { self.network_of(1, *data::SIDES.end()) };
        network.validate().map_err(|error| Error::input(error.to_string()))?;
        Ok(self)
    }

    /// The settings as a file.
    ///
    /// # Errors
    /// A number is too large for TOML.
    pub fn to_toml(&self) -> Result<String> {
        let failed = |error: toml::ser::Error| Error::failed(format!("the settings cannot be written: {error}"));
        let mut value = toml::Value::try_from(self).map_err(failed)?;
        shorten(&mut value);
        toml::to_string(&value).map_err(failed)
    }

    /// The folder of a named set's files: what the user says now, or said when these settings were written. Where that is
    /// gone nothing takes its place: what lies elsewhere may be other pictures.
    pub fn files_in<'a>(&'a self, given: Option<&'a Path>) -> Option<&'a Path> {
        given.or(self.data_dir.as_deref().filter(|_| data::is_named(&self.data)))
    }

    /// Takes down what the data are, and where.
    ///
    /// # Errors
    /// They are not what the run was begun with, or no network is for such pictures.
    pub fn with_pictures(mut self, data: &DataSet) -> Result<Self> {
        let Images { channels, height, width, .. } = data.train;
        let name = &data.name;
        if let Some(side) = self.image_size.filter(|&side| side != height) {
            return Err(Error::input(format!(
                "--image-size {side}: {name} has pictures of {width}x{height}, and a named set keeps its size; leave it out"
            )));
        }
        if height != width {
            let text =
                format!("{name}: its pictures are {width}x{height} (width x height); the networks take square ones");
            return Err(Error::input(text));
        }
        self.data.clone_from(&data.source);
        let fingerprint = data.fingerprint.clone();
        let count = Some(data.count());
        let begins = self.pictures.is_none();
        if let Some(known) = &mut self.pictures {
            known.changed |= known.card.fingerprint != fingerprint;
            known.card.fingerprint = fingerprint;
            known.count = count;
            self.check(&data.train)?;
        } else {
            let licence = data.licence.clone();
            let card = DataCard { name: name.clone(), licence, size: height, pixel_range: [0.0, 1.0], fingerprint };
            self.pictures = Some(PicturesCard { channels, changed: false, count, card });
            let NetworkConfig { preset, image_size, scales, .. } = self.network();
            self.network.scales = scales.or_else(|| NetworkConfig::scales_for(preset, image_size));
            if std::mem::take(&mut self.noise_follows_size) {
                self.noise.max *= (height as f32 / 32.0).max(1.0);
            }
        }
        self.network().validate().map_err(|error| Error::input(format!("{name}: {error}")))?;
        if begins {
            memory::fit(&mut self, data.train.len())?;
        }
        Ok(self)
    }

    /// Checks that pictures are what the run's network was made for.
    ///
    /// # Errors
    /// There are none, or they have another size.
    pub fn check(&self, images: &Images) -> Result<()> {
        let size = self.card().size;
        images.check(&self.data, [self.network().channels, size, size])
    }

    /// What the data set says of itself.
    pub fn card(&self) -> DataCard {
        self.pictures.as_ref().map_or_else(
            || DataCard {
                name: self.data.clone(),
                licence: String::new(),
                size: 0,
                pixel_range: [0.0, 1.0],
                fingerprint: None,
            },
            |pictures| pictures.card.clone(),
        )
    }

    /// How far the training has come.
    pub fn training(&self, progress: &Progress) -> TrainingCard {
        let plan = &self.optimization;
        TrainingCard {
            steps: progress.step,
            images_seen: progress.images.unwrap_or(progress.step * plan.batch as u64),
            seconds: progress.seconds,
            seed: plan.seed,
            ema_decay: plan.ema_decay,
        }
    }

    /// The network, whole.
    pub fn network(&self) -> NetworkConfig {
        let (channels, size) = self.pictures.as_ref().map_or((1, 0), |found| (found.channels, found.card.size));
        self.network_of(channels, data::network_size(size, size))
    }

    pub(super) fn network_of(&self, channels: usize, image_size: usize) -> NetworkConfig {
        let NetworkSettings { shape, scales, width, activation, sigma_0 } = self.network;
        NetworkConfig { preset: shape, scales, width, channels, image_size, activation, sigma_0 }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_false(value: &bool) -> bool {
    !value
}

/// Numbers of single precision as short as they may be: 0.1, not 0.10000000149011612.
fn shorten(value: &mut toml::Value) {
    match value {
        toml::Value::Float(number) => {
            let single = *number as f32;
            if f64::from(single) == *number {
                *number = single.to_string().parse().unwrap_or(*number);
            }
        }
        toml::Value::Table(table) => table.iter_mut().for_each(|(_, value)| shorten(value)),
        toml::Value::Array(values) => values.iter_mut().for_each(shorten),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_without_scales_forgets_those_of_the_shape_before() {
        let mut config = TrainingPreset::Unet4.settings();
        config.network.scales = Some(4);
        assert_eq!(config.clone().checked().unwrap().network.scales, Some(4));
        config.network.shape = Architecture::Res6;
        config.optimization.denoiser_steps = 0;
        assert_eq!(config.checked().unwrap().network.scales, None);
    }
}
