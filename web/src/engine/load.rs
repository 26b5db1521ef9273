//! From the name of a model to a model that works on a device.

use std::{cell::Cell, pin::pin};

use burn::tensor::Device;
use futures::future::{Either, select};
use js_sys::Date;
use shared::{
    model::{Manifest, Model, ModelError, SelfTest},
    network::{EnergyNetwork, Frame, NetworkConfig},
};
use web::{
    Backend, Envelope, Machine, Pictures,
    messages::{Card, FellBack, FromEngine, Loaded, ModelFiles},
    texts,
};

use crate::{
    control::Control,
    crew::Crew,
    device::{Gpu, GpuDevice, NoDevice},
    fetch::Problem,
    link,
    ready::{OnGpu, Ready},
    run::warm_up,
    source::Source,
};

/// A model that works, with its helpers, and what the page is told of it.
pub struct Opened {
    /// The model.
    pub ready: Ready,
    /// Who computes beside the engine.
    pub crew: Crew,
    /// The answer.
    pub answer: Envelope<FromEngine>,
    /// The manifest and the weights, as they came.
    pub files: (Vec<u8>, Vec<u8>),
}

/// What a load asks for.
pub struct Wanted<'a> {
    /// Which load it is.
    pub number: u32,
    /// The model's name.
    pub name: &'a str,
    /// What the visitor brought.
    pub files: Option<&'a ModelFiles>,
    /// Where to compute.
    pub backend: Option<Backend>,
    /// Whether the machine is a phone or a tablet.
    pub phone: bool,
}

/// Fetches a model and finds a device that computes it correctly: the one asked for, else the CPU.
///
/// Nothing, where another load is wanted meanwhile.
///
/// # Errors
/// What is wrong and what to do, in sentences.
pub async fn load(wanted: Wanted<'_>, gpu: &mut Gpu, control: &Control) -> Result<Option<Opened>, String> {
    let Wanted { number, name, files, backend, phone } = wanted;
    let source = Source { name, files };
    let unusable = |error: ModelError| source.advised(source.unusable(&error));
    let progress = |received, total| link::post(FromEngine::Downloading { load: number, received, total });
    let files = match select(pin!(read(&source, progress)), pin!(control.superseded(number))).await {
        Either::Left((files, _)) => files,
        Either::Right(_) => return Ok(None),
    };
    let (manifest, weights) = files.map_err(|problem| source.advised(problem))?;
    let parsed = Manifest::parse(&manifest).map_err(unusable)?;
    let (held_out, held_out_problem) =
        match select(pin!(source.held_out(&parsed)), pin!(control.superseded(number))).await {
            Either::Left((Ok(pictures), _)) => (pictures, None),
            Either::Left((Err(problem), _)) => (Pictures::default(), Some(problem)),
            Either::Right(_) => return Ok(None),
        };
    if !control.wants_load(number) {
        return Ok(None);
    }

    let (ready, fell_back) = match backend {
        Some(Backend::Cpu) => (None, None),
        _ => match on_gpu(number, &parsed, &weights, gpu, backend.is_some()).await {
            Ok(ready) => (Some(ready), None),
            Err(GpuProblem::Model(error)) => return Err(unusable(error)),
            Err(GpuProblem::Absent(reason)) => (None, Some(FellBack { reason, absent: true })),
            Err(GpuProblem::Device(reason)) => (None, Some(FellBack { reason, absent: false })),
        },
    };
    let ready = match ready {
        Some(ready) => ready,
        None => {
            link::post(FromEngine::Testing { load: number, backend: Backend::Cpu });
            open(parsed, &weights, Device::flex(), Backend::Cpu).await.map_err(unusable)?
        }
    };
    let crew = match ready.backend {
        Backend::WebGpu => Crew::none(),
        Backend::Cpu => Crew::start(helpers(&ready, phone), &manifest, &weights),
    };
    let files = (manifest, weights);
    let manifest = &ready.model.manifest;
    let loaded = Loaded {
        number,
        model: name.to_owned(),
        backend: ready.backend,
        fell_back,
        sha256: manifest.weights.sha256.clone(),
        size: manifest.data.size,
        channels: manifest.network.channels,
        held_out: held_out.count(),
        held_out_problem,
        percentiles: manifest.energy_percentiles.clone(),
        bits_percentiles: manifest.likelihood.as_ref().map(|card| card.bits_percentiles.clone()).unwrap_or_default(),
        sigma_0: manifest.network.sigma_0,
        noise: (manifest.noise.min, manifest.noise.max),
        card: card(&ready.model),
    };
    let answer = Envelope { message: FromEngine::Loaded(Box::new(loaded)), payload: held_out.values };
    if ready.backend == Backend::WebGpu {
        warm_up(&ready).await?;
    }
    Ok(Some(Opened { ready, crew, answer, files }))
}

/// The manifest and the weights of a model; `progress` hears how many bytes of how many have come.
///
/// # Errors
/// A sentence.
pub(crate) async fn read(source: &Source<'_>, progress: impl Fn(u64, u64)) -> Result<(Vec<u8>, Vec<u8>), Problem> {
    let manifest = source.manifest().await?;
    let card = Manifest::parse(&manifest).map_err(|error| source.unusable(&error))?.weights;
    let weights = source.weights(&manifest, &card, |received| progress(received, card.bytes)).await?;
    Ok((manifest, weights))
}

/// A model on a device that computes it correctly.
///
/// # Errors
/// What is wrong with the model or with the device.
pub async fn open(manifest: Manifest, weights: &[u8], device: Device, backend: Backend) -> Result<Ready, ModelError> {
    let (size, outer) = (manifest.data.size, manifest.network.image_size);
    let frame = Frame::new(size, outer).ok_or_else(|| {
        ModelError::Manifest(format!("pictures of side {size} do not fit into a network for side {outer}"))
    })?;
    let model = Model::load(manifest, weights, &device)?;
    let begun = Date::now();
    model.self_test(&device).await?;
    let ready = Ready { model, device, backend, frame, gpu: None, pace: Cell::default() };
    ready.note_pace(Date::now() - begun, SelfTest::PICTURES);
    Ok(ready)
}

fn card(Model { manifest, network, .. }: &Model) -> Card {
    let shapes = network.parameters().into_iter();
    let of =
        |network: &NetworkConfig| texts::network_width(format!("{:?}", network.preset).to_lowercase(), network.width);
    Card {
        data: manifest.data.name.clone(),
        licence: manifest.data.licence.clone(),
        pictures_licence: manifest.pictures_licence.clone(),
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
    /// There is none.
    Absent(String),
    /// The CPU may do better.
    Device(String),
    /// The CPU would do no better.
    Model(ModelError),
}

/// Milliseconds in which a GPU has compiled and tested a model, even where that is slow; one that was asked for by name may
/// take longer.
const TESTED_WITHIN: [f64; 2] = [90_000.0, 300_000.0];
/// Milliseconds in which a GPU that works answers: browsers end its work after ten seconds.
const ANSWERS_WITHIN: [f64; 2] = [30_000.0, 150_000.0];

async fn on_gpu(
    load: u32,
    manifest: &Manifest,
    weights: &[u8],
    gpu: &mut Gpu,
    asked_for: bool,
) -> Result<Ready, GpuProblem> {
    link::post(FromEngine::Testing { load, backend: Backend::WebGpu });
    let device = gpu.device(asked_for).await.map_err(|problem| match problem {
        NoDevice::Absent(reason) => GpuProblem::Absent(reason.to_owned()),
        NoDevice::Broken(reason) => GpuProblem::Device(reason),
    })?;
    let patience = usize::from(asked_for);
    let test = tested_on_gpu(manifest, weights, device, ANSWERS_WITHIN[patience]);
    let Some(tested) = link::in_time(pin!(test), TESTED_WITHIN[patience]).await else {
        let reason = texts::gpu_unfinished();
        gpu.give_up(reason);
        return Err(GpuProblem::Device(reason.to_owned()));
    };
    tested.map_err(|error| match error {
        ModelError::SelfTest { .. } | ModelError::Gradient { .. } | ModelError::Device(_) => {
            GpuProblem::Device(texts::gpu_failed(error))
        }
        error => GpuProblem::Model(error),
    })
}

/// A model on a GPU that computes what the processor does, twice: some do only the first time.
async fn tested_on_gpu(
    manifest: &Manifest,
    weights: &[u8],
    gpu: GpuDevice,
    answers_within: f64,
) -> Result<Ready, ModelError> {
    let GpuDevice { device, largest_buffer, nudge } = gpu;
    let on_cpu = open(manifest.clone(), weights, Device::flex(), Backend::Cpu).await?;
    let trusted = on_cpu.model.probe(&on_cpu.device).await?;
    drop(on_cpu);
    let mut ready = open(manifest.clone(), weights, device, Backend::WebGpu).await?;
    ready.gpu = Some(OnGpu { trusted, largest_buffer, answers_within, nudge });
    ready.check().await?;
    // Now that all is compiled.
    let begun = Date::now();
    ready.check().await?;
    ready.pace.set(0.0);
    ready.note_pace(Date::now() - begun, SelfTest::PICTURES);
    Ok(ready)
}

/// How many workers help the engine with a model.
pub fn helpers(ready: &Ready, phone: bool) -> usize {
    Machine { processors: link::processors(), phone }.helpers(megabytes(ready))
}

/// Megabytes that a helper takes with a model: its WebAssembly, as measured (13 for the smallest published model), and what
/// the browser keeps beside it.
fn megabytes(Ready { model, .. }: &Ready) -> f64 {
    let network = &model.manifest.network;
    let parameters = |network: &EnergyNetwork| {
        network.parameters().iter().map(|parameter| parameter.shape.iter().product::<usize>()).sum::<usize>()
    };
    let numbers = parameters(&model.network) + model.guide.as_ref().map_or(0, parameters);
    let activations = network.image_size.pow(2) * network.width;
    30.0 + (16 * numbers + 400 * activations) as f64 / 1e6
}
