//! What samples of a model depend on besides its weights.

use options::{Activation, Architecture, Spacing};

use super::*;
use crate::data::Images;

/// A model that knows noise between these levels, of pictures of this fingerprint.
fn model((min, max): (f32, f32), fingerprint: Option<&str>) -> LoadedModel {
    let (preset, activation) = (Architecture::Res6, Activation::Elu);
    let config = NetworkConfig { preset, scales: None, width: 1, channels: 1, image_size: 8, activation, sigma_0: 0.1 };
    let network = EnergyNetwork::new(&config, &Device::flex()).unwrap();
    let data = DataCard {
        name: "pictures".to_owned(),
        licence: String::new(),
        size: 8,
        pixel_range: [0.0, 1.0],
        fingerprint: fingerprint.map(str::to_owned),
    };
    let noise = NoiseLevels { min, max, spacing: Spacing::Geometric };
    let training = TrainingCard { steps: 1, images_seen: 1, seconds: 1.0, seed: 1, ema_decay: 0.0 };
    LoadedModel::new("--model m", config, data, noise, training, network).unwrap()
}

#[test]
fn chains_of_a_run_start_in_its_own_pictures_and_in_no_others() {
    let pixels = (0..640).map(|at: u32| (at * 37 % 251) as u8).collect();
    let images = Images { channels: 1, height: 8, width: 8, pixels, labels: Vec::new() };
    let own = DataSet { fingerprint: Some("2-own".to_owned()), ..DataSet::of(images.clone()) };
    let others = DataSet { fingerprint: Some("2-others".to_owned()), ..DataSet::of(images) };
    let model = model((0.05, 5.0), Some("2-own"));
    assert!(model.start_in(&own).is_some());
    assert!(model.start_in(&others).is_none());
}

#[test]
fn chains_go_through_the_noise_that_all_models_know() {
    let range = |model: &LoadedModel| (model.levels().min, model.levels().max);
    let path = Path::new("other");
    let mut all = model((0.05, 5.0), None);
    all.join(path, model((0.1, 9.0), None)).unwrap();
    assert_eq!(range(&all), (0.1, 5.0));
    all.join(path, model((0.01, 1.0), None)).unwrap();
    assert_eq!(range(&all), (0.1, 1.0));
    let error = all.join(path, model((2.0, 5.0), None)).unwrap_err();
    let told = "--and other: it was trained with noise from 2 to 5, the others from 0.1 to 1, so they cannot be added";
    assert!(error.to_string() == told && error.exit_code() == 2, "{error}");
    assert_eq!(range(&all), (0.1, 1.0));
}

#[test]
fn one_weight_is_that_of_all_guides() {
    let guided = || {
        let model_of = || model((0.05, 5.0), None);
        let guide = Guide { model: Box::new(model_of()), weight: 0.5 };
        LoadedModel { guide: Some(guide), ..model_of() }
    };
    let weights = |first: LoadedModel, guidance: Option<f64>| {
        let mut all = first;
        all.join(Path::new("other"), guided()).unwrap();
        let all = all.guided_by(&GuideArgs { guide: None, guidance }, &Device::flex()).unwrap();
        [&all, &all.others[0]].map(|model| model.guide().map(|guide| guide.weight))
    };
    assert_eq!(weights(guided(), None), [Some(0.5); 2]);
    assert_eq!(weights(guided(), Some(2.0)), [Some(2.0); 2]);
    assert_eq!(weights(guided(), Some(0.0)), [None; 2]);
    assert_eq!(weights(model((0.05, 5.0), None), Some(2.0)), [None, Some(2.0)]);
}
