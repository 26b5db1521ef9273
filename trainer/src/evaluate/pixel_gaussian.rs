//! Pictures drawn from the Gaussian with the mean and the covariance of a set's pixels.

use std::{borrow::Cow, ops::Range};

use image::{
    ImageBuffer, Luma,
    imageops::{FilterType, resize},
};
use shared::sampling::{Draw, Noise};

use super::{
    features::{Features, Rows},
    gaussian::Gaussian,
};
use crate::{data::Images, error::Result, pictures::Picture};

/// The Gaussian of a set.
pub struct PixelGaussian {
    like: Images,
    fit: Gaussian,
}

/// Pictures that it is fitted to, at most.
const FITTED: usize = 10_000;
/// The longest side that a covariance is made of: of 128x128 colour pictures it would have 19 gigabytes. Larger pictures
/// are averaged down to this, and what is drawn is enlarged again.
const MOST: usize = 32;
/// The variance of rounding to 256 values: nothing in 8-bit pictures is narrower.
const LEAST_VARIANCE: f64 = 1.0 / (255.0 * 255.0 * 12.0);

impl PixelGaussian {
    /// Fits it to training pictures, of which there is at least one.
    pub fn fit(train: &Images) -> Self {
        let chosen;
        let images = if train.len() > FITTED {
            chosen = train.sample(FITTED, 0);
            &chosen
        } else {
            train
        };
        Self { fit: Gaussian::fit(&Small { images, sides: sides(train.height, train.width) }), like: train.like() }
    }

    /// Pictures of the set's size, clamped to 0..1, always the same.
    ///
    /// # Errors
    /// The fit has no covariance.
    pub fn draw(&self, count: usize) -> Result<Vec<Picture>> {
        let Images { channels, height, width, .. } = self.like;
        let small = sides(height, width);
        let size = channels * small.0 * small.1;
        let normal = (0..count as u64).flat_map(|row| Noise::new(0).normal(row, Draw::Start, size)).collect();
        let draws = self.fit.rows(&Features { size, values: normal }, LEAST_VARIANCE)?;
        let picture = |row: &[f32]| {
            let mut pixels = resized(row, small, (height, width));
            pixels.iter_mut().for_each(|value| *value = value.clamp(0.0, 1.0));
            Picture { channels, height, width, pixels }
        };
        Ok(draws.rows().map(picture).collect())
    }
}

/// Height and width that pictures of this size are averaged down to; none where they are small enough.
pub fn averaged(height: usize, width: usize) -> Option<(usize, usize)> {
    (height.max(width) > MOST).then(|| sides(height, width))
}

fn sides(height: usize, width: usize) -> (usize, usize) {
    let longest = height.max(width);
    if longest <= MOST {
        return (height, width);
    }
    let scaled = |side: usize| (side * MOST / longest).max(1);
    (scaled(height), scaled(width))
}

/// The pixels of pictures that are averaged down.
struct Small<'a> {
    images: &'a Images,
    sides: (usize, usize),
}

impl Rows for Small<'_> {
    fn count(&self) -> usize {
        self.images.len()
    }

    fn size(&self) -> usize {
        self.images.channels * self.sides.0 * self.sides.1
    }

    fn values(&self, rows: Range<usize>) -> Cow<'_, [f32]> {
        let large = (self.images.height, self.images.width);
        if self.sides == large {
            return self.images.values(rows);
        }
        let small = |index: usize| resized(&self.images.picture(index).pixels, large, self.sides);
        Cow::Owned(rows.flat_map(small).collect())
    }
}

/// Planes of one size, `(height, width)`, as planes of another.
fn resized(planes: &[f32], from: (usize, usize), to: (usize, usize)) -> Vec<f32> {
    if from == to {
        return planes.to_vec();
    }
    let one = |plane: &[f32]| {
        let image = ImageBuffer::<Luma<f32>, _>::from_raw(from.1 as u32, from.0 as u32, plane.to_vec());
        image.map(|image| resize(&image, to.1 as u32, to.0 as u32, FilterType::Triangle).into_raw())
    };
    planes.chunks(from.0 * from.1).filter_map(one).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images(side: usize, value: impl Fn(usize, usize) -> u8) -> Images {
        let size = 3 * side * side;
        let pixels = (0..40).flat_map(|picture| (0..size).map(move |at| (picture, at))).map(|(p, at)| value(p, at));
        Images { channels: 3, height: side, width: side, pixels: pixels.collect(), labels: Vec::new() }
    }

    #[test]
    fn large_pictures_are_averaged_down_so_that_the_covariance_is_small() {
        assert_eq!(averaged(28, 28), None);
        assert_eq!((averaged(64, 64), averaged(256, 128)), (Some((32, 32)), Some((32, 16))));
        let set = images(48, |picture, at| (100 + picture + at / 48 / 48) as u8);
        let small = Small { images: &set, sides: sides(48, 48) };
        assert_eq!((small.count(), small.size()), (40, 3 * 32 * 32));
        assert!(small.values(2..3).iter().take(1024).all(|value| (value - 102.0 / 255.0).abs() < 1e-5));
    }

    #[test]
    fn draws_have_the_mean_and_the_size_of_the_pictures() {
        for side in [8, 48] {
            let set = images(side, |picture, _| if picture % 2 == 0 { 100 } else { 150 });
            let drawn = PixelGaussian::fit(&set).draw(200).unwrap();
            assert!(
                drawn
                    .iter()
                    .all(|picture| (picture.height, picture.width, picture.pixels.len())
                        == (side, side, 3 * side * side))
            );
            let mean = drawn.iter().map(|picture| picture.pixels[side + 1]).sum::<f32>() / 200.0;
            assert!((mean - 125.0 / 255.0).abs() < 0.03, "{side}: {mean}");
            // All pixels of a picture go up and down together.
            let apart = drawn.iter().map(|p| (p.pixels[0] - p.pixels[side * side / 2]).abs()).fold(0.0, f32::max);
            assert!(apart < 0.02, "{side}: {apart}");
        }
    }

    #[test]
    fn one_picture_is_drawn_again_with_a_rounding_s_noise() {
        let set = Images { pixels: vec![51; 192], ..images(8, |_, _| 0).like() };
        let drawn = PixelGaussian::fit(&set).draw(3).unwrap();
        assert!(drawn.iter().flat_map(|p| &p.pixels).all(|value| (value - 0.2).abs() < 6.0 / 255.0 / 12_f32.sqrt()));
    }
}
