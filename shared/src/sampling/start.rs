//! Where chains start. Under the largest noise level data can hardly be told from a Gaussian with the data's mean and
//! covariance, and the flow from there is short: chains that start in that Gaussian need none of the steps that find the
//! data's mean and its broad shapes from nothing.

use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::{
    network::cell,
    sampling::{Draw, Noise},
};

/// The training pictures as a Gaussian: their mean, and the principal components in which they vary most, on a grid of
/// cells that each stand for the pixels in them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PrincipalComponents {
    /// Cells along each side.
    pub side: usize,
    /// `[C, side, side]`
    pub mean: Vec<f32>,
    /// Each `[C, side, side]`, as long as its standard deviation; the longest first.
    pub components: Vec<Vec<f32>>,
}

impl PrincipalComponents {
    /// Cells along a side, at most: what is smaller than a cell, the largest noise hides.
    pub const MOST_CELLS: usize = 16;
    /// Far above what a number of the mean or of a component can be.
    const LARGEST: f32 = 1e3;
    /// Numbers of all components together, at most: a model's file is to stay small.
    const MOST_NUMBERS: usize = 6144;

    /// Cells along a side for pictures of this size.
    pub fn side(size: usize) -> usize {
        size.min(Self::MOST_CELLS)
    }

    /// How many components pictures of so many channels and this size have, at most.
    pub fn most(channels: usize, size: usize) -> usize {
        let cells = channels * Self::side(size).pow(2);
        (Self::MOST_NUMBERS / cells.max(1)).clamp(1, 16)
    }

    /// A picture `[C, size, size]` on the grid: the mean of each cell.
    pub fn on_cells(channels: usize, size: usize, picture: impl IntoIterator<Item = f32>) -> Vec<f64> {
        let side = Self::side(size);
        let cells = channels * side * side;
        let (mut sums, mut counts) = (vec![0.0; cells], vec![0u32; cells]);
        for (at, value) in picture.into_iter().enumerate() {
            let cell = cell(at, size, side);
            sums[cell] += f64::from(value);
            counts[cell] += 1;
        }
        sums.iter().zip(counts).map(|(sum, count)| sum / f64::from(count.max(1))).collect()
    }

    /// Checks what a file says of pictures with so many channels.
    pub(crate) fn validate(&self, channels: usize, size: usize) -> Result<(), String> {
        let cells = channels.saturating_mul(self.side).saturating_mul(self.side);
        let possible = (1..=Self::MOST_CELLS.min(size)).contains(&self.side) && self.components.len() <= 64;
        let mut all = self.components.iter().chain([&self.mean]);
        // A picture is from 0 to 1, and no component of pictures is much longer than their cells are many.
        let number = |value: &f32| value.abs() <= Self::LARGEST;
        if possible && all.all(|cell| cell.len() == cells && cell.iter().all(number)) {
            return Ok(());
        }
        Err(format!(
            "principal_components must have a side of 1 to 16, and a number of at most {} for each cell in the mean and in each of \
             at most 64 components",
            Self::LARGEST
        ))
    }

    /// As pictures of this many channels and this size in the middle of a network's square of side `outer`.
    pub fn placed(&self, channels: usize, size: usize, outer: usize) -> GaussianStart {
        let before = outer.saturating_sub(size) / 2;
        let place = |values: &[f32]| {
            let mut placed = vec![0.0; channels * outer * outer];
            for at in 0..channels * size * size {
                let (channel, row, column) = (at / (size * size), at / size % size, at % size);
                let to = (channel * outer + before + row) * outer + before + column;
                if let (Some(to), Some(&value)) = (placed.get_mut(to), values.get(cell(at, size, self.side))) {
                    *to = value;
                }
            }
            placed
        };
        GaussianStart { mean: place(&self.mean), components: self.components.iter().map(|c| place(c)).collect() }
    }
}

/// [`PrincipalComponents`] as the network sees pictures.
#[derive(Clone, Debug, PartialEq)]
pub struct GaussianStart {
    /// `[C, H, W]`
    mean: Vec<f32>,
    components: Vec<Vec<f32>>,
}

impl GaussianStart {
    /// Whether noise of this level hides what the components leave out, each of which is no longer than the shortest that
    /// they have. Chains that start without one of length `v` have `level / sqrt(v^2 + level^2)` of it in the end: nine
    /// tenths, if the level is twice as large.
    pub fn suffices_under(&self, level: f32) -> bool {
        let length = |component: &Vec<f32>| component.iter().map(|value| value * value).sum::<f32>().sqrt();
        self.components.last().map_or(0.0, length) <= 0.5 * level
    }

    /// Pictures of the Gaussian under noise of this level, `[N, C, H, W]`; chain numbers run from `first_chain`.
    pub fn chains(&self, noise: &Noise, first_chain: u64, level: f32, shape: [usize; 4], device: &Device) -> Tensor<4> {
        let mut x = noise.numbers(first_chain, Draw::Start, shape);
        let length = shape[1] * shape[2] * shape[3];
        for (chain, x) in x.chunks_mut(length.max(1)).enumerate() {
            for (x, mean) in x.iter_mut().zip(&self.mean) {
                *x = mean + level * *x;
            }
            let amounts = noise.normal(first_chain + chain as u64, Draw::Components, self.components.len());
            for (amount, component) in amounts.iter().zip(&self.components) {
                for (x, value) in x.iter_mut().zip(component) {
                    *x += amount * value;
                }
            }
        }
        Tensor::from_data(TensorData::new(x, shape), device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn components() -> PrincipalComponents {
        PrincipalComponents {
            side: 2,
            mean: vec![0.1, 0.2, 0.3, 0.4],
            components: vec![vec![0.5, 0.0, 0.0, 0.0], vec![0.0, 0.0, 0.0, 0.25]],
        }
    }

    #[test]
    fn chains_have_the_mean_and_the_variance_of_the_components_and_of_the_noise() {
        let start = components().placed(1, 4, 6);
        let (count, level) = (4000, 0.2);
        let x = start.chains(&Noise::new(1), 0, level, [count, 1, 6, 6], &Device::flex());
        let x = x.into_data().try_to_vec::<f32>().unwrap();
        // The frame, a pixel of each cell that varies, and one of each that does not.
        for (at, mean, variance) in [(0, 0.0, 0.0), (7, 0.1, 0.25), (10, 0.2, 0.0), (25, 0.3, 0.0), (28, 0.4, 0.0625)] {
            let values: Vec<f32> = x.iter().skip(at).step_by(36).copied().collect();
            let found = values.iter().sum::<f32>() / count as f32;
            let spread = values.iter().map(|v| (v - found).powi(2)).sum::<f32>() / count as f32;
            assert!((found - mean).abs() < 0.03, "{at}: {found}");
            assert!((spread / (variance + level * level) - 1.0).abs() < 0.1, "{at}: {spread}");
        }
    }

    #[test]
    fn a_part_of_the_chains_is_a_part_of_all() {
        let (start, noise, device) = (components().placed(1, 4, 4), Noise::new(7), Device::flex());
        let all = start.chains(&noise, 0, 1.0, [3, 1, 4, 4], &device).into_data().try_to_vec::<f32>().unwrap();
        let last = start.chains(&noise, 2, 1.0, [1, 1, 4, 4], &device).into_data().try_to_vec::<f32>().unwrap();
        assert_eq!(all[32..], last);
    }

    #[test]
    fn what_a_file_says_is_checked() {
        assert!(components().validate(1, 28).is_ok());
        assert!(components().validate(3, 28).is_err() && components().validate(1, 1).is_err());
        let wrong = PrincipalComponents { components: vec![vec![f32::NAN; 4]], ..components() };
        assert!(wrong.validate(1, 28).is_err_and(|problem| problem.contains("principal_components")));
        assert_eq!(PrincipalComponents::most(1, 28), 16);
        assert_eq!(PrincipalComponents::most(3, 32), 8);
        assert_eq!(PrincipalComponents::on_cells(1, 32, (0..1024).map(|at| at as f32))[0], 16.5);
    }
}
