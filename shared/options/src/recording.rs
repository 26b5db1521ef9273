//! What a recorded run says of itself.

use serde::{Deserialize, Serialize};

use crate::Sampler;

/// A run of chains that was recorded when a model was exported, for the page to play before its engine has come. It is a
/// PNG file, `run.png` in the model's folder: a row of pictures for each moment, this as JSON in a text chunk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recording {
    /// Seed of the noise.
    pub seed: u64,
    /// How noise became pictures.
    pub sampler: Sampler,
    /// Steps of each chain.
    pub steps: usize,
    /// Number of chains.
    pub count: usize,
    /// The first before any step, the last after the denoising jump.
    pub moments: Vec<RecordedMoment>,
}

/// A moment of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordedMoment {
    /// Steps done.
    pub done: usize,
    /// The temperature that the chains are at.
    pub temperature: f32,
    /// The noise level that it stands for, in pixel units.
    pub noise_level: f32,
    /// Energy of each chain where it is, and in the last moment of each picture; none where the chains begin.
    pub energies: Vec<f32>,
}

impl Recording {
    /// Name of the file in a model's folder.
    pub const FILE: &str = "run.png";
    /// Keyword of the text chunk.
    pub const KEYWORD: &str = "recorded-run";
}
