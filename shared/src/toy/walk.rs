//! Chains that walk on a toy energy.

use super::{Point, SIGMA_0, ToyEnergy};
use crate::sampling::{Annealing, Draw, Noise};

/// Chains of annealed Langevin dynamics in the plane, with the schedule that the pictures have.
#[derive(Clone, Debug)]
pub struct ToyWalk {
    /// Where the chains are.
    pub chains: Vec<Point>,
    annealing: Annealing,
    noise: Noise,
    done: usize,
}

/// How well chains found the data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// The share of the chains that ended at the data.
    pub near: f32,
    /// The share of the data that has a chain near it.
    pub covered: f32,
}

impl ToyWalk {
    /// Chains from noise of 1, that of the paper's first temperature, which is about as wide as the points lie.
    pub fn new(seed: u64, count: usize, steps: usize) -> Self {
        let noise = Noise::new(seed);
        let chains = noise.normal(2, Draw::Start, 2 * count).as_chunks().0.to_vec();
        Self { chains, annealing: Annealing::falling(Annealing::PAPER_TEMPERATURE, steps, SIGMA_0), noise, done: 0 }
    }

    /// Steps done.
    pub fn done(&self) -> usize {
        self.done
    }

    /// One step of every chain; whether there was one left to do.
    pub fn step(&mut self, energy: &ToyEnergy) -> bool {
        let Some(temperature) = self.annealing.temperatures.get(self.done) else { return false };
        let size = self.annealing.step_size;
        let (down, up) = (size * size / 2.0 / (SIGMA_0 * SIGMA_0), size * temperature.sqrt());
        let noise = self.noise.normal(2, Draw::Langevin(self.done as u32), 2 * self.chains.len());
        for (chain, z) in self.chains.iter_mut().zip(noise.as_chunks::<2>().0) {
            let residual = energy.residual(*chain);
            *chain = [0, 1].map(|i| chain[i] - down * residual[i] + up * z[i]);
        }
        self.done += 1;
        true
    }

    /// How well the chains have found `points`.
    pub fn found(&self, points: &[Point]) -> Found {
        let share = |of: &[Point], among: &[Point], within: f32| {
            let near =
                |a: &Point| among.iter().any(|b| (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2) < within * within);
            of.iter().filter(|point| near(point)).count() as f32 / of.len().max(1) as f32
        };
        Found { near: share(&self.chains, points, 0.15), covered: share(points, &self.chains, 0.25) }
    }
}
