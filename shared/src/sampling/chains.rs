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
    /// The temperature that the chains are at now.
    pub temperature: f32,
    /// The energy of each chain where it is now, `[N]`.
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
    /// What the network says of where they are, once it was asked: the next step goes by it.
    here: Option<Answer>,
    /// What the last step saw, if the level fell in it.
    before: Option<Evaluation>,
    done: usize,
}

/// What the network says of chains.
#[derive(Clone, Debug)]
struct Answer {
    /// What it was shown, `[N, C, H, W]`.
    shown: Tensor<4>,
    /// `[N]`
    energies: Tensor<1>,
    /// `[N, C, H, W]`
    gradient: Tensor<4>,
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
        Self { schedule, sigma_0, noise, first_chain, given: None, x, here: None, before: None, done: 0 }
    }

    /// The same chains around what is given, from their start: only the rest moves.
    #[must_use]
    pub fn around(mut self, given: Arc<dyn Given>) -> Self {
        self.schedule = self.schedule.around_known();
        if let Some(level) = given.told_down_to() {
            self.schedule = self.schedule.through(level);
        }
        let start = self.schedule.start(self.sigma_0, &self.noise, self.first_chain, self.x.dims(), &self.x.device());
        self.given = Some(given);
        self.at(start, 0)
    }

    /// The same chains at `x`, `[N, C, H, W]`, with `done` steps behind them: to start from pictures, or to go on after
    /// a stop.
    #[must_use]
    pub fn at(mut self, x: Tensor<4>, done: usize) -> Self {
        self.x = x;
        // What was seen was elsewhere.
        self.here = None;
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
            let Answer { gradient, .. } = self.ask(energy);
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

    /// One step of the schedule, and one energy gradient where it leads, by which the next step or the jump at the end goes;
    /// the first step needs one more. After the last one it does nothing and reports nothing.
    pub fn step(&mut self, energy: &impl Energy) -> Option<Step> {
        if self.done == self.schedule.steps() {
            return None;
        }
        let Answer { shown, gradient, .. } = self.here.take().unwrap_or_else(|| self.ask(energy));
        self.x = shown;
        self.x = self.moved(gradient, self.temperature());
        self.done += 1;
        let here = self.ask(energy);
        let energies = here.energies.clone();
        self.here = Some(here);
        Some(Step { done: self.done, temperature: self.temperature(), energies })
    }

    /// The denoising jump: the pictures, `[N, C, H, W]`, with known pixels exactly as they were given.
    pub fn finish(&self, energy: &impl Energy) -> Tensor<4> {
        let Answer { shown, gradient, .. } = self.here.clone().unwrap_or_else(|| self.ask(energy));
        self.keep_known(langevin::denoise(shown, gradient, self.sigma_0))
    }

    /// The temperature that the chains are at.
    fn temperature(&self) -> f32 {
        self.schedule.temperature(self.done)
    }

    fn ask(&self, energy: &impl Energy) -> Answer {
        let shown = self.shown();
        let (energies, gradient) = energy.energy_and_gradient(shown.clone());
        Answer { shown, energies, gradient }
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
    fn shown(&self) -> Tensor<4> {
        match &self.given {
            None => self.x.clone(),
            Some(given) => {
                // The deterministic sampler's known pixels go down one path too, instead of jumping about.
                let draw = if matches!(self.schedule, Schedule::Ode(_)) { 0 } else { self.done as u32 };
                let z = self.draw(Draw::Known(draw));
                given.show(self.x.clone(), z, self.sigma_0 * self.temperature().sqrt())
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
