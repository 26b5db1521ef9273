//! Completions of held-out pictures, beside fills that know nothing of the data.

use serde::Serialize;

use super::placed_model::PlacedModel;
use crate::{
    chains::{SamplingRun, around},
    data::Images,
    error::Result,
    pictures::{self, Picture},
};

/// Root mean squared errors on the unknown pixels, over all pictures.
#[derive(Clone, Debug, Serialize)]
pub struct Inpainting {
    /// What is unknown.
    pub region: String,
    /// Pictures that were completed.
    pub pictures: usize,
    /// Completions of each.
    pub completions: usize,
    /// Of one completion: it may be another picture, as good as the true one.
    pub completion: f64,
    /// Of the completions' mean, the best guess.
    pub mean_of_completions: f64,
    /// Of the training pictures' mean.
    pub mean_picture: f64,
    /// Of the smoothest fill, which solves the diffusion equation.
    pub diffusion: f64,
}

const PICTURES: usize = 24;
const COMPLETIONS: usize = 4;
/// Pictures of each region that the report shows.
const SHOWN: usize = 6;

/// Completes pictures by chains like these, and gives some to look at: the true one, what is known, the completions.
///
/// # Errors
/// The device fails.
pub fn inpainting(
    placed: &PlacedModel<'_>,
    train: &Images,
    held_out: &Images,
    chains: &SamplingRun,
) -> Result<(Vec<Inpainting>, Vec<Picture>)> {
    let mean = mean_picture(train);
    let held_out = held_out.sample(PICTURES, 0);
    let (mut rows, mut shown) = (Vec::new(), Vec::new());
    for region in ["right", "centre"] {
        let mask = pictures::read_mask(region, held_out.height, held_out.width)?;
        let [mut one, mut best, mut flat, mut smooth] =
            [Error::default(), Error::default(), Error::default(), Error::default()];
        for number in 0..held_out.len() {
            let truth = held_out.picture(number);
            let completions = complete(placed, &truth, &mask, chains, number)?;
            for completion in &completions {
                one.add(&truth, completion, &mask);
            }
            best.add(&truth, &average(&completions), &mask);
            flat.add(&truth, &mean, &mask);
            smooth.add(&truth, &diffused(&truth, &mask), &mask);
            if number < SHOWN {
                shown.extend([truth.clone(), hidden(&truth, &mask)]);
                shown.extend(completions);
            }
        }
        rows.push(Inpainting {
            region: region.to_owned(),
            pictures: held_out.len(),
            completions: COMPLETIONS,
            completion: one.rms(),
            mean_of_completions: best.rms(),
            mean_picture: flat.rms(),
            diffusion: smooth.rms(),
        });
    }
    Ok((rows, shown))
}

/// Columns of the pictures to look at.
pub const COLUMNS: usize = 2 + COMPLETIONS;

fn complete(
    placed: &PlacedModel<'_>,
    truth: &Picture,
    mask: &[bool],
    chains: &SamplingRun,
    number: usize,
) -> Result<Vec<Picture>> {
    let model = placed.model;
    let known = around(model, truth, mask, placed.device);
    let seed = chains.seed.wrapping_add(number as u64);
    SamplingRun { schedule: chains.schedule.clone(), count: COMPLETIONS, seed, first: 0 }.run(
        model,
        Some(&known),
        placed.device,
    )
}

fn mean_picture(images: &Images) -> Picture {
    let first = images.picture(0);
    let mut sums = vec![0.0_f64; first.pixels.len()];
    for number in 0..images.len() {
        for (sum, &byte) in sums.iter_mut().zip(images.image(number)) {
            *sum += f64::from(byte) / 255.0;
        }
    }
    let pixels = sums.into_iter().map(|sum| (sum / images.len() as f64) as f32).collect();
    Picture { pixels, ..first }
}

/// The mean of pictures, of which there is at least one.
pub fn average(pictures: &[Picture]) -> Picture {
    let mut mean = pictures[0].clone();
    for (at, pixel) in mean.pixels.iter_mut().enumerate() {
        *pixel = pictures.iter().map(|picture| picture.pixels[at]).sum::<f32>() / pictures.len() as f32;
    }
    mean
}

/// The known part on middle grey.
fn hidden(picture: &Picture, mask: &[bool]) -> Picture {
    let mut hidden = picture.clone();
    for (at, pixel) in hidden.pixels.iter_mut().enumerate() {
        if mask[at % mask.len()] {
            *pixel = 0.5;
        }
    }
    hidden
}

/// Every unknown pixel becomes the mean of its neighbours: Laplace's equation, by sweeps of overrelaxation until no pixel
/// changes by more than a thousandth of a grey value.
pub fn diffused(picture: &Picture, mask: &[bool]) -> Picture {
    const STILL: f32 = 1e-3 / 255.0;
    const MOST_SWEEPS: usize = 10_000;
    let mut filled = hidden(picture, mask);
    let (height, width) = (picture.height, picture.width);
    // The best for half a square, which is open at three sides: as if it were twice as large (Young 1971).
    let relaxation = 2.0 / (1.0 + (std::f32::consts::PI / (2 * height.max(width)) as f32).sin());
    for plane in filled.pixels.chunks_mut(height * width) {
        for _ in 0..MOST_SWEEPS {
            let mut change = 0_f32;
            for at in (0..plane.len()).filter(|&at| mask[at]) {
                let (y, x) = (at / width, at % width);
                let neighbours = [
                    (y > 0).then(|| at - width),
                    (y + 1 < height).then(|| at + width),
                    (x > 0).then(|| at - 1),
                    (x + 1 < width).then(|| at + 1),
                ];
                let (sum, count) = neighbours
                    .into_iter()
                    .flatten()
                    .fold((0.0, 0.0), |(sum, count), near| (sum + plane[near], count + 1.0));
                let step = relaxation * (sum / f32::max(count, 1.0) - plane[at]);
                plane[at] += step;
                change = change.max(step.abs());
            }
            if change < STILL {
                break;
            }
        }
    }
    filled
}

/// Squared errors on unknown pixels.
#[derive(Default)]
struct Error {
    sum: f64,
    count: usize,
}

impl Error {
    fn add(&mut self, truth: &Picture, guess: &Picture, mask: &[bool]) {
        for (at, (a, b)) in truth.pixels.iter().zip(&guess.pixels).enumerate() {
            if mask[at % mask.len()] {
                self.sum += f64::from(a - b).powi(2);
                self.count += 1;
            }
        }
    }

    fn rms(&self) -> f64 {
        (self.sum / self.count.max(1) as f64).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_a_large_picture_is_filled_to_its_far_end() {
        for side in [28, 64, 256] {
            // Without an edge on three sides, rows go on as the last known pixel.
            let pixels = vec![0.9; side * side];
            let flat = Picture { channels: 1, height: side, width: side, pixels };
            let mask: Vec<bool> = (0..side * side).map(|at| at % side >= side / 2).collect();
            let mut error = Error::default();
            error.add(&flat, &diffused(&flat, &mask), &mask);
            assert!(error.rms() < 2e-3, "{side}: {}", error.rms());
        }
    }

    #[test]
    fn diffusion_continues_a_slope_and_touches_nothing_known() {
        let pixels = (0..64).map(|at| (at % 8) as f32 / 7.0).collect();
        let slope = Picture { channels: 1, height: 8, width: 8, pixels };
        let mask: Vec<bool> = (0..64).map(|at| (2..6).contains(&(at % 8)) && (2..6).contains(&(at / 8))).collect();
        let filled = diffused(&slope, &mask);
        let mut error = Error::default();
        error.add(&slope, &filled, &mask);
        assert!(error.rms() < 1e-4 && error.count == 16, "{}", error.rms());
        assert!(slope.pixels.iter().zip(&filled.pixels).zip(&mask).all(|((a, b), &unknown)| unknown || a == b));
    }
}
