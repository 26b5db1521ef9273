//! Outlier scores, and how well they tell foreign pictures from held-out ones.

use serde::Serialize;
use shared::measures::OutlierScore;

use super::{
    energies::SetReadings,
    features::Features,
    foreign::Foreign,
    gaussian::Gaussian,
    placed_model::{PlacedModel, Reading},
};
use crate::{data::Images, error::Result, output};

/// Areas under the ROC curve, one for each score: 1 where every foreign picture scores above every held-out one, 0.5
/// where the score cannot tell them apart, below where it takes foreign pictures for the more usual ones.
#[derive(Clone, Debug, Serialize)]
pub struct Outliers {
    /// The foreign pictures.
    pub name: String,
    /// By the energy of the picture.
    pub energy: f64,
    /// By the length of the energy gradient.
    pub gradient: f64,
    /// By [`OutlierScore`].
    pub multi_level: f64,
}

/// Training pictures that the multi-level score is fitted to.
const FITTED: usize = 2000;
/// Descriptions are logarithms: pictures whose energies differ by a thousandth are alike. Published models have ten times
/// as much in their narrowest direction; of one or two pictures there would be none at all.
const LEAST_VARIANCE: f64 = 1e-6;

/// Measures every foreign set, of which the energies were read before.
///
/// # Errors
/// The device fails.
pub fn outliers(
    placed: &PlacedModel<'_>,
    train: &Images,
    held_out: &Images,
    foreign: &[Foreign],
    readings: &SetReadings,
) -> Result<Vec<Outliers>> {
    let multi_level = fit(placed, train)?;
    let three = |images: &Images, readings: &[Reading]| -> Result<[Vec<f32>; 3]> {
        Ok([
            readings.iter().map(|reading| reading.energy).collect(),
            readings.iter().map(|reading| reading.jump).collect(),
            scores(&multi_level, placed, images)?,
        ])
    };
    let usual = three(held_out, &readings.held_out)?;
    let one = |(set, readings): (&Foreign, &Vec<Reading>)| {
        let strange = three(&set.images, readings)?;
        let [energy, gradient, multi_level] = [0, 1, 2].map(|score: usize| auroc(&usual[score], &strange[score]));
        Ok(Outliers { name: set.name.clone(), energy, gradient, multi_level })
    };
    foreign.iter().zip(&readings.foreign).map(one).collect()
}

/// Fits the score to training pictures.
///
/// # Errors
/// The device fails.
pub fn fit(placed: &PlacedModel<'_>, train: &Images) -> Result<OutlierScore> {
    let descriptions = describe(placed, &train.sample(FITTED, 0))?;
    let values = descriptions.into_iter().flatten().map(|value| value as f32).collect();
    let (mean, whitening) = Gaussian::fit(&Features { size: OutlierScore::SIZE, values }).whitening(LEAST_VARIANCE)?;
    Ok(OutlierScore::new(mean, whitening))
}

/// The score of each picture.
///
/// # Errors
/// The device fails.
pub fn scores(score: &OutlierScore, placed: &PlacedModel<'_>, images: &Images) -> Result<Vec<f32>> {
    Ok(describe(placed, images)?.iter().map(|description| score.score(description)).collect())
}

fn describe(placed: &PlacedModel<'_>, images: &Images) -> Result<Vec<Vec<f64>>> {
    let mut descriptions = Vec::with_capacity(images.len());
    for (_, batch) in placed.batches(images) {
        let readings = OutlierScore::readings(&placed.model.network, placed.model.config.sigma_0, &batch);
        let readings = readings.into_iter().map(output::floats).collect::<Result<Vec<_>>>()?;
        descriptions.extend((0..batch.dims()[0]).map(|picture| {
            let of_picture: Vec<f32> = readings.iter().map(|reading| reading[picture]).collect();
            OutlierScore::describe(&of_picture)
        }));
    }
    Ok(descriptions)
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
