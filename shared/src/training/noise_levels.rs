//! The noise levels that a batch is corrupted with.

use std::ops::RangeInclusive;

use options::Spacing;
use serde::{Deserialize, Serialize};

/// A range of noise levels, in pixel units (pixels in 0..1).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoiseLevels {
    /// The smallest standard deviation.
    pub min: f32,
    /// The largest standard deviation.
    pub max: f32,
    /// How the levels lie between them.
    pub spacing: Spacing,
}

impl NoiseLevels {
    /// What levels may be: those beyond overflow, or are lost in rounding.
    pub const POSSIBLE: RangeInclusive<f32> = 1e-4..=1e4;

    /// `count` levels from `min` to `max`, both among them, to measure at: what a loss is at them does not depend on
    /// chance. A single level is the geometric or arithmetic middle.
    pub fn levels(&self, count: usize) -> Vec<f32> {
        let position = |index| if count == 1 { 0.5 } else { index as f64 / (count - 1) as f64 };
        (0..count).map(|index| self.at(position(index))).collect()
    }

    /// A level for each slot of a batch, from the smallest to the largest, to train at: slot i of n has one from the
    /// i-th of n equal strata of the range, at the place in it that its offset says, a uniform number from 0 to 1.
    ///
    /// Strata lower the variance of the gradient, as the paper's grid of levels does (its code, `train.py`: slot i
    /// always has level i). The offsets let every level come, however small the batch is.
    pub fn stratified(&self, offsets: &[f32]) -> Vec<f32> {
        let strata = offsets.len() as f64;
        let level = |(stratum, &offset): (usize, &f32)| self.at((stratum as f64 + f64::from(offset)) / strata);
        offsets.iter().enumerate().map(level).collect()
    }

    /// The mean of the square of a level.
    pub fn mean_square(&self) -> f64 {
        let (min, max) = (f64::from(self.min), f64::from(self.max));
        // Both are limits of themselves where the range is one level.
        if max - min <= 1e-6 * max {
            return max * max;
        }
        match self.spacing {
            Spacing::Geometric => (max * max - min * min) / (2.0 * (max / min).ln()),
            Spacing::Linear => (max * max + max * min + min * min) / 3.0,
        }
    }

    /// The level at a place in the range, from 0 to 1; the same number on every processor.
    pub(crate) fn at(&self, place: f64) -> f32 {
        let (min, max) = (f64::from(self.min), f64::from(self.max));
        let level = match self.spacing {
            Spacing::Geometric => min * libm::pow(max / min, place),
            Spacing::Linear => min + (max - min) * place,
        };
        level as f32
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

    #[test]
    fn a_batch_has_a_level_in_every_stratum_and_batches_of_one_have_all_levels() {
        use crate::sampling::{Draw, Noise};
        for spacing in [Spacing::Geometric, Spacing::Linear] {
            let range = NoiseLevels { min: 0.05, max: 5.0, spacing };
            let borders = range.levels(9);
            let noise = Noise::new(3);
            let (mut least, mut most, mut square) = (f32::MAX, 0f32, 0.0);
            for step in 0..2000 {
                let levels = range.stratified(&noise.uniform(0, Draw::Levels(step), 8));
                for (index, &level) in levels.iter().enumerate() {
                    assert!((borders[index]..=borders[index + 1]).contains(&level), "{level} in stratum {index}");
                }
                let single = range.stratified(&noise.uniform(1, Draw::Levels(step), 1))[0];
                (least, most) = (least.min(single), most.max(single));
                square += levels.iter().map(|&level| f64::from(level).powi(2)).sum::<f64>() / 16_000.0;
            }
            let (first, last) = (borders[1], borders[7]);
            assert!(least < first && most > last, "batches of one: from {least} to {most}");
            assert!((square / range.mean_square() - 1.0).abs() < 0.01, "{square} for {}", range.mean_square());
        }
        let one = NoiseLevels { min: 0.3, max: 0.3, spacing: Spacing::Geometric };
        assert!((one.mean_square() - 0.09).abs() < 1e-6);
    }
}
