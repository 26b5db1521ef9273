//! From the name of a model to a model that works on a device.

use burn::tensor::Device;
use shared::{Frame, Manifest, Model, ModelError};
use web::{
    Backend, Envelope, Pictures,
    messages::{FromEngine, Loaded},
};

use crate::{device::Gpu, fetch::fetch, link, run::warm_up};

/// A model that has passed its self-test.
pub struct Ready {
    /// The model.
    pub model: Model,
    /// Where it computes.
    pub device: Device,
    /// Which kind of device that is.
    pub backend: Backend,
    /// How its pictures lie in what the network sees.
    pub frame: Frame,
    /// Its held-out pictures.
    pub held_out: Pictures,
}

const MANIFEST_LIMIT: u64 = 1 << 20;
const HELD_OUT_LIMIT: u64 = 1 << 24;
const MODEL_ADVICE: &str = "Choose another model, or export this one again with “trainer export” and rebuild the site.";

/// Fetches a model and finds a device that computes it correctly: the one asked for, else the CPU.
///
/// # Errors
/// What is wrong and what to do, in sentences.
pub async fn load(
    name: &str,
    backend: Option<Backend>,
    gpu: &mut Gpu,
) -> Result<(Ready, Envelope<FromEngine>), String> {
    let folder = format!("models/{name}");
    let advice = |problem: String| format!("{problem} {MODEL_ADVICE}");
    let manifest = fetch(&format!("{folder}/model.json"), MANIFEST_LIMIT, |_| ()).await.map_err(advice)?;
    let unusable = |error: ModelError| format!("The model “{name}” cannot be used: {error}. {MODEL_ADVICE}");
    let manifest = Manifest::parse(&manifest).map_err(unusable)?;
    let total = manifest.weights.bytes;
    let progress = |received| link::post(FromEngine::Downloading { received, total });
    let weights = fetch(&format!("{folder}/{}", manifest.weights.file), total, progress).await.map_err(advice)?;
    let (held_out, held_out_problem) = match fetch_held_out(&folder, &manifest).await {
        Ok(pictures) => (pictures, None),
        Err(problem) => (Pictures::default(), Some(problem)),
    };

    let (model, device, backend, fell_back) = match backend {
        Some(Backend::Cpu) => (None, Device::flex(), Backend::Cpu, None),
        _ => match on_gpu(&manifest, &weights, gpu).await {
            Ok((model, device)) => (Some(model), device, Backend::WebGpu, None),
            Err(GpuProblem::Model(error)) => return Err(unusable(error)),
            Err(GpuProblem::Device(reason)) => (None, Device::flex(), Backend::Cpu, Some(reason)),
        },
    };
    let model = match model {
        Some(model) => model,
        None => open(manifest, &weights, &device, Backend::Cpu).await.map_err(unusable)?,
    };
    let card = &model.manifest;
    let frame = Frame::new(card.data.size, card.network.image_size)
        .ok_or_else(|| advice(format!("The pictures of the model “{name}” do not fit into its network.")))?;
    let loaded = Loaded {
        model: name.to_owned(),
        backend,
        fell_back,
        sha256: card.weights.sha256.clone(),
        data: card.data.name.clone(),
        licence: card.data.licence.clone(),
        size: card.data.size,
        channels: card.network.channels,
        held_out: held_out.count(),
        held_out_problem,
    };
    let answer = Envelope { message: FromEngine::Loaded(loaded), payload: held_out.values.clone() };
    let ready = Ready { model, device, backend, frame, held_out };
    if backend == Backend::WebGpu {
        warm_up(&ready).await?;
    }
    Ok((ready, answer))
}

enum GpuProblem {
    /// The CPU may do better.
    Device(String),
    /// The CPU would do no better.
    Model(ModelError),
}

async fn on_gpu(manifest: &Manifest, weights: &[u8], gpu: &mut Gpu) -> Result<(Model, Device), GpuProblem> {
    let device = gpu.device().await.map_err(GpuProblem::Device)?;
    match open(manifest.clone(), weights, &device, Backend::WebGpu).await {
        Ok(model) => Ok((model, device)),
        Err(error @ (ModelError::SelfTest { .. } | ModelError::Device(_))) => {
            Err(GpuProblem::Device(format!("the GPU failed the model's self-test ({error})")))
        }
        Err(error) => Err(GpuProblem::Model(error)),
    }
}

async fn open(manifest: Manifest, weights: &[u8], device: &Device, backend: Backend) -> Result<Model, ModelError> {
    link::post(FromEngine::Testing(backend));
    let model = Model::load(manifest, weights, device)?;
    model.self_test(device).await?;
    Ok(model)
}

async fn fetch_held_out(folder: &str, manifest: &Manifest) -> Result<Pictures, String> {
    if manifest.held_out_pictures == 0 {
        return Ok(Pictures::default());
    }
    let path = format!("{folder}/held-out.png");
    let file = fetch(&path, HELD_OUT_LIMIT, |_| ()).await?;
    let (count, size, channels) = (manifest.held_out_pictures, manifest.data.size, manifest.network.channels);
    Pictures::from_strip(&file, count, size, channels).map_err(|problem| format!("“{path}” cannot be used: {problem}."))
}
