//! Distances between rows of features, and what neighbourhoods say: precision and recall (Kynkaanniemi and others
//! 2019), density and coverage (Naeem and others 2020).

use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::features::Features;
use crate::{error::Result, output};

/// How two sets of pictures, seen as balls around their features that reach to the k-th neighbour, overlap.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Overlap {
    /// The share of samples inside some real picture's ball: are they plausible?
    pub precision: f64,
    /// The share of real pictures inside some sample's ball: is nothing missing?
    pub recall: f64,
    /// How many real balls a sample lies in, over k; about 1 where the distributions are equal.
    pub density: f64,
    /// The share of real pictures whose ball holds a sample.
    pub coverage: f64,
}

impl Overlap {
    /// Neighbours that a ball reaches to.
    pub const K: usize = 5;

    /// Compares as many real pictures as there are samples, or all there are.
    ///
    /// # Errors
    /// The device fails.
    pub fn of(samples: &Features, real: &Features) -> Result<Self> {
        let real = real.first(samples.count());
        let radius = |features: &Features| -> Result<Vec<f32>> {
            // The nearest is the row itself.
            Ok(nearest(features, features, Self::K + 1)?
                .iter()
                .map(|row| row.last().map_or(0.0, |neighbour| neighbour.squared_distance))
                .collect())
        };
        let (sample_radius, real_radius) = (radius(samples)?, radius(&real)?);
        let (mut precise, mut inside) = (0, 0);
        let (mut recalled, mut covered) = (vec![false; real.count()], vec![false; real.count()]);
        for (sample, row) in squared_distances(samples, &real)?.chunks(real.count()).enumerate() {
            let around = row.iter().zip(&real_radius).filter(|(distance, radius)| distance <= radius).count();
            precise += usize::from(around > 0);
            inside += around;
            for (i, &distance) in row.iter().enumerate() {
                covered[i] |= distance <= real_radius[i];
                recalled[i] |= distance <= sample_radius[sample];
            }
        }
        let share = |count: usize, of: usize| count as f64 / of as f64;
        let count = |flags: &[bool]| flags.iter().filter(|&&flag| flag).count();
        Ok(Self {
            precision: share(precise, samples.count()),
            recall: share(count(&recalled), real.count()),
            density: share(inside, Self::K * samples.count()),
            coverage: share(count(&covered), real.count()),
        })
    }
}

/// One of the rows nearest to another.
#[derive(Clone, Copy, Debug)]
pub struct Neighbour {
    /// Its place among the rows that were searched.
    pub index: usize,
    /// How far it is.
    pub squared_distance: f32,
}

/// The `k` rows of `among` that are nearest to each row of `from`, the nearest first.
///
/// # Errors
/// The device fails.
pub fn nearest(from: &Features, among: &Features, k: usize) -> Result<Vec<Vec<Neighbour>>> {
    /// Bounds the memory: a row of distances may be long.
    const AT_A_TIME: usize = 500;
    let mut found = Vec::with_capacity(from.count());
    for rows in from.values.chunks(AT_A_TIME * from.size) {
        let rows = Features { size: from.size, values: rows.to_vec() };
        for distances in squared_distances(&rows, among)?.chunks(among.count()) {
            let mut order: Vec<usize> = (0..distances.len()).collect();
            let k = k.min(order.len());
            let closer = |a: &usize, b: &usize| distances[*a].total_cmp(&distances[*b]);
            if k < order.len() {
                order.select_nth_unstable_by(k, closer);
                order.truncate(k);
            }
            order.sort_unstable_by(closer);
            found
                .push(order.into_iter().map(|index| Neighbour { index, squared_distance: distances[index] }).collect());
        }
    }
    Ok(found)
}

/// `[a.count(), b.count()]`
fn squared_distances(a: &Features, b: &Features) -> Result<Vec<f32>> {
    let device = Device::flex();
    let tensor = |features: &Features| {
        Tensor::<2>::from_data(TensorData::new(features.values.clone(), [features.count(), features.size]), &device)
    };
    let (a, b) = (tensor(a), tensor(b));
    let norm = |rows: &Tensor<2>| rows.clone().square().sum_dim(1);
    let distances = norm(&a) + norm(&b).transpose() - a.matmul(b.transpose()) * 2.0;
    output::floats(distances.clamp_min(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::sampling::{Draw, Noise};

    fn cloud(seed: u64, count: usize, shift: f32) -> Features {
        let values = Noise::new(seed).normal(0, Draw::Start, 2 * count);
        Features { size: 2, values: values.into_iter().map(|v| v + shift).collect() }
    }

    #[test]
    fn the_nearest_rows_come_first() {
        let among = Features { size: 1, values: vec![0.0, 5.0, 2.0, 9.0] };
        let found = nearest(&Features { size: 1, values: vec![4.0, 1.5] }, &among, 2).unwrap();
        let places: Vec<Vec<usize>> = found.iter().map(|row| row.iter().map(|n| n.index).collect()).collect();
        assert_eq!(places, [[1, 2], [2, 0]]);
        assert!((found[0][0].squared_distance - 1.0).abs() < 1e-5);
    }

    #[test]
    fn equal_clouds_overlap_and_distant_ones_do_not() {
        let (real, same, far) = (cloud(1, 500, 0.0), cloud(2, 500, 0.0), cloud(3, 500, 50.0));
        let close = Overlap::of(&same, &real).unwrap();
        assert!(close.precision > 0.9 && close.recall > 0.9 && close.coverage > 0.9, "{close:?}");
        assert!((close.density - 1.0).abs() < 0.1, "{close:?}");
        let apart = Overlap::of(&far, &real).unwrap();
        assert_eq!([apart.precision, apart.recall, apart.density, apart.coverage], [0.0; 4]);
    }

    #[test]
    fn samples_that_stay_in_one_place_are_precise_but_cover_little() {
        let real = cloud(1, 500, 0.0);
        let narrow = Features { size: 2, values: cloud(2, 500, 0.0).values.iter().map(|v| v * 0.1).collect() };
        let overlap = Overlap::of(&narrow, &real).unwrap();
        assert!(overlap.precision > 0.95 && overlap.coverage < 0.3 && overlap.recall < 0.3, "{overlap:?}");
    }
}
