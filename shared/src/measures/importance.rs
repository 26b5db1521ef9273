//! Annealed importance sampling (Neal 2001): the logarithm of the partition function `Z` of `exp(-E)`, and with it
//! likelihoods.
//!
//! Forward, from a Gaussian whose `Z` is known, the mean weight has the expectation `Z`, so that its logarithm is too
//! small on average. Backward, from pictures of the model (Burda, Grosse and Salakhutdinov 2015), it is too large. The
//! truth lies between, as far as the pictures are exact samples. The paper's code (`AIS_sampling`,
//! `Reverse_AIS_sampling`) walks the same densities, but its transitions are not reversible; these are.

use burn::tensor::{Device, Tensor};

use crate::{
    each::squared_lengths,
    measures::hmc::{Hmc, State},
    network::Energy,
    sampling::{Draw, Noise},
};

/// The way from the Gaussian `N(mean, scale^2)` to `exp(-E)`, through the densities
/// `exp(-beta E - (1 - beta) |x - mean|^2 / (2 scale^2))`, with one transition at each.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bridge {
    /// Of every pixel in the Gaussian.
    pub mean: f32,
    /// Standard deviation of the Gaussian, in pixel units.
    pub scale: f32,
    /// How wide `exp(-E)` is across the data: the model's `sigma_0`.
    pub width: f32,
    /// Densities after the Gaussian, the target the last of them.
    pub steps: u32,
    /// Leapfrog steps of a transition.
    pub leaps: usize,
    /// Length of a leapfrog step in units of a density's width across the data.
    pub stride: f32,
}

/// What a walk along the bridge has found, for each chain: `[N]` both.
#[derive(Clone, Debug)]
pub struct Walk {
    /// An estimate of `ln Z` from this chain alone.
    pub log_weights: Tensor<1>,
    /// The share of its transitions that were accepted.
    pub acceptance: Tensor<1>,
}

impl Bridge {
    /// From the Gaussian to the energy: `shape` is `[N, C, H, W]`, chains are numbered from `first_chain`. `progress`
    /// is told of every transition.
    pub fn forward(
        &self,
        energy: &impl Energy,
        noise: &Noise,
        first_chain: u64,
        shape: [usize; 4],
        device: &Device,
        mut progress: impl FnMut(),
    ) -> Walk {
        let start = noise.tensor(first_chain, Draw::Start, shape, device) * self.scale + self.mean;
        let mut walker = Walker::new(self, energy, noise, first_chain, start, 0.0);
        for place in 1..=self.steps {
            walker.log_weights = walker.log_weights.clone() + walker.step_to(self.beta(place));
            // At the target itself nothing more is asked of the chain.
            if place < self.steps {
                walker.transition(place);
            }
            progress();
        }
        walker.walk(self.log_normaliser(shape))
    }

    /// From pictures of the model, `[N, C, H, W]`, to the Gaussian.
    pub fn backward(
        &self,
        energy: &impl Energy,
        noise: &Noise,
        first_chain: u64,
        pictures: Tensor<4>,
        mut progress: impl FnMut(),
    ) -> Walk {
        let shape = pictures.dims();
        let mut walker = Walker::new(self, energy, noise, first_chain, pictures, 1.0);
        for place in (0..self.steps).rev() {
            walker.log_weights = walker.log_weights.clone() - walker.step_to(self.beta(place));
            if place > 0 {
                walker.transition(place);
            }
            progress();
        }
        walker.walk(self.log_normaliser(shape))
    }

    /// Where the energy weighs as much as the Gaussian, and from there to 1, in equal ratios: the density's width then
    /// shrinks evenly. Before, from 0, in equal differences. The last is 1, the only one after 0 where there is one step.
    fn beta(&self, place: u32) -> f32 {
        let ratio = f64::from(self.width / self.scale).powi(2).min(0.5);
        let first = (self.steps / 4).max(1).min(self.steps.saturating_sub(1));
        if place == 0 {
            return 0.0;
        }
        if place <= first {
            return (ratio * f64::from(place) / f64::from(first)) as f32;
        }
        let along = f64::from(place - first) / f64::from(self.steps - first);
        libm::pow(ratio, 1.0 - along) as f32
    }

    /// `ln Z` of the Gaussian.
    fn log_normaliser(&self, shape: [usize; 4]) -> f64 {
        let dimensions = (shape[1] * shape[2] * shape[3]) as f64;
        0.5 * dimensions * libm::log(core::f64::consts::TAU * f64::from(self.scale).powi(2))
    }

    /// `|x - mean|^2 / (2 scale^2)`, `[N]`.
    fn gaussian(&self, x: Tensor<4>) -> Tensor<1> {
        squared_lengths(x - self.mean) / (2.0 * self.scale * self.scale)
    }

    /// The energy and the gradient of the density at `beta`, by those of `E`.
    fn density(&self, State { x, energy, gradient }: &State, beta: f32) -> (Tensor<1>, Tensor<4>) {
        let pull = (x.clone() - self.mean) * ((1.0 - beta) / (self.scale * self.scale));
        let energy = energy.clone() * beta + self.gaussian(x.clone()) * (1.0 - beta);
        (energy, gradient.clone() * beta + pull)
    }
}

/// Chains on a bridge.
struct Walker<'a, E> {
    bridge: &'a Bridge,
    energy: &'a E,
    noise: &'a Noise,
    first_chain: u64,
    beta: f32,
    /// The chains, with `E` itself and its gradient: those of every density of the bridge follow.
    state: State,
    log_weights: Tensor<1>,
    accepted: Tensor<1>,
    transitions: u32,
}

impl<'a, E: Energy> Walker<'a, E> {
    fn new(bridge: &'a Bridge, energy: &'a E, noise: &'a Noise, first_chain: u64, x: Tensor<4>, beta: f32) -> Self {
        let state = State::at(x, energy);
        let zeros = Tensor::zeros_like(&state.energy);
        let (log_weights, accepted) = (zeros.clone(), zeros);
        Self { bridge, energy, noise, first_chain, beta, state, log_weights, accepted, transitions: 0 }
    }

    /// Goes on to another density without moving: what `ln` of the density gains there.
    fn step_to(&mut self, beta: f32) -> Tensor<1> {
        let gaussian = self.bridge.gaussian(self.state.x.clone());
        let gain = (gaussian - self.state.energy.clone()) * (beta - self.beta);
        self.beta = beta;
        gain
    }

    fn transition(&mut self, place: u32) {
        let Self { bridge, energy, noise, first_chain, beta, .. } = *self;
        let Bridge { scale, width, leaps, stride, .. } = *bridge;
        let precision = beta / (width * width) + (1.0 - beta) / (scale * scale);
        let hmc = Hmc { leaps, step_size: stride / precision.sqrt() };
        let density = |state: &State| bridge.density(state, beta);
        let (state, accepted) = hmc.transition_of(density, energy, self.state.clone(), noise, first_chain, place);
        self.state = state;
        self.accepted = self.accepted.clone() + accepted;
        self.transitions += 1;
    }

    fn walk(self, log_normaliser: f64) -> Walk {
        Walk {
            log_weights: self.log_weights + log_normaliser as f32,
            acceptance: self.accepted / self.transitions as f32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bridge_goes_from_the_gaussian_to_the_target() {
        for steps in [1, 2, 3, 4, 5, 300] {
            let bridge = Bridge { mean: 0.5, scale: 1.0, width: 0.1, steps, leaps: 1, stride: 0.1 };
            let betas: Vec<f32> = (0..=steps).map(|place| bridge.beta(place)).collect();
            assert_eq!((betas[0], betas[steps as usize]), (0.0, 1.0), "{steps} steps: {betas:?}");
            assert!(betas.is_sorted_by(|a, b| a < b), "{steps} steps: {betas:?}");
        }
    }
}
