//! Agreement with the independent implementation, and refusal of damaged reference files.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{collections::HashMap, path::Path, thread};

use common::{reference, trainer};
use cpu_kernels::Vectors;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde_json::Value;

const FILES: [&str; 6] = [
    "res6-w4-grey32-elu.safetensors",
    "res12-w3-rgb16-silu.safetensors",
    "res18-w2-rgb24-elu.safetensors",
    "unet-w4-grey16-silu.safetensors",
    "unet4-w3-grey16-silu.safetensors",
    "unet4-w4-rgb32-elu.safetensors",
];

fn assert_agrees(files: &[&str], backend: &[&str]) {
    // A GPU's compiler takes one processor.
    thread::scope(|scope| {
        let files: Vec<_> = files.iter().map(|name| scope.spawn(move || assert_file_agrees(name, backend))).collect();
        files.into_iter().for_each(|file| file.join().unwrap());
    });
}

fn assert_file_agrees(name: &str, backend: &[&str]) {
    let output = trainer()
        .args(["verify", "--json", "--backend"])
        .args(backend)
        .arg("--reference")
        .arg(reference(name))
        .assert()
        .success()
        .get_output()
        .clone();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["ok"], true, "{name} on {backend:?}: {report:#}");
    let quantities = report["quantities"].as_array().unwrap();
    assert!(quantities.len() > 20, "{name}: every parameter has its gradient compared");
    for quantity in quantities {
        let (error, tolerance) = (&quantity["relative_error"], &quantity["tolerance"]);
        assert!(error.as_f64().unwrap() <= tolerance.as_f64().unwrap(), "{name} on {backend:?}: {quantity}");
    }
}

/// Whole networks, training gradients among them, whatever vectors a user's processor has.
#[test]
fn the_cpu_agrees_with_the_reference_at_every_vector_width() {
    for vectors in Vectors::all() {
        assert_agrees(&FILES, &["flex", "--vectors", vectors.name()]);
    }
}

/// On a software GPU each takes 20 seconds, mostly for its compiler: those that have, between them, both kinds of
/// networks, three and four scales, grey and colour, and both activations.
#[test]
fn a_gpu_agrees_with_the_reference() {
    let [residual, .., grey, colour] = FILES;
    assert_agrees(&[residual, grey, colour], &["wgpu"]);
}

#[test]
fn vectors_that_the_processor_lacks_are_refused() {
    let verify =
        |vectors| trainer().args(["verify", "--vectors", vectors, "--reference"]).arg(reference(FILES[0])).output();
    let output = verify("mmx").unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("mmx") && stderr.contains("this processor has scalar"), "{stderr}");
}

/// A reference file as name -> (shape, values), and its header.
type Contents = (HashMap<String, (Vec<usize>, Vec<f32>)>, HashMap<String, String>);

fn read() -> Contents {
    let bytes = std::fs::read(reference(FILES[3])).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let floats = |view: &TensorView<'_>| view.data().as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect();
    let tensors = file.iter().map(|(name, view)| (name.to_owned(), (view.shape().to_vec(), floats(&view)))).collect();
    let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
    (tensors, metadata.metadata().clone().unwrap())
}

fn write(path: &Path, (tensors, header): &Contents) {
    let bytes: Vec<(String, Vec<usize>, Vec<u8>)> = tensors
        .iter()
        .map(|(name, (shape, values))| {
            (name.clone(), shape.clone(), values.iter().flat_map(|v| v.to_le_bytes()).collect())
        })
        .collect();
    let views = bytes
        .iter()
        .map(|(name, shape, bytes)| (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()));
    std::fs::write(path, safetensors::serialize(views, Some(header.clone())).unwrap()).unwrap();
}

fn verify_changed(change: impl FnOnce(&mut Contents)) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("changed.safetensors");
    let mut contents = read();
    change(&mut contents);
    write(&path, &contents);
    let output = trainer().args(["verify", "--backend", "flex", "--reference"]).arg(&path).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn damaged_reference_files_are_wrong_input_and_name_the_tensor() {
    type Change = Box<dyn FnOnce(&mut Contents)>;
    let change =
        |name: &'static str, value: f32| -> Change { Box::new(move |c| c.0.get_mut(name).unwrap().1[0] = value) };
    let cases: [(&str, &str, Change); 10] = [
        ("input.x", "is missing", Box::new(|c| drop(c.0.remove("input.x")))),
        ("middle.conv1.bias", "is missing", Box::new(|c| drop(c.0.remove("middle.conv1.bias")))),
        ("expect.loss", "is missing", Box::new(|c| drop(c.0.remove("expect.loss")))),
        ("surprise", "is unknown", Box::new(|c| drop(c.0.insert("surprise".into(), (vec![1], vec![0.0]))))),
        (
            "expect.surprise",
            "is unknown",
            Box::new(|c| drop(c.0.insert("expect.surprise".into(), (vec![1], vec![0.0])))),
        ),
        ("stem.bias", "has shape [2, 2]", Box::new(|c| c.0.get_mut("stem.bias").unwrap().0 = vec![2, 2])),
        ("langevin.temperature", "has the value -1 where a number of at least 0", change("langevin.temperature", -1.0)),
        ("train.sigma", "has the value 0 where a positive number", change("train.sigma", 0.0)),
        ("inpaint.mask", "has the value 0.5 where 0 or 1", change("inpaint.mask", 0.5)),
        ("train.noise", "has the value NaN", Box::new(|c| c.0.get_mut("train.noise").unwrap().1[7] = f32::NAN)),
    ];
    for (name, problem, change) in cases {
        let (code, stderr) = verify_changed(change);
        assert_eq!(code, 2, "{stderr}");
        assert!(stderr.contains(&format!("tensor `{name}` {problem}")), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
}

/// Whichever it is, and whatever it would say of the network's scales.
#[test]
fn a_tensor_that_is_missing_or_unknown_is_named_and_no_other() {
    let names: Vec<String> = read().0.into_keys().filter(|name| name.starts_with("down.")).collect();
    assert!(names.len() > 12, "{names:?}");
    for name in &names {
        let (code, stderr) = verify_changed(|c| drop(c.0.remove(name)));
        assert!(code == 2 && stderr.contains(&format!("tensor `{name}` is missing")), "{name}: {stderr}");
    }
    for scale in ["2", "3", "9"] {
        let name = format!("down.{scale}.surprise");
        let (code, stderr) = verify_changed(|c| drop(c.0.insert(name.clone(), (vec![1], vec![0.0]))));
        assert!(code == 2 && stderr.contains(&format!("tensor `{name}` is unknown")), "{name}: {stderr}");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pointer.safetensors");
    std::fs::write(&path, "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n").unwrap();
    let output = trainer().args(["verify", "--backend", "flex", "--reference"]).arg(&path).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && stderr.contains("Git LFS"), "{stderr}");
}

#[test]
fn a_file_that_is_cut_off_is_told_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.safetensors");
    let whole = std::fs::read(reference(FILES[3])).unwrap();
    for length in [whole.len() - 10, 5] {
        std::fs::write(&path, &whole[..length]).unwrap();
        let output = trainer().args(["verify", "--backend", "flex", "--reference"]).arg(&path).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && stderr.contains("the file is cut off, or"), "{stderr}");
    }
}

#[test]
fn a_wrong_header_is_wrong_input() {
    for (field, value) in [("preset", "vgg"), ("width", "-1"), ("image_size", "12"), ("activation", "relu")] {
        let (code, stderr) = verify_changed(|c| drop(c.1.insert(field.into(), value.into())));
        assert_eq!(code, 2, "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
    let (code, stderr) = verify_changed(|c| drop(c.1.remove("step_size")));
    assert_eq!(code, 2);
    assert!(stderr.contains("step_size"), "{stderr}");
}

#[test]
fn a_wrong_answer_is_a_failed_check() {
    let (code, stderr) = verify_changed(|c| c.0.get_mut("expect.energy").unwrap().1[0] *= 1.001);
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains("disagrees"), "{stderr}");
}
