//! Likelihoods by denoising errors, where they are known in closed form.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    cell::Cell,
    sync::{Mutex, MutexGuard, PoisonError},
};

use burn::tensor::{Device, Tensor};
use options::{Activation, Architecture, Spacing};
use shared::{
    likelihood::{self, Excess, Moments, Prior, Quadrature},
    network::{Energy, EnergyNetwork, Frame, NetworkConfig},
    sampling::{Draw, Noise},
    training::{NoiseLevels, mdsm_loss},
};

const SIGMA_0: f32 = 0.1;
const LEVELS: NoiseLevels = NoiseLevels { min: 0.05, max: 5.0, spacing: Spacing::Geometric };

fn sum(x: Tensor<4>) -> Tensor<1> {
    x.flatten::<2>(1, 3).sum_dim(1).squeeze_dim(1)
}

fn values<const D: usize>(x: Tensor<D>) -> Vec<f64> {
    x.to_data().iter::<f32>().map(f64::from).collect()
}

/// `sigma_0^2 grad E = y - D(y)` for the best denoiser of the level that is being measured.
struct Best<D> {
    level: Cell<f32>,
    denoise: D,
}

impl<D: Fn(Tensor<4>, f32) -> Tensor<4>> Energy for Best<D> {
    fn energy_and_gradient(&self, x: Tensor<4>) -> (Tensor<1>, Tensor<4>) {
        let residual = x.clone() - (self.denoise)(x, self.level.get());
        (sum(residual.clone().square()) / (2.0 * SIGMA_0 * SIGMA_0), residual / (SIGMA_0 * SIGMA_0))
    }
}

/// The losses at every node, for each picture.
fn losses<D: Fn(Tensor<4>, f32) -> Tensor<4>>(
    best: &Best<D>,
    rule: &Quadrature,
    x: &Tensor<4>,
    seed: u64,
) -> Vec<Vec<f64>> {
    let [count, ..] = x.dims();
    let mut of_pictures = vec![Vec::new(); count];
    for (place, node) in rule.nodes().iter().enumerate() {
        best.level.set(node.level);
        let z = likelihood::noise(seed, place, x.dims(), &x.device()).expand(x.dims());
        let levels = Tensor::full([count], node.level, &x.device());
        let reading = likelihood::readings(best, SIGMA_0, x.clone(), z, levels);
        for (losses, loss) in of_pictures.iter_mut().zip(values(reading.losses())) {
            losses.push(loss);
        }
    }
    of_pictures
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    sum / count
}

#[test]
fn a_gaussian_has_its_entropy() {
    let (device, centre, variance) = (Device::flex(), 0.4f32, 0.09f32);
    let shape = [64, 1, 8, 8];
    let x = Noise::new(1).tensor(0, Draw::Start, shape, &device) * variance.sqrt() + centre;
    let denoise = |y: Tensor<4>, level: f32| (y - centre) * (variance / (variance + level * level)) + centre;
    let best = Best { level: Cell::new(0.0), denoise };
    let rule = Quadrature::integral(&LEVELS, 512);
    let excess: Vec<Excess> = losses(&best, &rule, &x, 3).iter().map(|losses| rule.excess(losses)).collect();

    // Every picture by itself: with a = |x - mu|^2, L(s) has the mean (a s^2 + d v^2) / (v + s^2)^2.
    let pixels = 64.0;
    let apart = values(sum((x.clone() - centre).square()));
    let v = f64::from(variance);
    let part = |s: f64, a: f64| {
        // int a s^2 / (v + s^2)^2 dln s = -a / (2 (v + s^2)); the other part by partial fractions.
        let t = s * s;
        -0.5 * a / (v + t) + 0.5 * pixels * ((t / (v + t)).ln() + v / (v + t))
    };
    for (found, &a) in excess.iter().zip(&apart) {
        let wanted = (part(5.0, a) - part(0.05, a)) / std::f64::consts::LN_2;
        assert!((found.bits - wanted).abs() < 6.0 * found.standard_error, "{found:?}, theory {wanted}");
    }

    // All of them: floor, excess and prior are the entropy of the noisy data.
    let prior = Prior::of(&Moments { side: 1, mean: vec![centre], variance: vec![variance] }, 1, 8);
    let pictures: Vec<f32> = values(x).into_iter().map(|value| value as f32).collect();
    let prior = mean(pictures.chunks(64).map(|picture| prior.bits(picture, LEVELS.max)));
    let bits = likelihood::floor(LEVELS.min) + (mean(excess.iter().map(|excess| excess.bits)) + prior) / pixels;
    let entropy = (255.0 * (std::f64::consts::TAU * std::f64::consts::E * (v + 0.05f64.powi(2))).sqrt()).log2();
    // All pictures have the same noise, which leaves an error of a twentieth of a bit.
    assert!((bits - entropy).abs() < 0.15, "{bits} bits a value, entropy {entropy}");
}

#[test]
fn well_separated_points_have_the_logarithm_of_their_number() {
    let (device, count) = (Device::flex(), 16);
    let points = Noise::new(2).tensor(0, Draw::Start, [count, 1, 16, 16], &device);
    let flat = points.clone().flatten::<2>(1, 3);
    // The mean of the points, by how likely each has made y.
    let denoise = |y: Tensor<4>, level: f32| {
        let shape = y.dims();
        let apart = y.flatten::<2>(1, 3).unsqueeze_dim::<3>(1) - flat.clone().unsqueeze_dim::<3>(0);
        let logits = apart.square().sum_dim(2) / (-2.0 * level * level);
        let shares = burn::tensor::activation::softmax(logits, 1);
        (shares * flat.clone().unsqueeze_dim::<3>(0)).sum_dim(1).reshape(shape)
    };
    // So far that the largest level makes all of them one Gaussian.
    let levels = NoiseLevels { max: 500.0, ..LEVELS };
    let best = Best { level: Cell::new(0.0), denoise };
    let rule = Quadrature::integral(&levels, 512);
    let bits = mean(losses(&best, &rule, &points, 0).iter().map(|losses| rule.excess(losses).bits));
    assert!((bits - (count as f64).log2()).abs() < 0.3, "{bits} bits for one of {count}");
}

/// A network whose weights are always the same. They are drawn when they are first used, from a generator that all tests
/// share: one at a time.
fn network() -> (EnergyNetwork, [usize; 4], Device, MutexGuard<'static, ()>) {
    static GENERATOR: Mutex<()> = Mutex::new(());
    let alone = GENERATOR.lock().unwrap_or_else(PoisonError::into_inner);
    let device = Device::flex();
    device.seed(4);
    let config = NetworkConfig {
        preset: Architecture::Unet,
        scales: None,
        width: 4,
        channels: 1,
        image_size: 16,
        activation: Activation::Silu,
        sigma_0: SIGMA_0,
    };
    (EnergyNetwork::new(&config, &device).unwrap(), config.batch_shape(3), device, alone)
}

#[test]
fn the_excess_is_the_training_loss_times_the_range() {
    let (network, shape, device, _alone) = network();
    let x = Noise::new(1).tensor(0, Draw::Start, shape, &device) * 0.2 + 0.5;
    let rule = Quadrature::integral(&LEVELS, 24);
    let (mut readings, mut training) = (vec![Vec::new(); 3], [0.0; 3]);
    for (place, node) in rule.nodes().iter().enumerate() {
        let z = likelihood::noise(7, place, shape, &device).expand(shape);
        let levels = Tensor::full([3], node.level, &device);
        let reading = likelihood::readings(&network, SIGMA_0, x.clone(), z.clone(), levels.clone());
        readings.iter_mut().zip(values(reading.losses())).for_each(|(losses, loss)| losses.push(loss));
        for z in [z.clone(), -z] {
            let loss = values(mdsm_loss(&network, SIGMA_0, x.clone(), z, levels.clone()));
            training.iter_mut().zip(loss).for_each(|(sum, loss)| *sum += loss / 48.0);
        }
    }
    for (losses, loss) in readings.iter().zip(training) {
        let bits = rule.excess(losses).bits;
        assert!((bits / (loss * 100f64.log2()) - 1.0).abs() < 1e-4, "{bits} bits, loss {loss}");
    }
}

#[test]
fn the_surprise_of_pixels_sums_to_the_excess_and_the_frame_has_its_part() {
    let (network, shape, device, _alone) = network();
    let frame = Frame::new(12, 16).unwrap();
    let x = frame.add(Noise::new(1).tensor(0, Draw::Start, [3, 1, 12, 12], &device));
    let rule = Quadrature::integral(&LEVELS, 8);
    let (mut map, mut losses) = (Tensor::zeros(shape, &device), vec![Vec::new(); 3]);
    for (place, node) in rule.nodes().iter().enumerate() {
        let z = likelihood::noise(0, place, shape, &device).expand(shape);
        let reading = likelihood::readings(&network, SIGMA_0, x.clone(), z, Tensor::full([3], node.level, &device));
        losses.iter_mut().zip(values(reading.losses())).for_each(|(losses, loss)| losses.push(loss));
        map = map + reading.errors * (node.weight / std::f64::consts::LN_2);
    }
    let (all, outside) = (values(sum(map.clone())), values(likelihood::frame_share(&map, &frame)));
    let inside = values(sum(frame.remove(map)));
    for picture in 0..3 {
        let bits = rule.excess(&losses[picture]).bits;
        assert!((all[picture] / bits - 1.0).abs() < 1e-4, "{} of {bits}", all[picture]);
        assert!(outside[picture] > 0.0 && ((inside[picture] + outside[picture]) / bits - 1.0).abs() < 1e-4);
    }
}

#[test]
fn a_seed_is_one_result_and_pictures_share_their_noise() {
    let (network, shape, device, _alone) = network();
    let x = Noise::new(1).tensor(0, Draw::Start, shape, &device);
    let read = |x: Tensor<4>, seed| {
        let [count, ..] = x.dims();
        let z = likelihood::noise(seed, 5, shape, &device).expand(x.dims());
        values(likelihood::readings(&network, SIGMA_0, x, z, Tensor::full([count], 0.3, &device)).losses())
    };
    let all = read(x.clone(), 1);
    assert_eq!(all, read(x.clone(), 1));
    assert_ne!(all, read(x.clone(), 2));
    // In any company.
    for (picture, loss) in all.iter().enumerate() {
        assert!((read(x.clone().narrow(0, picture, 1), 1)[0] / loss - 1.0).abs() < 1e-5);
    }
}

#[test]
fn pictures_of_a_gaussian_are_as_far_apart_as_its_variance_says() {
    let (device, centre, variance) = (Device::flex(), 0.4f32, 0.09f32);
    let shape = [3, 1, 4, 4];
    let [a, b] = [1, 2].map(|seed| Noise::new(seed).tensor(0, Draw::Start, shape, &device) * 0.3 + centre);
    let denoise = |y: Tensor<4>, level: f32| (y - centre) * (variance / (variance + level * level)) + centre;
    let best = Best { level: Cell::new(0.0), denoise };
    let rule = Quadrature::integral(&LEVELS, 256);
    let mut separations = vec![Vec::new(); 3];
    for (place, node) in rule.nodes().iter().enumerate() {
        best.level.set(node.level);
        let z = likelihood::noise(7, place, shape, &device).expand(shape);
        let levels = Tensor::full([3], node.level, &device);
        let found = likelihood::separation(&best, SIGMA_0, [a.clone(), b.clone()], z, levels);
        separations.iter_mut().zip(values(found)).for_each(|(of_pair, one)| of_pair.push(one));
    }
    // int (s^2 / (v + s^2))^2 d(1/s^2) in closed form.
    let reach = |level: f64| 1.0 / (f64::from(variance) + level * level);
    let factor = reach(0.05) - reach(5.0);
    for (squares, of_pair) in values(sum((a - b).square())).into_iter().zip(separations) {
        let (found, wanted) = (rule.distance(&of_pair), (squares * factor).sqrt());
        assert!((found / wanted - 1.0).abs() < 1e-3, "{found}, not {wanted}");
    }
}
