//! Standard normal noise from one counter-based generator, keyed by (seed, chain, draw): the same numbers natively and
//! in wasm, whatever the batch split, and any draw can be reached without making those before it.

use burn::tensor::{Device, Tensor, TensorData};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
#[cfg(not(target_family = "wasm"))]
use rayon::prelude::*;

/// What a number is drawn for. Every variant has numbers of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draw {
    /// The start of a chain.
    Start,
    /// The noise of a step of a chain, whatever the sampler.
    Langevin(u32),
    /// The noise on the known pixels that a step, or the jump at the end, shows to the network.
    Known(u32),
    /// The corruption of a training image in a training step.
    Corruption(u32),
    /// The input of a model's self-test, and the noise that outlier scores are read under.
    Probe,
    /// The momentum of a Hamiltonian transition.
    Momentum(u32),
    /// What decides whether a Hamiltonian transition is accepted.
    Acceptance(u32),
    /// Where in their strata the noise levels of a training step lie.
    Levels(u32),
    /// The noise that a picture's likelihood is measured under.
    Surprise,
    /// How much of each principal component a chain starts with.
    Components,
}

/// The generator of one seed: ChaCha8, keyed by the seed, with the chain as its stream and the draw as its block
/// counter.
#[derive(Clone, Debug)]
pub struct Noise {
    generator: ChaCha8Rng,
}

impl Noise {
    /// The generator of this seed.
    pub fn new(seed: u64) -> Self {
        Self { generator: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// Fills `out` with standard normal numbers, at most 2^28 of them.
    pub fn fill(&self, chain: u64, draw: Draw, out: &mut [f32]) {
        let mut generator = self.generator.clone();
        generator.set_stream(chain);
        generator.set_word_pos(first_word(draw));
        for pair in out.chunks_mut(2) {
            let (a, b) = box_muller(generator.next_u32(), generator.next_u32());
            pair[0] = a;
            if let Some(second) = pair.get_mut(1) {
                *second = b;
            }
        }
    }

    /// `count` numbers from 0 to 1, each as likely as another.
    pub fn uniform(&self, chain: u64, draw: Draw, count: usize) -> Vec<f32> {
        let mut generator = self.generator.clone();
        generator.set_stream(chain);
        generator.set_word_pos(first_word(draw));
        // 24 bits are what a float keeps.
        (0..count).map(|_| (generator.next_u32() >> 8) as f32 / (1u32 << 24) as f32).collect()
    }

    /// `count` standard normal numbers.
    pub fn normal(&self, chain: u64, draw: Draw, count: usize) -> Vec<f32> {
        let mut values = vec![0.0; count];
        self.fill(chain, draw, &mut values);
        values
    }

    /// Noise for several chains: `shape` is `[N, C, H, W]`, chain numbers run from `first_chain`.
    pub fn tensor(&self, first_chain: u64, draw: Draw, shape: [usize; 4], device: &Device) -> Tensor<4> {
        Tensor::from_data(TensorData::new(self.numbers(first_chain, draw, shape), shape), device)
    }

    /// [`Noise::tensor`], not yet on a device. Chains are drawn in parallel where there are threads.
    pub fn numbers(&self, first_chain: u64, draw: Draw, shape: [usize; 4]) -> Vec<f32> {
        let per_chain = shape[1] * shape[2] * shape[3];
        let mut numbers = vec![0.0; shape[0] * per_chain];
        let fill = |(index, out): (usize, &mut [f32])| self.fill(first_chain + index as u64, draw, out);
        // Chunks of no numbers are not allowed: of an empty shape there is nothing to draw.
        #[cfg(target_family = "wasm")]
        numbers.chunks_mut(per_chain.max(1)).enumerate().for_each(fill);
        #[cfg(not(target_family = "wasm"))]
        numbers.par_chunks_mut(per_chain.max(1)).enumerate().for_each(fill);
        numbers
    }
}

/// Where a draw starts: 8 bits of purpose, 32 of step, 24 of block; a block has 16 words.
fn first_word(draw: Draw) -> u128 {
    let (purpose, step) = match draw {
        Draw::Start => (0u128, 0),
        Draw::Langevin(step) => (1, step),
        Draw::Known(step) => (2, step),
        Draw::Corruption(step) => (3, step),
        Draw::Probe => (4, 0),
        Draw::Momentum(step) => (5, step),
        Draw::Acceptance(step) => (6, step),
        Draw::Levels(step) => (7, step),
        Draw::Surprise => (8, 0),
        Draw::Components => (9, 0),
    };
    ((purpose << 56) | (u128::from(step) << 24)) * 16
}

/// Two independent standard normal numbers from 64 random bits (Box and Muller 1958). In f64 and with `libm`, whose
/// results do not depend on the platform.
fn box_muller(radius: u32, angle: u32) -> (f32, f32) {
    const UNIT: f64 = 1.0 / 4_294_967_296.0;
    // Never 0, so that the logarithm is finite.
    let radius = libm::sqrt(-2.0 * libm::log((f64::from(radius) + 1.0) * UNIT));
    let (sin, cos) = libm::sincos(core::f64::consts::TAU * f64::from(angle) * UNIT);
    ((radius * cos) as f32, (radius * sin) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_do_not_depend_on_how_they_are_split() {
        let noise = Noise::new(7);
        let mut whole = [0.0; 64];
        noise.fill(3, Draw::Langevin(11), &mut whole);
        let mut head = [0.0; 10];
        noise.fill(3, Draw::Langevin(11), &mut head);
        assert_eq!(head, whole[..10], "a shorter draw is the beginning of a longer one");
    }

    #[test]
    fn chains_draws_and_seeds_are_independent() {
        let draw = |seed, chain, draw| {
            let mut out = vec![0.0; 4096];
            Noise::new(seed).fill(chain, draw, &mut out);
            out
        };
        let base = draw(1, 0, Draw::Langevin(5));
        for other in [
            draw(2, 0, Draw::Langevin(5)),
            draw(1, 1, Draw::Langevin(5)),
            draw(1, 0, Draw::Langevin(6)),
            draw(1, 0, Draw::Known(5)),
            draw(1, 0, Draw::Start),
        ] {
            let correlation: f32 = base.iter().zip(&other).map(|(a, b)| a * b).sum::<f32>() / 4096.0;
            assert!(correlation.abs() < 5.0 / 64.0, "correlation {correlation} of supposedly independent draws");
        }
    }

    #[test]
    fn numbers_are_standard_normal() {
        let mut out = vec![0.0; 1 << 18];
        Noise::new(42).fill(0, Draw::Start, &mut out);
        let n = out.len() as f64;
        let moment = |power: i32| out.iter().map(|&v| f64::from(v).powi(power)).sum::<f64>() / n;
        // Five standard errors of each moment.
        assert!(moment(1).abs() < 5.0 / n.sqrt(), "mean {}", moment(1));
        assert!((moment(2) - 1.0).abs() < 5.0 * (2.0 / n).sqrt(), "variance {}", moment(2));
        assert!(moment(3).abs() < 5.0 * (15.0 / n).sqrt(), "third moment {}", moment(3));
        assert!((moment(4) - 3.0).abs() < 5.0 * (96.0 / n).sqrt(), "fourth moment {}", moment(4));
    }
}
