//! However a batch is divided, its gradients are those of the whole.

use options::Spacing;
use shared::{
    model::{DataCard, Weights},
    sampling::{Draw, Noise},
    training::NoiseLevels,
};

use super::*;
use crate::{
    output,
    train::{TrainingPreset, config::PicturesCard},
};

const BATCH: usize = 7;
static ALONE: Ranks = Ranks::alone();

fn config(slices: usize, references: usize) -> RunConfig {
    let card = DataCard { name: "x".into(), licence: "y".into(), size: 8, pixel_range: [0.0, 1.0], fingerprint: None };
    let mut config = TrainingPreset::Unet.settings();
    config.pictures = Some(PicturesCard { channels: 1, changed: false, count: None, card });
    config.noise = NoiseLevels { min: 0.05, max: 5.0, spacing: Spacing::Geometric };
    config.network.width = 4;
    let plan = &mut config.optimization;
    (plan.batch, plan.slices, plan.references) = (BATCH, Some(slices), references);
    config
}

fn images() -> Images {
    let pixels: Vec<u8> = (0..20 * 64u32).map(|index| (index * index % 251) as u8).collect();
    Images { channels: 1, height: 8, width: 8, pixels, labels: Vec::new() }
}

/// Always the same: other tests draw from the generator that new networks draw from.
fn weights(config: &RunConfig) -> Weights {
    let mut weights = Weights::of(&EnergyNetwork::new(&config.network(), &Device::flex()).unwrap());
    let names: Vec<String> = weights.names().map(str::to_owned).collect();
    for (key, name) in names.into_iter().enumerate() {
        let shape = weights.take(&name).unwrap().shape().clone();
        let inputs: usize = shape.iter().skip(1).product();
        let mut values = Noise::new(key as u64).numbers(0, Draw::Start, [1, 1, 1, shape.num_elements()]);
        values.iter_mut().for_each(|value| *value /= (inputs as f32).sqrt());
        weights.insert(name, TensorData::new(values, shape));
    }
    weights
}

/// The loss, and the gradients of the convolutions, of a batch of the first images.
fn gradients(config: &RunConfig, devices: &[Device], means: Option<f32>) -> Vec<Vec<f32>> {
    let network = weights(config).into_network(&config.network(), &Device::flex().autodiff()).unwrap();
    let (images, frame) = (images(), Frame::new(8, 8).unwrap());
    let batch = Batch {
        step: 0,
        pictures: images.pixels.clone(),
        noise: Noise::new(2).numbers(0, Draw::Start, [BATCH, 1, 8, 8]),
        levels: config.noise.levels(BATCH),
    };
    let mut replicas = Replicas::new(config, &images, frame, devices, &ALONE);
    if means.is_some() {
        replicas.means_from = means;
    }
    let (loss, gradients) = replicas.gradients(&network, &batch).unwrap();
    let mut found = vec![output::floats(loss).unwrap()];
    for parameter in network.parameters().iter().filter(|parameter| parameter.shape.len() == 4) {
        found.extend(gradients.get::<4>(parameter.id).map(|gradient| output::floats(gradient).unwrap()));
    }
    found
}

fn assert_same(found: &[Vec<f32>], expected: &[Vec<f32>]) {
    assert_near(found, expected, 1e-5);
}

fn assert_near(found: &[Vec<f32>], expected: &[Vec<f32>], tolerance: f32) {
    assert!(expected.len() > 10 && found.len() == expected.len());
    for (found, expected) in found.iter().zip(expected) {
        let largest = expected.iter().fold(0f32, |largest, value| largest.max(value.abs()));
        for (found, expected) in found.iter().zip(expected) {
            let difference = (found - expected).abs();
            assert!(difference <= tolerance * largest, "{found} against {expected} (up to {largest})");
        }
    }
}

#[test]
fn slices_find_what_a_whole_batch_finds() {
    for references in [0, 20] {
        let whole = gradients(&config(1, references), &[Device::flex()], None);
        for slices in [2, 3, BATCH] {
            assert_same(&gradients(&config(slices, references), &[Device::flex()], None), &whole);
        }
        let three = vec![Device::flex(); 3];
        assert_same(&gradients(&config(5, references), &three, None), &whole);
    }
}

#[test]
fn means_that_are_left_out_would_have_been_the_pictures_themselves() {
    let config = config(1, 20);
    let least = means_from(&images(), config.optimization.seed);
    let levels = config.noise.levels(BATCH);
    assert!(levels[0] < least && least < levels[BATCH - 1], "{least} of {levels:?}");
    let all = gradients(&config, &[Device::flex()], Some(0.0));
    assert_same(&gradients(&config, &[Device::flex()], None), &all);
    // Not so where the means differ from the pictures.
    let none = gradients(&config, &[Device::flex()], Some(f32::MAX));
    let moved = none[1].iter().zip(&all[1]).map(|(none, all)| (none - all).abs()).fold(0.0, f32::max);
    assert!(moved > 1e-3 * all[1].iter().fold(0.0, |most: f32, value| most.max(value.abs())), "by {moved}");
}

#[cfg(feature = "wgpu")]
#[test]
fn devices_that_share_a_batch_find_what_one_finds() {
    let gpu = Device::wgpu(burn::tensor::DeviceKind::DefaultDevice);
    for references in [0, 20] {
        let config = config(2, references);
        let expected = gradients(&config, &[Device::flex()], None);
        // The second is another device where there is a GPU, or one made of software.
        assert_near(&gradients(&config, &[Device::flex(), gpu.clone()], None), &expected, 5e-5);
    }
}
