//! Likelihoods: the energy with its partition function, which annealed importance sampling bounds from both sides.

use burn::tensor::Tensor;
use rand::RngExt;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use serde::Serialize;
use shared::{
    likelihood,
    measures::{
        hmc::{Hmc, State},
        importance::{Bridge, Walk},
    },
    sampling::{Draw, Noise},
};

use super::placed_model::PlacedModel;
use crate::{budget, error::Result, output, pictures::Picture, progress::Progress};

/// The density `exp(-E) / Z` of pictures in the network's frame, at pictures under noise of `sigma_0`, whose density it is:
/// none has fewer bits of such pictures than [`floor`](Self::floor), on average.
#[derive(Clone, Debug, Serialize)]
pub struct Density {
    /// Densities on the way from the Gaussian.
    pub steps: u32,
    /// Leapfrog steps of a transition.
    pub leaps: usize,
    /// Chains in each direction.
    pub chains: usize,
    /// From the Gaussian: `ln Z` is underestimated on average.
    pub forward: Estimate,
    /// From samples: `ln Z` is overestimated on average, as far as they are exact samples of the density.
    pub backward: Estimate,
    /// By set.
    pub bits_per_dimension: Vec<Bits>,
    /// Bits per dimension of a Gaussian of standard deviation `sigma_0`, which such a density could reach if each
    /// picture were known beforehand.
    pub floor: f64,
}

/// `ln Z` from one direction.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Estimate {
    /// The estimate; null where its weights amount to fewer than [`HONEST`] chains: it is that of one lucky chain then, and
    /// no bound is one.
    pub log_partition: Option<f64>,
    /// Its standard error, by bootstrap over the chains.
    pub standard_error: Option<f64>,
    /// How many chains the weights amount to.
    pub effective_sample_size: f64,
    /// The share of accepted transitions; null where there were none.
    pub acceptance: Option<f64>,
}

/// `-log2 p / dimensions`, for pixels of 256 values.
#[derive(Clone, Debug, Serialize)]
pub struct Bits {
    /// The set.
    pub name: String,
    /// With the forward estimate of `ln Z`: too few on average.
    pub optimistic: Option<f64>,
    /// With the backward estimate: too many on average.
    pub pessimistic: Option<f64>,
}

/// Length of a leapfrog step in units of the density's width: accepted more often than not in a thousand dimensions.
const STRIDE: f32 = 0.25;
const LEAPS: usize = 5;
/// Chains that the weights must amount to, for an estimate to be one.
pub const HONEST: f64 = 5.0;
/// Transitions that samples of the denoised pictures are given to become samples of the density.
const BURN_IN: u32 = 50;

/// Walks `chains` chains in each direction. `samples` are the model's, denoised; of each set, the energies of its pictures
/// under noise of `sigma_0`.
///
/// # Errors
/// The device fails.
pub fn density(
    placed: &PlacedModel<'_>,
    samples: &[Picture],
    sets: &[(&str, &[f32])],
    steps: u32,
    chains: usize,
) -> Result<Density> {
    let network = &placed.model.network;
    let config = &placed.model.config;
    let bridge = Bridge { mean: 0.5, scale: 1.0, width: config.sigma_0, steps, leaps: LEAPS, stride: STRIDE };
    let (mut forward, mut backward) = (Vec::new(), Vec::new());
    let batches = budget::parts(chains, placed.batch());
    let progress = Progress::new("estimating the partition function", 2 * steps as usize * batches.clone().count());
    for batch in batches {
        let first = batch.start;
        let shape = config.batch_shape(batch.len());
        let tick = || progress.step();
        forward.push(bridge.forward(network, &Noise::new(1), first as u64, shape, placed.device, tick));

        let numbers = batch.map(|number| samples[number % samples.len()].clone());
        let clean = placed.model.frame.add(output::tensor(&numbers.collect::<Vec<_>>(), placed.device));
        let noise = Noise::new(2);
        let noisy = clean + noise.tensor(first as u64, Draw::Start, shape, placed.device) * config.sigma_0;
        let hmc = Hmc { leaps: LEAPS, step_size: STRIDE * config.sigma_0 };
        let settled = (0..BURN_IN).fold(State::at(noisy, network), |state, draw| {
            hmc.transition(network, state, &noise, first as u64, u32::MAX - draw).0
        });
        backward.push(bridge.backward(network, &noise, first as u64, settled.x, tick));
    }
    drop(progress);

    let dimensions = config.batch_shape(1).iter().product::<usize>() as f64;
    let (forward, backward) = (estimate(&forward, 1.0)?, estimate(&backward, -1.0)?);
    let bits = |energy: f64, log_partition: f64| {
        (energy + log_partition) / dimensions / std::f64::consts::LN_2 + 255_f64.log2()
    };
    let bits_per_dimension = sets
        .iter()
        .map(|(name, energies)| {
            let mean = energies.iter().copied().map(f64::from).sum::<f64>() / energies.len().max(1) as f64;
            Bits {
                name: (*name).to_owned(),
                optimistic: forward.log_partition.map(|log| bits(mean, log)),
                pessimistic: backward.log_partition.map(|log| bits(mean, log)),
            }
        })
        .collect();
    let floor = likelihood::floor(config.sigma_0);
    Ok(Density { steps, leaps: LEAPS, chains, forward, backward, bits_per_dimension, floor })
}

/// `sign` is -1 for walks whose weights estimate `1 / Z`.
fn estimate(walks: &[Walk], sign: f64) -> Result<Estimate> {
    let all = |pick: fn(&Walk) -> Tensor<1>| -> Result<Vec<f64>> {
        let values = walks.iter().map(|walk| output::floats(pick(walk))).collect::<Result<Vec<_>>>()?;
        Ok(values.into_iter().flatten().map(f64::from).collect())
    };
    let logs: Vec<f64> = all(|walk| walk.log_weights.clone())?.into_iter().map(|log| sign * log).collect();
    let acceptance = all(|walk| walk.acceptance.clone())?;
    let squares: Vec<f64> = logs.iter().map(|log| 2.0 * log).collect();
    let n = logs.len() as f64;
    let effective_sample_size = n * (2.0 * log_mean(&logs) - log_mean(&squares)).exp();
    let honest = effective_sample_size >= HONEST;
    Ok(Estimate {
        log_partition: honest.then(|| sign * log_mean(&logs)),
        standard_error: honest.then(|| bootstrap(&logs)),
        effective_sample_size,
        // Zero divided by zero, where no chain made a transition.
        acceptance: Some(acceptance.iter().sum::<f64>() / n).filter(|share| share.is_finite()),
    })
}

/// The logarithm of the mean of numbers that are given by their logarithms.
fn log_mean(logs: &[f64]) -> f64 {
    let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    most + (logs.iter().map(|log| (log - most).exp()).sum::<f64>() / logs.len() as f64).ln()
}

/// The standard deviation of [`log_mean`] over chains that are drawn again.
fn bootstrap(logs: &[f64]) -> f64 {
    const TIMES: usize = 500;
    let mut generator = ChaCha8Rng::seed_from_u64(0);
    let mut again = || {
        let drawn: Vec<f64> = logs.iter().map(|_| logs[generator.random_range(0..logs.len())]).collect();
        log_mean(&drawn)
    };
    let estimates: Vec<f64> = (0..TIMES).map(|_| again()).collect();
    let mean = estimates.iter().sum::<f64>() / TIMES as f64;
    (estimates.iter().map(|estimate| (estimate - mean).powi(2)).sum::<f64>() / (TIMES - 1) as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_of_logarithms_and_their_error() {
        let logs = [1000.0, 1000.0 + 3.0_f64.ln()];
        assert!((log_mean(&logs) - (1000.0 + 2.0_f64.ln())).abs() < 1e-9);
        assert_eq!(bootstrap(&[5.0; 9]), 0.0);
        let spread: Vec<f64> = (0..100).map(|i| f64::from(i % 2)).collect();
        // The mean of e^0 and e^1 by halves: standard error 0.0859 of 1.859, by hand.
        assert!((bootstrap(&spread) - 0.0462).abs() < 0.006, "{}", bootstrap(&spread));
    }
}
