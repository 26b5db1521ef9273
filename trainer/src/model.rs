//! MODEL on the command line: an exported folder, a checkpoint folder, or a run folder.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use burn::tensor::{Device, Tensor};
use options::Sampler;
use shared::{
    likelihood::Prior,
    model::{DataCard, Manifest, Model, ModelError, TrainingCard, Weights},
    network::{EnergyNetwork, Frame, NetworkConfig},
    sampling::{Churn, Guided, PrincipalComponents, Product, Schedule},
    training::NoiseLevels,
};

use crate::{
    cli::{ChurnArgs, GuideArgs, SubjectArgs},
    data::{self, DataSet, principal_components},
    error::{Error, Result},
    files, folders, overwriting,
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
    /// How it was trained.
    pub training: TrainingCard,
    /// Of its samples.
    churn: Churn,
    /// The network; for a run or a checkpoint, its averaged weights.
    pub network: EnergyNetwork,
    /// What its samples keep away from.
    guide: Option<Guide>,
    /// The data as a Gaussian, which its samples start in; unknown for a run or a checkpoint without its data.
    start: Option<PrincipalComponents>,
    /// What an exported folder says besides.
    pub manifest: Option<Manifest>,
    /// How the data's pictures lie in the network's input.
    pub frame: Frame,
    /// Models whose energies are added to this one's in sampling.
    others: Vec<Self>,
}

/// A weaker model, and how much samples keep away from it.
pub struct Guide {
    /// The weaker model.
    pub model: Box<LoadedModel>,
    /// `w` in `E + w (E - G)`.
    pub weight: f32,
}

/// The weight of a guide where nobody says how much: on emoji, 300 samples of churn 1.5, weights of 0 (churn 2), 0.5
/// and 0.75 had Frechet distances of 225, 189 and 183, on Fashion-MNIST, 500 samples, 0, 0.75 and 1.5 had 8.7, 6.0 and
/// 17.2 (`docs/models.md`).
const GUIDANCE: f32 = 0.75;

impl LoadedModel {
    /// Loads from a folder of any of the three kinds, given with this flag.
    ///
    /// # Errors
    /// The folder is none of them, or what it holds is damaged.
    pub fn open(flag: &str, path: &Path, device: &Device) -> Result<Self> {
        let named = named(flag, path);
        if path.join("model.json").is_file() {
            return Self::exported(&named, open_exported(path, device)?);
        }
        let is_checkpoint = Checkpoint::is_at(path);
        let run = RunFolder::at(&if is_checkpoint { run_of(path) } else { path.to_owned() });
        if !is_checkpoint && !run.exists() {
            if let Err(error) = fs::read_dir(path)
                && !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
            {
                return Err(Error::input(format!("{named}: {}", files::reason(&error))));
            }
            return Err(Error::input(format!(
                "{named}: no model here; give an exported folder (with model.json), a run folder (with run.toml) or one of \
                 its checkpoints"
            )));
        }
        let config = run.load_config()?;
        let checkpoint = if is_checkpoint { Checkpoint::load(path)? } else { run.newest()? };
        let (config, _) = run.made_with(config, checkpoint.progress.step)?;
        let network = checkpoint
            .ema
            .into_network(&config.network(), device)
            .map_err(|error| Error::input(format!("{named}: {error}")))?;
        let training = config.training(&checkpoint.progress);
        Self::new(&named, config.network(), config.card(), config.noise, training, network)
    }

    fn exported(named: &str, Model { manifest, network, guide }: Model) -> Result<Self> {
        let (data, noise) = (manifest.data.clone(), manifest.noise);
        let guide = match guide.zip(manifest.guide.clone()) {
            None => None,
            Some((network, card)) => {
                let model = Self::new(named, card.network, data.clone(), noise, card.training, network)?;
                Some(Guide { model: Box::new(model), weight: card.weight })
            }
        };
        let model = Self::new(named, manifest.network.clone(), data, noise, manifest.training.clone(), network)?;
        let start = manifest.principal_components.clone();
        Ok(Self { churn: manifest.churn, guide, start, manifest: Some(manifest), ..model })
    }

    /// What is to be measured, with the device and the data for it; makes the folder that the numbers go to.
    ///
    /// # Errors
    /// The model or the data cannot be read, or the folder cannot be made.
    pub fn subject(args: &SubjectArgs) -> Result<(Self, DataSet, Device)> {
        folders::check("--out", &args.out)?;
        let (device, _) = args.model.backend.device()?;
        let mut model = Self::open("--model", &args.model.model, &device)?;
        let data = model.open_data(&args.data, args.data_dir.as_deref())?;
        model.tell_of_seen(&args.data, &data);
        overwriting::not_among(&args.out, &data)?;
        folders::create(&args.out)?;
        if model.manifest.is_none() {
            model.start = model.start_in(&data);
        }
        Ok((model, data, device))
    }

    /// The data set, or folder, that the model is to be measured on.
    ///
    /// # Errors
    /// It cannot be read, has no pictures on one of its sides, or pictures of another size than the model's. Grey ones
    /// are converted to colour for a model of such, and the other way about, which a line says.
    pub fn open_data(&self, source: &str, dir: Option<&Path>) -> Result<DataSet> {
        let (size, channels) = (self.data.size, self.config.channels);
        let mut data = data::open_told(source, dir, Some(size))?;
        if data.train.channels != channels {
            let [from, to] = if channels == 1 { ["colour", "grey"] } else { ["grey", "colour"] };
            eprintln!("{}: its {from} pictures are converted to {to} for this model", data.name);
            data.train = data.train.with_channels(channels);
            data.held_out = data.held_out.with_channels(channels);
        }
        for images in [&data.train, &data.held_out] {
            images.check(&format!("--data {source}"), [self.config.channels, size, size])?;
        }
        Ok(data)
    }

    /// The pictures as a Gaussian, as a model of a run will be exported with, where they are those of the run: chains that
    /// start in that of others are another sampler's.
    fn start_in(&self, data: &DataSet) -> Option<PrincipalComponents> {
        self.data.is_of(&data.name, data.fingerprint.as_deref()).then(|| principal_components(&data.train))
    }

    /// Says so where the model may have learned from pictures that are held out here; `source` is what the user knows the data
    /// by.
    pub fn tell_of_seen(&self, source: &str, data: &DataSet) {
        let name = &self.data.name;
        let why = if !self.data.is_of(&data.name, data.fingerprint.as_deref()) {
            format!("not the pictures that the model was trained on ({name}), as they were then")
        } else if data.fingerprint.is_some() && self.data.fingerprint.is_none() {
            "the model does not say which pictures of that name it was trained on".to_owned()
        } else {
            return;
        };
        eprintln!("warning: --data {source}: {why}; it may have learned from some that are held out here");
    }

    /// A network with what is known of it; messages begin with what it is [`named`].
    ///
    /// # Errors
    /// The pictures are larger than what the network sees.
    pub fn new(
        named: &str,
        config: NetworkConfig,
        data: DataCard,
        noise: NoiseLevels,
        training: TrainingCard,
        network: EnergyNetwork,
    ) -> Result<Self> {
        let frame = Frame::new(data.size, config.image_size).ok_or_else(|| {
            let (size, side) = (data.size, config.image_size);
            Error::input(format!("{named}: pictures of {size} do not fit into {side}"))
        })?;
        let (guide, start, manifest, others) = (None, None, None, Vec::new());
        Ok(Self { config, data, noise, training, churn: Churn::USUAL, network, guide, start, manifest, frame, others })
    }

    /// The same with the churn that was asked for, if one was.
    #[must_use]
    pub fn with_churn(self, args: &ChurnArgs) -> Self {
        Self { churn: args.churn.unwrap_or(self.churn), ..self }
    }

    /// The churn of its samples.
    pub fn churn(&self) -> Churn {
        self.churn
    }

    /// The same with the guide that was asked for, if one was, and with the weight that was: that of the guides of models
    /// that are added to it, too.
    ///
    /// # Errors
    /// The guide cannot be read, sees other pictures or knows less noise, or there is none to be weighed.
    pub fn guided_by(mut self, args: &GuideArgs, device: &Device) -> Result<Self> {
        if let Some(path) = &args.guide {
            let model = Self::open("--guide", path, device)?;
            self.check_alike("--guide", path, &model)?;
            let (own, known) = (self.levels(), model.noise);
            if known.min > own.min || known.max < own.max {
                return Err(Error::input(format!(
                    "{}: it was trained with noise from {} to {}, and a guide has to know all of the model's, from {} to {}",
                    named("--guide", path),
                    known.min,
                    known.max,
                    own.min,
                    own.max
                )));
            }
            self.guide = Some(Guide { model: Box::new(model), weight: GUIDANCE });
        }
        let Some(weight) = args.guidance else { return Ok(self) };
        if weight != 0.0 && !self.has_guides() {
            return Err(Error::input("--guidance: the model has no guide; give one with --guide MODEL"));
        }
        self.weigh_guides(weight as f32);
        Ok(self)
    }

    /// Whether it or one of the models that are added to it has a guide.
    fn has_guides(&self) -> bool {
        self.guide.is_some() || self.others.iter().any(Self::has_guides)
    }

    fn weigh_guides(&mut self, weight: f32) {
        if let Some(guide) = &mut self.guide {
            guide.weight = weight;
        }
        self.guide.take_if(|guide| guide.weight == 0.0);
        self.others.iter_mut().for_each(|other| other.weigh_guides(weight));
    }

    /// The same with other weights for it and, behind [`shared::model::GuideCard::PREFIX`], for its guide.
    ///
    /// # Errors
    /// They do not fit.
    pub fn with_weights(mut self, mut weights: Weights, device: &Device) -> std::result::Result<Self, ModelError> {
        if let Some(guide) = &mut self.guide {
            guide.model.network = weights.take_guide(&guide.model.config, device)?;
        }
        self.network = weights.into_network(&self.config, device)?;
        Ok(self)
    }

    /// What its samples keep away from, if anything.
    pub fn guide(&self) -> Option<&Guide> {
        self.guide.as_ref()
    }

    /// The Gaussian behind its largest noise level: by the data's pixels, where its file has their mean and variance.
    pub fn prior(&self) -> Prior {
        let unknown = || Prior::unknown(self.config.channels, self.data.size);
        self.manifest.as_ref().map_or_else(unknown, Manifest::prior)
    }

    /// The `sigma_0` of the energy that chains go down, smaller where several are added.
    pub fn sigma_0(&self) -> f32 {
        self.energy(false).1
    }

    /// The schedule of this many steps of a sampler.
    pub fn schedule(&self, sampler: Sampler, steps: usize) -> Schedule {
        let NetworkConfig { channels, image_size, .. } = self.config;
        let start = self.start.as_ref().filter(|_| self.others.is_empty());
        let start = start.map(|start| start.placed(channels, self.data.size, image_size));
        Schedule::of(sampler, steps, self.sigma_0(), &self.levels()).with_churn(self.churn).starting_in(start)
    }

    /// The noise levels that chains go through: those that it and all the models know that are added to it. Under other
    /// noise an energy says nothing.
    fn levels(&self) -> NoiseLevels {
        self.others.iter().fold(self.noise, |all, other| common(all, other.noise))
    }

    /// Has another model's energy added in sampling; says so where chains go through fewer noise levels for it.
    ///
    /// # Errors
    /// It sees pictures of another shape, or its energy has another scale, or there is no noise that all know.
    pub fn join(&mut self, path: &Path, other: Self) -> Result<()> {
        self.check_alike("--and", path, &other)?;
        let (before, known) = (self.levels(), other.noise);
        let all = common(before, known);
        let trained =
            format!("{}: it was trained with noise from {} to {}", named("--and", path), known.min, known.max);
        if all.min > all.max {
            let (min, max) = (before.min, before.max);
            return Err(Error::input(format!("{trained}, the others from {min} to {max}, so they cannot be added")));
        }
        let range = |levels: NoiseLevels| (levels.min, levels.max);
        if range(before) != range(known) {
            eprintln!("{trained}; chains go through noise from {} to {}, which all know", all.max, all.min);
        }
        self.others.push(other);
        Ok(())
    }

    fn check_alike(&self, flag: &str, path: &Path, other: &Self) -> Result<()> {
        let sees = |model: &Self| (model.config.channels, model.data.size, model.config.image_size);
        if sees(other) != sees(self) || other.config.sigma_0 != self.config.sigma_0 {
            let text = "its pictures or its sigma_0 are not those of --model, so that the energies cannot be added";
            return Err(Error::input(format!("{}: {text}", named(flag, path))));
        }
        Ok(())
    }

    /// The energy that chains go down, away from guides or not, and its `sigma_0`.
    pub fn energy(&self, guided: bool) -> (Product<'_>, f32) {
        let others = self.others.iter().map(|model| model.own_energy(guided)).collect();
        let product = Product::new(self.own_energy(guided), others);
        let sigma_0 = product.sigma_0(self.config.sigma_0);
        (product, sigma_0)
    }

    /// The energies by which pictures `[N, C, H, W]` are compared, `[N]`: its own with those that are added to it, without
    /// guides and gradients.
    pub fn energies(&self, x: Tensor<4>) -> Tensor<1> {
        self.others.iter().fold(self.network.energy(x.clone()), |sum, model| sum + model.network.energy(x.clone()))
    }

    /// Its own energy, away from its guide or not.
    fn own_energy(&self, guided: bool) -> Guided<'_> {
        let guide = self.guide.as_ref().filter(|_| guided);
        Guided::new(&self.network, guide.map(|guide| (&guide.model.network, guide.weight)))
    }
}

/// The levels that are in both ranges, spaced as those of the first; none where the smallest is above the largest.
fn common(first: NoiseLevels, other: NoiseLevels) -> NoiseLevels {
    NoiseLevels { min: first.min.max(other.min), max: first.max.min(other.max), ..first }
}

/// What the user knows a model by: the flag that it was given with, and its folder.
pub fn named(flag: &str, path: &Path) -> String {
    format!("{flag} {}", path.display())
}

/// An exported model folder, with every check of [`Model::load`].
///
/// # Errors
/// A missing or damaged file, by name.
pub fn open_exported(folder: &Path, device: &Device) -> Result<Model> {
    let manifest_path = folder.join("model.json");
    let manifest = Manifest::parse(&files::read(&manifest_path)?)
        .map_err(|error| Error::input(format!("{}: {error}", manifest_path.display())))?;
    let weights_path = folder.join(&manifest.weights.file);
    Model::load(manifest, &files::read(&weights_path)?, device)
        .map_err(|error| Error::input(format!("{}: {error}", weights_path.display())))
}

/// The run that a checkpoint folder, `RUN/checkpoints/step-N`, belongs to.
fn run_of(checkpoint: &Path) -> PathBuf {
    let absolute = fs::canonicalize(checkpoint).unwrap_or_else(|_| checkpoint.to_owned());
    absolute.ancestors().nth(2).map_or_else(|| checkpoint.to_owned(), Path::to_owned)
}

#[cfg(test)]
mod tests;
