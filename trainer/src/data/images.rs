//! Pictures of one size in memory.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{
    error::{Error, Result},
    pictures::Picture,
};

/// 8-bit pictures of one size.
#[derive(Debug, Clone, PartialEq)]
pub struct Images {
    /// 1 (grey) or 3 (red, green, blue).
    pub channels: usize,
    /// Rows of each picture.
    pub height: usize,
    /// Columns of each picture.
    pub width: usize,
    /// Values 0..255, [count, channels, height, width].
    pub pixels: Vec<u8>,
    /// The class of each picture, from 0; empty where the set has none.
    pub labels: Vec<u8>,
}

impl Images {
    /// The number of pictures.
    pub fn len(&self) -> usize {
        self.pixels.len() / self.picture_len()
    }

    /// Whether there is no picture.
    pub fn is_empty(&self) -> bool {
        self.pixels.is_empty()
    }

    /// The pixels of picture `i`, [channels, height, width].
    pub fn image(&self, i: usize) -> &[u8] {
        let len = self.picture_len();
        &self.pixels[i * len..(i + 1) * len]
    }

    /// Picture `i`.
    pub fn picture(&self, i: usize) -> Picture {
        let Self { channels, height, width, .. } = *self;
        Picture { channels, height, width, pixels: unit(self.image(i)).collect() }
    }

    /// Checks that there are pictures of this shape, `[channels, height, width]`; `source` is what the user knows them
    /// by.
    ///
    /// # Errors
    /// There are none, or they have another shape.
    pub fn check(&self, source: &str, wanted: [usize; 3]) -> Result<()> {
        if self.is_empty() {
            return Err(Error::input(format!("{source}: there are no pictures")));
        }
        let found = [self.channels, self.height, self.width];
        if found == wanted {
            return Ok(());
        }
        let (found, wanted) = (in_words(found), in_words(wanted));
        Err(Error::input(format!("{source}: the pictures are {found} (width x height) where the model takes {wanted}")))
    }

    /// At most `count` pictures, drawn by chance, none twice, and in their order: one of each of `count` equal stretches
    /// of the set, so that a set that is sorted, by class or by name, is drawn from evenly. The same seed draws the same.
    #[must_use]
    pub fn sample(&self, count: usize, seed: u64) -> Self {
        let all = self.len();
        if count >= all {
            return self.clone();
        }
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut drawn = Self { pixels: Vec::with_capacity(count * self.picture_len()), ..self.like() };
        for stretch in 0..count {
            let i = random.random_range(stretch * all / count..(stretch + 1) * all / count);
            drawn.pixels.extend_from_slice(self.image(i));
            drawn.labels.extend(self.labels.get(i));
        }
        drawn
    }

    /// The same pictures as grey (1) or colour (3).
    #[must_use]
    pub fn with_channels(self, channels: usize) -> Self {
        let plane = self.height * self.width;
        let pixels = match (self.channels, channels) {
            (1, 3) => self.pixels.chunks_exact(plane).flat_map(|grey| [grey; 3]).flatten().copied().collect(),
            (3, 1) => self.pixels.chunks_exact(3 * plane).flat_map(|picture| luma(picture, plane)).collect(),
            _ => return self,
        };
        Self { channels, pixels, ..self }
    }

    /// No pictures, of the same shape.
    pub fn like(&self) -> Self {
        let Self { channels, height, width, .. } = *self;
        Self { channels, height, width, pixels: Vec::new(), labels: Vec::new() }
    }

    fn picture_len(&self) -> usize {
        self.channels * self.height * self.width
    }
}

/// A shape `[channels, height, width]` as people say it.
fn in_words([channels, height, width]: [usize; 3]) -> String {
    let colour = match channels {
        1 => "grey",
        3 => "colour",
        _ => return format!("{width}x{height} in {channels} channels"),
    };
    format!("{colour}, {width}x{height}")
}

/// The brightness of a colour picture of three planes, as `image` has it (the weights of Rec. 709).
fn luma(picture: &[u8], plane: usize) -> impl Iterator<Item = u8> {
    let pixel = move |at: usize| image::Rgb([picture[at], picture[plane + at], picture[2 * plane + at]]);
    (0..plane).map(move |at| image::Pixel::to_luma(&pixel(at)).0[0])
}

/// Bytes as values 0..1.
fn unit(bytes: &[u8]) -> impl Iterator<Item = f32> {
    bytes.iter().map(|&byte| f32::from(byte) / 255.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images(count: u8) -> Images {
        Images {
            channels: 1,
            height: 1,
            width: 2,
            pixels: (0..count).flat_map(|i| [i, 255 - i]).collect(),
            labels: (0..count).map(|i| i / 10).collect(),
        }
    }

    #[test]
    fn a_sample_is_spread_over_the_set_and_none_comes_twice() {
        let all = images(100);
        let drawn = all.sample(10, 3);
        assert_eq!(drawn.labels, (0..10).collect::<Vec<_>>(), "one of each class of a set that is sorted by class");
        assert!((0..10).all(|i| drawn.image(i)[0] / 10 == drawn.labels[i]));
        assert_eq!(drawn, all.sample(10, 3));
        assert_ne!(drawn, all.sample(10, 4));
        for count in [1, 3, 7, 33, 67, 99, 100, 1000] {
            let drawn = all.sample(count, 1);
            assert_eq!(drawn.len(), count.min(100));
            assert!((1..drawn.len()).all(|i| drawn.image(i - 1)[0] < drawn.image(i)[0]), "{count}");
        }
        assert!(all.sample(0, 0).is_empty() && all.like().sample(5, 0).is_empty());
    }

    #[test]
    fn grey_and_colour_turn_into_each_other() {
        let grey = images(2);
        let colour = grey.clone().with_channels(3);
        assert_eq!(colour.pixels, [0, 255, 0, 255, 0, 255, 1, 254, 1, 254, 1, 254]);
        assert_eq!(colour.with_channels(1), grey);
    }

    #[test]
    fn another_shape_is_told_in_words() {
        let error = images(2).check("--data dots", [3, 8, 8]).unwrap_err().to_string();
        assert!(error.contains("grey, 2x1") && error.contains("colour, 8x8"), "{error}");
    }
}
