//! The temperature schedule of annealed Langevin dynamics.

use options::Sampler;

/// A temperature for every step, and the step size.
///
/// Annealing the temperature of the one static energy is annealing the noise level: on the shell of level `sigma` the
/// energy behaves like that level's density at `T = (sigma / sigma_0)^2`.
#[derive(Clone, Debug, PartialEq)]
pub struct Annealing {
    /// One temperature a step.
    pub temperatures: Vec<f32>,
    /// `eps` of the update `x - eps^2/2 grad E + eps sqrt(T) z`, in pixel units.
    pub step_size: f32,
}

impl Annealing {
    /// The paper's step size, for the paper's `sigma_0` of 0.1.
    const PAPER_STEP_SIZE: f32 = 0.02;
    const PAPER_SIGMA_0: f32 = 0.1;
    /// The temperature that the paper starts from.
    pub const PAPER_TEMPERATURE: f64 = 100.0;

    /// The paper's schedule (`sample.py` of the authors' code): of 2,700 steps 500 at the temperature `initial` (at
    /// least 1), 2,000 that fall exponentially to 1, 200 that fall linearly to 0. Any other number of steps keeps
    /// the proportions of the three phases and the total relaxation `steps * step_size^2`, so that fewer, larger
    /// steps still reach each temperature's equilibrium; below 216 steps the step size stops growing, for
    /// stability. It is in proportion to `sigma_0`: a step contracts to `1 - eps^2 / (2 sigma_0^2)`.
    ///
    /// The paper's `initial` is 100, noise of 1. That is not where chains of every model can start: among pictures on
    /// white, a grey one under noise of 1 is like none, and what a model makes of it is no picture. Under its
    /// largest noise all are alike.
    pub fn falling(initial: f64, steps: usize, sigma_0: f32) -> Self {
        let initial = initial.max(1.0);
        let share = |part: usize| (steps * part + Sampler::PAPER_STEPS / 2) / Sampler::PAPER_STEPS;
        let (hot, cool) = (share(500), share(200));
        let fall = steps - hot - cool;
        let stay = core::iter::repeat_n(initial, hot);
        let falling = (0..fall).map(|i| initial * libm::exp(-(i as f64) * libm::log(initial) / fall as f64));
        let cooling = (0..cool).map(|i| 1.0 - i as f64 / (cool.max(2) - 1) as f64);
        let longer = (Sampler::PAPER_STEPS as f64 / steps.max(216) as f64).sqrt();
        Self {
            temperatures: stay.chain(falling).chain(cooling).map(|t| t as f32).collect(),
            step_size: (f64::from(Self::PAPER_STEP_SIZE * (sigma_0 / Self::PAPER_SIGMA_0)) * longer) as f32,
        }
    }

    /// The number of steps.
    pub fn steps(&self) -> usize {
        self.temperatures.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_paper_schedule_is_the_papers() {
        let annealing = Annealing::falling(Annealing::PAPER_TEMPERATURE, Sampler::PAPER_STEPS, 0.1);
        let t = &annealing.temperatures;
        assert_eq!(annealing.step_size, 0.02);
        assert_eq!(t.len(), 2700);
        assert!(t[..=500].iter().all(|&t| t == 100.0));
        assert!((t[1500] - 10.0).abs() < 1e-4, "half of the way down on a logarithmic scale");
        assert!((t[2499] - 1.0).abs() < 0.01 && t[2500] == 1.0 && t[2699] == 0.0);
    }

    #[test]
    fn other_lengths_keep_the_phases_and_the_relaxation() {
        for steps in [1, 2, 7, 100, 270, 540, 2701, 5400] {
            for initial in [0.5, 1.0, 100.0, 2500.0] {
                let annealing = Annealing::falling(initial, steps, 0.1);
                assert_eq!(annealing.steps(), steps);
                assert!(annealing.temperatures.windows(2).all(|w| w[1] <= w[0]), "{steps} steps must never heat up");
            }
        }
        let short = Annealing::falling(100.0, 270, 0.1);
        assert_eq!(short.temperatures.iter().filter(|&&t| t == 100.0).count(), 51);
        assert!((270.0 * short.step_size.powi(2) - 2700.0 * 0.02f32.powi(2)).abs() < 1e-4);
    }
}
