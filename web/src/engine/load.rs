//! From the name of a model to a model that works on a device.

use burn::tensor::Device;
use shared::{Frame, Manifest, Model, ModelError, WeightsCard};
use web::{
    Backend, Envelope, Pictures,
    messages::{Card, FromEngine, Loaded, ModelFiles},
};

use crate::{
    device::Gpu,
    fetch::{fetch, newest},
    link,
    run::warm_up,
    store,
};

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
}

const MANIFEST_LIMIT: u64 = 1 << 20;
const HELD_OUT_LIMIT: u64 = 1 << 24;

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

fn card(Model { manifest, network }: &Model) -> Card {
    let shapes = network.parameters().into_iter();
    Card {
        data: manifest.data.name.clone(),
        licence: manifest.data.licence.clone(),
        network: format!("{:?}, width {}", manifest.network.preset, manifest.network.width).to_lowercase(),
        parameters: shapes.map(|parameter| parameter.shape.iter().product::<usize>()).sum(),
        bytes: manifest.weights.bytes,
        steps: manifest.training.steps,
        images_seen: manifest.training.images_seen,
        seconds: manifest.training.seconds,
        metrics: manifest.metrics.iter().map(|m| (m.name.clone(), m.value, m.how.clone())).collect(),
    }
}

/// Where a model's files come from: a folder of the site, or the visitor.
struct Source<'a> {
    name: &'a str,
    files: Option<&'a ModelFiles>,
}

impl Source<'_> {
    fn path(&self, file: &str) -> String {
        format!("models/{}/{file}", self.name)
    }

    fn advice(&self) -> &'static str {
        if self.files.is_some() {
            "Drop the folder that “trainer export” writes: model.json, the weights and held-out.png."
        } else {
            "Choose another model, or export this one again with “trainer export” and rebuild the site."
        }
    }

    async fn manifest(&self) -> Result<Vec<u8>, String> {
        match self.files {
            Some(files) => Ok(fetch(&files.manifest, MANIFEST_LIMIT, |_| ()).await?),
            None => newest(&self.path("model.json"), MANIFEST_LIMIT).await,
        }
    }

    /// The weights, from the browser's cache if they are there. Whether they are those of the card, the model checks.
    async fn weights(&self, card: &WeightsCard) -> Result<Vec<u8>, String> {
        let total = card.bytes;
        let progress = |received| link::post(FromEngine::Downloading { received, total });
        if let Some(files) = self.files {
            return Ok(fetch(&files.weights, total, progress).await?);
        }
        // By hash, so that a model that was trained on never meets its old weights, which are forgotten with the first new ones.
        let folder = self.path("weights/");
        let kept = format!("{folder}{}", card.sha256.to_ascii_lowercase());
        let right = |bytes: &[u8]| WeightsCard::of("", bytes).sha256.eq_ignore_ascii_case(&card.sha256);
        if let Some(bytes) = store::find(&kept).await.filter(|bytes| right(bytes)) {
            return Ok(bytes);
        }
        let bytes = fetch(&self.path(&card.file), total, progress).await?;
        if right(&bytes) {
            store::keep_alone(&folder, &kept, &bytes).await;
        }
        Ok(bytes)
    }

    async fn held_out(&self, manifest: &Manifest) -> Result<Pictures, String> {
        if manifest.held_out_pictures == 0 {
            return Ok(Pictures::default());
        }
        let file = match self.files.map(|files| files.held_out.as_ref()) {
            Some(None) => return Err("The folder has no “held-out.png”.".to_owned()),
            Some(Some(address)) => fetch(address, HELD_OUT_LIMIT, |_| ()).await?,
            None => newest(&self.path("held-out.png"), HELD_OUT_LIMIT).await?,
        };
        let (count, size, channels) = (manifest.held_out_pictures, manifest.data.size, manifest.network.channels);
        Pictures::from_strip(&file, count, size, channels)
            .map_err(|problem| format!("“held-out.png” cannot be used: {problem}."))
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
