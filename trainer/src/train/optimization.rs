//! The optimizer of a run and its schedules.

use options::{Optimizer, Weighting};
use serde::{Deserialize, Deserializer, Serialize};

/// The optimizer, with a warm-up, a cosine decay and a moving average of the weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Optimization {
    /// Steps in all.
    pub steps: u64,
    /// Images in a batch, one noise level each.
    pub batch: usize,
    /// Parts that a batch is computed in, one after the other; their gradients are added. If it is not set, memory
    /// decides when the run begins; older runs have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slices: Option<usize>,
    /// How gradients become steps; older runs had Adam.
    #[serde(default)]
    pub optimizer: Optimizer,
    /// Peak learning rate.
    pub learning_rate: f64,
    /// Steps of linear warm-up, at most a tenth of the run.
    pub warm_up: u64,
    /// Where the warm-up was last begun: at 0, or where the run was resumed with other settings. A learning rate that
    /// jumps there from nearly nothing to its peak can undo what was learned.
    #[serde(default)]
    pub warm_up_from: u64,
    /// Largest norm of the gradient of the loss per pixel, over all parameters; infinite for no limit.
    #[serde(deserialize_with = "limit")]
    pub clip: f64,
    /// Decay of the moving average of the weights; 0 for none.
    pub ema_decay: f64,
    /// What the loss at a noise level counts.
    #[serde(default)]
    pub weighting: Weighting,
    /// Training pictures that the targets of a batch are averaged over, those that a noisy picture may have been made
    /// of by how likely that is; 0 for the one that it was made of, as in the paper.
    #[serde(default)]
    pub references: usize,
    /// First steps, in which the U-Net inside the energy is trained as a denoiser by itself: each takes half of the time.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub denoiser_steps: u64,
    /// Whether half of the pictures are mirrored, by chance.
    pub flip: bool,
    /// Seed of the weights, the data order and the noise.
    pub seed: u64,
}

impl Optimization {
    /// Where the cosine ends (the paper's code).
    const FINAL_LEARNING_RATE: f64 = 1e-6;

    /// Whether step `step`, from 0, trains the U-Net inside the energy as a denoiser by itself.
    pub const fn is_denoiser_step(&self, step: u64) -> bool {
        step < self.denoiser_steps
    }

    /// How many of the steps from `done` on are such steps, and how many train the energy.
    pub fn steps_left(&self, done: u64) -> [u64; 2] {
        let denoiser = self.denoiser_steps.saturating_sub(done);
        [denoiser, self.steps.saturating_sub(done).saturating_sub(denoiser)]
    }

    /// Steps of warm-up: of a short training, no more than a tenth.
    pub fn warm_up_steps(&self) -> u64 {
        self.warm_up.min(self.steps / 10)
    }

    /// The learning rate of step `step`, from 0: a linear rise, then half a cosine down; a run that was resumed with
    /// other settings rises to that cosine once more.
    pub fn learning_rate_at(&self, step: u64) -> f64 {
        let warm_up = self.warm_up_steps();
        let last = (self.steps - warm_up).max(1) as f64;
        let progress = (step.saturating_sub(warm_up) as f64 / last).min(1.0);
        let low = Self::FINAL_LEARNING_RATE.min(self.learning_rate);
        let cosine = low + 0.5 * (self.learning_rate - low) * (1.0 + (std::f64::consts::PI * progress).cos());
        match step.checked_sub(self.warm_up_from) {
            Some(since) if since < warm_up => cosine * (since + 1) as f64 / warm_up as f64,
            _ => cosine,
        }
    }

    /// The decay of the moving average at `step`: less at first, so that it does not remember the random start.
    pub fn ema_decay_at(&self, step: u64) -> f64 {
        self.ema_decay.min((1 + step) as f64 / (10 + step) as f64)
    }
}

/// JSON knows no infinity: it becomes null.
fn limit<'de, D: Deserializer<'de>>(number: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(number)?.unwrap_or(f64::INFINITY))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_zero(steps: &u64) -> bool {
    *steps == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::TrainingPreset;

    #[test]
    fn the_average_remembers_less_at_first() {
        let plan = Optimization { ema_decay: 0.999, ..TrainingPreset::Unet.settings().optimization };
        assert!((plan.ema_decay_at(0) - 0.1).abs() < 1e-12);
        assert!((plan.ema_decay_at(89) - 90.0 / 99.0).abs() < 1e-12);
        assert_eq!(plan.ema_decay_at(1_000_000), 0.999);
    }

    #[test]
    fn the_learning_rate_rises_to_its_peak_and_falls_to_its_end() {
        let plan = Optimization { steps: 4000, learning_rate: 1e-3, ..TrainingPreset::Unet.settings().optimization };
        assert!(plan.learning_rate_at(0) < 1e-5);
        assert!((plan.learning_rate_at(200) - 1e-3).abs() < 1e-9);
        assert!((plan.learning_rate_at(2100) - 0.5e-3).abs() < 1e-5);
        assert!((plan.learning_rate_at(4000) - 1e-6).abs() < 1e-9);
        let resumed = Optimization { warm_up_from: 2000, ..plan.clone() };
        assert!(resumed.learning_rate_at(2000) < 1e-5);
        // A run that falls back to a checkpoint from before.
        assert_eq!(resumed.learning_rate_at(1999), plan.learning_rate_at(1999));
        assert!((resumed.learning_rate_at(2200) - plan.learning_rate_at(2200)).abs() < 1e-12);
    }
}
