//! Pictures of which a linear part is known.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{cell::RefCell, sync::Arc};

use burn::tensor::{Device, Tensor};
use options::{Sampler, Spacing, Words};
use shared::{
    network::{Energy, Frame},
    restoration::{Blocks, Blurred, Cosines, Grey, Linear, Part, Pixels, cosine_gains, gaussian_blur, within},
    sampling::{Chains, Draw, Given, Known, Noise, Schedule},
    training::NoiseLevels,
};

const SIGMA_0: f32 = 0.1;
const LEVELS: NoiseLevels = NoiseLevels { min: 0.005, max: 1.0, spacing: Spacing::Geometric };

/// Data whose values are a Gaussian around 0.5, of this variance in what its channels have in common and in the rest,
/// with the best denoiser of the level that chains are at each time that it is asked, the first time's last.
struct Colours {
    common: f32,
    rest: f32,
    levels: RefCell<Vec<f32>>,
}

impl Energy for Colours {
    fn energy_and_gradient(&self, x: Tensor<4>) -> (Tensor<1>, Tensor<4>) {
        let [count, channels, ..] = x.dims();
        let noise = self.levels.borrow_mut().pop().unwrap().powi(2);
        let apart = x - 0.5;
        let common = apart.clone().sum_dim(1) / channels as f32;
        let own = apart.clone() - common.clone();
        let share = |variance: f32| noise / (noise + variance);
        let residual =
            common.expand(apart.dims()) * share(self.common * channels as f32 + self.rest) + own * share(self.rest);
        (Tensor::zeros([count], &residual.device()), residual / (SIGMA_0 * SIGMA_0))
    }
}

fn run(sampler: Sampler, energy: &Colours, given: impl Given + 'static, shape: [usize; 4], steps: usize) -> Tensor<4> {
    let schedule = Schedule::of(sampler, steps, SIGMA_0, &LEVELS);
    let schedule = schedule.through(given.told_down_to(), SIGMA_0);
    *energy.levels.borrow_mut() = (0..=steps).rev().map(|step| SIGMA_0 * schedule.temperature(step).sqrt()).collect();
    let mut chains = Chains::new(schedule, SIGMA_0, Noise::new(3), 0, shape, &Device::flex()).around(Arc::new(given));
    while chains.step(energy).is_some() {}
    chains.finish(energy)
}

fn picture(shape: [usize; 4]) -> Tensor<4> {
    Noise::new(1).tensor(0, Draw::Start, shape, &Device::flex()) * 0.05 + 0.5
}

fn furthest(a: Tensor<4>, b: Tensor<4>) -> f32 {
    (a - b).abs().max().into_scalar::<f32>()
}

fn colours() -> Colours {
    Colours { common: 0.01, rest: 0.0025, levels: RefCell::default() }
}

#[test]
fn parts_are_orthogonal_projections() {
    let device = Device::flex();
    let (x, y) = (picture([2, 3, 10, 12]), Noise::new(2).tensor(0, Draw::Start, [2, 3, 10, 12], &device));
    let known = Noise::new(4).tensor(0, Draw::Start, [1, 1, 10, 12], &device).greater_elem(0.0).float();
    let parts: [&dyn Part; 4] = [&Blocks { side: 2 }, &Blocks { side: 8 }, &Grey::of_colours(), &Pixels { known }];
    for part in parts {
        let once = part.of(x.clone());
        assert!(furthest(part.of(once.clone()), once.clone()) < 1e-5, "{part:?}");
        // What is left of a picture has nothing of any part in it.
        let product = ((x.clone() - once) * part.of(y.clone())).sum().into_scalar::<f32>();
        assert!(product.abs() < 1e-3, "{part:?}: {product}");
    }
    let means = Blocks { side: 8 }.means(x.clone());
    assert_eq!(means.dims(), [2, 3, 2, 2]);
    let corner = x.narrow(2, 8, 2).narrow(3, 8, 4).narrow(0, 0, 1).narrow(1, 0, 1).mean().into_scalar::<f32>();
    let mean = means.narrow(0, 0, 1).narrow(1, 0, 1).narrow(2, 1, 1).narrow(3, 1, 1).into_scalar::<f32>();
    assert!((corner - mean).abs() < 1e-6);
}

#[test]
fn what_is_known_comes_out_exactly_and_every_value_can_be_shown() {
    let frame = Frame::new(28, 32).unwrap();
    let truth = picture([1, 3, 28, 28]);
    let check = |answers: Tensor<4>, part: &dyn Part| {
        let inside = frame.remove(answers.clone());
        let known = part.of(truth.clone()).expand(inside.dims());
        assert!(furthest(part.of(inside.clone()), known) < 1e-5, "{part:?}");
        assert!(furthest(frame.add(inside.clone()), answers) == 0.0, "the frame is zeros");
        // The rest is not the truth's, nor alike.
        let others = inside.clone().narrow(0, 0, 1) - inside.narrow(0, 1, 1);
        assert!(others.abs().mean().into_scalar::<f32>() > 1e-3, "{part:?}");
    };
    let shape = [2, 3, 32, 32];
    for side in [2, 4, 8] {
        let part = Blocks { side };
        let given = Linear { picture: truth.clone(), part, noise: 0.0, frame };
        check(run(Sampler::Consistent, &colours(), given, shape, 10), &part);
    }
    let part = Grey::of_colours();
    check(
        run(
            Sampler::Consistent,
            &colours(),
            Linear { picture: truth.clone(), part: part.clone(), noise: 0.0, frame },
            shape,
            10,
        ),
        &part,
    );
}

#[test]
fn known_pixels_are_those_of_inpainting() {
    let device = Device::flex();
    let frame = Frame::new(12, 16).unwrap();
    let truth = picture([1, 1, 12, 12]);
    let unknown = Noise::new(4).tensor(0, Draw::Start, [1, 1, 12, 12], &device).greater_elem(0.0).float();
    let pixels =
        Linear { picture: truth.clone(), part: Pixels { known: unknown.clone().neg() + 1.0 }, noise: 0.0, frame };
    let mask = Known { pixels: frame.add(truth), unknown: frame.add(unknown).greater_elem(0.5) };
    for steps in [1, 20] {
        let answers = run(Sampler::Consistent, &colours(), pixels.clone(), [3, 1, 16, 16], steps);
        assert!(furthest(answers, run(Sampler::Consistent, &colours(), mask.clone(), [3, 1, 16, 16], steps)) < 1e-4);
    }
}

#[test]
fn colours_from_grey_have_the_mean_and_the_variance_of_the_posterior() {
    let frame = Frame::new(16, 16).unwrap();
    let (colours, part) = (colours(), Grey::of_colours());
    let grey = 0.56;
    let picture = Tensor::full([1, 3, 16, 16], grey, &Device::flex());
    let answers = run(
        Sampler::Consistent,
        &colours,
        Linear { picture, part: part.clone(), noise: 0.0, frame },
        [16, 3, 16, 16],
        800,
    );
    let square: f32 = part.weights.iter().map(|weight| weight * weight).sum();
    let spread = colours.common + colours.rest * square;
    for (channel, weight) in part.weights.iter().enumerate() {
        let with = colours.common + colours.rest * weight;
        let mean = 0.5 + with / spread * (grey - 0.5);
        let variance = colours.common + colours.rest - with * with / spread;
        let values = answers.clone().narrow(1, channel, 1);
        let found = values.clone().mean().into_scalar::<f32>();
        // What is shown at a level is not yet all that is known: the rest comes a little late.
        assert!((found - mean).abs() < 0.005, "channel {channel}: mean {found}, theory {mean}");
        let found = (values - found).square().mean().into_scalar::<f32>();
        assert!((found / variance - 1.0).abs() < 0.15, "channel {channel}: variance {found}, theory {variance}");
    }
}

#[test]
fn the_paper_s_sampler_too_is_told_what_is_known_on_its_way() {
    let frame = Frame::new(16, 16).unwrap();
    let (colours, part) = (colours(), Grey::of_colours());
    let picture = Tensor::full([1, 3, 16, 16], 0.56, &Device::flex());
    let given = Linear { picture, part: part.clone(), noise: 0.0, frame };
    let answers = run(Sampler::Annealed, &colours, given, [16, 3, 16, 16], 800);
    // The mean of the posterior. A grey that is only put in place at the end moves the channels by their weights, to means
    // of 0.523, 0.576 and 0.508. Chains of so few steps are a little late.
    for (channel, mean) in [0.5554, 0.5620, 0.5536].into_iter().enumerate() {
        let found = answers.clone().narrow(1, channel, 1).mean().into_scalar::<f32>();
        assert!((found - mean).abs() < 0.0125, "channel {channel}: mean {found}, theory {mean}");
    }
}

#[test]
fn enlarged_pictures_vary_as_the_data_does_within_a_block() {
    let frame = Frame::new(16, 16).unwrap();
    let energy = Colours { common: 0.0, rest: 0.0025, levels: RefCell::default() };
    let part = Blocks { side: 4 };
    let picture = picture([1, 1, 16, 16]);
    let known = part.of(picture.clone());
    let answers = run(Sampler::Consistent, &energy, Linear { picture, part, noise: 0.0, frame }, [64, 1, 16, 16], 100);
    let variance = (answers - known).square().mean().into_scalar::<f32>();
    assert!((variance / (0.0025 * 15.0 / 16.0) - 1.0).abs() < 0.05, "{variance}");
}

#[test]
fn with_noise_on_what_is_known_it_counts_as_much_as_it_tells() {
    let frame = Frame::new(16, 16).unwrap();
    let energy = Colours { common: 0.0, rest: 0.0025, levels: RefCell::default() };
    let known = Tensor::ones([1, 1, 16, 16], &Device::flex());
    let picture = Tensor::full([1, 1, 16, 16], 0.6, &Device::flex());
    let noise = 0.05;
    // Few steps are enough for that: one of them ends at the level of the noise. The paper's sampler has few below its
    // `sigma_0`.
    for (sampler, steps) in [
        (Sampler::Consistent, 20),
        (Sampler::Consistent, 200),
        (Sampler::Ode, 20),
        (Sampler::Ode, 200),
        (Sampler::Annealed, 800),
    ] {
        let given = Linear { picture: picture.clone(), part: Pixels { known: known.clone() }, noise, frame };
        let answers = run(sampler, &energy, given, [32, 1, 16, 16], steps);
        // A value seen as 0.6 with as much noise as the data varies lies half way, and varies half as much around it.
        let (mean, variance) = moments(answers);
        assert!((mean - 0.55).abs() < 0.003, "{sampler}, {steps} steps: {mean}");
        assert!((variance / (0.5 * 0.0025) - 1.0).abs() < 0.12, "{sampler}, {steps} steps: {variance}");
    }
}

fn moments(x: Tensor<4>) -> (f32, f32) {
    let mean = x.clone().mean().into_scalar::<f32>();
    (mean, (x - mean).square().mean().into_scalar::<f32>())
}

/// A fifth of every component is left, under noise: each is known as well as the data varies, far above the smallest level.
#[test]
fn what_a_blur_leaves_little_of_is_remembered_by_every_sampler() {
    let (device, frame) = (Device::flex(), Frame::new(16, 16).unwrap());
    let energy = Colours { common: 0.0, rest: 0.0625, levels: RefCell::default() };
    for (sampler, steps) in [(Sampler::Consistent, 400), (Sampler::Ode, 400), (Sampler::Annealed, 200)] {
        let blurred = Tensor::full([1, 1, 16, 16], 0.2 * 0.75, &device);
        let given = Blurred::new(blurred, Cosines::new(16, 16, &device), &[0.2; 256], 0.05, frame);
        let (mean, variance) = moments(run(sampler, &energy, given, [32, 1, 16, 16], steps));
        assert!((mean - 0.625).abs() < 0.01, "{sampler}: {mean}");
        assert!((variance / (0.5 * 0.0625) - 1.0).abs() < 0.1, "{sampler}: {variance}");
    }
}

/// Data that is one grey, whatever the level: chains depend on nothing but where they are and on the step.
struct OneGrey;

impl Energy for OneGrey {
    fn energy_and_gradient(&self, x: Tensor<4>) -> (Tensor<1>, Tensor<4>) {
        (Tensor::zeros([x.dims()[0]], &x.device()), (x - 0.5) * (0.7 / (SIGMA_0 * SIGMA_0)))
    }
}

/// All kinds of what can be given of pictures of 12x12 in 16x16.
fn all_kinds() -> Vec<(&'static str, Arc<dyn Given>)> {
    let device = Device::flex();
    let frame = Frame::new(12, 16).unwrap();
    let picture = picture([1, 3, 12, 12]);
    let unknown = Noise::new(4).tensor(0, Draw::Start, [1, 1, 12, 12], &device).greater_elem(0.0).float();
    let known = unknown.clone().neg() + 1.0;
    let unknown = frame.add(unknown).expand([1, 3, 16, 16]).greater_elem(0.5);
    let blurred = |noise| {
        let basis = Cosines::new(12, 12, &device);
        Blurred::new(gaussian_blur(picture.clone(), 1.0), basis, &cosine_gains(1.0, 12, 12), noise, frame)
    };
    let part = Pixels { known };
    vec![
        ("pixels", Arc::new(Known { pixels: frame.add(picture.clone()), unknown })),
        ("blocks", Arc::new(Linear { picture: picture.clone(), part: Blocks { side: 8 }, noise: 0.0, frame })),
        ("brightness", Arc::new(Linear { picture: picture.clone(), part: Grey::of_colours(), noise: 0.0, frame })),
        ("noisy pixels", Arc::new(Linear { picture: picture.clone(), part, noise: 0.2, frame })),
        ("a blur", Arc::new(blurred(0.0))),
        ("a noisy blur", Arc::new(blurred(0.2))),
    ]
}

#[test]
fn chains_go_on_from_where_they_are_seen() {
    const STEPS: usize = 30;
    // Of the fast samplers, whose later steps look back at the one before.
    const HELD: usize = 1 + STEPS / 5;
    for (name, given) in all_kinds() {
        for &sampler in Sampler::all() {
            let schedule = Schedule::of(sampler, STEPS, SIGMA_0, &LEVELS);
            let new = || {
                let shape = [2, 3, 16, 16];
                Chains::new(schedule.clone(), SIGMA_0, Noise::new(8), 0, shape, &Device::flex()).around(given.clone())
            };
            let end = |mut chains: Chains| {
                while chains.step(&OneGrey).is_some() {}
                chains.finish(&OneGrey).into_data().iter::<f32>().collect::<Vec<_>>()
            };
            let whole = end(new());
            let mut chains = new();
            for done in 1..=STEPS {
                chains.step(&OneGrey);
                if ![1, HELD - 1, HELD, HELD + 1, 20, STEPS - 1, STEPS].contains(&done) {
                    continue;
                }
                let (seen, (x, before)) = (chains.state(), chains.snapshot());
                let what = format!("{name}, {sampler}, after {done} steps");
                let looks_back = before.is_some();
                assert!(!looks_back || done > HELD || sampler == Sampler::Annealed, "{what}");
                assert!(end(new().restored((x, before.clone()), done, &OneGrey)) == whole, "a snapshot of {what}");
                assert!(end(new().restored((seen.clone(), before), done, &OneGrey)) == whole, "{what}");
                assert!(looks_back || end(new().at(seen, done)) == whole, "{what}");
            }
        }
    }
}

#[test]
fn frames_become_zeros_at_the_end() {
    let frame = Frame::new(12, 16).unwrap();
    let x = Noise::new(5).tensor(0, Draw::Start, [2, 3, 16, 16], &Device::flex());
    for (name, given) in all_kinds() {
        let kept = given.keep(x.clone());
        assert_eq!(kept.clone().into_data(), frame.add(frame.remove(kept)).into_data(), "{name}");
    }
}

#[test]
fn a_blur_is_taken_back_as_far_as_it_leaves_anything() {
    let device = Device::flex();
    let (height, width) = (16, 16);
    let frame = Frame::new(16, 16).unwrap();
    let truth = picture([1, 1, height, width]);
    let basis = Cosines::new(height, width, &device);
    let blur = |x: Tensor<4>| gaussian_blur(x, 1.0);
    // As it is defined: a mirrored picture under a Gaussian.
    let row: Vec<f32> = truth.clone().narrow(2, 7, 1).into_data().iter::<f32>().collect();
    let along = |at: i64| {
        let weight = |away: i64| (-0.5 * (away * away) as f32).exp();
        let place = |at: i64| row[at.rem_euclid(32).min(31 - at.rem_euclid(32)) as usize];
        (-6..=6).map(|away| weight(away) * place(at + away)).sum::<f32>() / (-6..=6).map(weight).sum::<f32>()
    };
    let line =
        Tensor::<1>::from_floats(row.as_slice(), &device).reshape([1, 1, 1, width]).expand([1, 1, height, width]);
    let blurred = blur(line);
    for (at, place) in [(0, 0), (1, 1), (8, 8), (15, 15)] {
        let found = blurred.clone().narrow(2, 3, 1).narrow(3, at, 1).into_scalar::<f32>();
        assert!((found - along(place)).abs() < 1e-5, "{at}: {found}");
    }

    // Of a blur this small nearly everything is left.
    let blur = |x: Tensor<4>| gaussian_blur(x, 0.5);
    let gains = cosine_gains(0.5, height, width);
    let blurred = blur(truth.clone());
    let energy = Colours { common: 0.0, rest: 0.0025, levels: RefCell::default() };
    let given = Blurred::new(blurred.clone(), basis.clone(), &gains, 0.0, frame);
    let answers = run(Sampler::Consistent, &energy, given, [4, 1, height, width], 20);
    let again = furthest(blur(answers.clone()), blurred.clone().expand(answers.dims()));
    // What the blur leaves less than a tenth of is not put in place; it is guided to there all the same.
    assert!(again < 0.02, "{again}");
    let apart = |x: Tensor<4>| (x.clone() - truth.clone().expand(x.dims())).square().mean().into_scalar::<f32>();
    let (sharp, soft) = (apart(answers), apart(blurred));
    assert!(sharp < 0.3 * soft, "{sharp}, as blurred {soft}");
}

#[test]
fn pictures_are_brought_into_range_without_losing_what_is_known() {
    /// Pictures around the middle, far out of range, and `truth`, whose part is to be in them.
    fn check(truth: &Tensor<4>, part: &impl Part) {
        let shape = truth.dims();
        let known = part.of(truth.clone());
        for spread in [0.1, 0.5] {
            let x = Noise::new(6).tensor(0, Draw::Start, shape, &truth.device()) * spread + 0.5;
            let found = within(x.clone(), &known, part);
            let (least, most) = (found.clone().min().into_scalar::<f32>(), found.clone().max().into_scalar::<f32>());
            assert!(least >= 0.0 && most <= 1.0);
            let off = furthest(part.of(found.clone()), known.clone());
            assert!(off < 1e-6, "{part:?}, {spread}: {off}");
            // Where it is right already, rounding decides.
            assert!(furthest(within(found.clone(), &known, part), found.clone()) < 1e-5, "{part:?}, {spread}");
            // The nearest such picture: on the way from it to another one it only becomes further.
            let distance = |y: &Tensor<4>| (y.clone() - x.clone()).square().sum().into_scalar::<f32>();
            for other in [truth.clone(), within(-x.clone() + 1.0, &known, part)] {
                let beside = found.clone() * 0.9 + other * 0.1;
                assert!(distance(&beside) > distance(&found) - 1e-3, "{part:?}, {spread}");
            }
        }
        // In range already, it is only put in place.
        let near = known.clone() * 0.5 + 0.25;
        assert!(furthest(within(near.clone(), &part.of(near.clone()), part), near) < 1e-5);
    }

    let device = Device::flex();
    let side = 8;
    // Blocks that are black, nearly black, white, and between.
    let means = Tensor::<1>::from_floats([0.0, 0.01, 1.0, 0.5], &device).reshape([1, 1, 2, 2]);
    let part = Blocks { side: side / 2 };
    check(&part.spread(means, side, side).repeat_dim(0, 5), &part);
    // Pure colours, of which blue hardly has a brightness.
    let colours = [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.3, 0.9, 0.1];
    let colours = Tensor::<1>::from_floats(colours, &device).reshape([4, 3, 1, 1]).expand([4, 3, side, side]);
    check(&colours, &Grey::of_colours());
    let known = Noise::new(4).tensor(0, Draw::Start, [1, 1, side, side], &device).greater_elem(0.0).float();
    check(&colours, &Pixels { known });
}
