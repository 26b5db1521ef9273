//! The settings of a run, as the run folder keeps them in `run.json`.

use serde::{Deserialize, Serialize};
use shared::{DataCard, NetworkConfig, NoiseLevels};

use crate::{data::Images, error::Result};

/// Everything that decides what a run computes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunConfig {
    /// The data set's name or folder, as given.
    pub data_source: String,
    /// What the data set says of itself.
    pub data: DataCard,
    /// The network.
    pub network: NetworkConfig,
    /// The noise levels.
    pub noise: NoiseLevels,
    /// The optimizer and its schedule.
    pub optimization: Optimization,
}

impl RunConfig {
    /// Checks that pictures are what the run's network was made for.
    ///
    /// # Errors
    /// There are none, or they have another size.
    pub fn check(&self, images: &Images) -> Result<()> {
        images.check(&self.data_source, [self.network.channels, self.data.size, self.data.size])
    }
}

/// Adam with a warm-up, a cosine decay and a moving average of the weights.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Optimization {
    /// Steps in all.
    pub steps: u64,
    /// Images in a batch, one noise level each.
    pub batch: usize,
    /// Peak learning rate.
    pub learning_rate: f64,
    /// Decay of the moving average of the weights.
    pub ema_decay: f64,
    /// Seed of the weights, the data order and the noise.
    pub seed: u64,
    /// Steps between checkpoints.
    pub checkpoint_every: u64,
    /// Pictures in the sample grid of every checkpoint.
    pub grid: usize,
}

impl Optimization {
    /// Adam's decay rates (the paper's code, `train.py`).
    pub const BETAS: (f32, f32) = (0.9, 0.95);
    /// Adam's guard against division by zero.
    pub const EPSILON: f32 = 1e-8;
    /// Largest norm of the gradient of the loss per pixel, over all parameters.
    pub const CLIP: f64 = 1.0;
    /// Where the cosine ends (the paper's code).
    const FINAL_LEARNING_RATE: f64 = 1e-6;
    /// Steps of linear warm-up, at most a tenth of the run.
    const WARM_UP: u64 = 200;

    /// The learning rate of step `step`, from 0: a linear rise, then half a cosine down.
    pub fn learning_rate_at(&self, step: u64) -> f64 {
        let warm_up = Self::WARM_UP.min(self.steps / 10);
        if step < warm_up {
            return self.learning_rate * (step + 1) as f64 / warm_up as f64;
        }
        let last = (self.steps - warm_up).max(1) as f64;
        let progress = ((step - warm_up) as f64 / last).min(1.0);
        let low = Self::FINAL_LEARNING_RATE.min(self.learning_rate);
        low + 0.5 * (self.learning_rate - low) * (1.0 + (std::f64::consts::PI * progress).cos())
    }

    /// The decay of the moving average at `step`: less at first, so that it does not remember the random start.
    pub fn ema_decay_at(&self, step: u64) -> f64 {
        self.ema_decay.min((1 + step) as f64 / (10 + step) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_learning_rate_rises_to_its_peak_and_falls_to_its_end() {
        let plan = Optimization {
            steps: 4000,
            batch: 1,
            learning_rate: 1e-3,
            ema_decay: 0.999,
            seed: 0,
            checkpoint_every: 1,
            grid: 0,
        };
        assert!(plan.learning_rate_at(0) < 1e-5);
        assert!((plan.learning_rate_at(200) - 1e-3).abs() < 1e-9);
        assert!((plan.learning_rate_at(2100) - 0.5e-3).abs() < 1e-5);
        assert!((plan.learning_rate_at(4000) - 1e-6).abs() < 1e-9);
    }
}
