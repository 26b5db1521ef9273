//! What the engine and its helpers say to each other. Pixels travel beside a message, as between page and engine.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use web::messages::{ModelFiles, Run};

use crate::measure::Measure;

/// From the engine to a helper.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum ToHelper {
    /// Say everything in another language from now on, as the engine does.
    Speak(String),
    /// Load the engine's model.
    Load(ModelFiles),
    /// Begin these chains of a run. The payload is that of the run, and then how they are to go on if steps are done.
    Begin {
        /// The run.
        run: Run,
        /// Which of its chains.
        chains: Range<usize>,
        /// How many floats at the end of the payload are a snapshot of them; if none are, where they are is there.
        snapshot: usize,
    },
    /// Let the chains do so many steps.
    Advance {
        /// Which run this is of.
        number: u32,
        /// How many.
        steps: usize,
    },
    /// Give the pictures that the chains come to.
    Finish {
        /// Which run this is of.
        number: u32,
    },
    /// Measure the pictures of the payload.
    Measure {
        /// Which measure of this helper it is.
        number: u32,
        /// What.
        measure: Measure,
    },
    /// No more of this run is wanted.
    Stop {
        /// Which one.
        number: u32,
    },
}

/// From a helper to the engine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum FromHelper {
    /// The helper's program runs and listens.
    Started,
    /// The model works.
    Loaded,
    /// What was asked for. The payload is where the chains are, or the pictures that they come to, and then a snapshot of
    /// them.
    Chains {
        /// Which run this is of.
        number: u32,
        /// The energy of each chain where it is, or of its picture; none before the first step.
        energies: Vec<f32>,
        /// How many floats at the end of the payload are the snapshot.
        snapshot: usize,
    },
    /// The values that were asked for, in the payload, or why there are none: a sentence.
    Measured {
        /// Which measure it is of.
        number: u32,
        /// Whether it came to something.
        outcome: Result<(), String>,
    },
    /// Something did not work: the run cannot go on, or, if there is none, the helper cannot.
    Failed {
        /// Which run this is of.
        number: Option<u32>,
        /// What, as a sentence.
        message: String,
    },
}
