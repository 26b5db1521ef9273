//! MODEL on the command line: an exported folder, a checkpoint folder, or a run folder.

use std::{
    fs,
    path::{Path, PathBuf},
};

use burn::tensor::Device;
use shared::{
    DataCard, EnergyNetwork, Frame, Manifest, Method, Model, NetworkConfig, NoiseLevels, Product, Schedule,
    consistent::SHARE,
};

use crate::{
    cli::{ShareArgs, SubjectArgs},
    data::{self, DataSet},
    error::{Error, Result},
    files,
    train::{Checkpoint, RunFolder},
};

/// A network ready to use, wherever it came from.
pub struct LoadedModel {
    /// What describes the network.
    pub config: NetworkConfig,
    /// What it was trained on.
    pub data: DataCard,
    /// The noise levels it was trained at.
    pub noise: NoiseLevels,
    /// The [`shared::consistent::SHARE`] of its samples.
    share: f32,
    /// The network; for a run or a checkpoint, its averaged weights.
    pub network: EnergyNetwork,
    /// What an exported folder says besides.
    pub manifest: Option<Manifest>,
    /// How the data's pictures lie in the network's input.
    pub frame: Frame,
    /// Networks whose energies are added to this one's in sampling.
    others: Vec<EnergyNetwork>,
}

impl LoadedModel {
    /// Loads from a folder of any of the three kinds.
    ///
    /// # Errors
    /// The folder is none of them, or what it holds is damaged.
    pub fn open(path: &Path, device: &Device) -> Result<Self> {
        if path.join("model.json").is_file() {
            let model = open_exported(path, device)?;
            let manifest = model.manifest.clone();
            let (data, noise) = (manifest.data.clone(), manifest.noise);
            return Self::new(path, model.manifest.network, data, noise, model.network, Some(manifest));
        }
        let is_checkpoint = Checkpoint::is_at(path);
        let run = RunFolder::at(&if is_checkpoint { run_of(path) } else { path.to_owned() });
        if !is_checkpoint && !run.exists() {
            return Err(Error::input(format!(
                "--model {}: no model here; give an exported folder (with model.json), a run folder (with run.toml) or one of \
                 its checkpoints",
                path.display()
            )));
        }
        let config = run.load_config()?;
        let checkpoint = if is_checkpoint { Checkpoint::load(path)? } else { run.newest()? };
        let network = checkpoint
            .ema
            .into_network(&config.network(), device)
            .map_err(|error| Error::input(format!("--model {}: {error}", path.display())))?;
        Self::new(path, config.network(), config.card(), config.noise, network, None)
    }

    /// What is to be measured, with the device and the data for it; makes the folder that the numbers go to.
    ///
    /// # Errors
    /// The model or the data cannot be read, or the folder cannot be made.
    pub fn subject(args: &SubjectArgs) -> Result<(Self, DataSet, Device)> {
        let (device, _) = args.model.backend.backend.device()?;
        let model = Self::open(&args.model.model, &device)?;
        let data = model.open_data(&args.data, args.data_dir.as_deref())?;
        files::create_folder(&args.out)?;
        Ok((model, data, device))
    }

    /// The data set, or folder, that the model is to be measured on.
    ///
    /// # Errors
    /// It cannot be read, has no pictures on one of its sides, or pictures of another shape than the model's.
    pub fn open_data(&self, source: &str, dir: Option<&Path>) -> Result<DataSet> {
        let size = self.data.size;
        let data = data::open_sized(source, dir, Some(size))?;
        for images in [&data.train, &data.held_out] {
            images.check(&format!("--data {source}"), [self.config.channels, size, size])?;
        }
        Ok(data)
    }

    /// A network with what is known of it; `path` is what the user knows it by.
    ///
    /// # Errors
    /// The pictures are larger than what the network sees.
    pub fn new(
        path: &Path,
        config: NetworkConfig,
        data: DataCard,
        noise: NoiseLevels,
        network: EnergyNetwork,
        manifest: Option<Manifest>,
    ) -> Result<Self> {
        let frame = Frame::new(data.size, config.image_size).ok_or_else(|| {
            let (size, side) = (data.size, config.image_size);
            Error::input(format!("--model {}: pictures of {size} do not fit into {side}", path.display()))
        })?;
        let share = manifest.as_ref().map_or(SHARE, |manifest| manifest.share);
        Ok(Self { config, data, noise, share, network, manifest, frame, others: Vec::new() })
    }

    /// The same with the share that was asked for, if one was.
    #[must_use]
    pub fn with_share(self, args: &ShareArgs) -> Self {
        Self { share: args.share.map_or(self.share, |share| share as f32), ..self }
    }

    /// The share of its samples.
    pub fn share(&self) -> f32 {
        self.share
    }

    /// The schedule of this many steps of a sampler.
    pub fn schedule(&self, method: Method, steps: usize) -> Schedule {
        method.schedule(steps, self.energy().1, &self.noise).with_share(self.share)
    }

    /// Has another model's energy added in sampling.
    ///
    /// # Errors
    /// It sees pictures of another shape, or its energy has another scale.
    pub fn join(&mut self, path: &Path, other: Self) -> Result<()> {
        let shape = |model: &Self| (model.config.channels, model.data.size, model.config.image_size);
        if shape(&other) != shape(self) || other.config.sigma_0 != self.config.sigma_0 {
            let text = "its pictures or its sigma_0 are not those of --model, so that the energies cannot be added";
            return Err(Error::input(format!("--and {}: {text}", path.display())));
        }
        self.others.push(other.network);
        Ok(())
    }

    /// The energy that sampling goes down, and its `sigma_0`.
    pub fn energy(&self) -> (Product<'_>, f32) {
        let product = Product::new(&self.network, &self.others);
        let sigma_0 = product.sigma_0(self.config.sigma_0);
        (product, sigma_0)
    }
}

/// An exported model folder, with every check of [`Model::load`].
///
/// # Errors
/// A missing or damaged file, by name.
pub fn open_exported(folder: &Path, device: &Device) -> Result<Model> {
    let read = |path: &Path| {
        fs::read(path).map_err(|error| Error::input(format!("{}: {}", path.display(), files::reason(&error))))
    };
    let manifest_path = folder.join("model.json");
    let manifest = Manifest::parse(&read(&manifest_path)?)
        .map_err(|error| Error::input(format!("{}: {error}", manifest_path.display())))?;
    let weights_path = folder.join(&manifest.weights.file);
    Model::load(manifest, &read(&weights_path)?, device)
        .map_err(|error| Error::input(format!("{}: {error}", weights_path.display())))
}

/// The run that a checkpoint folder, `RUN/checkpoints/step-N`, belongs to.
fn run_of(checkpoint: &Path) -> PathBuf {
    let absolute = fs::canonicalize(checkpoint).unwrap_or_else(|_| checkpoint.to_owned());
    absolute.ancestors().nth(2).map_or_else(|| checkpoint.to_owned(), Path::to_owned)
}
