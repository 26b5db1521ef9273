//! Model folders: what is written is read back, and nothing damaged or hostile gets through.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use burn::tensor::{Device, Tensor, TensorData};
use options::{Activation, Architecture};
use serde_json::{Value, json};
use shared::{
    model::{Manifest, Metric, Model, ModelError, SelfTest, Weights, WeightsCard},
    network::{Energy, EnergyNetwork, NetworkConfig},
    sampling::{Draw, Noise},
};

fn config() -> NetworkConfig {
    NetworkConfig {
        preset: Architecture::Unet,
        scales: None,
        width: 2,
        channels: 1,
        image_size: 8,
        activation: Activation::Silu,
        sigma_0: 0.1,
    }
}

fn weights() -> Weights {
    let device = Device::flex();
    device.seed(1);
    Weights::of(&EnergyNetwork::new(&config(), &device).unwrap())
}

/// A valid folder: `model.json` and the weights file.
fn folder() -> (Value, Vec<u8>) {
    let device = Device::flex();
    let bytes = weights().to_safetensors(true).unwrap();
    let network = Weights::parse(&bytes).unwrap().into_network(&config(), &device).unwrap();
    let probe = SelfTest::measure(1, &network, &config(), &device).unwrap();
    let manifest = json!({
        "name": "test", "preset": "unet", "width": 2, "channels": 1, "image_size": 8, "activation": "silu", "sigma_0": 0.1,
        "data": {"name": "nothing", "licence": "none", "size": 6, "pixel_range": [0.0, 1.0]},
        "training": {"steps": 0, "images_seen": 0, "seconds": 0.0, "seed": 1, "ema_decay": 0.9},
        "noise": {"min": 0.1, "max": 1.0, "spacing": "geometric"},
        "metrics": [],
        "energy_percentiles": (0..=100).collect::<Vec<_>>(),
        "probe": probe,
        "weights": WeightsCard::of("model.safetensors", &bytes),
        "held_out_pictures": 0,
    });
    (manifest, bytes)
}

/// A valid folder of a model with a guide of width 1, and its weights.
fn guided_folder() -> (Value, Weights) {
    let device = Device::flex();
    // The bytes of the folder itself: tests run side by side and share the device's random numbers, so a second network
    // of the same seed need not be the same.
    let (mut manifest, bytes) = folder();
    let mut weights = Weights::parse(&bytes).unwrap();
    let config = NetworkConfig { width: 1, ..config() };
    device.seed(2);
    let of_guide = Weights::of(&EnergyNetwork::new(&config, &device).unwrap()).to_safetensors(true).unwrap();
    let of_guide = Weights::parse(&of_guide).unwrap();
    let network = of_guide.clone().into_network(&config, &device).unwrap();
    let mut guide = json!(config);
    guide["weight"] = json!(0.75);
    guide["training"] = manifest["training"].clone();
    guide["probe"] = json!(SelfTest::measure(1, &network, &config, &device).unwrap());
    manifest["guide"] = guide;
    weights.insert_guide(of_guide);
    (manifest, weights)
}

/// The folder with these weights, and a manifest that agrees.
fn load_with(mut manifest: Value, weights: &Weights) -> Result<Model, ModelError> {
    let bytes = weights.to_safetensors(true).unwrap();
    manifest["weights"] = json!(WeightsCard::of("model.safetensors", &bytes));
    load(&manifest, &bytes)
}

fn load(manifest: &Value, weights: &[u8]) -> Result<Model, ModelError> {
    Model::load(Manifest::parse(manifest.to_string().as_bytes())?, weights, &Device::flex())
}

/// Replaces the weights and makes the manifest agree, so that only the weights themselves can be refused.
fn load_weights(bytes: &[u8]) -> String {
    let (mut manifest, _) = folder();
    manifest["weights"] = json!(WeightsCard::of("model.safetensors", bytes));
    load(&manifest, bytes).unwrap_err().to_string()
}

fn refused(change: impl FnOnce(&mut Value)) -> String {
    let (mut manifest, bytes) = folder();
    change(&mut manifest);
    load(&manifest, &bytes).unwrap_err().to_string()
}

#[test]
fn a_good_folder_loads_and_passes_its_self_test() {
    let (manifest, bytes) = folder();
    let model = load(&manifest, &bytes).unwrap();
    pollster::block_on(model.self_test(&Device::flex())).unwrap();
}

#[test]
fn data_are_known_by_their_fingerprint_and_else_by_what_their_name_stands_for() {
    let (mut manifest, _) = folder();
    let named = Manifest::parse(manifest.to_string().as_bytes()).unwrap().data;
    assert!(named.is_of("nothing", None) && named.is_of("nothing", Some("2-a")) && !named.is_of("other", None));
    manifest["data"]["fingerprint"] = "2-a".into();
    let known = Manifest::parse(manifest.to_string().as_bytes()).unwrap().data;
    assert!(known.is_of("other", Some("2-a")) && !known.is_of("nothing", Some("2-b")));
    // Data without a fingerprint are what the name stands for: a model that has one learned from others.
    assert!(!known.is_of("nothing", None) && !known.is_of("other", None));
}

#[test]
fn a_device_that_computes_something_else_fails_the_self_test() {
    let (mut manifest, bytes) = folder();
    let energies = manifest["probe"]["energies"].as_array_mut().unwrap();
    energies[3] = json!(energies[3].as_f64().unwrap() * 1.01);
    let model = load(&manifest, &bytes).unwrap();
    let error = pollster::block_on(model.self_test(&Device::flex())).unwrap_err();
    assert!(matches!(error, ModelError::SelfTest { .. }), "{error}");
}

#[test]
fn samples_of_a_guided_model_go_down_its_energy_and_up_its_guides() {
    let (found, limited): (Vec<_>, Vec<_>) = [0.01, 100.0].map(gradient_of_a_guided_model).into_iter().unzip();
    assert_eq!(limited, [false, true], "a small part is kept whole, a large one is not");
    assert_ne!(found[0], found[1]);
}

/// Checks it, where the guide has this weight, and tells whether the guide's part was limited.
fn gradient_of_a_guided_model(weight: f32) -> (Vec<f32>, bool) {
    let (mut manifest, weights) = guided_folder();
    manifest["guide"]["weight"] = json!(weight);
    let model = load_with(manifest, &weights).unwrap();
    let mut limited = false;
    pollster::block_on(model.self_test(&Device::flex())).unwrap();
    let x = Noise::new(3).tensor(0, Draw::Start, [2, 1, 8, 8], &Device::flex());
    let floats = |gradient: Tensor<4>| gradient.into_data().iter::<f32>().collect::<Vec<_>>();
    let (energy, gradient) = model.guided().energy_and_gradient(x.clone());
    let (own, steep) = model.network.energy_and_gradient(x.clone());
    let (_, weaker) = model.guide.as_ref().unwrap().energy_and_gradient(x);
    assert_eq!(energy.into_data(), own.into_data(), "pictures are compared by the model's own energy");
    let gradient = floats(gradient);
    for (image, found) in gradient.chunks(64).enumerate() {
        let of = |values: &Tensor<4>| floats(values.clone())[64 * image..][..64].to_vec();
        let (steep, weaker) = (of(&steep), of(&weaker));
        let away: Vec<f32> = steep.iter().zip(weaker).map(|(steep, weaker)| weight * (steep - weaker)).collect();
        let length = |of: &[f32]| of.iter().map(|value| value * value).sum::<f32>().sqrt();
        // At most half of the model's own.
        let kept = (0.5 * length(&steep) / length(&away)).min(1.0);
        limited |= kept < 1.0;
        for ((found, own), away) in found.iter().zip(&steep).zip(away) {
            let wanted = own + kept * away;
            assert!((found - wanted).abs() < 1e-5 * length(&steep), "{found}, wanted {wanted}");
        }
    }
    (gradient, limited)
}

#[test]
fn a_guide_that_does_not_fit_is_refused() {
    let refused = |change: fn(&mut Value, &mut Weights)| {
        let (mut manifest, mut weights) = guided_folder();
        change(&mut manifest, &mut weights);
        load_with(manifest, &weights).unwrap_err().to_string()
    };
    assert!(refused(|m, _| m["guide"]["weight"] = json!(0)).contains("guide.weight"));
    assert!(refused(|m, _| m["guide"]["channels"] = json!(3)).contains("guide must have the model's channels"));
    assert!(refused(|m, _| m["guide"]["sigma_0"] = json!(0.2)).contains("guide must have"));
    assert!(refused(|m, _| m["guide"]["probe"]["energies"] = json!([])).contains("guide.probe.energies"));
    assert!(refused(|m, _| m["guide"]["width"] = json!(3)).contains("tensor `guide."));
    let missing = refused(|_, w| drop(w.take("guide.stem.bias").unwrap()));
    assert!(missing.contains("tensor `guide.stem.bias` is missing"), "{missing}");
    let unwanted = refused(|m, _| drop(m.as_object_mut().unwrap().remove("guide")));
    assert!(unwanted.contains("is unknown to this network"), "{unwanted}");

    let (mut manifest, weights) = guided_folder();
    let energies = manifest["guide"]["probe"]["energies"].as_array_mut().unwrap();
    energies[3] = json!(energies[3].as_f64().unwrap() * 1.01);
    let model = load_with(manifest, &weights).unwrap();
    let error = pollster::block_on(model.self_test(&Device::flex())).unwrap_err();
    assert!(matches!(error, ModelError::SelfTest { .. }), "{error}");
}

#[test]
fn weights_survive_the_way_through_a_file() {
    let written = weights();
    let bytes = written.to_safetensors(false).unwrap();
    let mut read = Weights::parse(&bytes).unwrap();
    let mut written = written;
    for name in written.names().map(str::to_owned).collect::<Vec<_>>() {
        assert_eq!(written.take(&name).unwrap(), read.take(&name).unwrap(), "{name}");
    }
    assert_eq!(read.names().count(), 0);
}

#[test]
fn damaged_weights_are_refused() {
    let (manifest, bytes) = folder();
    let truncated = load(&manifest, &bytes[..bytes.len() - 1]).unwrap_err();
    assert!(matches!(truncated, ModelError::Length { .. }), "{truncated}");
    let mut flipped = bytes.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let flipped = load(&manifest, &flipped).unwrap_err();
    assert!(matches!(flipped, ModelError::Hash { .. }), "{flipped}");
    assert!(load_weights(b"").contains("not a valid safetensors file"));
    assert!(load_weights(&[0xff; 64]).contains("not a valid safetensors file"));
    // A header that claims to be longer than the file.
    assert!(load_weights(&u64::MAX.to_le_bytes()).contains("not a valid safetensors file"));
}

#[test]
fn tensors_that_do_not_fit_are_refused_by_name() {
    let change = |change: &dyn Fn(&mut Weights)| {
        let mut changed = weights();
        change(&mut changed);
        load_weights(&changed.to_safetensors(false).unwrap())
    };
    let missing = change(&|w| drop(w.take("middle.conv1.weight")));
    assert_eq!(missing, "tensor `middle.conv1.weight` is missing");
    let unknown = change(&|w| w.insert("surprise", TensorData::new(vec![1.0f32], [1])));
    assert_eq!(unknown, "tensor `surprise` is unknown to this network");
    let misshapen = change(&|w| w.insert("out.bias", TensorData::new(vec![1.0f32, 2.0], [2])));
    assert_eq!(misshapen, "tensor `out.bias` has shape [2] where the network needs [1]");
    for bad in [f32::NAN, f32::INFINITY] {
        let not_finite = change(&|w| w.insert("out.bias", TensorData::new(vec![bad], [1])));
        assert!(not_finite.starts_with("tensor `out.bias` has the value"), "{not_finite}");
    }
}

#[test]
fn a_type_that_is_not_read_is_refused_by_name() {
    let header = br#"{"out.bias":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}"#;
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header);
    bytes.extend_from_slice(&[0; 8]);
    assert!(load_weights(&bytes).starts_with("tensor `out.bias` has type I64"), "{}", load_weights(&bytes));
}

#[test]
fn a_byte_order_mark_is_no_fault_and_a_git_pointer_or_another_encoding_is_told() {
    let (manifest, weights) = folder();
    let text = manifest.to_string().replace("{", "{\r\n");
    let marked = Manifest::parse(&[b"\xEF\xBB\xBF", text.as_bytes()].concat()).unwrap();
    Model::load(marked.clone(), &weights, &Device::flex()).unwrap();
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n";
    let unfetched = Model::load(marked, pointer, &Device::flex()).unwrap_err();
    for error in [unfetched, Manifest::parse(pointer).unwrap_err()] {
        assert!(
            error.to_string().contains("a Git LFS pointer") && error.to_string().contains("git lfs pull"),
            "{error}"
        );
    }
    // As `>` of older PowerShells writes.
    let utf_16: Vec<u8> = "\u{feff}{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let other = Manifest::parse(&utf_16).unwrap_err().to_string();
    assert!(other.contains("not written in UTF-8"), "{other}");
}

#[test]
fn hostile_manifests_are_refused() {
    assert!(Manifest::parse(b"").is_err());
    assert!(Manifest::parse(b"[]").is_err());
    assert!(matches!(Manifest::parse(&vec![b' '; 2 << 20]), Err(ModelError::TooLarge { .. })));
    assert!(refused(|m| m["width"] = json!(1_000_000_000)).contains("width 1000000000"));
    assert!(refused(|m| m["width"] = json!(0)).contains("width 0"));
    assert!(refused(|m| m["image_size"] = json!(12)).contains("a multiple of 8"));
    assert!(refused(|m| m["sigma_0"] = json!(-1)).contains("sigma_0"));
    assert!(refused(|m| m["preset"] = json!("unknown")).contains("unknown variant"));
    assert!(refused(|m| m["weights"]["file"] = json!("../../etc/passwd")).contains("no plain name"));
    assert!(refused(|m| m["name"] = json!("a/b")).contains("no plain name"));
    assert!(refused(|m| m["data"]["size"] = json!(9)).contains("does not fit"));
    assert!(refused(|m| m["churn"] = json!(-0.5)).contains("churn must be"));
    assert!(refused(|m| m["share"] = json!(0.5)).contains("churn must be"), "as older models have it");
    assert!(refused(|m| m["energy_percentiles"] = json!([1, 2])).contains("101 finite numbers"));
    assert!(refused(|m| m["probe"]["energies"] = json!([])).contains("probe.energies"));
    assert!(refused(|m| drop(m.as_object_mut().unwrap().remove("weights"))).contains("missing field"));
}

#[test]
fn a_number_that_json_cannot_hold_is_not_written_and_its_place_is_named() {
    let good = Manifest::parse(folder().0.to_string().as_bytes()).unwrap();
    let written = good.to_json().unwrap();
    assert_eq!(Manifest::parse(&written).unwrap().to_json().unwrap(), written);
    let refused = |change: &dyn Fn(&mut Manifest)| {
        let mut manifest = good.clone();
        change(&mut manifest);
        manifest.to_json().unwrap_err().to_string()
    };
    let metric = |value: f64| Metric { name: "loss".to_owned(), value, how: String::new() };
    let told = refused(&|manifest| manifest.metrics = vec![metric(1.0), metric(f64::NAN)]);
    assert!(told.contains("metrics[1].value is not a finite number"), "{told}");
    let told = refused(&|manifest| manifest.energy_percentiles[7] = f32::INFINITY);
    assert!(told.contains("energy_percentiles[7]"), "{told}");
    assert!(refused(&|manifest| manifest.training.seconds = f64::NEG_INFINITY).contains("training.seconds"));
    assert!(refused(&|manifest| manifest.energy_percentiles.reverse()).contains("rising order"), "what parse refuses");
}
