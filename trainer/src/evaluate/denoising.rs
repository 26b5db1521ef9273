//! The energy as a denoiser, beside a classical one.

use image::{ImageBuffer, Luma, imageops::blur};
use rayon::prelude::*;
use serde::Serialize;

use super::placed_model::PlacedModel;
use crate::{budget, data::Images, error::Result, output, pictures::Picture};

/// Peak signal-to-noise ratios in dB at one noise level: `-10 log10` of the mean squared error over all pictures, of
/// values clamped to 0..1.
#[derive(Clone, Debug, Serialize)]
pub struct Denoising {
    /// Standard deviation of the noise.
    pub level: f32,
    /// Held-out pictures that were measured.
    pub pictures: usize,
    /// Of the noisy pictures.
    pub noisy: f64,
    /// After one jump `x - sigma_0^2 grad E(x)`.
    pub jump: f64,
    /// After a Gaussian filter of the width that does best on training pictures.
    pub gaussian: f64,
}

/// Pictures that are measured.
const COUNT: usize = 100;
const LEVELS: [f32; 6] = [0.05, 0.1, 0.2, 0.4, 0.7, 1.0];
/// Widths of the Gaussian filter that are tried, in pixels.
const WIDTHS: [f32; 10] = [0.3, 0.5, 0.7, 0.9, 1.2, 1.5, 2.0, 3.0, 4.0, 6.0];

/// Measures held-out pictures at several noise levels.
///
/// # Errors
/// The device fails.
pub fn denoising(placed: &PlacedModel<'_>, train: &Images, held_out: &Images) -> Result<Vec<Denoising>> {
    // Clean, noisy, denoised and filtered.
    let count = COUNT.min(budget::at_a_time(4 * train.image(0).len() * size_of::<f32>()));
    let (train, held_out) = (train.sample(count, 0), held_out.sample(count, 0));
    let one = |level| {
        let tried = Pairs::new(placed, &train, level)?;
        let widths = WIDTHS.map(|width| (width, tried.filtered(width)));
        let width = widths.into_iter().max_by(|a, b| a.1.total_cmp(&b.1)).map_or(1.0, |(width, _)| width);
        let pairs = Pairs::new(placed, &held_out, level)?;
        Ok(Denoising {
            level,
            pictures: pairs.clean.len(),
            noisy: psnr(&pairs.clean, &pairs.noisy),
            jump: psnr(&pairs.clean, &jumped(placed, &held_out, level)?),
            gaussian: pairs.filtered(width),
        })
    };
    LEVELS.into_iter().map(one).collect()
}

/// Pictures, clean and noisy, of the data's own size.
struct Pairs {
    clean: Vec<Picture>,
    noisy: Vec<Picture>,
}

impl Pairs {
    fn new(placed: &PlacedModel<'_>, images: &Images, level: f32) -> Result<Self> {
        let mut noisy = Vec::with_capacity(images.len());
        for (first, clean) in placed.batches(images) {
            noisy.extend(output::pictures(placed.model.frame.remove(placed.noisy(first, clean, level)))?);
        }
        Ok(Self { clean: (0..images.len()).map(|index| images.picture(index)).collect(), noisy })
    }

    /// The ratio after a Gaussian filter.
    fn filtered(&self, width: f32) -> f64 {
        psnr(&self.clean, &self.noisy.par_iter().map(|picture| gaussian(picture, width)).collect::<Vec<_>>())
    }
}

/// The same noisy pictures after one jump.
fn jumped(placed: &PlacedModel<'_>, images: &Images, level: f32) -> Result<Vec<Picture>> {
    let mut pictures = Vec::with_capacity(images.len());
    for (first, clean) in placed.batches(images) {
        pictures.extend(output::pictures(placed.model.frame.remove(placed.jump(placed.noisy(first, clean, level))))?);
    }
    Ok(pictures)
}

fn psnr(clean: &[Picture], other: &[Picture]) -> f64 {
    let (mut sum, mut count) = (0.0, 0_usize);
    for (a, b) in clean.iter().zip(other) {
        for (a, b) in a.pixels.iter().zip(&b.pixels) {
            sum += f64::from(a - b.clamp(0.0, 1.0)).powi(2);
            count += 1;
        }
    }
    -10.0 * (sum / count as f64).log10()
}

fn gaussian(picture: &Picture, width: f32) -> Picture {
    let filtered = |plane: &[f32]| {
        let image = ImageBuffer::<Luma<f32>, _>::from_raw(picture.width as u32, picture.height as u32, plane.to_vec());
        image.map_or_else(|| plane.to_vec(), |image| blur(&image, width).into_raw())
    };
    let planes = picture.pixels.chunks(picture.height * picture.width);
    Picture { pixels: planes.flat_map(filtered).collect(), ..*picture }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step() -> Picture {
        let pixels = (0..16 * 16).map(|i| if i % 16 < 8 { 0.2 } else { 0.8 }).collect();
        Picture { channels: 1, height: 16, width: 16, pixels }
    }

    #[test]
    fn the_psnr_is_that_of_its_definition() {
        let (a, mut b) = (step(), step());
        for pixel in &mut b.pixels {
            *pixel += 0.1;
        }
        assert!((psnr(&[a], &[b]) - 20.0).abs() < 1e-4);
    }

    #[test]
    fn the_classical_denoiser_denoises() {
        let clean = step();
        let noise = shared::sampling::Noise::new(3).normal(0, shared::sampling::Draw::Start, 256);
        let pixels = clean.pixels.iter().zip(noise).map(|(pixel, z)| pixel + 0.2 * z).collect();
        let noisy = Picture { pixels, ..clean.clone() };
        let score = |picture: Picture| psnr(std::slice::from_ref(&clean), &[picture]);
        let before = score(noisy.clone());
        assert!(score(gaussian(&noisy, 0.9)) > before + 2.0);
    }

    #[test]
    fn the_smallest_pictures_can_be_filtered_by_every_width() {
        for side in [1, 2, 6] {
            let grey = Picture { channels: 3, height: side, width: side, pixels: vec![0.5; 3 * side * side] };
            for width in WIDTHS {
                let filtered = gaussian(&grey, width);
                assert!(
                    filtered.pixels.iter().all(|pixel| (pixel - 0.5).abs() < 1e-3),
                    "{side}, {width}: {filtered:?}"
                );
            }
        }
    }
}
