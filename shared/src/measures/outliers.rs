//! How unusual a picture is to a model, from its denoising errors at several noise levels.
//!
//! The energy alone finds flat and smooth pictures more usual than any real one, as likelihoods of all kinds do. The
//! errors of the denoiser are two-sided: what is denoised too well is unusual too. After the score norms of Mahmood,
//! Oliva and Styner 2021 ("Multiscale score matching for out-of-distribution detection").

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::{
    backend,
    network::Energy,
    sampling::{Draw, Noise, langevin},
};

/// The distance, in standard deviations, of a picture's denoising errors from those of training pictures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutlierScore {
    /// Mean of the descriptions of training pictures.
    mean: Vec<f64>,
    /// What makes the descriptions of training pictures uncorrelated with variance 1: the inverse of the Cholesky
    /// factor of their covariance, row by row.
    whitening: Vec<f64>,
    /// Scores of held-out pictures at percentiles 0, 1, ..., 100.
    percentiles: Vec<f32>,
}

impl OutlierScore {
    /// Numbers that describe a picture.
    pub const SIZE: usize = 2 * Self::LEVELS.len();
    const LEVELS: [f32; 6] = [0.05, 0.1, 0.2, 0.4, 0.7, 1.0];

    /// A score by the `mean` of training pictures' descriptions, `[SIZE]`, and their `whitening`, `[SIZE, SIZE]`. What
    /// fits them is the trainer.
    pub fn new(mean: Vec<f64>, whitening: Vec<f64>) -> Self {
        Self { mean, whitening, percentiles: Vec::new() }
    }

    /// The same with the scores of held-out pictures at percentiles 0, 1, ..., 100.
    #[must_use]
    pub fn with_percentiles(self, percentiles: Vec<f32>) -> Self {
        Self { percentiles, ..self }
    }

    /// What the denoiser makes of pictures `[N, C, H, W]` with noise that is the same for each: at every level the
    /// energy of the noisy picture and the squared error after one jump, `[N]` each.
    pub fn readings(energy: &impl Energy, sigma_0: f32, x: &Tensor<4>) -> Vec<Tensor<1>> {
        let shape = x.dims();
        let one = [1, shape[1], shape[2], shape[3]];
        let mut readings = Vec::with_capacity(Self::SIZE);
        for (chain, level) in (0..).zip(Self::LEVELS) {
            let z = Noise::new(0).tensor(chain, Draw::Probe, one, &x.device()).expand(shape);
            let noisy = x.clone() + z * level;
            let (energies, gradient) = energy.energy_and_gradient(noisy.clone());
            readings.push(energies);
            // An operation that energies need too, so that the page's program does not grow.
            let (errors, _) = backend::squared_distance(langevin::denoise(noisy, gradient, sigma_0), x.clone(), 2.0);
            readings.push(errors);
        }
        readings
    }

    /// Readings of one picture as the description that is scored: logarithms, which vary evenly.
    pub fn describe(readings: &[f32]) -> Vec<f64> {
        let value = |(place, &reading): (usize, &f32)| {
            let reading = f64::from(reading);
            // Energies may be negative: the logarithm of their size keeps the order of both kinds.
            if place % 2 == 0 { reading.signum() * libm::log1p(reading.abs()) } else { libm::log(reading.max(1e-12)) }
        };
        readings.iter().enumerate().map(value).collect()
    }

    /// The score of a picture by its description: the length of the whitened difference to the mean.
    pub fn score(&self, description: &[f64]) -> f32 {
        let difference: Vec<f64> = description.iter().zip(&self.mean).map(|(value, mean)| value - mean).collect();
        let rows = self.whitening.chunks_exact(self.mean.len().max(1));
        let dot = |row: &[f64]| row.iter().zip(&difference).map(|(a, b)| a * b).sum::<f64>();
        libm::sqrt(rows.map(|row| dot(row) * dot(row)).sum()) as f32
    }

    /// The percentile, 0..100, of a score among those of held-out pictures: near 100 is an outlier. That of NaN is NaN.
    pub fn percentile(&self, score: f32) -> f32 {
        options::percentile(&self.percentiles, score)
    }

    /// Checks what a file says.
    pub(crate) fn validate(&self) -> Result<(), String> {
        let finite = |values: &[f64]| values.iter().all(|value| value.is_finite());
        if self.mean.len() != Self::SIZE || self.whitening.len() != Self::SIZE * Self::SIZE {
            return Err(format!("outlier_score must have {} means and their square of whitening", Self::SIZE));
        }
        if !finite(&self.mean) || !finite(&self.whitening) || !crate::model::are_percentiles(&self.percentiles) {
            return Err("outlier_score must have finite numbers, and 101 percentiles in rising order".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By a whitening that doubles every coordinate and adds `more` times the first to the second.
    fn score(more: f64) -> OutlierScore {
        let size = OutlierScore::SIZE;
        let mut whitening: Vec<f64> = (0..size * size).map(|at| if at % (size + 1) == 0 { 2.0 } else { 0.0 }).collect();
        whitening[size] = more;
        OutlierScore::new(vec![1.0; size], whitening)
    }

    #[test]
    fn a_score_is_the_length_of_the_whitened_difference_to_the_mean() {
        let mut description = vec![1.0; OutlierScore::SIZE];
        assert_eq!(score(0.0).score(&description), 0.0);
        [description[0], description[1]] = [2.5, -1.0];
        // Twice 1.5 and 2, whichever way.
        assert_eq!(score(0.0).score(&description), 5.0);
        // The second row takes the first difference too: 3 and -4 + 1.5 * 8.
        assert_eq!(score(8.0).score(&description), 73f32.sqrt());
    }

    #[test]
    fn readings_are_described_by_their_logarithms() {
        let e = std::f32::consts::E;
        // Energies may be negative; of an error of nothing there would be no logarithm.
        let described = OutlierScore::describe(&[e - 1.0, e * e, 1.0 - e, 0.0]);
        for (found, wanted) in described.into_iter().zip([1.0, 2.0, -1.0, -27.631]) {
            assert!((found - wanted).abs() < 1e-3, "{found}, not {wanted}");
        }
    }
}
