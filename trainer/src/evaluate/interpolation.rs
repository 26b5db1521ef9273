//! Paths of low energy between pictures: how far apart the model sees them, and what it sees between.

use burn::tensor::Tensor;
use serde::Serialize;
use shared::network::Energy;

use super::placed_model::PlacedModel;
use crate::{
    data::Images,
    error::{Error, Result},
    output,
    pictures::Picture,
};

/// The highest energies on the way between two pictures, over pairs of held-out pictures.
#[derive(Clone, Debug, Serialize)]
pub struct Interpolation {
    /// Pairs.
    pub pairs: usize,
    /// Mean energy of the ends.
    pub ends: f64,
    /// Mean over pairs of the highest energy on the straight line.
    pub straight: f64,
    /// The same on the path of low energy.
    pub relaxed: f64,
}

const PAIRS: usize = 6;
/// Pictures of a path, its ends among them.
pub const LENGTH: usize = 9;
const ROUNDS: usize = 200;
/// The part of a denoising jump that a round moves.
const STEP: f32 = 0.2;

/// Finds paths, and gives them to look at: for each pair the straight line and then the path.
///
/// Every round moves the pictures between the ends downhill and then spaces them evenly along the path again: the
/// string method (E, Ren and Vanden-Eijnden 2007, "Simplified and improved string method").
///
/// # Errors
/// There are no two pictures, or the device fails.
pub fn interpolation(placed: &PlacedModel<'_>, held_out: &Images) -> Result<(Interpolation, Vec<Picture>)> {
    let (network, sigma_0) = (&placed.model.network, placed.model.config.sigma_0);
    let held_out = held_out.sample(2 * PAIRS, 0);
    let pairs = held_out.len() / 2;
    if pairs == 0 {
        return Err(Error::input("a path needs two held-out pictures, and there is one"));
    }
    let (mut ends, mut straight, mut relaxed, mut shown) = (0.0, 0.0, 0.0, Vec::new());
    for pair in 0..pairs {
        // Sets are often sorted by class: neighbours would be alike.
        let [a, b] = [pair, pairs + pair].map(|number| held_out.picture(number));
        let between = |place: usize| {
            let share = place as f32 / (LENGTH - 1) as f32;
            let pixels = a.pixels.iter().zip(&b.pixels).map(|(a, b)| a + (b - a) * share).collect();
            Picture { pixels, ..a.clone() }
        };
        let line: Vec<Picture> = (0..LENGTH).map(between).collect();
        let mut path = placed.model.frame.add(output::tensor(&line, placed.device));
        let on_line = output::floats(network.energy_and_gradient(path.clone()).0)?;
        for _ in 0..ROUNDS {
            let (_, gradient) = network.energy_and_gradient(path.clone());
            let moved = path.clone() - gradient * (STEP * sigma_0 * sigma_0);
            path = evenly(hold_ends(moved, &path))?;
        }
        let on_path = output::floats(network.energy_and_gradient(path.clone()).0)?;
        ends += f64::from(on_line[0] + on_line[LENGTH - 1]) / 2.0;
        straight += highest(&on_line);
        relaxed += highest(&on_path);
        shown.extend(line);
        shown.extend(output::pictures(placed.model.frame.remove(path))?);
    }
    let count = pairs as f64;
    Ok((Interpolation { pairs, ends: ends / count, straight: straight / count, relaxed: relaxed / count }, shown))
}

fn highest(energies: &[f32]) -> f64 {
    energies.iter().copied().map(f64::from).fold(f64::NEG_INFINITY, f64::max)
}

/// `path` with the first and the last picture of `fixed`; both `[LENGTH, C, S, S]`.
fn hold_ends(path: Tensor<4>, fixed: &Tensor<4>) -> Tensor<4> {
    let last = LENGTH - 1;
    let end = |place: usize| fixed.clone().narrow(0, place, 1);
    Tensor::cat(vec![end(0), path.narrow(0, 1, last - 1), end(last)], 0)
}

/// The same path with its pictures at equal distances, linear between those there are.
fn evenly(path: Tensor<4>) -> Result<Tensor<4>> {
    let last = LENGTH - 1;
    let steps = path.clone().narrow(0, 1, last) - path.clone().narrow(0, 0, last);
    let lengths = output::floats(steps.square().flatten::<2>(1, 3).sum_dim(1).sqrt())?;
    let mut along = vec![0.0_f32];
    for length in lengths {
        along.push(along[along.len() - 1] + length);
    }
    let total = along[last];
    if total <= 0.0 || !total.is_finite() {
        return Ok(path);
    }
    let mut pictures = Vec::with_capacity(LENGTH);
    for place in 0..LENGTH {
        let wanted = total * place as f32 / last as f32;
        let from = along.partition_point(|&at| at <= wanted).clamp(1, last) - 1;
        let share = ((wanted - along[from]) / (along[from + 1] - along[from]).max(f32::MIN_POSITIVE)).clamp(0.0, 1.0);
        let at = |place: usize| path.clone().narrow(0, place, 1);
        pictures.push(at(from) * (1.0 - share) + at(from + 1) * share);
    }
    Ok(Tensor::cat(pictures, 0))
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    #[test]
    fn pictures_of_a_path_are_spaced_evenly() {
        let uneven: Vec<f32> = (0..LENGTH).map(|place| (place as f32 / 8.0).powi(3)).collect();
        let path = Tensor::<4>::from_data(TensorData::new(uneven, [LENGTH, 1, 1, 1]), &Device::flex());
        let even = output::floats(evenly(path).unwrap()).unwrap();
        for (place, value) in even.into_iter().enumerate() {
            assert!((value - place as f32 / 8.0).abs() < 1e-6, "{place}: {value}");
        }
    }
}
