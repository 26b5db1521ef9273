//! The Gaussian that stands behind the largest noise level, by what is known of the data's pixels.

use serde::{Deserialize, Serialize};

use crate::network::cell;

/// Mean and variance of the training pictures' values, on a grid of cells that each stand for the pixels in them. A
/// Gaussian without correlations is a bound of its own, a little above the one with all of the covariance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    /// Cells along each side.
    pub side: usize,
    /// `[C, side, side]`
    pub mean: Vec<f32>,
    /// `[C, side, side]`, of a value around its cell's mean.
    pub variance: Vec<f32>,
}

/// `N(mu, C + smax^2)` with a diagonal `C`, for the values of a picture of the data's own size.
#[derive(Clone, Debug, PartialEq)]
pub struct Prior {
    /// `[C, H, W]`
    mean: Vec<f64>,
    variance: Vec<f64>,
}

impl Moments {
    /// Cells along a side, at most: a model's file is to stay small.
    pub const MOST: usize = 32;

    /// Of pictures `[C, size, size]` of values 0..1, one after the other.
    pub fn of<P: IntoIterator<Item = f32>>(channels: usize, size: usize, pictures: impl Iterator<Item = P>) -> Self {
        let side = size.min(Self::MOST);
        let cells = channels * side * side;
        let (mut count, mut sums, mut squares) = (vec![0u64; cells], vec![0.0f64; cells], vec![0.0f64; cells]);
        for picture in pictures {
            for (at, value) in picture.into_iter().enumerate() {
                let (cell, value) = (cell(at, size, side), f64::from(value));
                count[cell] += 1;
                sums[cell] += value;
                squares[cell] += value * value;
            }
        }
        let each = |cell: usize| {
            let n = count[cell].max(1) as f64;
            let mean = sums[cell] / n;
            (rounded(mean), rounded((squares[cell] / n - mean * mean).max(0.0)))
        };
        let (mean, variance) = (0..cells).map(each).unzip();
        Self { side, mean, variance }
    }

    /// Checks what a file says of pictures with so many channels.
    pub(crate) fn validate(&self, channels: usize, size: usize) -> Result<(), String> {
        let cells = channels.saturating_mul(self.side).saturating_mul(self.side);
        let possible = (1..=size.min(Self::MOST)).contains(&self.side);
        if !possible || self.mean.len() != cells || self.variance.len() != cells {
            return Err("moments must have a side of 1 to 32 and as many means and variances as cells".to_owned());
        }
        if !self.mean.iter().all(|v| v.is_finite()) || !self.variance.iter().all(|v| v.is_finite() && *v >= 0.0) {
            return Err("moments must be finite numbers, and variances not negative".to_owned());
        }
        Ok(())
    }
}

impl Prior {
    /// By the moments of the data, for pictures of this many channels and this size.
    pub fn of(moments: &Moments, channels: usize, size: usize) -> Self {
        let pick = |values: &[f32]| -> Vec<f64> {
            let places = 0..channels * size * size;
            places.filter_map(|at| values.get(cell(at, size, moments.side)).map(|&v| f64::from(v))).collect()
        };
        Self { mean: pick(&moments.mean), variance: pick(&moments.variance) }
    }

    /// Where nothing is known of the data but that values lie from 0 to 1: a few bits more.
    pub fn unknown(channels: usize, size: usize) -> Self {
        let values = channels * size * size;
        Self { mean: vec![0.5; values], variance: vec![0.25; values] }
    }

    /// `KL( N(x, level^2) || N(mu, C + level^2) )` of a picture in bits: what is still to be told of it under noise of the
    /// largest level.
    pub fn bits(&self, picture: &[f32], level: f32) -> f64 {
        let noise = f64::from(level).powi(2);
        let value = |((x, mean), variance): ((&f32, &f64), &f64)| {
            let apart = f64::from(*x) - mean;
            libm::log1p(variance / noise) + (apart * apart - variance) / (variance + noise)
        };
        let sum: f64 = picture.iter().zip(&self.mean).zip(&self.variance).map(value).sum();
        0.5 * sum / core::f64::consts::LN_2
    }
}

/// To what a file should have: more digits than these tell no bits.
fn rounded(value: f64) -> f32 {
    (libm::round(value * 1e5) / 1e5) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_the_pixels_own_up_to_a_size_and_of_cells_beyond() {
        let pictures = [[0.0, 0.5, 1.0, 0.25], [1.0, 0.5, 0.0, 0.75]];
        let moments = Moments::of(1, 2, pictures.into_iter());
        assert_eq!((moments.side, moments.mean.as_slice()), (2, [0.5; 4].as_slice()));
        assert_eq!(moments.variance, [0.25, 0.0, 0.25, 0.0625]);
        let large = vec![vec![0.25f32; 3 * 80 * 80]; 2];
        let moments = Moments::of(3, 80, large.into_iter());
        assert_eq!((moments.side, moments.mean.len()), (32, 3 * 32 * 32));
        assert!(moments.validate(3, 80).is_ok() && moments.validate(1, 80).is_err());
        assert!(moments.mean.iter().all(|&mean| mean == 0.25) && moments.variance.iter().all(|&v| v == 0.0));
        let prior = Prior::of(&moments, 3, 80);
        assert_eq!(prior.mean.len(), 3 * 80 * 80);
    }

    #[test]
    fn the_prior_of_a_gaussian_is_its_closed_form() {
        let (mean, variance, level) = (0.4, 0.09, 5.0f32);
        let moments = Moments { side: 1, mean: vec![mean], variance: vec![variance] };
        let prior = Prior::of(&moments, 1, 4);
        // At one standard deviation from the mean the last two terms cancel.
        let picture = vec![mean + variance.sqrt(); 16];
        let wanted = 8.0 * f64::from(variance / level.powi(2)).ln_1p() / std::f64::consts::LN_2;
        assert!((prior.bits(&picture, level) - wanted).abs() < 1e-6);
    }

    #[test]
    fn knowing_nothing_costs_a_few_bits_and_is_still_a_bound() {
        let picture = vec![0.1f32; 784];
        let known = Prior { mean: vec![0.1; 784], variance: vec![0.01; 784] }.bits(&picture, 5.0);
        let unknown = Prior::unknown(1, 28).bits(&picture, 5.0);
        assert!(known < unknown && unknown < 6.0, "{known} {unknown}");
    }
}
