//! The samplers.

use crate::words::option;

option! {
    /// How noise becomes pictures.
    pub enum Sampler {
        /// Annealed Langevin dynamics: the paper's sampler.
        Annealed,
        /// Consistent annealed sampling: fewer steps; each takes noise away and adds some, down to the next level.
        Consistent,
        /// The deterministic flow: fewest steps.
        Ode,
    }
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
