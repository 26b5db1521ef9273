//! The samplers on energies whose answer is known in closed form.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::cell::RefCell;
use std::sync::Arc;

use burn::tensor::{Device, Tensor};
use options::{Sampler, Spacing, Words};
use shared::{
    network::Energy,
    sampling::{Annealing, Chains, Draw, Known, Noise, Schedule},
    training::NoiseLevels,
};

const SIGMA_0: f32 = 0.1;

/// `|x - centre|^2 / (2 sigma_0^2)`: the energy of a single point as the data. Its best denoiser jumps onto the point.
struct Quadratic {
    centre: f32,
}

impl Energy for Quadratic {
    fn energy_and_gradient(&self, x: Tensor<4>) -> (Tensor<1>, Tensor<4>) {
        let gradient = (x - self.centre) / (SIGMA_0 * SIGMA_0);
        let energy = gradient.clone().square().flatten::<2>(1, 3).sum_dim(1).squeeze_dim(1) * (0.5 * SIGMA_0 * SIGMA_0);
        (energy, gradient)
    }
}

fn moments(x: &Tensor<4>) -> (f64, f64, f64) {
    let values: Vec<f64> = x.to_data().iter::<f32>().map(f64::from).collect();
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
    (mean, variance, n)
}

/// Within five standard errors of what theory says.
fn assert_moments(x: &Tensor<4>, mean: f64, variance: f64) {
    let (found_mean, found_variance, n) = moments(x);
    assert!((found_mean - mean).abs() < 5.0 * (variance / n).sqrt(), "mean {found_mean}, theory {mean}");
    assert!(
        (found_variance - variance).abs() < 5.0 * variance * (2.0 / n).sqrt(),
        "variance {found_variance}, theory {variance}"
    );
}

/// Mean and variance of the chain after these steps, by the exact recursion of a linear Gaussian system:
/// `x' = (1 - a) x + a c + eps sqrt(T) z` with `a = eps^2 / (2 sigma_0^2)`.
fn theory(annealing: &Annealing, centre: f64) -> (f64, f64) {
    let step = f64::from(annealing.step_size);
    let a = step * step / (2.0 * f64::from(SIGMA_0).powi(2));
    annealing.temperatures.iter().fold((0.5, 1.0), |(mean, variance), &temperature| {
        ((1.0 - a) * mean + a * centre, (1.0 - a).powi(2) * variance + step * step * f64::from(temperature))
    })
}

#[test]
fn at_a_fixed_temperature_the_chain_reaches_its_stationary_distribution() {
    let device = Device::flex();
    let annealing = Annealing { temperatures: vec![4.0; 600], step_size: 0.02 };
    let mut chains = Chains::new(Schedule::Annealed(annealing), SIGMA_0, Noise::new(1), 0, [64, 1, 16, 16], &device);
    let energy = Quadratic { centre: 0.3 };
    while chains.step(&energy).is_some() {}
    // The discrete chain is slightly wider than T sigma_0^2: by 1 / (1 - a / 2) with a = 0.02.
    assert_moments(&chains.state(), 0.3, 4.0 * 0.01 / (1.0 - 0.01));
}

#[test]
fn the_whole_schedule_has_the_moments_that_theory_gives() {
    let device = Device::flex();
    for steps in [2700, 540, 100] {
        let annealing = Annealing::falling(Annealing::PAPER_TEMPERATURE, steps, SIGMA_0);
        let (mean, variance) = theory(&annealing, 0.8);
        let mut chains =
            Chains::new(Schedule::Annealed(annealing), SIGMA_0, Noise::new(2), 0, [16, 1, 16, 16], &device);
        let energy = Quadratic { centre: 0.8 };
        let mut last = 0;
        while let Some(step) = chains.step(&energy) {
            last = step.done;
        }
        assert_eq!(last, steps);
        assert_moments(&chains.state(), mean, variance);
        // The jump lands on the one point of the data.
        let pictures = chains.finish(&energy);
        let furthest = (pictures - 0.8).abs().max().into_scalar::<f32>();
        assert!(furthest < 1e-5, "{furthest} from the point after the jump");
    }
}

/// What a step does is in units of `sigma_0`: with a smaller one chains do the same on a smaller scale.
#[test]
fn the_schedule_is_as_stable_for_any_sigma_0() {
    for sigma_0 in [0.1, 0.02] {
        for steps in [2700, 270, 100] {
            let annealing = Annealing::falling(Annealing::PAPER_TEMPERATURE, steps, sigma_0);
            let contraction = 1.0 - 0.5 * (annealing.step_size / sigma_0).powi(2);
            assert!((0.0..1.0).contains(&contraction), "{sigma_0}, {steps} steps: {contraction}");
        }
    }
}

#[test]
fn the_injected_noise_restores_the_level_exactly() {
    let device = Device::flex();
    for steps in [1, 2, 20] {
        let mut chains =
            Chains::new(schedule(Sampler::Consistent, steps), SIGMA_0, Noise::new(6), 0, [16, 1, 16, 16], &device);
        let energy = Quadratic { centre: 0.8 };
        while let Some(step) = chains.step(&energy) {
            let held = 1 + steps / 5;
            let falls = (steps - held).max(1) as f64;
            let level = 2.0 * 0.025f64.powf(step.done.saturating_sub(held) as f64 / falls);
            assert_moments(&chains.state(), 0.8, level * level);
        }
    }
}

/// Data that is itself a Gaussian around 0.8, of standard deviation `spread`, as the denoiser for noise of 2 sees it.
struct Wide {
    spread: f32,
}

impl Wide {
    fn shrink(&self) -> f32 {
        4.0 / (4.0 + self.spread * self.spread)
    }
}

impl Energy for Wide {
    fn energy_and_gradient(&self, x: Tensor<4>) -> (Tensor<1>, Tensor<4>) {
        let (energy, gradient) = Quadratic { centre: 0.8 }.energy_and_gradient(x);
        (energy * self.shrink(), gradient * self.shrink())
    }
}

#[test]
fn steps_that_hold_the_level_find_the_spread_of_the_data() {
    let device = Device::flex();
    let energy = Wide { spread: 4.0 };
    let mut chains =
        Chains::new(schedule(Sampler::Consistent, 120), SIGMA_0, Noise::new(8), 0, [64, 1, 16, 16], &device);
    chains.step(&energy);
    let (_, after_one, _) = moments(&chains.state());
    for _held in 0..24 {
        chains.step(&energy);
    }
    // Noise that half stays makes it exactly the data's and the level's.
    assert_moments(&chains.state(), 0.8, 16.0 + 4.0);
    assert!(after_one < 0.6 * 20.0, "{after_one}: nothing to find");
}

/// Data that is a Gaussian around 0.8 of this variance, with the best denoiser for the level that the chain is at each time
/// that it is asked, the first time's last.
struct Gaussian {
    variance: f32,
    levels: RefCell<Vec<f32>>,
}

impl Energy for Gaussian {
    fn energy_and_gradient(&self, x: Tensor<4>) -> (Tensor<1>, Tensor<4>) {
        let noise = self.levels.borrow_mut().pop().unwrap().powi(2);
        let share = noise / (noise + self.variance);
        let (energy, gradient) = Quadratic { centre: 0.8 }.energy_and_gradient(x);
        (energy * share, gradient * share)
    }
}

#[test]
fn samples_have_the_variance_of_the_data_at_every_scale() {
    let device = Device::flex();
    for (sampler, steps, tolerance) in
        [(Sampler::Consistent, 50, 0.005), (Sampler::Consistent, 25, 0.02), (Sampler::Ode, 20, 0.02)]
    {
        for variance in [1.0f32, 0.1, 0.01] {
            let schedule = schedule(sampler, steps);
            let levels = (0..=steps).rev().map(|step| SIGMA_0 * schedule.temperature(step).sqrt()).collect();
            let energy = Gaussian { variance, levels: RefCell::new(levels) };
            let mut chains = Chains::new(schedule, SIGMA_0, Noise::new(10), 0, [256, 1, 32, 32], &device);
            while chains.step(&energy).is_some() {}
            let (mean, found, n) = moments(&chains.finish(&energy));
            // The best denoiser's pictures vary less than the data's by this much.
            let expected = f64::from(variance).powi(2) / (f64::from(variance) + 0.05f64.powi(2));
            let within = tolerance + 4.0 * (2.0 / n).sqrt();
            assert!((mean - 0.8).abs() < 4.0 * (expected / n).sqrt(), "{sampler:?}, {steps} steps: mean {mean}");
            assert!(
                (found / expected - 1.0).abs() < within,
                "{sampler:?}, {steps} steps: variance {found} where the data's is {expected}"
            );
        }
    }
}

#[test]
fn the_flow_scales_the_noise_down_without_adding_any() {
    let device = Device::flex();
    let mut chains = Chains::new(schedule(Sampler::Ode, 20), SIGMA_0, Noise::new(7), 0, [4, 1, 16, 16], &device);
    let energy = Quadratic { centre: 0.8 };
    for _held in 0..1 + 20 / 5 {
        chains.step(&energy);
    }
    // Around one point the flow is a straight line, on which every step is exact.
    let first = chains.state() - 0.8;
    while chains.step(&energy).is_some() {}
    let error = (chains.state() - 0.8 - first * 0.025).abs().max().into_scalar::<f32>();
    assert!(error < 1e-5, "{error} off the line");
}

fn schedule(sampler: Sampler, steps: usize) -> Schedule {
    Schedule::of(sampler, steps, SIGMA_0, &NoiseLevels { min: 0.05, max: 2.0, spacing: Spacing::Geometric })
}

#[test]
fn pictures_do_not_depend_on_how_chains_are_split() {
    let device = Device::flex();
    for &sampler in Sampler::all() {
        let run = |first, count| {
            let shape = [count, 2, 8, 8];
            let mut chains = Chains::new(schedule(sampler, 30), SIGMA_0, Noise::new(3), first, shape, &device);
            let energy = Quadratic { centre: 0.5 };
            while chains.step(&energy).is_some() {}
            chains.finish(&energy)
        };
        let split = Tensor::cat(vec![run(0, 2), run(2, 3)], 0);
        assert_eq!(run(0, 5).to_data(), split.to_data(), "{sampler:?}");
    }
}

#[test]
fn known_pixels_come_back_bit_for_bit_and_unknown_ones_move() {
    let device = Device::flex();
    let shape = [3, 1, 8, 8];
    // Values that no arithmetic would reproduce by chance, negative zero among them.
    let mut values = vec![0.0f32; 192];
    Noise::new(9).fill(0, Draw::Probe, &mut values);
    values[0] = -0.0;
    let pixels = Tensor::<1>::from_floats(values.as_slice(), &device).reshape(shape);
    let columns = Tensor::<1>::from_floats([0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0], &device);
    let unknown = columns.reshape([1, 1, 1, 8]).expand(shape).greater_elem(0.5);
    for &sampler in Sampler::all() {
        let known = Known { pixels: pixels.clone(), unknown: unknown.clone() };
        let mut chains =
            Chains::new(schedule(sampler, 40), SIGMA_0, Noise::new(4), 0, shape, &device).around(Arc::new(known));
        let energy = Quadratic { centre: 0.5 };
        while chains.step(&energy).is_some() {}
        let pictures = chains.finish(&energy);
        let (before, after) = (pixels.to_data(), pictures.to_data());
        for (index, (before, after)) in before.iter::<f32>().zip(after.iter::<f32>()).enumerate() {
            if index % 8 < 4 {
                assert_eq!(before.to_bits(), after.to_bits(), "{sampler:?}: known pixel {index}");
            } else {
                assert!((after - 0.5).abs() < 1e-5, "{sampler:?}: unknown pixel {index} is {after}");
            }
        }
    }
}

/// An energy that counts how often it is asked.
struct Counted<'a, E> {
    count: &'a RefCell<usize>,
    energy: E,
}

impl<E: Energy> Energy for Counted<'_, E> {
    fn energy_and_gradient(&self, x: Tensor<4>) -> (Tensor<1>, Tensor<4>) {
        *self.count.borrow_mut() += 1;
        self.energy.energy_and_gradient(x)
    }
}

/// A quadratic energy around 0.5 that keeps what it is shown.
struct Watch(RefCell<Vec<Tensor<4>>>);

impl Energy for Watch {
    fn energy_and_gradient(&self, x: Tensor<4>) -> (Tensor<1>, Tensor<4>) {
        self.0.borrow_mut().push(x.clone());
        Quadratic { centre: 0.5 }.energy_and_gradient(x)
    }
}

/// What the pictures are at the end does not tell: known pixels are put in place there, whatever was shown before.
#[test]
fn known_pixels_are_shown_under_the_noise_of_their_step() {
    let (device, shape, first) = (Device::flex(), [2, 1, 4, 8], 3);
    let columns = Tensor::<1>::from_floats([0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0], &device);
    let unknown = columns.reshape([1, 1, 1, 8]).expand(shape).greater_elem(0.5);
    let annealed = Schedule::Annealed(Annealing { temperatures: vec![4.0, 1.0, 0.25], step_size: 0.02 });
    // From 2 down to 0.05, after two steps that stay.
    let falling = [2.0, 2.0, 2.0, 0.584_804, 0.170_998, 0.05];
    // The last of the levels is the jump's, which is made under the noise of the last step. The flow goes down one path:
    // its noise is the same at every step.
    for (schedule, levels, anew) in [
        (annealed, &[0.2, 0.1, 0.05, 0.05][..], true),
        (schedule(Sampler::Consistent, 5), &falling, true),
        (schedule(Sampler::Ode, 5), &falling, false),
    ] {
        let name = schedule.sampler();
        let known = Known { pixels: Tensor::full(shape, 0.3, &device), unknown: unknown.clone() };
        let noise = Noise::new(4);
        let watch = Watch(RefCell::default());
        let mut chains = Chains::new(schedule, SIGMA_0, noise.clone(), first, shape, &device).around(Arc::new(known));
        while chains.step(&watch).is_some() {}
        chains.finish(&watch);
        let shown = watch.0.into_inner();
        assert_eq!(shown.len(), levels.len(), "{name}");
        let start = noise.tensor(first, Draw::Start, shape, &device) * levels[0] + 0.5;
        assert_eq!(shown[0].clone().narrow(3, 4, 4).into_data(), start.narrow(3, 4, 4).into_data(), "{name}");
        for ((step, shown), &level) in (0..).zip(shown).zip(levels) {
            let z = noise.tensor(first, Draw::Known(if anew { step } else { 0 }), shape, &device);
            let off = (shown - (z * level + 0.3)).narrow(3, 0, 4).abs().max().into_scalar::<f32>();
            assert!(off < 1e-5, "{name}, step {step}: {off} from noise of {level}");
        }
    }
}

#[test]
fn chains_from_the_smallest_level_stay_for_the_jump() {
    let device = Device::flex();
    let levels = NoiseLevels { min: 0.05, max: 5.0, spacing: Spacing::Geometric };
    let noisy = Noise::new(4).tensor(0, Draw::Start, [2, 1, 4, 4], &device) * 0.05 + 0.3;
    for level in [0.05, 0.02] {
        let fall = Schedule::falling(10, SIGMA_0, level, &levels);
        let mut chains = Chains::new(fall, SIGMA_0, Noise::new(1), 0, [2, 1, 4, 4], &device).at(noisy.clone(), 0);
        let energy = Quadratic { centre: 0.3 };
        let mut steps = 0;
        while chains.step(&energy).is_some() {
            steps += 1;
        }
        assert_eq!((steps, chains.state().into_data()), (10, noisy.clone().into_data()), "{level}");
        let denoised = chains.finish(&energy);
        assert!(denoised.into_data().iter::<f32>().all(|value| (value - 0.3).abs() < 1e-5));
    }
}

/// A picture's caption is its own energy: a step tells that of where it has led, and asks no more than once a step and
/// once at the beginning, the jump being by the last answer.
#[test]
fn a_step_tells_the_energies_of_where_chains_are() {
    let (device, count) = (Device::flex(), RefCell::new(0));
    let energy = Counted { count: &count, energy: Quadratic { centre: 0.3 } };
    for &sampler in Sampler::all() {
        *count.borrow_mut() = 0;
        let schedule = schedule(sampler, 12);
        let mut chains = Chains::new(schedule.clone(), SIGMA_0, Noise::new(5), 0, [2, 1, 8, 8], &device);
        while let Some(step) = chains.step(&energy) {
            let (there, _) = energy.energy.energy_and_gradient(chains.state());
            assert_eq!(step.energies.into_data(), there.into_data(), "{sampler}, step {}", step.done);
            assert_eq!(step.temperature, schedule.temperature(step.done));
        }
        chains.finish(&energy);
        assert_eq!(count.take(), 13, "{sampler}");
    }
}

#[test]
fn nothing_happens_after_the_last_step() {
    let device = Device::flex();
    let mut chains = Chains::new(schedule(Sampler::Annealed, 3), SIGMA_0, Noise::new(5), 0, [1, 1, 8, 8], &device);
    let energy = Quadratic { centre: 0.0 };
    assert_eq!(std::iter::from_fn(|| chains.step(&energy)).count(), 3);
    let state = chains.state().to_data();
    assert!(chains.step(&energy).is_none());
    assert_eq!(state, chains.state().to_data());
}

#[test]
fn chains_go_on_from_a_snapshot_as_if_nothing_had_happened() {
    const STEPS: usize = 15;
    let (device, energy) = (Device::flex(), Quadratic { centre: 0.3 });
    let known = || {
        let pixels = Tensor::full([3, 1, 4, 4], 0.4, &device);
        Known { unknown: Noise::new(5).tensor(0, Draw::Start, [3, 1, 4, 4], &device).greater_elem(0.0), pixels }
    };
    for &sampler in Sampler::all() {
        for around in [false, true] {
            let new = || {
                let chains = Chains::new(schedule(sampler, STEPS), SIGMA_0, Noise::new(8), 0, [3, 1, 4, 4], &device);
                if around { chains.around(Arc::new(known())) } else { chains }
            };
            let end = |mut chains: Chains| {
                while chains.step(&energy).is_some() {}
                chains.finish(&energy).into_data().iter::<f32>().collect::<Vec<_>>()
            };
            let whole = end(new());
            let mut chains = new();
            for done in 1..=STEPS {
                chains.step(&energy);
                let gone_on = end(new().restored(chains.snapshot(), done, &energy));
                assert_eq!(gone_on, whole, "{sampler:?}, around known pixels: {around}, after {done} steps");
            }
        }
    }
}
