//! Whether samples are copies of training pictures: how far each is from the nearest one, beside held-out pictures.

use serde::Serialize;

use super::{features::Features, neighbours::nearest};
use crate::{data::Images, error::Result, pictures::Picture};

/// Distances to the nearest training picture, as root mean squared differences of a pixel, in rising order.
#[derive(Clone, Debug, Serialize)]
pub struct Copies {
    /// Of samples.
    pub samples: Vec<f32>,
    /// Of held-out pictures, which cannot be copies.
    pub held_out: Vec<f32>,
    /// The share of samples that are nearer than 99 in 100 held-out pictures are; near 0.01 where nothing is copied.
    pub suspicious: f64,
    /// The samples that are nearest to a training picture, with that picture's place in the set.
    #[serde(skip)]
    pub nearest: Vec<(usize, usize)>,
}

/// Samples that are shown beside their nearest training picture.
const SHOWN: usize = 16;

/// Searches all training pictures.
///
/// # Errors
/// The device fails.
pub fn copies(samples: &[Picture], train: &Images, held_out: &Images) -> Result<Copies> {
    let size = train.image(0).len();
    let rows = |images: &Images| Features { size, values: images.floats() };
    let samples =
        Features { size, values: samples.iter().flat_map(|picture| picture.pixels.iter().copied()).collect() };
    let train = rows(train);
    let rms = |squared: f32| (squared / size as f32).sqrt();
    let closest = |from: &Features| -> Result<Vec<(f32, usize)>> {
        let rows = nearest(from, &train, 1)?;
        Ok(rows.iter().filter_map(|row| row.first()).map(|n| (rms(n.squared_distance), n.index)).collect())
    };
    let of_samples = closest(&samples)?;
    let mut order: Vec<usize> = (0..of_samples.len()).collect();
    order.sort_by(|&a, &b| of_samples[a].0.total_cmp(&of_samples[b].0));
    let mut held_out: Vec<f32> = closest(&rows(&held_out.first(samples.count())))?.into_iter().map(|n| n.0).collect();
    held_out.sort_by(f32::total_cmp);
    let limit = held_out.get(held_out.len() / 100).copied().unwrap_or(0.0);
    let suspicious = of_samples.iter().filter(|(distance, _)| *distance < limit).count();
    Ok(Copies {
        samples: order.iter().map(|&sample| of_samples[sample].0).collect(),
        held_out,
        suspicious: suspicious as f64 / of_samples.len() as f64,
        nearest: order.into_iter().take(SHOWN).map(|sample| (sample, of_samples[sample].1)).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_found_and_suspected() {
        let random = shared::sampling::Noise::new(0).normal(0, shared::sampling::Draw::Start, 300 * 16);
        let pixels: Vec<u8> = random.iter().map(|z| (128.0 + 40.0 * z).clamp(0.0, 255.0) as u8).collect();
        let images =
            |pixels: &[u8]| Images { channels: 1, height: 4, width: 4, pixels: pixels.to_vec(), labels: Vec::new() };
        let (train, held_out) = (images(&pixels[..200 * 16]), images(&pixels[200 * 16..]));
        let samples = [held_out.picture(0), train.picture(7)];
        let found = copies(&samples, &train, &held_out).unwrap();
        assert_eq!(found.nearest[0], (1, 7));
        assert!(found.samples[0] < 1e-3 && found.samples[1] > 0.05, "{:?}", found.samples);
        assert_eq!(found.suspicious, 0.5);
    }
}
