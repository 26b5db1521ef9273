//! What the page asks of the engine.

use options::{Sampler, ToyShape};
use serde::{Deserialize, Serialize};

use crate::{Backend, Known};

/// From the page to the engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ToEngine {
    /// Say everything in another language from now on, that of this file.
    Speak(String),
    /// Fetch, check and keep a model. One that was asked for earlier and is still on its way is not wanted any more, nor is
    /// a run.
    Load {
        /// Which load of this page it is.
        number: u32,
        /// Its folder under `models/`, or what the visitor's own model is called.
        model: String,
        /// The files of the visitor's own model.
        files: Option<ModelFiles>,
        /// Where to compute; none means the GPU if there is one.
        backend: Option<Backend>,
        /// Whether a GPU is to be compared with the CPU, once the model works on it.
        compare: bool,
        /// Whether files may be kept in the browser.
        keeps: bool,
        /// Whether the machine is a phone or a tablet.
        phone: bool,
    },
    /// Run chains with the model that was loaded; an earlier run stops. The payload is what [`Start`] says and, where steps are already done,
    /// where the chains are.
    Run(Run),
    /// Hold the run before its next step.
    Pause,
    /// Let the run go on.
    Resume,
    /// Let a held run do one step.
    Step,
    /// Stop the run.
    Cancel,
    /// Give the energies of the pictures in the payload; also while a run goes on.
    Score(Question),
    /// Say which of the site's models the picture in the payload belongs to.
    Compare {
        /// Which question of this page it is.
        number: u32,
        /// The folders under `models/` of the models beside the one that works.
        others: Vec<String>,
    },
    /// The answer to the question of this number, a judgement or a comparison, is not wanted any more.
    Withdraw(u32),
    /// Write a frame of an animated PNG file. The payload is its pictures.
    Frame(Frame),
    /// Train two toy energies and let chains walk on them; an earlier toy stops.
    Toy(ToyRun),
    /// Stop the toy.
    StopToy,
}

/// Addresses of the files of a model that the visitor brought.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelFiles {
    /// `model.json`.
    pub manifest: String,
    /// The weights.
    pub weights: String,
    /// `held-out.png`, if there is one.
    pub held_out: Option<String>,
}

/// A run of the sampler.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Which run of this page it is.
    pub number: u32,
    /// Seed of the noise.
    pub seed: u64,
    /// Number of chains.
    pub count: usize,
    /// Steps of each chain.
    pub steps: usize,
    /// How noise becomes pictures.
    pub sampler: Sampler,
    /// Where the chains begin.
    pub start: Start,
    /// Steps that are already done: 0, unless a run goes on after its engine was lost.
    pub done: usize,
}

/// Where chains begin.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Start {
    /// At noise.
    Noise,
    /// At noise on the unknown pixels of a picture. Payload: the picture, then the mask `[H, W]`, 1 = unknown.
    Around,
    /// At noise, with this known of a picture. Payload: the picture, of which nothing else counts.
    Restored(Known),
    /// At pictures with noise on them, from where the level falls. Payload: a picture for each chain, or one for all,
    /// which then gets the same noise in all.
    Pictures {
        /// The level of the noise.
        level: f32,
    },
}

/// A frame of an animation of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// Which animation of this page it is of.
    pub animation: u32,
    /// Which frame it is; the first one begins the file.
    pub index: usize,
    /// How many there are.
    pub count: usize,
    /// Side of its pictures.
    pub side: usize,
    /// Channels of its pictures.
    pub channels: usize,
    /// The settings that the file carries.
    pub settings: String,
}

/// A question for energies; the answer has it again.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// Which question of this page it is.
    pub number: u32,
    /// What they are asked for.
    pub purpose: Purpose,
}

/// What energies are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Purpose {
    /// The picture that Restore completes.
    Given,
    /// What one jump makes of the noisy picture that a run in Denoise begins with. The payload is the clean one: the noise
    /// also lies in the frame around it, which the page does not see.
    Jump {
        /// Seed of the run.
        seed: u64,
        /// The level of the noise.
        level: f32,
    },
    /// The pictures of the room Outliers.
    Outliers,
    /// A row of the map of the room Landscape.
    Row {
        /// Which map.
        map: u32,
        /// Which row of it.
        row: usize,
    },
}

/// A pair of toy energies to train: one with a single small noise level, one with many.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToyRun {
    /// What they learn.
    pub shape: ToyShape,
    /// Seed of weights and noise.
    pub seed: u64,
    /// Which toy of this page it is.
    pub number: u32,
}
