//! Pictures that a model was not trained on, of the size that it takes.

use image::{DynamicImage, GrayImage, RgbImage};
use rand::{RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use crate::{
    budget,
    data::{self, Images},
    pictures,
};

/// A set of foreign pictures.
pub struct Foreign {
    /// What it is, in a few words.
    pub name: String,
    /// The pictures.
    pub images: Images,
}

/// Pictures of a set, at most.
const COUNT: usize = 1000;

/// The other named data sets on this machine, and what can be made of the held-out pictures themselves.
pub fn foreign_sets(own: &str, held_out: &Images) -> Vec<Foreign> {
    // A dozen sets of the same size.
    let count = COUNT.min(budget::at_a_time(12 * held_out.image(0).len()));
    let held_out = held_out.sample(count, 0);
    let named = data::names().filter(|set| set.name != own && set.place.is_some()).filter_map(|set| {
        let images = data::open(set.name, None).ok()?.held_out.sample(count, 0);
        Some(Foreign { name: set.name.to_owned(), images: fitted(&images, &held_out)? })
    });
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let made = [
        ("upside down", changed(&held_out, |plane, width| rows(plane, width).rev().flatten().copied().collect())),
        ("quarters shuffled", shuffled(&held_out, &mut random)),
        ("inverted", changed(&held_out, |plane, _| plane.iter().map(|pixel| 255 - pixel).collect())),
        // Of colour pictures each plane has its own mean.
        (
            if held_out.channels == 1 { "one grey" } else { "one colour" },
            changed(&held_out, |plane, _| vec![mean(plane); plane.len()]),
        ),
        ("white noise", changed(&held_out, |plane, _| plane.iter().map(|_| random.random()).collect())),
    ];
    named.chain(made.map(|(name, images)| Foreign { name: name.to_owned(), images })).collect()
}

fn rows(plane: &[u8], width: usize) -> std::slice::ChunksExact<'_, u8> {
    plane.chunks_exact(width)
}

fn mean(plane: &[u8]) -> u8 {
    (plane.iter().map(|&pixel| u64::from(pixel)).sum::<u64>() / plane.len() as u64) as u8
}

fn changed(images: &Images, mut change: impl FnMut(&[u8], usize) -> Vec<u8>) -> Images {
    let planes = images.pixels.chunks_exact(images.height * images.width);
    Images { pixels: planes.flat_map(|plane| change(plane, images.width)).collect(), ..images.like() }
}

/// The four quarters of each picture in another order: right in every detail, wrong as a whole.
fn shuffled(images: &Images, random: &mut ChaCha8Rng) -> Images {
    let (half_height, half_width) = (images.height / 2, images.width / 2);
    let mut shuffled = images.clone();
    for index in 0..images.len() {
        let mut order = [0, 1, 2, 3];
        while order == [0, 1, 2, 3] {
            order.shuffle(random);
        }
        let len = images.image(index).len();
        for (to, from) in order.into_iter().enumerate() {
            let corner = |quarter: usize| (quarter / 2 * half_height, quarter % 2 * half_width);
            let ((to_row, to_column), (from_row, from_column)) = (corner(to), corner(from));
            for line in 0..images.channels * half_height {
                let (channel, row) = (line / half_height, line % half_height);
                let at =
                    |top: usize, left: usize| index * len + (channel * images.height + top + row) * images.width + left;
                let (to, from) = (at(to_row, to_column), at(from_row, from_column));
                shuffled.pixels[to..to + half_width].copy_from_slice(&images.pixels[from..from + half_width]);
            }
        }
    }
    shuffled
}

/// Pictures resized to the size and the channels of others.
fn fitted(images: &Images, like: &Images) -> Option<Images> {
    let (width, height) = (images.width as u32, images.height as u32);
    let mut pixels = Vec::new();
    for index in 0..images.len() {
        let planes = images.image(index);
        let picture: DynamicImage = match images.channels {
            1 => GrayImage::from_raw(width, height, planes.to_vec())?.into(),
            _ => {
                let plane = images.width * images.height;
                let interleaved = (0..plane).flat_map(|at| (0..3).map(move |channel| planes[channel * plane + at]));
                RgbImage::from_raw(width, height, interleaved.collect())?.into()
            }
        };
        pixels.extend(pictures::planes(&pictures::fit(&picture, like.height, like.width), like.channels)?);
    }
    Some(Images { pixels, ..like.like() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pictures() -> Images {
        let pixels = (0..2 * 16).map(|i| i as u8).collect();
        Images { channels: 1, height: 4, width: 4, pixels, labels: Vec::new() }
    }

    #[test]
    fn upside_down_turns_rows_and_keeps_columns() {
        let sets = foreign_sets("none", &pictures());
        let turned = &sets.iter().find(|set| set.name == "upside down").unwrap().images;
        assert_eq!(turned.image(0)[..4], [12, 13, 14, 15]);
        assert_eq!(turned.image(1)[12..], [16, 17, 18, 19]);
    }

    #[test]
    fn shuffled_quarters_are_the_same_pixels_elsewhere() {
        let (whole, mixed) = (pictures(), shuffled(&pictures(), &mut ChaCha8Rng::seed_from_u64(1)));
        for index in 0..2 {
            let (mut before, mut after) = (whole.image(index).to_vec(), mixed.image(index).to_vec());
            assert_ne!(before, after);
            before.sort_unstable();
            after.sort_unstable();
            assert_eq!(before, after);
        }
    }

    #[test]
    fn other_sets_come_in_the_model_s_size() {
        let sets = foreign_sets("none", &pictures());
        let digits = &sets.iter().find(|set| set.name == "digits").unwrap().images;
        assert_eq!((digits.channels, digits.height, digits.width, digits.len()), (1, 4, 4, 176));
    }
}
