//! Training a toy energy.

use super::{Point, ToyEnergy};
use crate::sampling::{Draw, Noise};

/// An energy on its way: MDSM loss, Adam, and a learning rate that falls to nothing.
#[derive(Clone, Debug)]
pub struct ToyTraining {
    /// What has been learnt so far.
    pub energy: ToyEnergy,
    points: Vec<Point>,
    /// One noise level for each slot of the batch.
    levels: Vec<f32>,
    noise: Noise,
    mean: Vec<f32>,
    variance: Vec<f32>,
    done: usize,
    steps: usize,
}

impl ToyTraining {
    const HIDDEN: usize = 48;
    const RATE: f32 = 1e-2;

    /// A training of so many steps on `points`, with a batch of one point for each of `levels`.
    pub fn new(seed: u64, points: Vec<Point>, levels: Vec<f32>, steps: usize) -> Self {
        let energy = ToyEnergy::new(seed, Self::HIDDEN);
        let zeros = vec![0.0; energy.parameters.len()];
        Self { energy, points, levels, noise: Noise::new(seed), mean: zeros.clone(), variance: zeros, done: 0, steps }
    }

    /// Steps done.
    pub fn done(&self) -> usize {
        self.done
    }

    /// One step, unless all are done; gives the mean loss of its batch.
    pub fn step(&mut self) -> Option<f32> {
        if self.done == self.steps || self.points.is_empty() {
            return None;
        }
        let noise = self.noise.normal(1, Draw::Corruption(self.done as u32), 2 * self.levels.len());
        let mut gradient = vec![0.0; self.mean.len()];
        let weight = 1.0 / self.levels.len() as f32;
        let mut loss = 0.0;
        for (slot, (&sigma, &z)) in self.levels.iter().zip(noise.as_chunks().0).enumerate() {
            // Odd strides, so that every point meets every level, of 512 points.
            let clean = self.points[(slot * 37 + self.done * 101) % self.points.len()];
            loss += weight * self.energy.loss_and_gradient(clean, z, sigma, weight, &mut gradient);
        }
        self.adam(&gradient);
        Some(loss)
    }

    fn adam(&mut self, gradient: &[f32]) {
        const MEAN: f32 = 0.9;
        const VARIANCE: f32 = 0.99;
        let rate = Self::RATE * (1.0 - self.done as f32 / self.steps as f32);
        self.done += 1;
        let done = i32::try_from(self.done).unwrap_or(i32::MAX);
        let unbiased = |decay: f32| 1.0 - decay.powi(done);
        let (mean_scale, variance_scale) = (unbiased(MEAN), unbiased(VARIANCE));
        let moments = self.mean.iter_mut().zip(&mut self.variance);
        for ((parameter, g), (mean, variance)) in self.energy.parameters.iter_mut().zip(gradient).zip(moments) {
            *mean = MEAN * *mean + (1.0 - MEAN) * g;
            *variance = VARIANCE * *variance + (1.0 - VARIANCE) * g * g;
            *parameter -= rate * (*mean / mean_scale) / ((*variance / variance_scale).sqrt() + 1e-8);
        }
    }
}

#[cfg(test)]
mod tests {
    use options::{Spacing, ToyShape};

    use crate::{
        toy::{ToyTraining, ToyWalk, points},
        training::NoiseLevels,
    };

    fn trained(shape: ToyShape, (min, max): (f32, f32)) -> ToyTraining {
        let levels = NoiseLevels { min, max, spacing: Spacing::Geometric }.levels(128);
        let mut training = ToyTraining::new(2, points(shape, 512), levels, 1500);
        while training.step().is_some() {}
        training
    }

    #[test]
    fn many_levels_find_the_data_and_one_small_level_does_not() {
        for shape in [ToyShape::Moons, ToyShape::Rings, ToyShape::Grid, ToyShape::Spiral] {
            let found = [(0.05, 1.5), (0.1, 0.1)].map(|levels| {
                let energy = trained(shape, levels).energy;
                let mut walk = ToyWalk::new(2, 200, 270);
                while walk.step(&energy) {}
                walk.found(&points(shape, 512))
            });
            let [many, one] = found;
            assert!(many.near > 0.9 && many.covered > 0.9, "{shape:?}, many levels: {many:?}");
            assert!(one.near < 0.7, "{shape:?}, one level: {one:?}");
        }
    }
}
