//! The schedule that each sampler follows.

use std::sync::Arc;

use burn::tensor::{Device, Tensor};
use options::Sampler;

use super::noise_schedule::{Fall, NoiseSchedule, replace_nearest};
use crate::{
    sampling::{Annealing, Churn, Draw, GaussianStart, Noise},
    training::NoiseLevels,
};

/// What the steps of a run do.
#[derive(Clone, Debug, PartialEq)]
pub enum Schedule {
    /// Annealed Langevin dynamics.
    Annealed(Annealing),
    /// Consistent annealed sampling.
    Consistent(NoiseSchedule),
    /// The deterministic flow. Steps that stay at the first level have noise of their own, so that chains find the data's
    /// distribution there; where chains go from then on is decided, but where they have to remember something noisy
    /// ([`Given::told_down_to`](crate::sampling::Given::told_down_to)).
    Ode(NoiseSchedule),
}

impl Schedule {
    /// The schedule of a sampler with this many steps for a model that was trained at these levels. A step takes one
    /// energy gradient, with guidance one of each network; one more is taken where chains start.
    pub fn of(sampler: Sampler, steps: usize, sigma_0: f32, levels: &NoiseLevels) -> Self {
        match sampler {
            Sampler::Annealed => {
                Self::Annealed(Annealing::falling(f64::from(levels.max / sigma_0).powi(2), steps, sigma_0))
            }
            Sampler::Consistent => Self::Consistent(NoiseSchedule::new(steps, sigma_0, levels)),
            Sampler::Ode => Self::Ode(NoiseSchedule::new(steps, sigma_0, levels).with_churn(Churn::NONE)),
        }
    }

    /// The same with another churn; only consistent annealed sampling has one.
    #[must_use]
    pub fn with_churn(self, churn: Churn) -> Self {
        match self {
            Self::Consistent(fall) => Self::Consistent(fall.with_churn(churn)),
            other => other,
        }
    }

    /// The same for chains that start in the data's Gaussian, if it is known: they need not stay at the largest level at
    /// first, where that level hides what the Gaussian lacks of the data ([`GaussianStart::suffices_under`]). In the flow
    /// nothing corrects later what is lacking, so it stays there all the same where it has steps for it
    /// ([`NoiseSchedule::FEW`]). The paper's sampler starts as in the paper.
    #[must_use]
    pub fn starting_in(self, gaussian: Option<GaussianStart>) -> Self {
        let start = |schedule: NoiseSchedule, held| match &gaussian {
            Some(gaussian) => {
                let steps = schedule.steps();
                // Where there is one level, chains find the data's distribution by staying there.
                let falls = schedule.level(steps) < schedule.level(0) && gaussian.suffices_under(schedule.level(0));
                let fall = match (falls, steps < NoiseSchedule::FEW) {
                    (true, true) => schedule.falling(Fall::Roots, held),
                    (true, false) => schedule.falling(Fall::Ratio, held),
                    (false, _) => schedule,
                };
                fall.starting_in(Some(Arc::new(gaussian.clone())))
            }
            None => schedule,
        };
        let steps = self.steps();
        let stays = self.sampler() == Sampler::Ode && steps >= NoiseSchedule::FEW;
        let held = if stays { NoiseSchedule::held(steps) } else { 0 };
        self.with_fall(|fall| start(fall, held))
    }

    /// The same for chains around what is known of a picture: that decides what the rest is like, so they start from
    /// nothing and find it at the largest level.
    #[must_use]
    pub fn around_known(self) -> Self {
        let start = |schedule: NoiseSchedule| match schedule.start {
            Some(_) => {
                let held = NoiseSchedule::held(schedule.steps());
                schedule.falling(Fall::Ratio, held).starting_in(None)
            }
            None => schedule,
        };
        self.with_fall(start).with_churn(Churn::AROUND_KNOWN)
    }

    /// The same with a step that ends at this level, where one ended nearest to it: what is known under noise is told for the last
    /// time at its own level, and tells the most there. A level outside of those of the schedule changes nothing.
    #[must_use]
    pub fn through(self, level: f32, sigma_0: f32) -> Self {
        match self {
            Self::Annealed(mut annealing) => {
                replace_nearest(&mut annealing.temperatures, (level / sigma_0).powi(2));
                Self::Annealed(annealing)
            }
            other => other.with_fall(|fall| fall.through(level)),
        }
    }

    /// The same with other noise levels, which the paper's sampler has not.
    fn with_fall(self, other: impl FnOnce(NoiseSchedule) -> NoiseSchedule) -> Self {
        match self {
            Self::Annealed(annealing) => Self::Annealed(annealing),
            Self::Consistent(fall) => Self::Consistent(other(fall)),
            Self::Ode(fall) => Self::Ode(other(fall)),
        }
    }

    /// Consistent annealed sampling for chains that start at pictures with noise of `level` on them: from there
    /// straight down. From the smallest level or below there is nowhere to go: such chains stay as they are, and only the
    /// jump at the end denoises them.
    pub fn falling(steps: usize, sigma_0: f32, level: f32, levels: &NoiseLevels) -> Self {
        let most = f64::from(level.max(levels.min));
        Self::Consistent(NoiseSchedule::held_for(0, Fall::Ratio, steps, sigma_0, most, f64::from(levels.min)))
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

    /// Where chains start, `[N, C, H, W]`: in the data's Gaussian under noise of the first level, if the schedule has
    /// one, else around the middle grey.
    pub(crate) fn start(
        &self,
        sigma_0: f32,
        noise: &Noise,
        first_chain: u64,
        shape: [usize; 4],
        device: &Device,
    ) -> Tensor<4> {
        let level = self.level(0, sigma_0);
        match self {
            Self::Consistent(NoiseSchedule { start: Some(start), .. })
            | Self::Ode(NoiseSchedule { start: Some(start), .. }) => {
                start.chains(noise, first_chain, level, shape, device)
            }
            _ => noise.tensor(first_chain, Draw::Start, shape, device) * level + 0.5,
        }
    }

    /// The noise level that chains are at before step `step`; after the last step that of the last. Before the first it
    /// is what they start with: 1 in the paper (`sample.py` of its code).
    pub(crate) fn level(&self, step: usize, sigma_0: f32) -> f32 {
        match self {
            Self::Annealed(_) => sigma_0 * self.temperature(step).sqrt(),
            Self::Consistent(fall) | Self::Ode(fall) => fall.level(step),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::PrincipalComponents;
    use options::Spacing;

    #[test]
    fn the_papers_sampler_starts_at_the_largest_level() {
        for (max, initial) in [(1.0, 100.0), (5.0, 2500.0)] {
            let levels = NoiseLevels { min: 0.05, max, spacing: Spacing::Geometric };
            let schedule = Schedule::of(Sampler::Annealed, 2700, 0.1, &levels);
            assert!((schedule.temperature(0) / initial - 1.0).abs() < 1e-5, "{}", schedule.temperature(0));
            assert!((schedule.level(0, 0.1) - max).abs() < 1e-5);
            assert!((schedule.temperature(2500) - 1.0).abs() < 1e-5 && schedule.temperature(2699) == 0.0);
        }
    }

    #[test]
    fn chains_that_start_in_a_gaussian_fall_at_once_but_in_a_long_flow_or_around_known_pixels() {
        let levels = NoiseLevels { min: 0.05, max: 2.0, spacing: Spacing::Geometric };
        let components = PrincipalComponents { side: 1, mean: vec![0.2], components: vec![vec![0.1]] };
        let gaussian = components.placed(1, 8, 8);
        for (sampler, steps, held) in [
            (Sampler::Consistent, 20, 0),
            (Sampler::Consistent, 9, 0),
            (Sampler::Ode, 9, 0),
            (Sampler::Ode, 10, 3),
            (Sampler::Ode, 20, 5),
        ] {
            let usual = Schedule::of(sampler, steps, 0.1, &levels).with_churn(Churn::USUAL);
            let fall = usual.clone().starting_in(Some(gaussian.clone()));
            assert!((0..held).all(|step| fall.temperature(step + 1) == fall.temperature(step)));
            assert!(
                fall.temperature(held + 1) < fall.temperature(held) && usual.temperature(1) == usual.temperature(0)
            );
            assert!((fall.temperature(steps) / usual.temperature(steps) - 1.0).abs() < 1e-5);
            // Few steps are smaller where levels are large.
            let halfway = fall.temperature(held + (steps - held) / 2)
                / usual.temperature(1 + steps / 5 + (steps - 1 - steps / 5) / 2);
            assert!(steps >= NoiseSchedule::FEW || halfway > 1.1, "{sampler:?}, {steps} steps: {halfway}");
            assert_eq!(fall.around_known(), usual.clone().with_churn(Churn::AROUND_KNOWN));
            assert_eq!(usual.clone().starting_in(None), usual);
        }
        let paper = Schedule::of(Sampler::Annealed, 300, 0.1, &levels);
        assert_eq!(paper.clone().starting_in(Some(gaussian)), paper);
    }

    #[test]
    fn chains_stay_at_first_where_the_largest_level_does_not_hide_what_their_gaussian_lacks() {
        let components = PrincipalComponents { side: 1, mean: vec![0.2], components: vec![vec![0.2], vec![0.1]] };
        // In 8x8 pixels the shorter component has a length of 0.8.
        let gaussian = components.placed(1, 8, 8);
        for (max, held) in [(5.0, false), (1.7, false), (1.5, true), (0.5, true)] {
            let levels = NoiseLevels { min: 0.05, max, spacing: Spacing::Geometric };
            for (sampler, steps) in [(Sampler::Consistent, 50), (Sampler::Consistent, 5), (Sampler::Ode, 5)] {
                let fall = Schedule::of(sampler, steps, 0.1, &levels).starting_in(Some(gaussian.clone()));
                assert_eq!(fall.temperature(1) == fall.temperature(0), held, "{max}, {sampler}, {steps} steps");
                assert!((fall.level(0, 0.1) / max - 1.0).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn chains_have_nowhere_to_fall_from_the_smallest_level_and_stay_where_there_is_one_level() {
        let levels = |max| NoiseLevels { min: 0.05, max, spacing: Spacing::Geometric };
        for level in [0.01, 0.05, 0.4] {
            let Schedule::Consistent(fall) = Schedule::falling(20, 0.1, level, &levels(5.0)) else { panic!() };
            assert!((0..20).all(|step| !fall.holds(step)), "{level}");
            assert_eq!(fall.level(20), 0.05);
        }
        let gaussian = PrincipalComponents { side: 1, mean: vec![0.2], components: Vec::new() }.placed(1, 8, 8);
        for (sampler, steps) in [(Sampler::Consistent, 20), (Sampler::Consistent, 5), (Sampler::Ode, 5)] {
            let one = Schedule::of(sampler, steps, 0.1, &levels(0.05));
            for one in [one.clone(), one.starting_in(Some(gaussian.clone()))] {
                let (Schedule::Consistent(one) | Schedule::Ode(one)) = one else { panic!() };
                assert!((0..steps).all(|step| one.holds(step)), "{sampler}, {steps} steps");
            }
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

    #[test]
    fn a_step_ends_at_the_level_of_what_is_known_and_the_others_stay() {
        let levels = NoiseLevels { min: 0.05, max: 2.0, spacing: Spacing::Geometric };
        for (sampler, steps) in [(Sampler::Consistent, 20), (Sampler::Ode, 20), (Sampler::Annealed, 200)] {
            let usual = Schedule::of(sampler, steps, 0.1, &levels);
            let level_at = |schedule: &Schedule, step| 0.1 * schedule.temperature(step).sqrt();
            for wanted in [0.06, 0.2, 1.9] {
                let through = usual.clone().through(wanted, 0.1);
                let all: Vec<f32> = (0..=steps).map(|step| level_at(&through, step)).collect();
                assert!(all.is_sorted_by(|a, b| a >= b), "{all:?}");
                assert!(all.iter().any(|level| (level / wanted - 1.0).abs() < 1e-5), "{wanted}: {all:?}");
                let moved = (0..=steps).filter(|&step| (all[step] / level_at(&usual, step) - 1.0).abs() > 1e-5).count();
                assert!(moved <= 1, "{wanted}: {moved} levels have moved");
            }
            // Outside of the levels there is none to move.
            let least = usual.level(steps, 0.1);
            for outside in [0.2 * least, least, 2.0, 3.0, f32::INFINITY] {
                assert_eq!(usual.clone().through(outside, 0.1), usual);
            }
        }
    }
}
