//! Distances between rows of features, and what neighbourhoods say: precision and recall (Kynkaanniemi and others
//! 2019), density and coverage (Naeem and others 2020).

use std::ops::Range;

use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::features::{Features, Rows};
use crate::{
    budget::{self, parts},
    error::Result,
    output,
    progress::Progress,
};

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
        let real = real.part(0..real.count().min(samples.count()));
        let radius = |features: &Features| -> Result<Vec<f32>> {
            // The nearest is the row itself.
            Ok(nearest(features, features, Self::K + 1)?
                .iter()
                .map(|row| row.last().map_or(0.0, |neighbour| neighbour.squared_distance))
                .collect())
        };
        let (sample_radius, real_radius) = (radius(samples)?, radius(&real)?);
        let mut around = vec![0_usize; samples.count()];
        let (mut recalled, mut covered) = (vec![false; real.count()], vec![false; real.count()]);
        for_blocks(samples, &real, side(real.size), |Block { rows, columns, distances }| {
            for (sample, row) in rows.zip(distances.chunks(columns.len())) {
                for (i, &distance) in columns.clone().zip(row) {
                    around[sample] += usize::from(distance <= real_radius[i]);
                    covered[i] |= distance <= real_radius[i];
                    recalled[i] |= distance <= sample_radius[sample];
                }
            }
        })?;
        let share = |count: usize, of: usize| count as f64 / of as f64;
        let count = |flags: &[bool]| flags.iter().filter(|&&flag| flag).count();
        Ok(Self {
            precision: share(around.iter().filter(|&&balls| balls > 0).count(), samples.count()),
            recall: share(count(&recalled), real.count()),
            density: share(around.iter().sum(), Self::K * samples.count()),
            coverage: share(count(&covered), real.count()),
        })
    }
}

/// One of the rows nearest to another.
#[derive(Clone, Copy, Debug, PartialEq)]
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
pub fn nearest<A, B>(from: &A, among: &B, k: usize) -> Result<Vec<Vec<Neighbour>>>
where
    A: Rows + ?Sized,
    B: Rows + ?Sized,
{
    nearest_by(from, among, k, side(from.size()))
}

/// The same by blocks of at most so many rows and columns.
fn nearest_by<A, B>(from: &A, among: &B, k: usize, side: usize) -> Result<Vec<Vec<Neighbour>>>
where
    A: Rows + ?Sized,
    B: Rows + ?Sized,
{
    let mut found = vec![Vec::with_capacity(k + 1); from.count()];
    for_blocks(from, among, side, |Block { rows, columns, distances }| {
        for (row, distances) in rows.zip(distances.chunks(columns.len())) {
            let best: &mut Vec<Neighbour> = &mut found[row];
            for (index, &squared_distance) in columns.clone().zip(distances) {
                let farther = |other: &Neighbour| other.squared_distance > squared_distance;
                if best.len() == k && !best.last().is_some_and(farther) {
                    continue;
                }
                let place = best.partition_point(|other| !farther(other));
                best.insert(place, Neighbour { index, squared_distance });
                best.truncate(k);
            }
        }
    })?;
    Ok(found)
}

/// A part of all distances between two sets of rows.
struct Block<'a> {
    /// Of the first set.
    rows: Range<usize>,
    /// Of the second.
    columns: Range<usize>,
    /// Squared, `[rows, columns]`.
    distances: &'a [f32],
}

/// Rows and columns of a block: what it takes fits into the budget.
fn side(size: usize) -> usize {
    const MOST: usize = 4096;
    let mut side = MOST;
    while side > 1 && block_bytes(side, size) > budget::BYTES {
        side /= 2;
    }
    side
}

/// Both sets of rows, as numbers and as a tensor, and the distances with the terms that they are summed of.
fn block_bytes(side: usize, size: usize) -> usize {
    (4 * side * size + 4 * side * side) * size_of::<f32>()
}

/// Every distance once, block by block.
fn for_blocks<A, B>(from: &A, among: &B, side: usize, mut see: impl FnMut(Block<'_>)) -> Result<()>
where
    A: Rows + ?Sized,
    B: Rows + ?Sized,
{
    let progress = Progress::new("comparing pictures", among.count());
    for columns in parts(among.count(), side) {
        let right = tensor(among, columns.clone());
        for rows in parts(from.count(), side) {
            let distances = squared_distances(tensor(from, rows.clone()), right.clone())?;
            see(Block { rows, columns: columns.clone(), distances: &distances });
        }
        progress.steps(columns.len());
    }
    Ok(())
}

/// `[rows, size]`
fn tensor<R: Rows + ?Sized>(all: &R, rows: Range<usize>) -> Tensor<2> {
    let shape = [rows.len(), all.size()];
    Tensor::from_data(TensorData::new(all.values(rows).into_owned(), shape), &Device::flex())
}

/// Of `[N, size]` and `[M, size]`: `[N, M]`.
fn squared_distances(a: Tensor<2>, b: Tensor<2>) -> Result<Vec<f32>> {
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
    fn blocks_fit_the_budget_for_every_size_of_a_picture_and_change_no_neighbour() {
        for size in [1, 128, 784, 3 * 64 * 64, 3 * 128 * 128, 3 * 256 * 256] {
            assert!(side(size) > 100 && block_bytes(side(size), size) <= budget::BYTES, "{size}: {}", side(size));
        }
        let (from, among) = (cloud(1, 40, 0.0), cloud(2, 90, 0.0));
        let whole = nearest(&from, &among, 3).unwrap();
        for side in [1, 7, 64] {
            for (row, other) in nearest_by(&from, &among, 3, side).unwrap().iter().zip(&whole) {
                let indices = |row: &[Neighbour]| row.iter().map(|n| n.index).collect::<Vec<_>>();
                assert_eq!(indices(row), indices(other), "by blocks of {side}");
            }
        }
        assert_eq!(nearest(&from, &among.part(0..2), 3).unwrap()[0].len(), 2, "all there are");
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
