//! How many kernels a GPU is asked to run. Every launch counts, ours and Burn's: the count is CubeCL's own.

#![cfg(all(feature = "cube", not(target_family = "wasm")))]

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use burn::tensor::{Device, DeviceKind, Tensor};
use cubecl::logging::{LaunchObservation, LaunchObserver};
use options::{Activation, Architecture, Sampler, Spacing, Words};
use shared::{
    network::{Energy, EnergyNetwork, NetworkConfig},
    sampling::{Chains, Known, Noise, Schedule},
    training::NoiseLevels,
};

#[derive(Default)]
struct Launches(AtomicUsize);

impl LaunchObserver for Launches {
    fn launched(&self, _kernel: &'static str) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// The launches of `work`.
fn launches(work: impl FnOnce()) -> usize {
    let launches = Arc::new(Launches::default());
    let observation = LaunchObservation::new(launches.clone());
    work();
    drop(observation);
    launches.0.load(Ordering::Relaxed)
}

const LEVELS: NoiseLevels = NoiseLevels { min: 0.05, max: 2.0, spacing: Spacing::Geometric };
/// What a step may add to the convolutions: heads, update, what is known.
const MORE: usize = 6;

// One test: observations are the whole process's.
#[test]
fn two_dispatches_a_convolution_and_six_more_a_step() {
    let device = Device::wgpu(DeviceKind::DefaultDevice);
    for preset in [Architecture::Res6, Architecture::Res12, Architecture::Unet, Architecture::Unet4] {
        let config = NetworkConfig {
            preset,
            scales: None,
            width: 4,
            channels: 1,
            image_size: 16,
            activation: Activation::Silu,
            sigma_0: 0.1,
        };
        let network = EnergyNetwork::new(&config, &device).expect("a possible configuration");
        let shape = config.batch_shape(2);
        // The weights are drawn on first use.
        drop(network.energy_and_gradient(Tensor::zeros(shape, &device)));

        let x = Tensor::ones(shape, &device);
        let gradient = launches(|| drop(network.energy_and_gradient(x)));
        let convolutions = network.parameters().iter().filter(|parameter| parameter.shape.len() == 4).count();
        println!("{preset:?}: {convolutions} convolutions, {gradient} dispatches an energy gradient");
        assert!(gradient > convolutions, "{preset:?}: only {gradient} launches were seen");
        for &sampler in Sampler::all() {
            let known = Known {
                pixels: Tensor::zeros(shape, &device),
                unknown: Tensor::<4>::ones(shape, &device).greater_elem(0.5),
            };
            let chains = Chains::new(Schedule::of(sampler, 9, 0.1, &LEVELS), 0.1, Noise::new(1), 0, shape, &device);
            for (what, mut chains) in [("sampling", chains.clone()), ("inpainting", chains.around(Arc::new(known)))] {
                // The first step asks twice.
                drop(chains.step(&network));
                for step in 1..4 {
                    let step_launches = launches(|| drop(chains.step(&network)));
                    println!("{preset:?}, {sampler:?}, {what}, step {step}: {} more", step_launches - gradient);
                    assert!(
                        step_launches <= 2 * convolutions + MORE,
                        "{preset:?}, {sampler:?}, {what}: {step_launches} dispatches in step {step}"
                    );
                }
            }
        }
    }
}
