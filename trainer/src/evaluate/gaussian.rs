//! A Gaussian fitted to rows of numbers, and the Frechet distance between two of them.

use std::sync::OnceLock;

use nalgebra::{Cholesky, DMatrix, DVector, SymmetricEigen};

use super::features::{Features, Rows};
use crate::{
    budget::{self, parts},
    error::{Error, Result},
};

/// Mean and covariance.
#[derive(Clone, Debug)]
pub struct Gaussian {
    mean: DVector<f64>,
    covariance: DMatrix<f64>,
    /// The square root of the covariance, once it is needed.
    root: OnceLock<DMatrix<f64>>,
}

impl Gaussian {
    /// The Gaussian with the mean and the covariance of these rows.
    pub fn fit<R: Rows + ?Sized>(rows: &R) -> Self {
        let (count, size) = (rows.count(), rows.size());
        let pieces = parts(count, Self::rows_at_a_time(size));
        let mut mean = DVector::zeros(size);
        for piece in pieces.clone() {
            for row in rows.values(piece).chunks_exact(size) {
                mean.iter_mut().zip(row).for_each(|(mean, &value)| *mean += f64::from(value) / count as f64);
            }
        }
        let mut covariance = DMatrix::zeros(size, size);
        for piece in pieces {
            let columns = piece.len();
            let mut columns =
                DMatrix::from_iterator(size, columns, rows.values(piece).iter().map(|&value| f64::from(value)));
            columns.column_iter_mut().for_each(|mut column| column -= &mean);
            covariance.gemm(1.0 / (count.max(2) - 1) as f64, &columns, &columns.transpose(), 1.0);
        }
        Self { mean, covariance, root: OnceLock::new() }
    }

    /// Rows that are multiplied at a time: as they are, as a matrix and as its transpose.
    fn rows_at_a_time(size: usize) -> usize {
        const MOST: usize = 2048;
        budget::at_a_time(size * (size_of::<f32>() + 2 * size_of::<f64>())).min(MOST)
    }

    /// The squared Frechet distance `|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2))` (Dowson and Landau 1982), as in the
    /// Frechet Inception distance of Heusel and others 2017 but on any features, to the Gaussian of these rows. Of many distances
    /// to one Gaussian, that one should be `self`: its root is kept.
    pub fn frechet_distance_of<R: Rows + ?Sized>(&self, rows: &R) -> f64 {
        if self.has_fewer(rows.count()) { self.distance_of_few(rows) } else { self.frechet_distance(&Self::fit(rows)) }
    }

    /// Whether so many rows are fewer than the numbers in each. Then their products with each other have all that their
    /// covariance has, in a smaller matrix.
    fn has_fewer(&self, rows: usize) -> bool {
        rows < self.mean.len()
    }

    /// Computes what distances of so many rows need, which threads would wait for.
    pub fn prepare(&self, rows: usize) {
        if !self.has_fewer(rows) {
            self.root();
        }
    }

    fn root(&self) -> &DMatrix<f64> {
        self.root.get_or_init(|| square_root(self.covariance.clone()))
    }

    fn frechet_distance(&self, other: &Self) -> f64 {
        let root = self.root();
        // (C1 C2)^(1/2) has the eigenvalues of the symmetric (C1^(1/2) C2 C1^(1/2))^(1/2).
        let product = (root * &other.covariance * root).symmetric_eigenvalues();
        self.distance_by(&other.mean, other.covariance.trace(), &product)
    }

    /// With rows `X` around their mean, `C2 = X^T X / (n - 1)`, and `C1^(1/2) C2 C1^(1/2)` has the eigenvalues of
    /// `X C1 X^T / (n - 1)` and zeros.
    fn distance_of_few<R: Rows + ?Sized>(&self, rows: &R) -> f64 {
        let (count, size) = (rows.count(), rows.size());
        let values = rows.values(0..count);
        let mut columns = DMatrix::from_iterator(size, count, values.iter().map(|&value| f64::from(value)));
        let mean = columns.column_mean();
        columns.column_iter_mut().for_each(|mut column| column -= &mean);
        columns /= ((count.max(2) - 1) as f64).sqrt();
        let product = columns.tr_mul(&(&self.covariance * &columns)).symmetric_eigenvalues();
        self.distance_by(&mean, columns.norm_squared(), &product)
    }

    /// By another's mean, its variance in all directions together, and the eigenvalues of what both share.
    fn distance_by(&self, mean: &DVector<f64>, variance: f64, product: &DVector<f64>) -> f64 {
        let shared: f64 = product.iter().map(|&value| at_least_zero(value).sqrt()).sum();
        let distance = (&self.mean - mean).norm_squared();
        at_least_zero(distance + self.covariance.trace() + variance - 2.0 * shared)
    }

    /// The mean, and what makes the rows uncorrelated with variance 1: the inverse of the covariance's Cholesky factor,
    /// row by row. The length of a whitened difference to the mean is Mahalanobis' distance. No direction is taken for
    /// narrower than a variance of `least`.
    ///
    /// # Errors
    /// The rows that it was fitted to were not finite.
    pub fn whitening(&self, least: f64) -> Result<(Vec<f64>, Vec<f64>)> {
        let inverse =
            self.factor(least)?.try_inverse().ok_or_else(|| Error::failed("a covariance could not be inverted"))?;
        Ok((self.mean.iter().copied().collect(), inverse.transpose().iter().copied().collect()))
    }

    /// Cholesky's factor of the covariance.
    fn factor(&self, least: f64) -> Result<DMatrix<f64>> {
        let size = self.mean.len();
        // A little of the identity, in case two of the numbers always go together, or there were fewer rows than numbers:
        // of a single row the covariance is nothing at all.
        let ridge = least.max(1e-6 * self.covariance.trace() / size as f64);
        Cholesky::new(&self.covariance + DMatrix::identity(size, size) * ridge)
            .map(|cholesky| cholesky.l())
            .ok_or_else(|| Error::failed("the measured numbers have no covariance: they are not finite"))
    }

    /// Rows drawn from the Gaussian, one for each row of standard normal numbers. No direction is narrower than a
    /// variance of `least`.
    ///
    /// # Errors
    /// The rows that it was fitted to were not finite.
    pub fn rows(&self, normal: &Features, least: f64) -> Result<Features> {
        let (factor, size) = (self.factor(least)?, normal.size);
        let mut values = Vec::with_capacity(normal.values.len());
        for piece in parts(normal.count(), Self::rows_at_a_time(size)) {
            let count = piece.len();
            let draws = normal.values(piece);
            let mut columns = &factor * DMatrix::from_iterator(size, count, draws.iter().map(|&z| f64::from(z)));
            columns.column_iter_mut().for_each(|mut column| column += &self.mean);
            values.extend(columns.iter().map(|&value| value as f32));
        }
        Ok(Features { size, values })
    }
}

/// Without what rounding has taken below zero. `f64::max` would make 0, the best of distances, of what is no number.
fn at_least_zero(value: f64) -> f64 {
    if value < 0.0 { 0.0 } else { value }
}

/// The symmetric square root of a covariance.
fn square_root(covariance: DMatrix<f64>) -> DMatrix<f64> {
    let eigen = SymmetricEigen::new(covariance);
    let roots = eigen.eigenvalues.map(|value| at_least_zero(value).sqrt());
    &eigen.eigenvectors * DMatrix::from_diagonal(&roots) * eigen.eigenvectors.transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gaussian(mean: &[f64], covariance: &[f64]) -> Gaussian {
        let n = mean.len();
        let (mean, covariance) = (DVector::from_row_slice(mean), DMatrix::from_row_slice(n, n, covariance));
        Gaussian { mean, covariance, root: OnceLock::new() }
    }

    #[test]
    fn the_distance_is_that_of_closed_forms() {
        // Diagonal covariances: the sum of (m1 - m2)^2 + (s1 - s2)^2.
        let a = gaussian(&[0.0, 1.0], &[4.0, 0.0, 0.0, 9.0]);
        let b = gaussian(&[1.0, 3.0], &[1.0, 0.0, 0.0, 25.0]);
        assert!((a.frechet_distance(&b) - (1.0 + 4.0 + 1.0 + 4.0)).abs() < 1e-9);
        assert!(a.frechet_distance(&a) < 1e-9);
        // Covariances that do not commute, where (C1 C2)^(1/2) of 2x2 has the trace sqrt(tr(C1 C2) + 2 sqrt(det(C1
        // C2))).
        let c = gaussian(&[0.0, 0.0], &[2.0, 1.0, 1.0, 3.0]);
        let d = gaussian(&[0.0, 0.0], &[5.0, -2.0, -2.0, 1.0]);
        let (trace, determinant) = (2.0 * 5.0 - 2.0 * 2.0 + 3.0, 5.0);
        let expected = 5.0 + 6.0 - 2.0 * f64::sqrt(trace + 2.0 * f64::sqrt(determinant));
        assert!((c.frechet_distance(&d) - expected).abs() < 1e-9);
        assert!((d.frechet_distance(&c) - expected).abs() < 1e-9);
    }

    #[test]
    fn few_rows_are_at_the_distance_of_their_covariance() {
        let noise = |seed: u64, count: usize| {
            let values = shared::sampling::Noise::new(seed).normal(0, shared::sampling::Draw::Start, 12 * count);
            Features { size: 12, values: values.iter().map(|z| z + seed as f32 * 0.1).collect() }
        };
        let real = Gaussian::fit(&noise(1, 100));
        for count in [1, 2, 5, 11] {
            let rows = noise(2, count);
            let (few, whole) = (real.frechet_distance_of(&rows), real.frechet_distance(&Gaussian::fit(&rows)));
            assert!((few / whole - 1.0).abs() < 1e-6, "{count}: {few}, {whole}");
        }
        let mut broken = noise(3, 5);
        broken.values[3] = f32::NAN;
        assert!(real.frechet_distance_of(&broken).is_nan());
    }

    #[test]
    fn what_is_no_number_is_at_no_distance() {
        let whole = Features { size: 2, values: vec![1.0, 0.0, 3.0, 0.0, 2.0, 3.0] };
        let mut broken = whole.clone();
        broken.values[3] = f32::NAN;
        let (whole, broken) = (Gaussian::fit(&whole), Gaussian::fit(&broken));
        assert!(whole.frechet_distance(&broken).is_nan() && broken.frechet_distance(&whole).is_nan());
    }

    #[test]
    fn whitened_distances_are_in_standard_deviations() {
        let (mean, whitening) = gaussian(&[1.0, 0.0], &[4.0, 1.0, 1.0, 1.25]).whitening(0.0).unwrap();
        assert_eq!(mean, [1.0, 0.0]);
        // The factor of [[4, 1], [1, 1.25]] is [[2, 0], [0.5, 1]].
        for (found, expected) in whitening.iter().zip([0.5, 0.0, -0.25, 1.0]) {
            assert!((found - expected).abs() < 1e-4, "{whitening:?}");
        }
        assert!(gaussian(&[0.0, 0.0], &[f64::NAN, 0.0, 0.0, 1.0]).whitening(0.0).is_err());
    }

    #[test]
    fn a_fit_has_the_mean_and_the_covariance_of_its_rows() {
        let rows = Features { size: 2, values: vec![1.0, 0.0, 3.0, 0.0, 2.0, 3.0] };
        let fit = Gaussian::fit(&rows);
        assert!((fit.mean[0] - 2.0).abs() < 1e-12 && (fit.mean[1] - 1.0).abs() < 1e-12);
        for (got, want) in fit.covariance.iter().zip([1.0, 0.0, 0.0, 3.0]) {
            assert!((got - want).abs() < 1e-12);
        }
    }

    #[test]
    fn one_row_is_a_gaussian_as_narrow_as_it_may_be() {
        let fit = Gaussian::fit(&Features { size: 3, values: vec![0.5, 0.1, 0.9] });
        let (mean, whitening) = fit.whitening(1e-4).unwrap();
        assert!(mean.iter().zip([0.5, 0.1, 0.9]).all(|(a, b)| (a - b).abs() < 1e-7), "{mean:?}");
        // A hundredth away from the mean is one standard deviation.
        for (place, value) in whitening.iter().enumerate() {
            assert!((value - if place % 4 == 0 { 100.0 } else { 0.0 }).abs() < 1e-6, "{whitening:?}");
        }
        let drawn = fit.rows(&Features { size: 3, values: vec![1.0; 3] }, 1e-4).unwrap().values;
        assert!(drawn.iter().zip([0.51, 0.11, 0.91]).all(|(a, b)| (a - b).abs() < 1e-6), "{drawn:?}");
    }

    #[test]
    fn a_fit_of_large_pictures_is_made_in_pieces_that_fit() {
        for size in [1, 784, 3 * 32 * 32, 3 * 64 * 64] {
            let bytes = Gaussian::rows_at_a_time(size) * size * (size_of::<f32>() + 2 * size_of::<f64>());
            assert!(bytes <= budget::BYTES, "{size}: {bytes}");
        }
    }

    #[test]
    fn drawn_rows_have_the_gaussian_s_mean_and_covariance() {
        let truth = gaussian(&[1.0, -1.0], &[2.0, 0.8, 0.8, 1.0]);
        let noise = shared::sampling::Noise::new(0).normal(0, shared::sampling::Draw::Start, 2 * 20_000);
        let fit = Gaussian::fit(&truth.rows(&Features { size: 2, values: noise }, 0.0).unwrap());
        assert!(truth.frechet_distance(&fit) < 1e-2);
    }
}
