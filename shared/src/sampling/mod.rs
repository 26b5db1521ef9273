//! From noise to pictures.
//!
//! [`Annealing`] and [`langevin`] are the paper's sampler, [`consistent`] takes fewer steps. A [`Schedule`] says what
//! each step does and how much noise it puts back ([`Churn`]), [`Chains`] follow it from a seed ([`Noise`]), [`Guided`] away from a weaker model's errors or down
//! the energies of several models at once ([`Product`]).

mod annealing;
mod chains;
mod churn;
pub mod consistent;
mod guidance;
pub mod langevin;
mod noise;
mod noise_schedule;
mod product;
mod schedule;
mod start;

pub use annealing::Annealing;
pub use chains::{Chains, Given, Known, Step};
pub use churn::Churn;
pub use guidance::Guided;
pub use noise::{Draw, Noise};
pub use noise_schedule::NoiseSchedule;
pub use product::Product;
pub use schedule::Schedule;
pub use start::{GaussianStart, PrincipalComponents};
