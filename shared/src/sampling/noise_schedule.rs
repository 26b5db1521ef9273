//! The noise levels of samplers that fall from one to the next.

use std::sync::Arc;

use crate::{
    sampling::{Churn, GaussianStart},
    training::NoiseLevels,
};

/// Noise levels that may stay at the largest trained one at first and then fall to the smallest.
#[derive(Clone, Debug, PartialEq)]
pub struct NoiseSchedule {
    /// Before each step, and after the last.
    levels: Vec<f32>,
    /// So many steps stay at the first level, where chains find the data's distribution.
    held: usize,
    sigma_0: f32,
    /// How much noise steps that fall put back; those that stay at the first level always do.
    pub(crate) churn: Churn,
    /// The Gaussian that chains start in, if it is known.
    pub(super) start: Option<Arc<GaussianStart>>,
}

impl NoiseSchedule {
    /// One in so many steps stays at the largest level. Pictures differ from their mean by more than that level's
    /// noise, and chains that fell at once would all become what is near the mean. A component of the data of
    /// variance `v` is missing to `(v / (v + level^2))^k` after `k` steps. On Fashion-MNIST with levels up to 5
    /// (1,000 samples of 50 steps) a third gave a Frechet distance of 11.95, a sixth 11.87.
    const HELD: usize = 5;

    /// With fewer steps than this, chains that start in the data's Gaussian do not stay at the largest level, and fall by
    /// [`Fall::Roots`], in smaller steps where levels are large. From so many on the flow stays there, and levels fall by
    /// a constant ratio. On Fashion-MNIST (500 samples, four or more seeds), flows that stay had Frechet distances of
    /// 2.3 +- 0.2 in 20 steps, 3.6 +- 0.2 in 10 and 17 +- 1 in 5, and others 3.4 +- 0.4, 3.5 +- 0.6 and 6 +- 1. By roots, 5 steps
    /// of it had 10.6 and not 12.9 (by another measure, two seeds), of consistent annealed sampling 11.6 and not 15.0;
    /// from 10 steps on the gain is small and not in every model (`docs/samplers.md`).
    pub(super) const FEW: usize = 10;

    pub(super) fn new(steps: usize, sigma_0: f32, levels: &NoiseLevels) -> Self {
        let (most, least) = (f64::from(levels.max), f64::from(levels.min));
        Self::held_for(Self::held(steps), Fall::Ratio, steps, sigma_0, most, least)
    }

    /// The same with another churn.
    pub(super) fn with_churn(self, churn: Churn) -> Self {
        Self { churn, ..self }
    }

    /// The same for chains that start in this Gaussian, or from nothing.
    pub(super) fn starting_in(self, start: Option<Arc<GaussianStart>>) -> Self {
        Self { start, ..self }
    }

    /// How many steps stay at the largest level at first.
    pub(super) fn held(steps: usize) -> usize {
        1 + steps / Self::HELD
    }

    /// The same between the same levels, of which the largest stays for so many steps.
    pub(super) fn falling(&self, fall: Fall, held: usize) -> Self {
        let steps = self.steps();
        let (most, least) = (f64::from(self.level(0)), f64::from(self.level(steps)));
        let again = Self::held_for(held, fall, steps, self.sigma_0, most, least);
        Self { churn: self.churn, start: self.start.clone(), ..again }
    }

    /// Levels that stay at `most` for the first `held` steps and then fall to `least`. Where these are the same, there is
    /// nothing but to stay.
    pub(super) fn held_for(held: usize, fall: Fall, steps: usize, sigma_0: f32, most: f64, least: f64) -> Self {
        let held = if held > 0 && most <= least { steps } else { held.min(steps) };
        let falls = steps.saturating_sub(held).max(1) as f64;
        let level = |step: usize| fall.between(most, least, step.saturating_sub(held) as f64 / falls);
        let levels = (0..=steps).map(|step| level(step) as f32).collect();
        Self { levels, held, sigma_0, churn: Churn::USUAL, start: None }
    }

    /// The same with this level in the place of the nearest one between the first and the last.
    pub(super) fn through(mut self, level: f32) -> Self {
        replace_nearest(&mut self.levels, level);
        self
    }

    pub(super) fn steps(&self) -> usize {
        self.levels.len() - 1
    }

    /// The level before step `step`.
    pub(crate) fn level(&self, step: usize) -> f32 {
        self.levels[step.min(self.steps())]
    }

    /// Whether step `step` stays at its level, to find the distribution of the data under its noise.
    pub(crate) fn holds(&self, step: usize) -> bool {
        step < self.held
    }

    /// On the shell of a level the static energy behaves like that level's density at this temperature.
    pub(super) fn temperature(&self, step: usize) -> f32 {
        (self.level(step) / self.sigma_0).powi(2)
    }
}

/// Puts `value` in the place of the nearest one, by ratio, between the first and the last of values that fall; does nothing if
/// it is not between them itself.
pub(super) fn replace_nearest(values: &mut [f32], value: f32) {
    let (Some(&first), Some(&last)) = (values.first(), values.last()) else { return };
    let apart = |other: f32| (other / value).ln().abs();
    let between = values.iter_mut().filter(|other| last < **other && **other < first);
    if last < value
        && value < first
        && let Some(nearest) = between.min_by(|a, b| apart(**a).total_cmp(&apart(**b)))
    {
        *nearest = value;
    }
}

/// How levels fall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fall {
    /// By a constant ratio.
    Ratio,
    /// Evenly in the seventh root of the level (Karras and others 2022, "Elucidating the design space of diffusion-based
    /// generative models").
    Roots,
}

impl Fall {
    /// The level at this part of the way.
    fn between(self, most: f64, least: f64, part: f64) -> f64 {
        match self {
            Self::Ratio => most * libm::pow(least / most, part),
            Self::Roots => {
                let [from, to] = [most, least].map(|level| libm::pow(level, 1.0 / 7.0));
                libm::pow(from + (to - from) * part, 7.0)
            }
        }
    }
}
