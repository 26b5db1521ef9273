//! Partition functions and Hamiltonian transitions on energies whose answer is known in closed form.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::cell::Cell;

use burn::tensor::{Device, Tensor, activation::log_sigmoid};
use shared::{
    measures::{
        hmc::{Hmc, State},
        importance::{Bridge, Walk},
    },
    network::Energy,
    sampling::{Draw, Noise},
};

/// Two Gaussians of standard deviation `width` around `-centre` and `centre` in every pixel, the second `ratio` times
/// as heavy: the energy is minus the logarithm of their sum, without any normaliser.
struct Pair {
    centre: f32,
    width: f32,
    log_ratio: f32,
}

impl Pair {
    /// `ln Z` for so many pixels.
    fn log_partition(&self, pixels: f64) -> f64 {
        let gaussian = 0.5 * pixels * (std::f64::consts::TAU * f64::from(self.width).powi(2)).ln();
        gaussian + f64::from(self.log_ratio).exp().ln_1p()
    }
}

fn sum(x: Tensor<4>) -> Tensor<1> {
    x.flatten::<2>(1, 3).sum_dim(1).flatten(0, 1)
}

impl Energy for Pair {
    fn energy_and_gradient(&self, x: Tensor<4>) -> (Tensor<1>, Tensor<4>) {
        let variance = self.width * self.width;
        let (low, high) = (x.clone() + self.centre, x - self.centre);
        let energy = |d: Tensor<4>| sum(d.square()) / (2.0 * variance);
        // ln(e^-a + r e^-b) = -a - ln sigmoid(a - b - ln r), and the share of the second is sigmoid(a - b + ln r).
        let margin = energy(low.clone()) - energy(high.clone()) + self.log_ratio;
        let total = energy(low.clone()) + log_sigmoid(-margin.clone());
        let share = log_sigmoid(margin).exp().reshape([-1, 1, 1, 1]);
        let gradient = (low.clone() + share * (high - low)) / variance;
        (total, gradient)
    }
}

fn values(x: Tensor<1>) -> Vec<f64> {
    x.to_data().iter::<f32>().map(f64::from).collect()
}

/// `ln` of the mean weight, and its standard error.
fn log_mean(walk: &Walk, sign: f64) -> (f64, f64) {
    let logs: Vec<f64> = values(walk.log_weights.clone()).into_iter().map(|log| sign * log).collect();
    let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = logs.iter().map(|log| (log - most).exp()).collect();
    let n = weights.len() as f64;
    let mean = weights.iter().sum::<f64>() / n;
    let variance = weights.iter().map(|weight| (weight - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (sign * (most + mean.ln()), (variance / n).sqrt() / mean)
}

const BRIDGE: Bridge = Bridge { mean: 0.0, scale: 1.0, width: 0.1, steps: 400, leaps: 4, stride: 0.4 };
const CHAINS: usize = 128;

fn check(pair: &Pair, pixels: usize) {
    let device = Device::flex();
    let shape = [CHAINS, 1, 1, pixels];
    let truth = pair.log_partition(pixels as f64);
    let noise = Noise::new(3);
    let forward = BRIDGE.forward(pair, &noise, 0, shape, &device, || ());
    let acceptance = values(forward.acceptance.clone()).iter().sum::<f64>() / CHAINS as f64;
    assert!((0.6..0.9999).contains(&acceptance), "{acceptance} of the transitions are accepted");
    // Exact samples: the sign by the weight, then the Gaussian.
    let heavier = f64::from(pair.log_ratio).exp() / (1.0 + f64::from(pair.log_ratio).exp());
    let signs: Vec<f32> = (0..CHAINS)
        .map(|chain| if (chain as f64 + 0.5) / (CHAINS as f64) < heavier { pair.centre } else { -pair.centre })
        .collect();
    let centres = Tensor::<1>::from_floats(signs.as_slice(), &device).reshape([CHAINS, 1, 1, 1]);
    let samples = noise.tensor(0, Draw::Probe, shape, &device) * pair.width + centres;
    let backward = BRIDGE.backward(pair, &Noise::new(4), 0, samples, || ());
    for (name, walk, sign) in [("forward", forward, 1.0), ("backward", backward, -1.0)] {
        let (found, error) = log_mean(&walk, sign);
        assert!(error < 0.25, "{name}: the error bar is {error}");
        assert!((found - truth).abs() < 4.0 * error + 0.02, "{name}: {found} +- {error}, truth {truth}");
    }
}

/// An energy that counts how often it is asked.
struct Counted<'a>(&'a Pair, Cell<usize>);

impl Energy for Counted<'_> {
    fn energy_and_gradient(&self, x: Tensor<4>) -> (Tensor<1>, Tensor<4>) {
        self.1.set(self.1.get() + 1);
        self.0.energy_and_gradient(x)
    }
}

/// One energy gradient where chains start, and then one for each leapfrog step: the energy where they are is known.
#[test]
fn a_walk_asks_no_more_than_its_leaps() {
    let device = Device::flex();
    let pair = Pair { centre: 0.3, width: 0.1, log_ratio: 0.7 };
    let counted = Counted(&pair, Cell::new(0));
    for steps in [1, 2, 10] {
        let bridge = Bridge { steps, ..BRIDGE };
        let wanted = 1 + bridge.leaps * (steps as usize - 1);
        bridge.forward(&counted, &Noise::new(3), 0, [2, 1, 1, 4], &device, || ());
        assert_eq!(counted.1.take(), wanted, "forward, {steps} steps");
        bridge.backward(&counted, &Noise::new(3), 0, Tensor::zeros([2, 1, 1, 4], &device), || ());
        assert_eq!(counted.1.take(), wanted, "backward, {steps} steps");
    }
}

#[test]
fn the_partition_function_of_a_gaussian_within_its_error_bar() {
    check(&Pair { centre: 0.0, width: 0.1, log_ratio: -30.0 }, 32);
}

#[test]
fn the_partition_function_of_a_mixture_within_its_error_bar() {
    check(&Pair { centre: 0.3, width: 0.1, log_ratio: 0.7 }, 4);
}

#[test]
fn transitions_leave_the_density_exactly_as_it_is() {
    let device = Device::flex();
    let pair = Pair { centre: 0.15, width: 0.1, log_ratio: 0.0 };
    // A step so long that without the accept step the variance would be far too large.
    let hmc = Hmc { leaps: 3, step_size: 0.13 };
    let shape = [4096, 1, 1, 2];
    let mut state = State::at(Noise::new(0).tensor(0, Draw::Start, shape, &device) * 0.05 + 0.15, &pair);
    let (mut accepted, transitions) = (0.0, 300);
    for draw in 0..transitions {
        let (next, yes) = hmc.transition(&pair, state, &Noise::new(5), 0, draw);
        state = next;
        accepted += f64::from(yes.mean().into_scalar::<f32>());
    }
    let acceptance = accepted / f64::from(transitions);
    assert!((0.4..0.95).contains(&acceptance), "{acceptance}");
    let x: Vec<f64> = state.x.to_data().iter::<f32>().map(f64::from).collect();
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    let square = x.iter().map(|x| x * x).sum::<f64>() / n;
    // Five standard errors; both pixels of a chain have the same sign, so that the mean has only 4,096 independent
    // parts.
    let variance = 0.15 * 0.15 + 0.1 * 0.1;
    assert!(mean.abs() < 5.0 * (variance / 4096.0_f64).sqrt(), "mean {mean}: both sides weigh the same");
    assert!((square - variance).abs() < 5.0 * variance * (2.0 / n).sqrt(), "second moment {square}, theory {variance}");
}
