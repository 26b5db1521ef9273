//! The hand-written vector-Jacobian products: adjoints against inner products, gradients against finite differences.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::{Mutex, MutexGuard, PoisonError};

use burn::{
    optim::GradientsParams,
    tensor::{Device, Distribution, Tensor},
};
use options::{Activation, Architecture};
use shared::{
    backend::{convolution, convolution_vjp},
    network::{
        Energy, EnergyNetwork, NetworkConfig,
        layers::{
            Block, Convolution, QuadraticHead, Resampling, mean_pool, mean_pool_vjp_onto, upsample, upsample_vjp,
        },
    },
    training::{denoising_loss, mdsm_loss},
};

/// All tests draw from one generator: one at a time, so that each always draws the same.
fn device() -> (Device, MutexGuard<'static, ()>) {
    static GENERATOR: Mutex<()> = Mutex::new(());
    let alone = GENERATOR.lock().unwrap_or_else(PoisonError::into_inner);
    let device = Device::flex();
    device.seed(5);
    (device, alone)
}

fn random<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), device)
}

fn dot<const D: usize>(a: &Tensor<D>, b: &Tensor<D>) -> f64 {
    let (a, b) = (a.to_data(), b.to_data());
    a.iter::<f32>().zip(b.iter::<f32>()).map(|(a, b)| f64::from(a) * f64::from(b)).sum()
}

#[test]
fn convolution_vjp_is_its_adjoint() {
    let (device, _alone) = device();
    for (channels_in, channels_out, kernel) in [(1, 3, 3), (5, 2, 3), (4, 7, 1)] {
        let mut convolution = Convolution::new(channels_in, channels_out, kernel, true, &device);
        // The bias makes the map affine; its linear part is what has an adjoint.
        convolution.bias = convolution.bias.map(|bias| bias.map(|bias| bias * 0.0));
        let x = random([2, channels_in, 8, 8], &device);
        let y = random([2, channels_out, 8, 8], &device);
        let lx = convolution.forward(x.clone(), None, None);
        assert_adjoint(lx, &y, &x, convolution.vjp(y.clone(), x.clone(), None, None));
    }
}

/// `<L x, y> = <x, L^T y>` for a linear map and its adjoint.
fn assert_adjoint(lx: Tensor<4>, y: &Tensor<4>, x: &Tensor<4>, lty: Tensor<4>) {
    let (left, right) = (dot(&lx, y), dot(x, &lty));
    assert!((left - right).abs() < 1e-4 * (1.0 + left.abs()), "{left} against {right}");
}

#[test]
fn resampling_vjps_are_adjoints() {
    let (device, _alone) = device();
    let large = random([2, 3, 8, 8], &device);
    let small = random([2, 3, 4, 4], &device);
    assert_adjoint(mean_pool(large.clone()), &small, &large, mean_pool_vjp_onto(small.clone(), large.zeros_like()));
    assert_adjoint(upsample(small.clone()), &large, &small, upsample_vjp(large.clone()));
}

/// `(f(x + h v) - f(x - h v)) / 2h` against the claimed directional derivative.
fn assert_derivative(f: impl Fn(f32) -> f64, claimed: f64, h: f32) {
    let found = (f(h) - f(-h)) / (2.0 * f64::from(h));
    assert!((found - claimed).abs() < 2e-3 * (1.0 + claimed.abs()), "finite difference {found}, claimed {claimed}");
}

#[test]
fn activations_have_their_derivatives() {
    let (device, _alone) = device();
    // The identity, so that only the activation is left.
    let weight = Tensor::<4>::ones([1, 1, 1, 1], &device);
    // Points on both sides of ELU's corner, none so near it that a difference straddles it.
    for v in [-3.0, -1.0, -0.1, 0.1, 0.7, 4.0] {
        let v = Tensor::<4>::full([1, 1, 1, 1], v, &device);
        for activation in [Activation::Elu, Activation::Silu] {
            let claimed = convolution_vjp(v.clone() * 0.0 + 1.0, weight.clone(), v.clone(), None, Some(activation));
            let value = |h: f32| {
                let value = convolution(v.clone() + h, weight.clone(), None, None, Some(activation));
                value.into_data().iter::<f32>().map(f64::from).sum()
            };
            assert_derivative(value, claimed.into_data().iter::<f32>().map(f64::from).sum(), 1e-2);
        }
    }
}

#[test]
fn block_vjp_is_the_gradient() {
    let (device, _alone) = device();
    for (channels, block) in [
        (3, Block::encoder(3, 6, Resampling::Halve, Activation::Silu, &device)),
        (4, Block::encoder(4, 4, Resampling::Keep, Activation::Silu, &device)),
        (5, Block::unet(5, 2, Activation::Silu, &device)),
    ] {
        let x = random([2, channels, 8, 8], &device);
        let v = random([2, channels, 8, 8], &device);
        let (output, tape) = block.forward(x.clone());
        let y = random(output.dims(), &device);
        let claimed = dot(&block.vjp(tape, y.clone()), &v);
        assert_derivative(|h| dot(&block.forward(x.clone() + v.clone() * h).0, &y), claimed, 1e-2);
    }
}

#[test]
fn head_gradient_is_the_gradient() {
    let (device, _alone) = device();
    let head = QuadraticHead::new(12, &device);
    let (h, v) = (random([3, 12], &device), random([3, 12], &device));
    let (_, gradient) = head.value_and_gradient(h.clone());
    let energy = |t: f32| {
        head.value_and_gradient(h.clone() + v.clone() * t).0.sum().into_data().iter::<f32>().map(f64::from).sum()
    };
    assert_derivative(energy, dot(&gradient, &v), 1e-2);
}

fn networks() -> impl Iterator<Item = NetworkConfig> {
    let odd = |preset, activation, channels, image_size| NetworkConfig {
        preset,
        scales: None,
        width: 3,
        channels,
        image_size,
        activation,
        sigma_0: 0.1,
    };
    [
        odd(Architecture::Res6, Activation::Silu, 1, 8),
        odd(Architecture::Res12, Activation::Elu, 3, 16),
        odd(Architecture::Res18, Activation::Silu, 2, 24),
        odd(Architecture::Unet, Activation::Silu, 3, 16),
        odd(Architecture::Unet, Activation::Elu, 1, 8),
        odd(Architecture::Unet4, Activation::Silu, 1, 8),
        odd(Architecture::Unet4, Activation::Elu, 2, 16),
    ]
    .into_iter()
}

#[test]
fn energy_gradient_is_the_gradient_of_the_energy() {
    let (device, _alone) = device();
    for config in networks() {
        let network = EnergyNetwork::new(&config, &device).unwrap();
        let x = random(config.batch_shape(2), &device);
        let v = random(config.batch_shape(2), &device);
        let (_, gradient) = network.energy_and_gradient(x.clone());
        let claimed = dot(&gradient, &v);
        let energy = |h: f32| {
            let (energy, _) = network.energy_and_gradient(x.clone() + v.clone() * h);
            energy.into_data().iter::<f32>().map(f64::from).sum()
        };
        assert_derivative(energy, claimed, 1e-2);
    }
}

#[test]
fn the_energy_of_a_u_net_is_the_distance_to_its_reconstruction() {
    let (device, _alone) = device();
    for config in networks() {
        let network = EnergyNetwork::new(&config, &device).unwrap();
        let x = random(config.batch_shape(1), &device);
        let reconstruction = network.reconstruction(x.clone());
        let is_u_net = matches!(config.preset, Architecture::Unet | Architecture::Unet4);
        assert_eq!(reconstruction.is_some(), is_u_net, "{config:?}");
        let Some(reconstruction) = reconstruction else { continue };
        let residual = x.clone() - reconstruction;
        let expected = dot(&residual, &residual) / 2.0 / f64::from(config.sigma_0).powi(2);
        let (energy, _) = network.energy_and_gradient(x);
        let energy = f64::from(energy.into_scalar::<f32>());
        assert!((energy / expected - 1.0).abs() < 1e-4, "{energy} against {expected} for {config:?}");
    }
}

#[test]
fn the_loss_of_a_denoiser_is_that_of_the_energy_whose_jump_it_makes() {
    let (device, _alone) = device();
    for config in networks() {
        let network = EnergyNetwork::new(&config, &device).unwrap();
        let [clean, noise] = [(); 2].map(|()| random(config.batch_shape(3), &device));
        let sigma = Tensor::<1>::from_floats([0.1, 0.5, 1.5], &device);
        let noisy = clean.clone() + noise.clone() * sigma.clone().reshape([-1, 1, 1, 1]);
        let (_, gradient) = network.energy_and_gradient(noisy.clone());
        let denoised = noisy - gradient * config.sigma_0.powi(2);
        let found = denoising_loss(denoised, clean.clone(), sigma.clone()).into_data();
        let expected = mdsm_loss(&network, config.sigma_0, clean, noise, sigma).into_data();
        for (found, expected) in found.iter::<f32>().zip(expected.iter::<f32>()) {
            assert!((found / expected - 1.0).abs() < 1e-4, "{found} against {expected} for {config:?}");
        }
    }
}

#[test]
fn an_image_s_energy_does_not_depend_on_its_batch() {
    let (device, _alone) = device();
    for config in networks() {
        let network = EnergyNetwork::new(&config, &device).unwrap();
        // More than go through a network together on a processor.
        let x = random(config.batch_shape(40), &device);
        let (together, gradients) = network.energy_and_gradient(x.clone());
        let without_gradients = network.energy(x.clone()).into_data();
        for (found, expected) in without_gradients.iter::<f32>().zip(together.clone().into_data().iter::<f32>()) {
            assert!((found - expected).abs() <= 1e-5 * expected.abs(), "{found} against {expected} for {config:?}");
        }
        for image in [3, 36] {
            let (alone, gradient) = network.energy_and_gradient(x.clone().narrow(0, image, 1));
            let alone = alone.into_data().iter::<f32>().next().unwrap();
            let together = together.clone().into_data().iter::<f32>().nth(image).unwrap();
            assert!((together - alone).abs() <= 1e-5 * alone.abs(), "{together} against {alone} for {config:?}");
            let difference = gradients.clone().narrow(0, image, 1) - gradient.clone();
            let ratio = dot(&difference, &difference) / dot(&gradient, &gradient);
            assert!(ratio < 1e-10, "gradients differ by {} of their length for {config:?}", ratio.sqrt());
        }
    }
}

#[test]
fn the_training_gradient_is_the_gradient_of_the_loss() {
    let (device, _alone) = device();
    let config = NetworkConfig {
        preset: Architecture::Unet,
        scales: None,
        width: 3,
        channels: 1,
        image_size: 8,
        activation: Activation::Silu,
        sigma_0: 0.1,
    };
    let plain = shared::model::Weights::of(&EnergyNetwork::new(&config, &device).unwrap());
    let clean = random(config.batch_shape(3), &device);
    let noise = random(config.batch_shape(3), &device);
    let sigma = Tensor::<1>::from_floats([0.1, 0.5, 1.5], &device);

    let training = device.clone().autodiff();
    let network = plain.clone().into_network(&config, &training).unwrap();
    let on = |tensor: &Tensor<4>| Tensor::<4>::from_data(tensor.to_data(), &training);
    let loss =
        mdsm_loss(&network, config.sigma_0, on(&clean), on(&noise), Tensor::from_data(sigma.to_data(), &training))
            .mean();
    let stem = network.parameters().into_iter().find(|parameter| parameter.name == "stem.weight").unwrap();
    let gradients = GradientsParams::from_grads(loss.backward(), &network);
    let gradient = gradients.get::<4>(stem.id).unwrap();
    let v = random(gradient.dims(), &device);

    let moved = |h: f32| {
        let mut weights = plain.clone();
        let stem = Tensor::<4>::from_data(weights.take("stem.weight").unwrap(), &device) + v.clone() * h;
        weights.insert("stem.weight", stem.into_data());
        let network = weights.into_network(&config, &device).unwrap();
        let loss = mdsm_loss(&network, config.sigma_0, clean.clone(), noise.clone(), sigma.clone());
        loss.mean().into_data().iter::<f32>().map(f64::from).sum()
    };
    assert_derivative(moved, dot(&gradient, &v), 1e-2);
}
