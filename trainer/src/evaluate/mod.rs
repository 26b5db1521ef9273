//! What a model is worth: the experiments of the paper, against pictures that it has not seen.

mod classifier;
mod copies;
mod denoising;
mod density;
mod energies;
mod features;
mod foreign;
mod gaussian;
mod inpainting;
mod interpolation;
mod mobilenet;
mod neighbours;
pub mod outliers;
mod placed_model;
mod quality;
mod report;
mod summary;

use std::fmt;

use burn::tensor::Device;
use options::Sampler;
use serde::{Deserialize, Serialize};
use shared::{
    model::{Metric, Weights},
    sampling::Churn,
};

use crate::{
    chains::SamplingRun,
    data::DataSet,
    error::{Error, Result},
    files,
    model::LoadedModel,
    pictures::Picture,
};
use copies::Copies;
use denoising::Denoising;
use density::Density;
use energies::Energies;
use inpainting::Inpainting;
use interpolation::Interpolation;
use outliers::Outliers;
pub use placed_model::PlacedModel;
pub use quality::{Quality, QualityMeasure};
pub use report::write;
pub use summary::Summary;

/// Everything that `trainer evaluate` measures; its JSON.
#[derive(Serialize)]
pub struct Evaluation {
    /// The model, as given.
    pub model: String,
    /// SHA-256 of its weights as a safetensors file in single precision.
    pub weights: String,
    /// The data set.
    pub data: String,
    /// Held-out pictures that energies and outlier scores are measured on.
    pub held_out: usize,
    /// How the samples were made.
    pub sampling: Sampling,
    /// Null where nothing can measure the pictures: grey ones without labels.
    pub sample_quality: Option<SampleQuality>,
    /// By noise level.
    pub denoising: Vec<Denoising>,
    /// By set.
    pub energies: Energies,
    /// By foreign set.
    pub outliers: Vec<Outliers>,
    /// Null where it was not asked for.
    pub density: Option<Density>,
    /// By region.
    pub inpainting: Vec<Inpainting>,
    /// Distances of samples to training pictures.
    pub nearest_neighbours: Copies,
    /// Paths between held-out pictures.
    pub interpolation: Interpolation,
    /// What of all this a model card says.
    pub card: Vec<Metric>,
}

/// How samples are made.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// The sampler.
    pub sampler: Sampler,
    /// Energy gradients of each sample.
    pub steps: usize,
    /// The temperature that annealed Langevin dynamics starts from; null for the other samplers.
    pub hottest: Option<f32>,
    /// Of consistent annealed sampling.
    #[serde(flatten)]
    pub churn: Churn,
    /// The weight of the model's guide; null if it has none.
    pub guidance: Option<f32>,
    /// Of the noise.
    pub seed: u64,
    /// Samples.
    pub count: usize,
}

impl Sampling {
    fn of(chains: &SamplingRun, model: &LoadedModel) -> Self {
        let schedule = &chains.schedule;
        let sampler = schedule.sampler();
        Self {
            sampler,
            steps: schedule.steps(),
            hottest: (sampler == Sampler::Annealed).then(|| schedule.temperature(0)),
            churn: model.churn(),
            guidance: model.guide().map(|guide| guide.weight),
            seed: chains.seed,
            count: chains.count,
        }
    }
}

/// As a model card and the report tell it.
impl fmt::Display for Sampling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sampler = format!("{:?}", self.sampler).to_lowercase();
        write!(f, "{} samples of {} steps, {sampler} sampler", self.count, self.steps)?;
        match (self.sampler, self.hottest) {
            (Sampler::Consistent, _) => write!(f, " of churn {}", self.churn)?,
            (_, Some(hottest)) => write!(f, " from temperature {hottest:.0}")?,
            (_, None) => {}
        }
        if let Some(weight) = self.guidance {
            write!(f, ", guidance {weight}")?;
        }
        write!(f, ", seed {}", self.seed)
    }
}

/// The samples, and what to compare them with.
#[derive(Serialize)]
pub struct SampleQuality {
    /// What the features are that the distances are measured on.
    pub features: String,
    /// The model's samples.
    pub samples: Quality,
    /// As many training pictures.
    pub training_pictures: Quality,
    /// As many draws from a Gaussian with the training pixels' mean and covariance.
    pub pixel_gaussian: Quality,
}

/// Pictures for the report.
pub struct Shown {
    /// Samples.
    pub samples: Vec<Picture>,
    /// Samples that are nearest to a training picture, each followed by that picture.
    pub neighbours: Vec<Picture>,
    /// Held-out pictures, what is known of them, and their completions.
    pub completions: Vec<Picture>,
    /// Straight lines between pictures, each followed by the path of low energy.
    pub paths: Vec<Picture>,
}

/// How much work the likelihood may be.
#[derive(Clone, Copy)]
pub struct DensityPlan {
    /// Densities on the way; 0 for no likelihood.
    pub steps: u32,
    /// Chains in each direction.
    pub chains: usize,
}

/// Held-out pictures that energies and outlier scores are measured on, at most.
const HELD_OUT: usize = 2000;
/// Samples that the report shows.
const SHOWN: usize = 100;

/// What the weights are known by.
///
/// # Errors
/// They cannot be written as a file.
pub fn fingerprint(weights: &Weights) -> Result<String> {
    let bytes = weights.to_safetensors(false).map_err(|error| Error::failed(error.to_string()))?;
    Ok(files::sha256(&bytes))
}

/// Measures a model, by samples of these chains.
///
/// # Errors
/// The device fails.
pub fn evaluate(
    model: &LoadedModel,
    name: String,
    data: &DataSet,
    chains: &SamplingRun,
    plan: DensityPlan,
    device: &Device,
) -> Result<(Evaluation, Shown)> {
    let count = chains.count;
    let placed = PlacedModel { model, device };
    let held_out = data.held_out.first(HELD_OUT);

    eprintln!("sampling {count} pictures");
    let samples = chains.run(model, None, device)?;
    let sample_quality = match QualityMeasure::new(data) {
        Err(error) => {
            eprintln!("warning: {error}: sample quality is not measured");
            None
        }
        Ok(measure) => Some(SampleQuality {
            features: measure.features()?,
            samples: measure.samples(&samples)?,
            training_pictures: measure.floor(count)?,
            pixel_gaussian: measure.pixel_gaussian(count)?,
        }),
    };
    eprintln!("looking for copies of training pictures");
    let nearest_neighbours = copies::copies(&samples, &data.train, &data.held_out)?;
    eprintln!("denoising");
    let denoising = denoising::denoising(&placed, &data.train, &held_out)?;
    eprintln!("completing pictures");
    let (inpainting, completions) = inpainting::inpainting(&placed, &data.train, &held_out, chains)?;
    let (interpolation, paths) = interpolation::interpolation(&placed, &held_out)?;
    let density = match plan.steps {
        0 => None,
        density_steps => {
            eprintln!("estimating the partition function");
            let (train, held_out) = (placed.read(&data.train.first(held_out.len()))?, placed.read(&held_out)?);
            let sets = [("training pictures", &train[..]), ("held-out pictures", &held_out[..])];
            // Not the earlier ones: a guide changes what is likely.
            let unguided = SamplingRun { schedule: chains.schedule.clone(), count: plan.chains, seed: chains.seed };
            let samples = unguided.run_unguided(model, device)?;
            Some(density::density(&placed, &samples, &sets, density_steps, plan.chains)?)
        }
    };
    eprintln!("energies and outliers");
    let foreign = foreign::foreign_sets(&data.name, &held_out);
    let mut evaluation = Evaluation {
        model: name,
        weights: fingerprint(&Weights::of(&model.network))?,
        data: data.name.clone(),
        held_out: held_out.len(),
        sampling: Sampling::of(chains, model),
        sample_quality,
        denoising,
        energies: energies::energies(&placed, &data.train, &held_out, &foreign)?,
        outliers: outliers::outliers(&placed, &data.train, &held_out, &foreign)?,
        density,
        inpainting,
        nearest_neighbours,
        interpolation,
        card: Vec::new(),
    };
    evaluation.card = summary::card(&evaluation);
    let pairs = evaluation.nearest_neighbours.nearest.iter();
    let shown = Shown {
        neighbours: pairs
            .flat_map(|&(sample, training)| [samples[sample].clone(), data.train.picture(training)])
            .collect(),
        completions,
        paths,
        samples: samples.into_iter().take(SHOWN).collect(),
    };
    Ok((evaluation, shown))
}
