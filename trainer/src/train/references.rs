//! The noise level from which targets that are means differ from the pictures themselves.

use rayon::prelude::*;

use super::batches::Batches;
use crate::data::Images;

/// Pictures whose nearest neighbours are looked for.
const LOOKED_AT: usize = 64;
/// Pictures that they are looked for among.
const AMONG: usize = 2048;
/// Noise levels that lie between a picture and its nearest neighbour where the neighbour counts nothing: it is
/// `exp(-distance^2 / 2)` times as likely, in units of the noise level, but for what the noise happens to point to.
const APART: f64 = 8.0;

/// The noise level below which nearly every picture is the only one that its noisy version may have been made of, so
/// that a mean over pictures is that picture and need not be computed. By whole numbers, so that it is the same on every
/// machine. Above it nothing changes; below, where a neighbour is nearer, the target is the picture itself, which has
/// the same expectation.
pub fn means_from(images: &Images, seed: u64) -> f32 {
    let order = Batches::new(seed, images.len(), AMONG.min(images.len())).at(0);
    let nearest = order.par_iter().take(LOOKED_AT).filter_map(|&index| {
        let picture = images.image(index);
        let others = order.iter().filter(|&&other| other != index).map(|&other| images.image(other));
        others.map(|other| squared_distance(picture, other)).min()
    });
    let mut nearest: Vec<u64> = nearest.collect();
    nearest.sort_unstable();
    // One in ten may have a nearer neighbour.
    let distance = nearest.get(nearest.len() / 10).map_or(0.0, |&square| (square as f64).sqrt() / 255.0);
    (distance / APART) as f32
}

fn squared_distance(a: &[u8], b: &[u8]) -> u64 {
    a.iter().zip(b).map(|(&a, &b)| u64::from(a.abs_diff(b)).pow(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_begin_where_neighbours_come_into_reach() {
        // Pictures of 16 pixels at a distance of 4 from each other, each in a corner of its own.
        let pixels = |i: usize| (0..64).map(move |j| if j / 16 == i { 180 } else { 0 });
        let images =
            Images { channels: 1, height: 8, width: 8, pixels: (0..4).flat_map(pixels).collect(), labels: Vec::new() };
        let distance = (32.0f64 * (180.0f64 / 255.0).powi(2)).sqrt();
        assert!((f64::from(means_from(&images, 1)) - distance / APART).abs() < 1e-6);
        let twice = Images { pixels: images.pixels.repeat(2), ..images.like() };
        assert_eq!(means_from(&twice, 1), 0.0);
    }
}
