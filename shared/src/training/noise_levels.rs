//! The noise levels that a batch is corrupted with.

use options::Spacing;
use serde::{Deserialize, Serialize};

/// A range of noise levels, in pixel units (pixels in 0..1).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoiseLevels {
    /// The smallest standard deviation.
    pub min: f32,
    /// The largest standard deviation.
    pub max: f32,
    /// How the levels lie between them.
    pub spacing: Spacing,
}

impl NoiseLevels {
    /// `count` levels from `min` to `max`. Batch slot i always gets level i: a stratified grid in every batch has a
    /// lower gradient variance than independent levels (the paper's code, `train.py`). A single level is the
    /// geometric or arithmetic middle.
    pub fn levels(&self, count: usize) -> Vec<f32> {
        let (min, max) = (f64::from(self.min), f64::from(self.max));
        (0..count)
            .map(|index| {
                let t = if count == 1 { 0.5 } else { index as f64 / (count - 1) as f64 };
                let level = match self.spacing {
                    Spacing::Geometric => min * (max / min).powf(t),
                    Spacing::Linear => min + (max - min) * t,
                };
                level as f32
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn geometric_levels_have_a_constant_ratio_and_both_ends() {
        let levels = NoiseLevels { min: 0.1, max: 3.0, spacing: Spacing::Geometric }.levels(128);
        assert_eq!(levels.len(), 128);
        assert!((levels[0] - 0.1).abs() < 1e-6 && (levels[127] - 3.0).abs() < 1e-5);
        let ratio = 30f32.powf(1.0 / 127.0);
        assert!(levels.windows(2).all(|w| (w[1] / w[0] - ratio).abs() < 1e-4));
    }

    #[test]
    fn linear_levels_have_a_constant_difference() {
        let levels = NoiseLevels { min: 0.05, max: 1.2, spacing: Spacing::Linear }.levels(24);
        assert!(levels.windows(2).all(|w| (w[1] - w[0] - 0.05).abs() < 1e-5));
    }
}
