//! How many kernels a GPU is asked to run. Every launch counts, ours and Burn's: the count is CubeCL's own.

#![cfg(all(feature = "cube", not(target_family = "wasm")))]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use burn::tensor::{Device, DeviceKind, Tensor};
use cubecl::logging::{LaunchObservation, LaunchObserver};
use options::{Activation, Architecture, Sampler, Spacing, Words};
use shared::{
    network::{Energy, EnergyNetwork, Frame, NetworkConfig},
    restoration::{Basis, Blocks, Blurred, Cosines, Linear},
    sampling::{Chains, Given, Known, Noise, Schedule},
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
fn dispatches_are_few() {
    let device = Device::wgpu(DeviceKind::DefaultDevice);
    two_a_convolution_and_six_more_a_step(&device);
    none_for_a_look_at_chains(&device);
    none_for_what_never_changes(&device);
}

/// A report to the page is no more work than a step.
fn none_for_a_look_at_chains(device: &Device) {
    let frame = Frame::new(28, 32).unwrap();
    let picture = Tensor::<4>::ones([1, 1, 28, 28], device);
    let blurred = Blurred::new(picture.clone(), Cosines::new(28, 28, device), &[0.5; 784], 0.0, frame);
    let unknown = frame.add(picture.clone()).greater_elem(0.5);
    let kinds: [(&str, Arc<dyn Given>, usize); 3] = [
        ("blocks", Arc::new(Linear { picture: picture.clone(), part: Blocks { side: 4 }, noise: 0.0, frame }), 0),
        ("a blur", Arc::new(blurred), 0),
        // Known pixels are put in their places.
        ("pixels", Arc::new(Known { pixels: frame.add(picture), unknown }), 1),
    ];
    for (name, given, most) in kinds {
        let schedule = Schedule::of(Sampler::Consistent, 9, 0.1, &LEVELS);
        let chains = Chains::new(schedule, 0.1, Noise::new(1), 0, [2, 1, 32, 32], device).around(given);
        let look = launches(|| drop(chains.state()));
        assert!(look <= most, "{name}: {look} dispatches for where chains are");
    }
}

fn none_for_what_never_changes(device: &Device) {
    let (x, basis) = (Tensor::ones([2, 1, 28, 28], device), Cosines::new(28, 28, device));
    let there = launches(|| drop(basis.coefficients(x.clone())));
    let back = launches(|| drop(basis.pictures(x.clone())));
    assert_eq!((there, back), (there, there), "dispatches from pictures to cosines and back");
    // Blocks of 8 are cut off at the edge of 28 pixels; how many pixels each has is no work of the GPU's.
    let whole = launches(|| drop(Blocks { side: 4 }.means(x.clone())));
    let cut = launches(|| drop(Blocks { side: 8 }.means(x.clone())));
    println!("means of blocks: {whole} dispatches, {cut} where they are cut off");
    assert!((1..=3).contains(&whole), "{whole} dispatches for the means of blocks");
}

fn two_a_convolution_and_six_more_a_step(device: &Device) {
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
        let network = EnergyNetwork::new(&config, device).unwrap();
        let shape = config.batch_shape(2);
        // The weights are drawn on first use.
        drop(network.energy_and_gradient(Tensor::zeros(shape, device)));

        let x = Tensor::ones(shape, device);
        let gradient = launches(|| drop(network.energy_and_gradient(x)));
        let convolutions = network.parameters().iter().filter(|parameter| parameter.shape.len() == 4).count();
        println!("{preset:?}: {convolutions} convolutions, {gradient} dispatches an energy gradient");
        assert!(gradient > convolutions, "{preset:?}: only {gradient} launches were seen");
        for &sampler in Sampler::all() {
            let known = Known {
                pixels: Tensor::zeros(shape, device),
                unknown: Tensor::<4>::ones(shape, device).greater_elem(0.5),
            };
            let chains = Chains::new(Schedule::of(sampler, 9, 0.1, &LEVELS), 0.1, Noise::new(1), 0, shape, device);
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
