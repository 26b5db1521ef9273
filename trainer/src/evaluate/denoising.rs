//! The energy as a denoiser, beside classical ones.

use bm3d_core::{Bm3dConfig, RingRemovalMode, bm3d_ring_artifact_removal};
use image::{ImageBuffer, Luma, imageops::blur};
use ndarray::Array2;
use rayon::prelude::*;
use serde::Serialize;

use super::placed_model::PlacedModel;
use crate::{
    data::Images,
    error::{Error, Result},
    output,
    pictures::Picture,
};

/// Peak signal-to-noise ratios in dB at one noise level: `-10 log10` of the mean squared error over all pictures, of
/// values clamped to 0..1.
#[derive(Clone, Debug, Serialize)]
pub struct Denoising {
    /// Standard deviation of the noise.
    pub level: f32,
    /// Of the noisy pictures.
    pub noisy: f64,
    /// After one jump `x - sigma_0^2 grad E(x)`.
    pub jump: f64,
    /// After a Gaussian filter of the width that does best on training pictures.
    pub gaussian: f64,
    /// After BM3D, which is told the noise level.
    pub bm3d: f64,
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
pub fn denoising(placed: &PlacedModel, train: &Images, held_out: &Images) -> Result<Vec<Denoising>> {
    let (train, held_out) = (train.first(COUNT), held_out.first(COUNT));
    let one = |level| {
        let tried = Pairs::new(placed, &train, level)?;
        let width = WIDTHS
            .into_iter()
            .max_by(|&a, &b| tried.psnr(|p| gaussian(p, a)).total_cmp(&tried.psnr(|p| gaussian(p, b))))
            .unwrap_or(1.0);
        let pairs = Pairs::new(placed, &held_out, level)?;
        Ok(Denoising {
            level,
            noisy: pairs.psnr(Picture::clone),
            jump: psnr(&pairs.clean, &pairs.jumped),
            gaussian: pairs.psnr(|p| gaussian(p, width)),
            bm3d: pairs.try_psnr(|p| bm3d(p, level))?,
        })
    };
    LEVELS.into_iter().map(one).collect()
}

/// Pictures, clean and noisy, of the data's own size.
struct Pairs {
    clean: Vec<Picture>,
    noisy: Vec<Picture>,
    jumped: Vec<Picture>,
}

impl Pairs {
    fn new(placed: &PlacedModel, images: &Images, level: f32) -> Result<Self> {
        let mut pairs = Self { clean: Vec::new(), noisy: Vec::new(), jumped: Vec::new() };
        for (first, clean) in placed.batches(images) {
            let denoised = placed.denoise(first, clean.clone(), level);
            let all =
                [(&mut pairs.clean, clean), (&mut pairs.noisy, denoised.noisy), (&mut pairs.jumped, denoised.clean)];
            for (pictures, tensor) in all {
                pictures.extend(output::pictures(placed.model.frame.remove(tensor))?);
            }
        }
        Ok(pairs)
    }

    fn psnr(&self, filter: impl Fn(&Picture) -> Picture + Send + Sync) -> f64 {
        psnr(&self.clean, &self.noisy.par_iter().map(filter).collect::<Vec<_>>())
    }

    fn try_psnr(&self, filter: impl Fn(&Picture) -> Result<Picture> + Send + Sync) -> Result<f64> {
        Ok(psnr(&self.clean, &self.noisy.par_iter().map(filter).collect::<Result<Vec<_>>>()?))
    }
}

fn psnr(clean: &[Picture], other: &[Picture]) -> f64 {
    let (mut sum, mut count) = (0.0, 0);
    for (a, b) in clean.iter().zip(other) {
        for (a, b) in a.pixels.iter().zip(&b.pixels) {
            sum += f64::from(a - b.clamp(0.0, 1.0)).powi(2);
            count += 1;
        }
    }
    -10.0 * (sum / f64::from(count)).log10()
}

fn gaussian(picture: &Picture, width: f32) -> Picture {
    by_plane(picture, |plane| {
        let image = ImageBuffer::<Luma<f32>, _>::from_raw(picture.width as u32, picture.height as u32, plane.to_vec());
        Some(blur(&image?, width).into_raw())
    })
    .unwrap_or_else(|| picture.clone())
}

fn bm3d(picture: &Picture, level: f32) -> Result<Picture> {
    let config = Bm3dConfig { sigma_random: level, ..Bm3dConfig::default() };
    by_plane(picture, |plane| {
        let plane = Array2::from_shape_vec((picture.height, picture.width), plane.to_vec()).ok()?;
        let clean = bm3d_ring_artifact_removal(plane.view(), RingRemovalMode::Generic, &config).ok()?;
        Some(clean.into_iter().collect())
    })
    .ok_or_else(|| Error::failed("BM3D refused a picture"))
}

fn by_plane(picture: &Picture, filter: impl Fn(&[f32]) -> Option<Vec<f32>>) -> Option<Picture> {
    let planes: Option<Vec<Vec<f32>>> = picture.pixels.chunks(picture.height * picture.width).map(filter).collect();
    Some(Picture { pixels: planes?.concat(), ..*picture })
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
    fn the_classical_denoisers_denoise() {
        let clean = step();
        let noise = shared::sampling::Noise::new(3).normal(0, shared::sampling::Draw::Start, 256);
        let pixels = clean.pixels.iter().zip(noise).map(|(pixel, z)| pixel + 0.2 * z).collect();
        let noisy = Picture { pixels, ..clean.clone() };
        let score = |picture: Picture| psnr(std::slice::from_ref(&clean), &[picture]);
        let before = score(noisy.clone());
        assert!(score(gaussian(&noisy, 0.9)) > before + 2.0);
        assert!(score(bm3d(&noisy, 0.2).unwrap()) > before + 4.0);
    }
}
