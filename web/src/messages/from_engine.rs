//! What the engine tells the page.

use serde::{Deserialize, Serialize};

use super::Question;
use crate::Backend;

/// From the engine to the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FromEngine {
    /// The engine's program runs and listens.
    Started,
    /// The weights are on their way.
    Downloading {
        /// Which load it is.
        load: u32,
        /// Bytes so far.
        received: u64,
        /// Bytes in all.
        total: u64,
    },
    /// The weights have come; they are loaded and compared with the model's probe.
    Testing {
        /// Which load it is.
        load: u32,
        /// Where.
        backend: Backend,
    },
    /// The model works. The payload is its held-out pictures.
    Loaded(Box<Loaded>),
    /// How long a step of 16 pictures takes on the GPU and on the CPU, in milliseconds.
    Timed {
        /// Which load it is.
        load: u32,
        /// On the GPU.
        gpu: f64,
        /// On the CPU, with all helpers.
        cpu: f64,
    },
    /// A step is done. The payload is where the chains are.
    Stepped(Stepped),
    /// The run is done. The payload is its pictures.
    Finished {
        /// Which run it is.
        run: u32,
        /// Energy of each picture.
        energies: Vec<f32>,
    },
    /// The run of this number was stopped.
    Cancelled(u32),
    /// The energies that were asked for. The payload is the pictures after one denoising jump, not clamped; for the room
    /// Outliers it is the bits of each pixel of the first picture, `[H, W]`, if the model can tell.
    Scored {
        /// The question.
        question: Question,
        /// The energy of each picture.
        energies: Vec<f32>,
        /// The length of the energy gradient at the first picture; empty if its bits are told or nobody asks.
        slopes: Vec<f32>,
        /// How unusual each picture is by its denoising errors, a percentile of held-out ones; empty if the model
        /// cannot tell or nobody asks.
        unusual: Vec<f32>,
        /// The noise level of the first picture, as what one jump changes tells; none if the model cannot tell or nobody
        /// asks.
        level: Option<f32>,
        /// How many bits each picture has above noise alone, and the standard error; empty if the model cannot tell or
        /// nobody asks. Those of the first picture come by themselves, in an answer before.
        bits: Vec<(f32, f32)>,
    },
    /// Which model a picture belongs to: that which works, without a name, and those that can be compared with it.
    Compared {
        /// The question.
        number: u32,
        /// What each says.
        belongings: Vec<Belonging>,
    },
    /// A frame of the animation is written.
    Framed {
        /// Which animation.
        animation: u32,
        /// How many frames are.
        done: usize,
        /// After the last one, the address of the file, for the page to revoke.
        file: Option<String>,
    },
    /// How far the toy is. The payload is described by [`ToyReport`].
    Toy(ToyReport),
    /// Something did not work.
    Failed {
        /// What.
        work: Work,
        /// Why, and what to do, as one or two sentences.
        message: String,
    },
}

/// How likely a picture is by one of several models.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Belonging {
    /// The model.
    pub model: String,
    /// Bits above noise alone, with the prior's.
    pub bits: f32,
    /// Their standard error.
    pub error: f32,
    /// How likely the picture is this model's, if it is of one of them.
    pub share: f32,
}

/// What the engine does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Work {
    /// The load of this number. The model that was there before it still is.
    Load(u32),
    /// The run of this number.
    Run(u32),
    /// The answer to the question of this number.
    Question(u32),
    /// The animation of this number.
    Animation(u32),
    /// Everything that is the GPU's: it cannot be relied on, and this engine answers no more.
    Gpu,
    /// Everything: the engine answers no more.
    All,
}

/// What the page needs to know of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Loaded {
    /// Which load it is.
    pub number: u32,
    /// Its folder.
    pub model: String,
    /// Where it computes.
    pub backend: Backend,
    /// Why it computes on the CPU although that was not asked for.
    pub fell_back: Option<FellBack>,
    /// SHA-256 of its weights.
    pub sha256: String,
    /// Side of its pictures.
    pub size: usize,
    /// 1 for grey, 3 for colour.
    pub channels: usize,
    /// How many held-out pictures came with it.
    pub held_out: usize,
    /// Why there are none, if that is a fault.
    pub held_out_problem: Option<String>,
    /// Energies of held-out pictures at percentiles 0, 1, ..., 100.
    pub percentiles: Vec<f32>,
    /// Bits of held-out pictures at percentiles 0, 1, ..., 100; empty if the model cannot tell.
    pub bits_percentiles: Vec<f32>,
    /// The noise level whose density the energy has at temperature 1.
    pub sigma_0: f32,
    /// The smallest and the largest noise level that it was trained at.
    pub noise: (f32, f32),
    /// What is known of it.
    pub card: Card,
}

/// Why a model computes on the CPU.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FellBack {
    /// The end of a sentence.
    pub reason: String,
    /// Whether there is simply no GPU; else there is one that cannot be used.
    pub absent: bool,
}

/// What a model's card says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// The data set it was trained on.
    pub data: String,
    /// The licence of the data set.
    pub licence: String,
    /// The licence of the model's pictures, if they are others than the data set's.
    pub pictures_licence: Option<String>,
    /// Kind and width of the network, as `trainer train` calls it.
    pub network: String,
    /// The same of the weaker model that new pictures keep away from, and how much, if there is one.
    pub guide: Option<(String, f32)>,
    /// How many numbers it has learnt.
    pub parameters: usize,
    /// Length of the weights file.
    pub bytes: u64,
    /// Optimizer steps.
    pub steps: u64,
    /// Images seen in training, repeats included.
    pub images_seen: u64,
    /// Seconds of training.
    pub seconds: f64,
    /// What was measured, the number, and how.
    pub metrics: Vec<(String, f64, String)>,
}

/// The state of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stepped {
    /// Which run it is.
    pub run: u32,
    /// Steps done; 0 where the chains begin.
    pub done: usize,
    /// Temperature of the last step.
    pub temperature: f32,
    /// The noise level that this temperature stands for, in pixel units.
    pub noise_level: f32,
    /// Energy of each chain where it is; none before the first step.
    pub energies: Vec<f32>,
}

/// The state of the toy. Its payload has `points` points of the data, the map of each energy, `side` by `side` over the
/// square from -`reach` to `reach`, the upper row first, and then the `chains` chains of each, as x and y.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToyReport {
    /// Which toy it is.
    pub number: u32,
    /// Training steps done, and in all.
    pub trained: (usize, usize),
    /// Steps of the chains done, and in all.
    pub walked: (usize, usize),
    /// Number of points of the data.
    pub points: usize,
    /// Side of a map.
    pub side: usize,
    /// Half the side of the square that a map shows.
    pub reach: f32,
    /// Number of chains on each energy.
    pub chains: usize,
    /// The energy of one level, then that of many.
    pub sides: [ToySide; 2],
}

/// One of the two toy energies.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToySide {
    /// The loss over the last steps.
    pub loss: f32,
    /// The share of the chains that are at the data.
    pub near: f32,
    /// The share of the data that has a chain near it.
    pub covered: f32,
}
