//! Hamiltonian Monte Carlo (Duane and others 1987; Neal 2011): transitions that leave `exp(-E)` exactly as it is.

use burn::tensor::{Tensor, TensorData};

use crate::{
    each::squared_lengths,
    network::Energy,
    sampling::{Draw, Noise},
};

/// Chains with the energy and the gradient where they are, so that a transition need not compute them again.
#[derive(Clone, Debug)]
pub struct State {
    /// `[N, C, H, W]`
    pub x: Tensor<4>,
    /// `[N]`
    pub energy: Tensor<1>,
    /// `[N, C, H, W]`
    pub gradient: Tensor<4>,
}

impl State {
    /// Chains at `x`, `[N, C, H, W]`.
    pub fn at(x: Tensor<4>, energy: &impl Energy) -> Self {
        let (e, gradient) = energy.energy_and_gradient(x.clone());
        Self { x, energy: e, gradient }
    }
}

/// How a transition moves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hmc {
    /// Leapfrog steps, one energy gradient each; with 1 the transition is the Metropolis-adjusted Langevin algorithm.
    pub leaps: usize,
    /// Length of a leapfrog step, in pixel units.
    pub step_size: f32,
}

impl Hmc {
    /// One transition of every chain, each accepted or refused by itself: the new state, and 1 where it was accepted,
    /// `[N]`.
    ///
    /// Chains are numbered from `first_chain`; `draw` numbers the transition, so that no two of a run have the same
    /// random numbers.
    pub fn transition(
        &self,
        energy: &impl Energy,
        state: State,
        noise: &Noise,
        first_chain: u64,
        draw: u32,
    ) -> (State, Tensor<1>) {
        let itself = |state: &State| (state.energy.clone(), state.gradient.clone());
        self.transition_of(itself, energy, state, noise, first_chain, draw)
    }

    /// The same for another density, whose energy, `[N]`, and gradient, `[N, C, H, W]`, `density` makes of those of `energy`,
    /// which are what the states hold.
    pub fn transition_of(
        &self,
        density: impl Fn(&State) -> (Tensor<1>, Tensor<4>),
        energy: &impl Energy,
        state: State,
        noise: &Noise,
        first_chain: u64,
        draw: u32,
    ) -> (State, Tensor<1>) {
        let shape = state.x.dims();
        let device = state.x.device();
        let momentum = noise.tensor(first_chain, Draw::Momentum(draw), shape, &device);
        let kinetic = |p: &Tensor<4>| squared_lengths(p.clone()) * 0.5;

        let (mut potential, gradient) = density(&state);
        let before = potential.clone() + kinetic(&momentum);
        let mut p = momentum - gradient * (0.5 * self.step_size);
        let mut moved = state.clone();
        for leap in 1..=self.leaps {
            moved = State::at(moved.x + p.clone() * self.step_size, energy);
            let gradient;
            (potential, gradient) = density(&moved);
            // Half a kick at the end, so that the path can be walked backwards.
            let kick = if leap == self.leaps { 0.5 } else { 1.0 };
            p = p - gradient * (kick * self.step_size);
        }
        let after = potential + kinetic(&p);
        let limit: Vec<f32> = (0..shape[0] as u64).map(|chain| exponential(noise, first_chain + chain, draw)).collect();
        let limit = Tensor::<1>::from_data(TensorData::new(limit, [shape[0]]), &device);
        // `u < exp(before - after)` with `-ln u` exponential; an energy that is not a number is refused.
        let accepted = (after - before).lower_equal(limit);
        let everywhere = accepted.clone().reshape([shape[0], 1, 1, 1]).expand(shape);
        let state = State {
            x: state.x.mask_where(everywhere.clone(), moved.x),
            energy: state.energy.mask_where(accepted.clone(), moved.energy),
            gradient: state.gradient.mask_where(everywhere, moved.gradient),
        };
        (state, accepted.float())
    }
}

/// Half the squared length of a normal pair, which is exponential with mean 1.
fn exponential(noise: &Noise, chain: u64, draw: u32) -> f32 {
    noise.normal(chain, Draw::Acceptance(draw), 2).iter().map(|z| z * z).sum::<f32>() / 2.0
}
