//! Chains from noise to pictures, or around known pixels, reproducible from a seed.

use core::fmt::Debug;
use std::sync::Arc;

use burn::tensor::{Bool, Device, Tensor};

use crate::{
    network::Energy,
    sampling::{
        Churn, Draw, Noise, Schedule,
        consistent::{self, Evaluation},
        langevin,
    },
};

/// What is given of each picture, which chains must come to have.
pub trait Given: Debug + Send + Sync {
    /// What the network is shown of chains `x`, `[N, C, H, W]`: what is given, under the standard normal `z`, of the same
    /// shape, times `level`; the rest of `x`.
    fn show(&self, x: Tensor<4>, z: Tensor<4>, level: f32) -> Tensor<4>;
    /// Pictures `x`, `[N, C, H, W]`, with what is given exactly as it was given; what is given under noise is not kept.
    fn keep(&self, x: Tensor<4>) -> Tensor<4>;
    /// The smallest level at which chains are told anything, where that is the noise on what is given: a step ends there.
    fn told_down_to(&self) -> Option<f32> {
        None
    }
    /// How much consistent annealed sampling corrects chains in a step down to level `next`.
    fn churn(&self, next: f32) -> Churn {
        let _ = next;
        Churn::AROUND_KNOWN
    }
}

impl Given for Arc<dyn Given> {
    fn show(&self, x: Tensor<4>, z: Tensor<4>, level: f32) -> Tensor<4> {
        self.as_ref().show(x, z, level)
    }

    fn keep(&self, x: Tensor<4>) -> Tensor<4> {
        self.as_ref().keep(x)
    }

    fn told_down_to(&self) -> Option<f32> {
        self.as_ref().told_down_to()
    }

    fn churn(&self, next: f32) -> Churn {
        self.as_ref().churn(next)
    }
}

/// The part of each picture that is given, as pixels.
#[derive(Clone, Debug)]
pub struct Known {
    /// `[N, C, H, W]`, or `[1, C, H, W]` for all of them; only its known pixels are read.
    pub pixels: Tensor<4>,
    /// Of the same shape, true where the pixel is to be found.
    pub unknown: Tensor<4, Bool>,
}

impl Given for Known {
    fn show(&self, x: Tensor<4>, z: Tensor<4>, level: f32) -> Tensor<4> {
        let Self { pixels, unknown } = self.clone();
        let shape = x.dims();
        langevin::show_known(x, pixels.expand(shape), unknown.expand(shape), z, level)
    }

    fn keep(&self, x: Tensor<4>) -> Tensor<4> {
        let shape = x.dims();
        self.pixels.clone().expand(shape).mask_where(self.unknown.clone().expand(shape), x)
    }
}

/// What a step reports.
#[derive(Clone, Debug)]
pub struct Step {
    /// Steps done, this one included.
    pub done: usize,
    /// The temperature of this step.
    pub temperature: f32,
    /// The energy of each chain before this step, `[N]`.
    pub energies: Tensor<1>,
}

/// N chains on their way from noise to pictures.
#[derive(Clone, Debug)]
pub struct Chains {
    schedule: Schedule,
    sigma_0: f32,
    noise: Noise,
    first_chain: u64,
    given: Option<Arc<dyn Given>>,
    x: Tensor<4>,
    /// What the last step saw, if the level fell in it.
    before: Option<Evaluation>,
    done: usize,
}

impl Chains {
    /// Chains that start at `0.5 + level z`, with the level that the schedule begins at, or in the data's Gaussian under
    /// such noise if the schedule has it. `shape` is `[N, C, H, W]`; chain numbers run from `first_chain`, so that any split of the chains over samplers gives the same pictures.
    pub fn new(
        schedule: Schedule,
        sigma_0: f32,
        noise: Noise,
        first_chain: u64,
        shape: [usize; 4],
        device: &Device,
    ) -> Self {
        let x = schedule.start(sigma_0, &noise, first_chain, shape, device);
        Self { schedule, sigma_0, noise, first_chain, given: None, x, before: None, done: 0 }
    }

    /// The same chains around what is given, from their start: only the rest moves.
    #[must_use]
    pub fn around(mut self, given: impl Given + 'static) -> Self {
        self.schedule = self.schedule.around_known();
        if let Some(level) = given.told_down_to() {
            self.schedule = self.schedule.through(level);
        }
        self.x = self.schedule.start(self.sigma_0, &self.noise, self.first_chain, self.x.dims(), &self.x.device());
        self.given = Some(Arc::new(given));
        self
    }

    /// The same chains at `x`, `[N, C, H, W]`, with `done` steps behind them: to start from pictures, or to go on after
    /// a stop.
    #[must_use]
    pub fn at(mut self, x: Tensor<4>, done: usize) -> Self {
        self.x = x;
        // What was seen before was elsewhere.
        self.before = None;
        self.done = done.min(self.schedule.steps());
        self
    }

    /// How many chains these are.
    pub fn count(&self) -> usize {
        self.x.dims()[0]
    }

    /// All that the next steps depend on, beside what the chains were made of: where they are and, if the next step looks
    /// at it, where the last step found them, both `[N, C, H, W]`.
    pub fn snapshot(&self) -> (Tensor<4>, Option<Tensor<4>>) {
        (self.x.clone(), self.before.as_ref().map(|before| before.x.clone()))
    }

    /// The same chains as they were at a [`snapshot`](Self::snapshot) after `done` steps: they go on exactly as those
    /// would have.
    #[must_use]
    pub fn restored(mut self, (x, before): (Tensor<4>, Option<Tensor<4>>), done: usize, energy: &impl Energy) -> Self {
        let mut evaluated = None;
        if let Some(before) = before
            && let Some(last) = done.checked_sub(1)
            && let Schedule::Consistent(fall) | Schedule::Ode(fall) = &self.schedule
        {
            let level = fall.level(last);
            self = self.at(before.clone(), last);
            let (_, gradient) = energy.energy_and_gradient(self.seen(self.schedule.temperature(last)));
            evaluated = Some(Evaluation { x: before, gradient, level });
        }
        self = self.at(x, done);
        self.before = evaluated;
        self
    }

    /// Where the chains are, `[N, C, H, W]`.
    pub fn state(&self) -> Tensor<4> {
        self.keep_known(self.x.clone())
    }

    /// One step of the schedule, with one energy gradient; after the last one it does nothing and reports nothing.
    pub fn step(&mut self, energy: &impl Energy) -> Option<Step> {
        if self.done == self.schedule.steps() {
            return None;
        }
        let temperature = self.schedule.temperature(self.done);
        self.x = self.seen(temperature);
        let (energies, gradient) = energy.energy_and_gradient(self.x.clone());
        self.x = self.moved(gradient, temperature);
        self.done += 1;
        Some(Step { done: self.done, temperature, energies })
    }

    /// The denoising jump: the pictures, `[N, C, H, W]`, with known pixels exactly as they were given, and the energies
    /// of the chains before the jump, `[N]`.
    pub fn finish(&self, energy: &impl Energy) -> (Tensor<4>, Tensor<1>) {
        let seen = self.seen(self.schedule.temperature(self.done));
        let (energies, gradient) = energy.energy_and_gradient(seen.clone());
        (self.keep_known(langevin::denoise(seen, gradient, self.sigma_0)), energies)
    }

    /// Where a step leads.
    fn moved(&mut self, gradient: Tensor<4>, temperature: f32) -> Tensor<4> {
        let (x, step) = (self.x.clone(), self.done as u32);
        let fall = match &self.schedule {
            Schedule::Annealed(annealing) => {
                return langevin::step(x, gradient, self.draw(Draw::Langevin(step)), annealing.step_size, temperature);
            }
            Schedule::Consistent(fall) | Schedule::Ode(fall) => fall,
        };
        let (level, next) = (fall.level(self.done), fall.level(self.done + 1));
        let now = Evaluation { x, gradient, level };
        if level == next && !fall.holds(self.done) {
            return now.x;
        }
        if fall.holds(self.done) {
            let z_before = self.draw(step.checked_sub(1).map_or(Draw::Start, Draw::Langevin));
            return consistent::hold(now, z_before, self.draw(Draw::Langevin(step)), self.sigma_0);
        }
        let z = fall.injects().then(|| self.draw(Draw::Langevin(step)));
        // Only consistent annealed sampling has churn.
        let churn = match &self.given {
            Some(given) if fall.injects() => given.churn(next),
            _ => fall.churn,
        };
        consistent::step(now.clone(), self.before.replace(now), z, self.sigma_0, churn, next)
    }

    /// What the network is shown.
    fn seen(&self, temperature: f32) -> Tensor<4> {
        match &self.given {
            None => self.x.clone(),
            Some(given) => {
                // The deterministic sampler's known pixels go down one path too, instead of jumping about.
                let draw = if matches!(self.schedule, Schedule::Ode(_)) { 0 } else { self.done as u32 };
                let z = self.draw(Draw::Known(draw));
                given.show(self.x.clone(), z, self.sigma_0 * temperature.sqrt())
            }
        }
    }

    fn keep_known(&self, x: Tensor<4>) -> Tensor<4> {
        match &self.given {
            None => x,
            Some(given) => given.keep(x),
        }
    }

    fn draw(&self, draw: Draw) -> Tensor<4> {
        self.noise.tensor(self.first_chain, draw, self.x.dims(), &self.x.device())
    }
}
