//! The settings of a run, and how the address bar spells them.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::Region;

/// Where the engine computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// The graphics processor, through WebGPU.
    WebGpu,
    /// The processor, one thread with SIMD.
    Cpu,
}

/// How noise becomes pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sampler {
    /// Annealed Langevin dynamics, as in the paper.
    Annealed,
    /// Consistent annealed sampling.
    Consistent,
    /// The deterministic flow.
    Ode,
}

/// What the chains are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// New pictures from noise.
    Sample,
    /// The unknown part of a given picture.
    Inpaint,
}

/// A choice that the address bar spells as a word.
pub(crate) trait Word: Copy + PartialEq + 'static {
    const WORDS: &'static [(Self, &'static str)];

    fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(value, _)| *value == self).map_or("", |(_, word)| word)
    }

    fn from_word(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(_, known)| *known == word).map(|(value, _)| *value)
    }
}

impl Word for Backend {
    const WORDS: &'static [(Self, &'static str)] = &[(Self::WebGpu, "webgpu"), (Self::Cpu, "cpu")];
}

impl Word for Sampler {
    const WORDS: &'static [(Self, &'static str)] =
        &[(Self::Annealed, "annealed"), (Self::Consistent, "consistent"), (Self::Ode, "ode")];
}

impl Word for Task {
    const WORDS: &'static [(Self, &'static str)] = &[(Self::Sample, "sample"), (Self::Inpaint, "inpaint")];
}

impl Word for Region {
    const WORDS: &'static [(Self, &'static str)] = &Self::ALL;
}

impl Sampler {
    /// The word that the address bar uses.
    pub fn name(self) -> &'static str {
        self.word()
    }

    /// The sampler of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::from_word(name)
    }

    /// Steps where nobody says how many: for the paper's sampler a tenth of the paper's, so that a page without a GPU shows
    /// something soon.
    pub fn default_steps(self) -> usize {
        match self {
            Self::Annealed => 270,
            Self::Consistent => 100,
            Self::Ode => 50,
        }
    }
}

impl Backend {
    /// The word that the address bar and the document use.
    pub fn name(self) -> &'static str {
        self.word()
    }

    /// What people call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::WebGpu => "GPU",
            Self::Cpu => "CPU",
        }
    }
}

/// Everything that decides a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Settings {
    /// The model's folder; none means the first.
    pub model: Option<String>,
    /// Seed of the noise.
    pub seed: u64,
    /// Number of chains.
    pub count: usize,
    /// How noise becomes pictures.
    pub sampler: Sampler,
    /// Steps of each chain.
    pub steps: usize,
    /// Where to compute; none means the GPU if there is one.
    pub backend: Option<Backend>,
    /// What the chains are for.
    pub task: Task,
    /// For inpainting: which held-out picture, from 0.
    pub picture: usize,
    /// For inpainting: the unknown region, unless it was painted by hand.
    pub mask: Option<Region>,
}

impl Settings {
    /// How many chains the page runs.
    pub const COUNTS: RangeInclusive<usize> = 1..=256;
    /// How many steps a chain may have.
    pub const STEPS: RangeInclusive<usize> = 1..=100_000;

    /// What is in force where the address says nothing.
    pub fn with_seed(seed: u64) -> Self {
        Self {
            model: None,
            seed,
            count: 16,
            sampler: Sampler::Consistent,
            steps: Sampler::Consistent.default_steps(),
            backend: None,
            task: Task::Sample,
            picture: 0,
            mask: Some(Region::Right),
        }
    }

    /// The address's query that reproduces these settings, without the question mark.
    pub fn to_query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if let Some(model) = &self.model {
            query.append_pair("model", model);
        }
        query
            .append_pair("seed", &self.seed.to_string())
            .append_pair("count", &self.count.to_string())
            .append_pair("sampler", self.sampler.word())
            .append_pair("steps", &self.steps.to_string());
        if let Some(backend) = self.backend {
            query.append_pair("backend", backend.word());
        }
        query.append_pair("task", self.task.word());
        if self.task == Task::Inpaint {
            query.append_pair("picture", &self.picture.to_string());
            if let Some(region) = self.mask {
                query.append_pair("mask", region.word());
            }
        }
        query.finish()
    }
}
