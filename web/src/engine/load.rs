//! From the name of a model to a model that works on a device.

use burn::tensor::Device;
use shared::{
    model::{Manifest, Model, ModelError},
    network::{Frame, NetworkConfig},
};
use web::{
    Backend, Envelope, Pictures,
    messages::{Card, FromEngine, Loaded, ModelFiles},
};

use crate::{device::Gpu, link, ready::Ready, run::warm_up, source::Source};

/// Fetches a model and finds a device that computes it correctly: the one asked for, else the CPU.
///
/// # Errors
/// What is wrong and what to do, in sentences.
pub async fn load(
    name: &str,
    files: Option<&ModelFiles>,
    backend: Option<Backend>,
    gpu: &mut Gpu,
) -> Result<(Ready, Envelope<FromEngine>), String> {
    let source = Source { name, files };
    let advice = |problem: String| format!("{problem} {}", source.advice());
    let unusable = |error: ModelError| advice(format!("The model “{name}” cannot be used: {error}."));
    let manifest = Manifest::parse(&source.manifest().await.map_err(advice)?).map_err(unusable)?;
    let weights = source.weights(&manifest.weights).await.map_err(advice)?;
    let (held_out, held_out_problem) = match source.held_out(&manifest).await {
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
    let manifest = &model.manifest;
    let frame = Frame::new(manifest.data.size, manifest.network.image_size)
        .ok_or_else(|| advice(format!("The pictures of the model “{name}” do not fit into its network.")))?;
    let loaded = Loaded {
        model: name.to_owned(),
        backend,
        fell_back,
        sha256: manifest.weights.sha256.clone(),
        size: manifest.data.size,
        channels: manifest.network.channels,
        held_out: held_out.count(),
        held_out_problem,
        percentiles: manifest.energy_percentiles.clone(),
        sigma_0: manifest.network.sigma_0,
        noise: (manifest.noise.min, manifest.noise.max),
        card: card(&model),
    };
    let answer = Envelope { message: FromEngine::Loaded(Box::new(loaded)), payload: held_out.values };
    let ready = Ready { model, device, backend, frame };
    if backend == Backend::WebGpu {
        warm_up(&ready).await?;
    }
    Ok((ready, answer))
}

fn card(Model { manifest, network, .. }: &Model) -> Card {
    let shapes = network.parameters().into_iter();
    let of = |network: &NetworkConfig| format!("{:?}, width {}", network.preset, network.width).to_lowercase();
    Card {
        data: manifest.data.name.clone(),
        licence: manifest.data.licence.clone(),
        network: of(&manifest.network),
        guide: manifest.guide.as_ref().map(|guide| (of(&guide.network), guide.weight)),
        parameters: shapes.map(|parameter| parameter.shape.iter().product::<usize>()).sum(),
        bytes: manifest.weights.bytes,
        steps: manifest.training.steps,
        images_seen: manifest.training.images_seen,
        seconds: manifest.training.seconds,
        metrics: manifest.metrics.iter().map(|m| (m.name.clone(), m.value, m.how.clone())).collect(),
    }
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
