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
    /// Pictures `x`, `[N, C, H, W]`, that chains have come to, with what is given put in its place: pixels exactly,
    /// anything else as nearly as values from 0 to 1 can have it. What is given under noise is not put in place. A frame
    /// around the pictures becomes zeros.
    fn keep(&self, x: Tensor<4>) -> Tensor<4>;
    /// Chains `x`, `[N, C, H, W]`, for a look at them on their way; chains that go on from there go on as from `x`.
    fn preview(&self, x: Tensor<4>) -> Tensor<4> {
        x
    }
    /// The level down to which chains are told all that is given: a step ends there. Below it they are told less or
    /// nothing, and must not forget what they were told. 0 where they are told all to the end, infinity where nowhere.
    fn told_down_to(&self) -> f32 {
        0.0
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

    fn preview(&self, x: Tensor<4>) -> Tensor<4> {
        self.keep(x)
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
    /// The noise under which the deterministic flow is shown what is given, at every level the same, `[N, C, H, W]`.
    path: Option<Tensor<4>>,
    x: Tensor<4>,
    /// What the network says of where they are, once it was asked: the next step goes by it.
    here: Option<Answer>,
    /// What the last step saw, if the level fell in it.
    before: Option<Evaluation>,
    /// The noise of the last step, `[N, C, H, W]`, if it stayed at its level and the next one does: that uses it again.
    held: Option<Tensor<4>>,
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
        let (given, path, here, before, held) = (None, None, None, None, None);
        Self { schedule, sigma_0, noise, first_chain, given, path, x, here, before, held, done: 0 }
    }

    /// The same chains around what is given, from their start: only the rest moves.
    #[must_use]
    pub fn around(mut self, given: Arc<dyn Given>) -> Self {
        self.schedule = self.schedule.around_known().through(given.told_down_to(), self.sigma_0);
        // The deterministic sampler's known pixels go down one path too, instead of jumping about.
        self.path = matches!(self.schedule, Schedule::Ode(_)).then(|| self.draw(Draw::Known(0)));
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
        self.held = None;
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
        {
            let (_, gradient) = energy.energy_and_gradient(before.clone());
            evaluated = Some(Evaluation { x: before, gradient, level: self.schedule.level(last, self.sigma_0) });
        }
        self = self.at(x, done);
        self.before = evaluated;
        self
    }

    /// Where the chains are, `[N, C, H, W]`, given pixels in their places. From there they can go on ([`at`](Self::at)),
    /// so nothing is brought into the range of pictures.
    pub fn state(&self) -> Tensor<4> {
        match &self.given {
            None => self.x.clone(),
            Some(given) => given.preview(self.x.clone()),
        }
    }

    /// One step of the schedule, and one energy gradient where it leads, by which the next step or the jump at the end goes;
    /// the first step needs one more. After the last one it does nothing and reports nothing.
    pub fn step(&mut self, energy: &impl Energy) -> Option<Step> {
        if self.done == self.schedule.steps() {
            return None;
        }
        let Answer { shown, gradient, .. } = self.here.take().unwrap_or_else(|| self.ask(energy));
        self.x = shown;
        self.x = self.moved(gradient);
        self.done += 1;
        let here = self.ask(energy);
        let energies = here.energies.clone();
        self.here = Some(here);
        Some(Step { done: self.done, temperature: self.temperature(), energies })
    }

    /// The denoising jump: the pictures, `[N, C, H, W]`, with what is given in its place.
    pub fn finish(&self, energy: &impl Energy) -> Tensor<4> {
        let Answer { shown, gradient, .. } = self.here.clone().unwrap_or_else(|| self.ask(energy));
        let pictures = langevin::denoise(shown, gradient, self.sigma_0);
        match &self.given {
            None => pictures,
            Some(given) => given.keep(pictures),
        }
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
    fn moved(&mut self, gradient: Tensor<4>) -> Tensor<4> {
        let (x, step) = (self.x.clone(), self.done as u32);
        let [first, level, next] = [0, self.done, self.done + 1].map(|step| self.schedule.level(step, self.sigma_0));
        // Only ancestral sampling keeps what chains are told no more: Langevin steps forget it, the flow would take its
        // noise for the picture.
        let remembered = self.given.as_ref().is_some_and(|given| next < given.told_down_to());
        let churn = match &self.schedule {
            // At the first level nothing has been told before.
            Schedule::Annealed(annealing) if !remembered || next == first => {
                let z = self.draw(Draw::Langevin(step));
                return langevin::step(x, gradient, z, annealing.step_size, self.temperature());
            }
            Schedule::Consistent(fall) | Schedule::Ode(fall) if fall.holds(self.done) => {
                let holds_again = fall.holds(self.done + 1);
                let before = || self.draw(step.checked_sub(1).map_or(Draw::Start, Draw::Langevin));
                let (z_before, z) = (self.held.clone().unwrap_or_else(before), self.draw(Draw::Langevin(step)));
                self.held = holds_again.then(|| z.clone());
                return consistent::hold(Evaluation { x, gradient, level }, z_before, z, self.sigma_0);
            }
            Schedule::Consistent(fall) | Schedule::Ode(fall) if !remembered => fall.churn,
            _ => Churn::ANCESTRAL,
        };
        if level == next {
            return x;
        }
        let now = Evaluation { x, gradient, level };
        let z = (churn > Churn::NONE).then(|| self.draw(Draw::Langevin(step)));
        consistent::step(now.clone(), self.before.replace(now), z, self.sigma_0, churn, next)
    }

    /// What the network is shown.
    fn shown(&self) -> Tensor<4> {
        match &self.given {
            None => self.x.clone(),
            Some(given) => {
                let z = self.path.clone().unwrap_or_else(|| self.draw(Draw::Known(self.done as u32)));
                given.show(self.x.clone(), z, self.sigma_0 * self.temperature().sqrt())
            }
        }
    }

    fn draw(&self, draw: Draw) -> Tensor<4> {
        self.noise.tensor(self.first_chain, draw, self.x.dims(), &self.x.device())
    }
}
