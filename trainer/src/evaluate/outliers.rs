//! Outlier scores, and how well they tell foreign pictures from held-out ones.

use serde::Serialize;

use super::{
    features::Features,
    foreign::Foreign,
    gaussian::{Gaussian, Mahalanobis},
    subject::{Subject, rmse},
};
use crate::{data::Images, error::Result, output};

/// Areas under the ROC curve, one for each score: 1 where every foreign picture scores above every held-out one, 0.5 where the
/// score cannot tell them apart, below where it takes foreign pictures for the more usual ones.
#[derive(Clone, Debug, Serialize)]
pub struct Outliers {
    /// The foreign pictures.
    pub name: String,
    /// By the energy of the picture.
    pub energy: f64,
    /// By the length of the energy gradient.
    pub gradient: f64,
    /// By [`MultiLevel`].
    pub multi_level: f64,
}

/// Training pictures that the multi-level score is fitted to.
const FITTED: usize = 2000;

/// Measures every foreign set.
///
/// # Errors
/// The device fails.
pub fn outliers(subject: &Subject, train: &Images, held_out: &Images, foreign: &[Foreign]) -> Result<Vec<Outliers>> {
    let multi_level = MultiLevel::fit(subject, &train.first(FITTED))?;
    let scores = |images: &Images| -> Result<[Vec<f32>; 3]> {
        let readings = subject.read(images)?;
        Ok([
            readings.iter().map(|reading| reading.energy).collect(),
            readings.iter().map(|reading| reading.jump).collect(),
            multi_level.scores(subject, images)?,
        ])
    };
    let usual = scores(held_out)?;
    let one = |set: &Foreign| {
        let strange = scores(&set.images)?;
        let [energy, gradient, multi_level] = [0, 1, 2].map(|score: usize| auroc(&usual[score], &strange[score]));
        Ok(Outliers { name: set.name.clone(), energy, gradient, multi_level })
    };
    foreign.iter().map(one).collect()
}

/// How unusual the denoising errors of a picture are: at several noise levels the logarithms of the error after one jump and of
/// the energy of the noisy picture, and their Mahalanobis distance to those of training pictures.
///
/// Two-sided, unlike the energy: pictures that are denoised too well (flat ones) are unusual too. After the score norms of
/// Mahmood and others 2021 ("Multiscale score matching for out-of-distribution detection").
pub struct MultiLevel {
    metric: Mahalanobis,
}

impl MultiLevel {
    const LEVELS: [f32; 6] = [0.05, 0.1, 0.2, 0.4, 0.7, 1.0];

    /// Fits the usual.
    ///
    /// # Errors
    /// The device fails.
    pub fn fit(subject: &Subject, train: &Images) -> Result<Self> {
        Gaussian::fit(&Self::describe(subject, train)?).metric().map(|metric| Self { metric })
    }

    /// The score of each picture.
    ///
    /// # Errors
    /// The device fails.
    pub fn scores(&self, subject: &Subject, images: &Images) -> Result<Vec<f32>> {
        Ok(Self::describe(subject, images)?.rows().map(|row| self.metric.distance(row) as f32).collect())
    }

    fn describe(subject: &Subject, images: &Images) -> Result<Features> {
        let size = 2 * Self::LEVELS.len();
        let mut values = vec![0.0; images.len() * size];
        for (first, clean) in subject.batches(images) {
            for (place, level) in Self::LEVELS.into_iter().enumerate() {
                let denoised = subject.denoise(first, clean.clone(), level)?;
                let errors = output::floats(rmse(denoised.clean, clean.clone()))?;
                for (index, (error, energy)) in errors.into_iter().zip(denoised.energies).enumerate() {
                    let row = &mut values[(first + index) * size..][..size];
                    row[2 * place] = error.max(1e-6).ln();
                    // Energies may be negative and far from 1: the logarithm of their size keeps the order of both kinds.
                    row[2 * place + 1] = energy.signum() * energy.abs().ln_1p();
                }
            }
        }
        Ok(Features { size, values })
    }
}

/// The probability that a foreign score is above a usual one, ties counting half (Mann and Whitney's U over all pairs).
pub fn auroc(usual: &[f32], foreign: &[f32]) -> f64 {
    let mut sorted = usual.to_vec();
    sorted.sort_by(f32::total_cmp);
    let wins: f64 = foreign
        .iter()
        .map(|score| {
            let below = sorted.partition_point(|value| value < score);
            let equal = sorted.partition_point(|value| value <= score) - below;
            below as f64 + equal as f64 / 2.0
        })
        .sum();
    wins / (usual.len() * foreign.len()) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_counts_pairs() {
        assert_eq!(auroc(&[1.0, 2.0], &[3.0, 4.0]), 1.0);
        assert_eq!(auroc(&[1.0, 2.0], &[0.0]), 0.0);
        assert_eq!(auroc(&[1.0, 2.0], &[2.0]), 0.75);
        assert_eq!(auroc(&[1.0, 1.0], &[1.0, 1.0]), 0.5);
    }
}
