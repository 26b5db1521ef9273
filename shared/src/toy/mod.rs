//! The method in the plane, small enough to be trained while somebody watches: points instead of pictures, and an
//! energy with two hidden layers on plain slices, without Burn. Its gradients are written by hand and checked against
//! finite differences.

mod energy;
mod shape;
mod training;
mod walk;

pub use energy::ToyEnergy;
pub use shape::points;
pub use training::ToyTraining;
pub use walk::{Found, ToyWalk};

/// A point of the plane.
pub type Point = [f32; 2];

/// The noise level whose density the energy has at temperature 1.
pub const SIGMA_0: f32 = 0.1;
