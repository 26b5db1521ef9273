//! The schedule that each sampler follows.

use options::Sampler;

use crate::{
    sampling::{Annealing, Churn},
    training::NoiseLevels,
};

/// What the steps of a run do.
#[derive(Clone, Debug, PartialEq)]
pub enum Schedule {
    /// Annealed Langevin dynamics.
    Annealed(Annealing),
    /// Consistent annealed sampling.
    Consistent(NoiseSchedule),
    /// The deterministic flow.
    Ode(NoiseSchedule),
}

impl Schedule {
    /// The schedule of a sampler with this many steps, one energy gradient each, for a model that was trained at these
    /// levels.
    pub fn of(sampler: Sampler, steps: usize, sigma_0: f32, levels: &NoiseLevels) -> Self {
        match sampler {
            Sampler::Annealed => Self::Annealed(Annealing::falling(f64::from(levels.max / sigma_0).powi(2), steps)),
            Sampler::Consistent => Self::Consistent(NoiseSchedule::new(steps, sigma_0, levels)),
            Sampler::Ode => {
                Self::Ode(NoiseSchedule { churn: Churn::NONE, ..NoiseSchedule::new(steps, sigma_0, levels) })
            }
        }
    }

    /// The same with another churn; only consistent annealed sampling has one.
    #[must_use]
    pub fn with_churn(self, churn: Churn) -> Self {
        match self {
            Self::Consistent(fall) => Self::Consistent(NoiseSchedule { churn, ..fall }),
            other => other,
        }
    }

    /// Consistent annealed sampling for chains that start at pictures with noise of `level` on them: from there
    /// straight down.
    pub fn falling(steps: usize, sigma_0: f32, level: f32, levels: &NoiseLevels) -> Self {
        let most = f64::from(level.max(levels.min));
        Self::Consistent(NoiseSchedule::held_for(0, steps, sigma_0, most, f64::from(levels.min)))
    }

    /// The sampler that follows it.
    pub fn sampler(&self) -> Sampler {
        match self {
            Self::Annealed(_) => Sampler::Annealed,
            Self::Consistent(_) => Sampler::Consistent,
            Self::Ode(_) => Sampler::Ode,
        }
    }

    /// The number of steps.
    pub fn steps(&self) -> usize {
        match self {
            Self::Annealed(annealing) => annealing.steps(),
            Self::Consistent(fall) | Self::Ode(fall) => fall.steps(),
        }
    }

    /// The temperature that the chain is at before step `step`, from 0; after the last step that of the last.
    pub fn temperature(&self, step: usize) -> f32 {
        match self {
            Self::Annealed(annealing) => {
                annealing.temperatures.get(step).or(annealing.temperatures.last()).copied().unwrap_or(0.0)
            }
            Self::Consistent(fall) | Self::Ode(fall) => fall.temperature(step),
        }
    }

    /// The noise that chains start with around the middle grey: that of the first temperature (1 in the paper,
    /// `sample.py` of its code).
    pub(crate) fn first_level(&self, sigma_0: f32) -> f32 {
        match self {
            Self::Annealed(_) => sigma_0 * self.temperature(0).sqrt(),
            Self::Consistent(fall) | Self::Ode(fall) => fall.level(0),
        }
    }
}

/// Noise levels that stay at the largest trained one at first and then fall by a constant ratio to the smallest.
#[derive(Clone, Debug, PartialEq)]
pub struct NoiseSchedule {
    /// Before each step, and after the last.
    levels: Vec<f32>,
    sigma_0: f32,
    /// Of consistent annealed sampling.
    pub(crate) churn: Churn,
}

impl NoiseSchedule {
    /// One in so many steps stays at the largest level. Pictures differ from their mean by more than that level's
    /// noise, and chains that fell at once would all become what is near the mean. A component of the data of
    /// variance `v` is missing to `(v / (v + level^2))^k` after `k` steps. On Fashion-MNIST with levels up to 5
    /// (1,000 samples of 50 steps) a third gave a Frechet distance of 11.95, a sixth 11.87.
    const HELD: usize = 5;

    fn new(steps: usize, sigma_0: f32, levels: &NoiseLevels) -> Self {
        let held = 1 + steps / Self::HELD;
        Self::held_for(held, steps, sigma_0, f64::from(levels.max), f64::from(levels.min))
    }

    /// Levels that stay at `most` for the first `held` steps and then fall to `least`.
    fn held_for(held: usize, steps: usize, sigma_0: f32, most: f64, least: f64) -> Self {
        let falls = steps.saturating_sub(held).max(1) as f64;
        let fall = |step: usize| most * libm::pow(least / most, step.saturating_sub(held) as f64 / falls);
        Self { levels: (0..=steps).map(|step| fall(step) as f32).collect(), sigma_0, churn: Churn::USUAL }
    }

    fn steps(&self) -> usize {
        self.levels.len() - 1
    }

    /// The level before step `step`.
    pub(crate) fn level(&self, step: usize) -> f32 {
        self.levels[step.min(self.steps())]
    }

    /// Whether steps inject noise.
    pub(crate) fn injects(&self) -> bool {
        self.churn > Churn::NONE
    }

    /// Whether step `step` stays at its level.
    pub(crate) fn holds(&self, step: usize) -> bool {
        self.level(step) == self.level(step + 1)
    }

    /// On the shell of a level the static energy behaves like that level's density at this temperature.
    fn temperature(&self, step: usize) -> f32 {
        (self.level(step) / self.sigma_0).powi(2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use options::Spacing;

    #[test]
    fn the_papers_sampler_starts_at_the_largest_level() {
        for (max, initial) in [(1.0, 100.0), (5.0, 2500.0)] {
            let levels = NoiseLevels { min: 0.05, max, spacing: Spacing::Geometric };
            let schedule = Schedule::of(Sampler::Annealed, 2700, 0.1, &levels);
            assert!((schedule.temperature(0) / initial - 1.0).abs() < 1e-5, "{}", schedule.temperature(0));
            assert!((schedule.first_level(0.1) - max).abs() < 1e-5);
            assert!((schedule.temperature(2500) - 1.0).abs() < 1e-5 && schedule.temperature(2699) == 0.0);
        }
    }

    #[test]
    fn levels_fall_from_the_largest_to_the_smallest() {
        let levels = NoiseLevels { min: 0.05, max: 2.0, spacing: Spacing::Geometric };
        for steps in [1, 2, 3, 50, 300] {
            let schedule = Schedule::of(Sampler::Consistent, steps, 0.1, &levels);
            assert_eq!(schedule.steps(), steps);
            let level = |step| 0.1 * schedule.temperature(step).sqrt();
            let held = 1 + steps / 5;
            assert!((0..=held).all(|step| (level(step) - 2.0).abs() < 1e-5), "the first fifth stays");
            if steps > 1 {
                assert!((level(steps) - 0.05).abs() < 1e-6 && (level(steps + 9) - 0.05).abs() < 1e-6);
            }
            assert!((held + 1..=steps).all(|step| level(step) < level(step - 1)));
        }
    }
}
