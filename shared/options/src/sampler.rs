//! The samplers.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumMessage, EnumString, IntoStaticStr, VariantArray};

/// How noise becomes pictures.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    Display,
    EnumMessage,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum Sampler {
    /// Annealed Langevin dynamics: the paper's sampler.
    Annealed,
    /// Consistent annealed sampling: fewer steps; each takes noise away and adds some, down to the next level.
    Consistent,
    /// The deterministic flow: fewest steps.
    Ode,
}

impl Sampler {
    /// The paper's number of steps.
    pub const PAPER_STEPS: usize = 2700;

    /// Steps by default: the paper's, and for the others about where more steps hardly bring the
    /// samples nearer to the data (`docs/samplers.md`).
    #[must_use]
    pub fn default_steps(self) -> usize {
        match self {
            Self::Annealed => Self::PAPER_STEPS,
            Self::Consistent => 30,
            Self::Ode => 20,
        }
    }
}
