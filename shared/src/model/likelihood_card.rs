//! What a model's file says of likelihoods.

use options::percentile;
use serde::{Deserialize, Serialize};

use super::are_percentiles;

/// How likely held-out pictures are to a model, by `shared::likelihood`. Bits are excesses of whole pictures as the network
/// sees them, above the noise's own, from `noise_level` to the model's largest level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LikelihoodCard {
    /// The level that the density is of.
    pub noise_level: f32,
    /// Held-out pictures that were measured.
    pub pictures: usize,
    /// Their mean.
    pub bits: f64,
    /// The standard error of the mean; nothing of a single picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bits_standard_error: Option<f64>,
    /// The standard deviation from picture to picture; nothing of a single one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bits_spread: Option<f64>,
    /// At percentiles 0, 1, ..., 100.
    pub bits_percentiles: Vec<f32>,
    /// Of the prior, on average.
    pub prior_bits: f64,
    /// Floor, excess and prior by value of a picture of the data's own size, for values with 256 steps.
    pub bits_per_dim: f64,
    /// What the denoiser errs by at each level, on average.
    pub curve: Vec<LossPoint>,
    /// `ln Z`, where it was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<PartitionCard>,
}

/// The loss `L(s) = |x - D(x + s z)|^2 / s^2` at one level.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LossPoint {
    /// `s`
    pub level: f32,
    /// `L`
    pub loss: f64,
}

/// `ln Z` of the static energy, in two ways without importance sampling.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartitionCard {
    /// The level whose density this is: `exp(-(sigma_0 / level)^2 E) / Z`.
    pub noise_level: f32,
    /// Along the noise levels: the integral of mean energies.
    pub along_noise: f64,
    /// By classification of the level, from the same start.
    pub by_classification: f64,
    /// Its standard error, by pictures that are drawn again; nothing of a single picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_classification_standard_error: Option<f64>,
    /// Bits by which noisy held-out pictures are less likely by `along_noise` than by the bound of the denoising errors; near
    /// 0 for a perfect denoiser.
    pub disagreement_bits: f64,
    /// How often the true level lies where the energy says.
    pub calibration: Vec<CalibrationPoint>,
}

/// Of intervals that should have the true level with some probability, how many have it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CalibrationPoint {
    /// The probability.
    pub said: f64,
    /// The share that was found.
    pub found: f64,
}

impl LikelihoodCard {
    /// The percentile, 0..100, of a picture's bits among those of held-out pictures: near 100 is an outlier.
    pub fn percentile(&self, bits: f64) -> f32 {
        percentile(&self.bits_percentiles, bits as f32)
    }

    /// `L` at a level, on a straight line along `ln s` between those that were measured.
    pub fn loss(&self, level: f32) -> f64 {
        let after = self.curve.partition_point(|point| point.level < level);
        match (after.checked_sub(1).and_then(|before| self.curve.get(before)), self.curve.get(after)) {
            (Some(before), Some(after)) => {
                let ln = |level: f32| libm::log(f64::from(level));
                let within = (ln(level) - ln(before.level)) / (ln(after.level) - ln(before.level));
                before.loss + (after.loss - before.loss) * within
            }
            (Some(end), None) | (None, Some(end)) => end.loss,
            (None, None) => 0.0,
        }
    }

    /// The noise level of a picture of so many values, by the square of what one denoising jump changes: for the best
    /// denoiser that is `s^2 (d - L(s))` on average (orthogonality of its error), which rises with `s`. At most ten times the
    /// largest level that was measured.
    pub fn level(&self, change: f64, values: usize) -> f32 {
        let changes = |level: f32| f64::from(level).powi(2) * (values as f64 - self.loss(level)).max(0.0);
        let (mut low, mut high) = (0.0f32, 10.0 * self.curve.last().map_or(1.0, |largest| largest.level));
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if changes(middle) < change { low = middle } else { high = middle }
        }
        high
    }

    /// Checks what a file says.
    pub(super) fn validate(&self) -> Result<(), String> {
        let wrong = |what: &str| Err(format!("likelihood must have {what}"));
        if !are_percentiles(&self.bits_percentiles) {
            return wrong("101 percentiles of bits in rising order");
        }
        let rising = self.curve.is_sorted_by(|a, b| a.level < b.level);
        let finite = self.curve.iter().all(|point| point.level > 0.0 && point.loss.is_finite());
        if !(rising && finite) || self.curve.is_empty() {
            return wrong("a curve of finite losses at rising levels");
        }
        let told = [self.bits_standard_error, self.bits_spread].into_iter().flatten();
        let mut numbers = [self.bits, self.prior_bits, self.bits_per_dim].into_iter().chain(told);
        if !self.noise_level.is_finite() || self.noise_level <= 0.0 || !numbers.all(f64::is_finite) {
            return wrong("finite bits at a positive noise level");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card() -> LikelihoodCard {
        LikelihoodCard {
            noise_level: 0.05,
            pictures: 2,
            bits: 50.0,
            bits_standard_error: Some(1.0),
            bits_spread: Some(1.4),
            bits_percentiles: (0..=100).map(|i| i as f32).collect(),
            prior_bits: 2.0,
            bits_per_dim: 5.8,
            curve: vec![LossPoint { level: 0.1, loss: 90.0 }, LossPoint { level: 1.0, loss: 10.0 }],
            partition: None,
        }
    }

    #[test]
    fn losses_lie_on_a_line_along_the_logarithm_of_the_level() {
        let card = card();
        for (level, wanted) in [(0.01, 90.0), (0.1, 90.0), (0.1f32.sqrt(), 50.0), (1.0, 10.0), (9.0, 10.0)] {
            assert!((card.loss(level) - wanted).abs() < 1e-4, "{level}: {}", card.loss(level));
        }
        assert_eq!(card.percentile(25.0), 25.0);
    }

    #[test]
    fn the_level_of_noise_is_read_from_what_a_jump_changes() {
        let card = card();
        for level in [0.05f32, 0.1, 0.4, 1.0, 5.0] {
            let change = f64::from(level).powi(2) * (1024.0 - card.loss(level));
            assert!((card.level(change, 1024) / level - 1.0).abs() < 1e-4, "{level}: {}", card.level(change, 1024));
        }
        assert!(card.level(0.0, 1024) < 1e-6);
    }

    #[test]
    fn what_is_no_card_is_refused() {
        assert!(card().validate().is_ok());
        let spoilt: [fn(&mut LikelihoodCard); 4] = [
            |card| card.bits_percentiles.clear(),
            |card| card.curve.reverse(),
            |card| card.bits = f64::NAN,
            |card| card.noise_level = 0.0,
        ];
        for spoil in spoilt {
            let mut card = card();
            spoil(&mut card);
            assert!(card.validate().is_err(), "{card:?}");
        }
    }
}
