//! What is known of a picture that is to be restored.

use options::{BRIGHTNESS, gaussian};
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::Pictures;

/// What is known of a picture in the room that restores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Known {
    /// Some of its pixels.
    Part,
    /// A picture half as long and high: the means of blocks.
    Half,
    /// A quarter.
    Quarter,
    /// An eighth.
    Eighth,
    /// Its brightness, of a colour picture.
    Grey,
    /// The picture under a Gaussian blur of [`Known::BLUR`].
    Blurred,
    /// The picture itself, which is under such a blur.
    Soft,
}

impl Known {
    /// Standard deviation of the blur in pixels.
    pub const BLUR: f64 = 1.5;

    /// Side of the blocks whose means are known.
    pub fn block(self) -> Option<usize> {
        match self {
            Self::Half => Some(2),
            Self::Quarter => Some(4),
            Self::Eighth => Some(8),
            Self::Part | Self::Grey | Self::Blurred | Self::Soft => None,
        }
    }

    /// What is known of pictures, to be looked at; of pixels, all.
    pub fn shown(self, pictures: &Pictures) -> Pictures {
        let map = |of: &dyn Fn(&[f32]) -> Vec<f32>| {
            let values = (0..pictures.count()).flat_map(|index| of(pictures.picture(index))).collect();
            Pictures { values, ..*pictures }
        };
        let (side, channels) = (pictures.side, pictures.channels);
        match (self, self.block()) {
            (_, Some(block)) => map(&|picture| means(picture, side, channels, block)),
            (Self::Grey, _) if channels == 3 => map(&|picture| {
                let grey =
                    |pixel: &[f32]| pixel.iter().zip(BRIGHTNESS).map(|(value, weight)| value * weight).sum::<f32>();
                picture.chunks(3).flat_map(|pixel| [grey(pixel); 3]).collect()
            }),
            (Self::Blurred, _) => map(&|picture| blurred(picture, side, channels)),
            _ => pictures.clone(),
        }
    }
}

/// Every value of `[H, W, C]` as the mean of its block; blocks at the edge may be cut off.
fn means(picture: &[f32], side: usize, channels: usize, block: usize) -> Vec<f32> {
    let value = |y: usize, x: usize, c: usize| picture[(y * side + x) * channels + c];
    let from = |at: usize| at / block * block;
    let mean = |y: usize, x: usize, c: usize| {
        let cells = (from(y)..(from(y) + block).min(side))
            .flat_map(|y| (from(x)..(from(x) + block).min(side)).map(move |x| (y, x)));
        let (sum, count) = cells.fold((0.0, 0.0), |(sum, count), (y, x)| (sum + value(y, x, c), count + 1.0));
        sum / count
    };
    let pixels = (0..side).flat_map(|y| (0..side).map(move |x| (y, x)));
    pixels.flat_map(|(y, x)| (0..channels).map(move |c| (y, x, c))).map(|(y, x, c)| mean(y, x, c)).collect()
}

/// `[H, W, C]` under the blur, mirrored at its edges.
fn blurred(picture: &[f32], side: usize, channels: usize) -> Vec<f32> {
    let kernel = gaussian(Known::BLUR);
    let reach = kernel.len() / 2;
    let period = 2 * side;
    // The pixel so many after `reach` before `at`, of a line that goes on mirrored at its ends.
    let mirrored = |at: usize, offset: usize| {
        let place = (at + offset + period * (reach / period + 1) - reach) % period;
        if place < side { place } else { period - 1 - place }
    };
    let pass = |values: &[f32], across: bool| -> Vec<f32> {
        let index = |y: usize, x: usize, c: usize| (y * side + x) * channels + c;
        let pixels = (0..side).flat_map(|y| (0..side).map(move |x| (y, x)));
        let cells = pixels.flat_map(|(y, x)| (0..channels).map(move |c| (y, x, c)));
        let smooth = |(y, x, c): (usize, usize, usize)| {
            let at = |offset: usize| {
                let (y, x) = if across { (y, mirrored(x, offset)) } else { (mirrored(y, offset), x) };
                values[index(y, x, c)]
            };
            kernel.iter().enumerate().map(|(offset, &weight)| weight as f32 * at(offset)).sum()
        };
        cells.map(smooth).collect()
    };
    pass(&pass(picture, true), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_of_blocks_also_at_the_edge() {
        let picture = Pictures { side: 3, channels: 1, values: (0..9).map(|v| v as f32).collect() };
        let shown = Known::Half.shown(&picture).values;
        assert_eq!(shown, [2.0, 2.0, 3.5, 2.0, 2.0, 3.5, 6.5, 6.5, 8.0]);
        assert_eq!(Known::Quarter.shown(&picture).values, [4.0; 9]);
        assert_eq!(Known::Part.shown(&picture), picture);
        assert_eq!(Known::Soft.shown(&picture), picture);
    }

    #[test]
    fn a_point_becomes_the_kernel_that_the_engine_takes_back() {
        let (side, middle) = (25, 12);
        let mut values = vec![0.0; side * side];
        values[middle * side + middle] = 1.0;
        let blurred = Known::Blurred.shown(&Pictures { side, channels: 1, values }).values;
        let kernel = gaussian(Known::BLUR);
        let reach = kernel.len() / 2;
        for (at, weight) in kernel.iter().enumerate() {
            let found = f64::from(blurred[middle * side + middle + at - reach]);
            assert!((found / (weight * kernel[reach]) - 1.0).abs() < 1e-5, "{at}: {found}");
        }
    }

    #[test]
    fn a_blur_keeps_the_sum_and_grey_the_brightness() {
        let mut values = vec![0.0; 8 * 8 * 3];
        values[(2 * 8 + 1) * 3] = 1.0;
        let picture = Pictures { side: 8, channels: 3, values };
        let blurred = Known::Blurred.shown(&picture);
        let sum = |pictures: &Pictures, c: usize| pictures.values.iter().skip(c).step_by(3).sum::<f32>();
        assert!((sum(&blurred, 0) - 1.0).abs() < 1e-5 && sum(&blurred, 1) == 0.0);
        assert!(blurred.values.iter().all(|&value| value < 0.2));
        let grey = Known::Grey.shown(&picture);
        assert_eq!(grey.values[(2 * 8 + 1) * 3..][..3], [0.2126; 3]);
    }
}
