//! Everything that `trainer evaluate` measures.

use std::{collections::BTreeMap, fmt};

use options::{Sampler, Words};
use serde::{Deserialize, Serialize};
use shared::{model::Metric, sampling::Churn};

use super::{
    copies::Copies, denoising::Denoising, density::Density, energies::Energies, groups::Quality,
    inpainting::Inpainting, interpolation::Interpolation, likelihoods::Likelihoods, outliers::Outliers,
};
use crate::{chains::SamplingRun, model::LoadedModel};

/// The numbers, as `evaluation.json` has them. What was not measured is null or empty, and `missing` says why.
#[derive(Serialize)]
pub struct Evaluation {
    /// The model, as given.
    pub model: String,
    /// SHA-256 of its weights as a safetensors file in single precision.
    pub weights: String,
    /// The data set.
    pub data: String,
    /// What tells its pictures from others; null for known sets.
    pub fingerprint: Option<String>,
    /// Training pictures of the set.
    pub training: usize,
    /// Held-out pictures that energies and outlier scores are measured on.
    pub held_out: usize,
    /// How the samples were made.
    pub sampling: Sampling,
    /// Distances of samples to held-out pictures.
    pub sample_quality: Option<SampleQuality>,
    /// By noise level.
    pub denoising: Vec<Denoising>,
    /// By set.
    pub energies: Option<Energies>,
    /// By foreign set.
    pub outliers: Vec<Outliers>,
    /// By denoising errors.
    pub likelihood: Option<Likelihoods>,
    /// The energy's partition function, by annealed importance sampling.
    pub density: Option<Density>,
    /// By region.
    pub inpainting: Vec<Inpainting>,
    /// Distances of samples to training pictures.
    pub nearest_neighbours: Option<Copies>,
    /// Paths between held-out pictures.
    pub interpolation: Option<Interpolation>,
    /// Why parts are missing, each as a sentence.
    pub missing: BTreeMap<Part, String>,
    /// Whether every part has had its turn.
    pub finished: bool,
    /// What of all this a model card says.
    pub card: Vec<Metric>,
}

impl Evaluation {
    /// One of which nothing is measured yet: of a model, by its name and the hash of its weights, on so many training and
    /// held-out pictures of a set.
    pub fn begun(
        (model, weights): (String, String),
        data: String,
        [training, held_out]: [usize; 2],
        sampling: Sampling,
    ) -> Self {
        let begun = "the evaluation ended before it was measured";
        Self {
            model,
            weights,
            data,
            fingerprint: None,
            training,
            held_out,
            sampling,
            sample_quality: None,
            denoising: Vec::new(),
            energies: None,
            outliers: Vec::new(),
            likelihood: None,
            density: None,
            inpainting: Vec::new(),
            nearest_neighbours: None,
            interpolation: None,
            missing: Part::ALL.into_iter().map(|part| (part, begun.to_owned())).collect(),
            finished: false,
            card: Vec::new(),
        }
    }
}

/// A part of an evaluation; its word in JSON is the name of its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Distances of samples to held-out pictures.
    SampleQuality,
    /// Distances of samples to training pictures.
    NearestNeighbours,
    /// Noise that is taken away in one jump.
    Denoising,
    /// Completions.
    Inpainting,
    /// Paths between pictures.
    Interpolation,
    /// Energies of sets.
    Energies,
    /// Foreign pictures.
    Outliers,
    /// Bits of sets of pictures.
    Likelihood,
    /// The partition function by annealed importance sampling.
    Density,
}

impl Part {
    /// All of them, in the order in which they are measured.
    pub const ALL: [Self; 9] = [
        Self::NearestNeighbours,
        Self::SampleQuality,
        Self::Denoising,
        Self::Inpainting,
        Self::Interpolation,
        Self::Energies,
        Self::Outliers,
        Self::Likelihood,
        Self::Density,
    ];

    /// What the report calls it.
    pub fn title(self) -> &'static str {
        match self {
            Self::SampleQuality => "Samples beside held-out pictures",
            Self::NearestNeighbours => "Nearest training pictures",
            Self::Denoising => "Denoising",
            Self::Inpainting => "Completing pictures",
            Self::Interpolation => "Between pictures",
            Self::Energies => "Energies",
            Self::Outliers => "Outliers",
            Self::Likelihood => "Likelihood",
            Self::Density => "Partition function by importance sampling",
        }
    }
}

/// How samples are made.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// The sampler.
    pub sampler: Sampler,
    /// Energy gradients of each sample.
    pub steps: usize,
    /// The temperature that annealed Langevin dynamics starts from; null for the other samplers.
    #[serde(alias = "hottest")]
    pub initial_temperature: Option<f32>,
    /// Of consistent annealed sampling.
    #[serde(flatten)]
    pub churn: Churn,
    /// The weight of the model's guide; null if it has none.
    pub guidance: Option<f32>,
    /// Of the noise.
    pub seed: u64,
    /// Samples.
    pub count: usize,
    /// Whether they were drawn before and read from files, which do not say how: the settings are then only those of this
    /// evaluation.
    #[serde(default)]
    pub from_files: bool,
}

impl Sampling {
    /// Of these chains of a model.
    pub fn of(chains: &SamplingRun, from_files: bool, model: &LoadedModel) -> Self {
        let schedule = &chains.schedule;
        let sampler = schedule.sampler();
        Self {
            sampler,
            steps: schedule.steps(),
            initial_temperature: (sampler == Sampler::Annealed).then(|| schedule.temperature(0)),
            churn: model.churn(),
            guidance: model.guide().map(|guide| guide.weight),
            seed: chains.seed,
            count: chains.count,
            from_files,
        }
    }
}

/// As a model card and the report tell it.
impl fmt::Display for Sampling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.from_files {
            return write!(f, "{} samples from files", self.count);
        }
        write!(f, "{} samples of {} steps, {} sampler", self.count, self.steps, self.sampler.word())?;
        match (self.sampler, self.initial_temperature) {
            (Sampler::Consistent, _) => write!(f, " of churn {}", self.churn)?,
            (_, Some(temperature)) => write!(f, " from temperature {temperature:.0}")?,
            (_, None) => {}
        }
        if let Some(weight) = self.guidance {
            write!(f, ", guidance {weight}")?;
        }
        write!(f, ", seed {}", self.seed)
    }
}

/// The samples, and what to compare them with; each by its distance to the same held-out pictures.
#[derive(Serialize)]
pub struct SampleQuality {
    /// What the features are that the distances are measured on.
    pub features: String,
    /// Held-out pictures that all are compared with: one half of them, or of those that the features are made of.
    pub compared_with: usize,
    /// The model's samples.
    pub samples: Quality,
    /// Pictures of the other half, in groups of the same size; null where there are too few for two halves.
    pub held_out_half: Option<Quality>,
    /// Draws from a Gaussian with the training pixels' mean and covariance.
    pub pixel_gaussian: Quality,
    /// Height and width that pictures were averaged down to for that Gaussian; null where they are small enough.
    pub pixel_gaussian_size: Option<(usize, usize)>,
}
