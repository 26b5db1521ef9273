//! What the page and the engine say to each other. Pixels travel beside a message, as the payload of its
//! [`Envelope`](crate::Envelope): floats 0..1 in the order `[N, H, W, C]`, at the data's own size.

use serde::{Deserialize, Serialize};

use crate::{Backend, Sampler};

/// From the page to the engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ToEngine {
    /// Fetch, check and keep a model.
    Load {
        /// Its folder under `models/`.
        model: String,
        /// Where to compute; none means the GPU if there is one.
        backend: Option<Backend>,
    },
    /// Run chains with the model that was loaded. For inpainting the payload is the mask: `[H, W]`, 1 = unknown.
    Run(Run),
    /// Stop the run.
    Cancel,
}

/// A run of the sampler.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Seed of the noise.
    pub seed: u64,
    /// Number of chains.
    pub count: usize,
    /// Steps of each chain.
    pub steps: usize,
    /// How noise becomes pictures.
    pub sampler: Sampler,
    /// The held-out picture to complete, if the task is inpainting.
    pub picture: Option<usize>,
}

/// From the engine to the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FromEngine {
    /// The engine's program runs and listens.
    Started,
    /// The weights are on their way.
    Downloading {
        /// Bytes so far.
        received: u64,
        /// Bytes in all.
        total: u64,
    },
    /// The weights have come; they are loaded and compared with the model's probe.
    Testing(Backend),
    /// The model works. The payload is its held-out pictures.
    Loaded(Loaded),
    /// A step is done. The payload is where the chains are.
    Stepped(Stepped),
    /// The run is done. The payload is its pictures.
    Finished {
        /// Energy of each chain before the denoising jump.
        energies: Vec<f32>,
    },
    /// The run was stopped.
    Cancelled,
    /// Something did not work.
    Failed {
        /// What, and what to do, as one or two sentences.
        message: String,
        /// Whether the engine is still there to be asked again.
        alive: bool,
    },
}

/// What the page needs to know of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Loaded {
    /// Its folder.
    pub model: String,
    /// Where it computes.
    pub backend: Backend,
    /// Why it computes on the CPU although that was not asked for.
    pub fell_back: Option<String>,
    /// SHA-256 of its weights.
    pub sha256: String,
    /// The data set it was trained on.
    pub data: String,
    /// The licence of the data set.
    pub licence: String,
    /// Side of its pictures.
    pub size: usize,
    /// 1 for grey, 3 for colour.
    pub channels: usize,
    /// How many held-out pictures came with it.
    pub held_out: usize,
    /// Why there are none, if that is a fault.
    pub held_out_problem: Option<String>,
}

/// The state of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stepped {
    /// Steps done.
    pub done: usize,
    /// Temperature of the last step.
    pub temperature: f32,
    /// The noise level that this temperature stands for, in pixel units.
    pub noise_level: f32,
    /// Energy of each chain before the last step.
    pub energies: Vec<f32>,
}
