//! Whether a GPU is worth it: it and the processor do the same, one after the other, while nobody waits for either.

use std::rc::Rc;

use burn::tensor::{Device, Tensor};
use futures::lock::Mutex;
use js_sys::Date;
use shared::{model::Manifest, network::Energy};
use web::{Backend, messages::FromEngine};

use crate::{
    control::Control,
    crew::Crew,
    link,
    load::{helpers, open},
    ready::Ready,
};

/// Milliseconds after which the page's own first work is done.
const BEGIN_AFTER: f64 = 700.0;
/// Pictures of the step that the page is told of. Devices that have not the time or the memory for so many at once have as
/// many as suit them, as in runs.
const PICTURES: usize = 16;
/// How often they are timed.
const ROUNDS: usize = 3;
/// What a helper adds to the engine's speed.
const HELP: f64 = 0.8;

/// Times a step of the model on both, and tells the page, unless other work or another load comes between.
pub async fn run(
    (load, phone): (u32, bool),
    on_gpu: Rc<Ready>,
    crew: Rc<Mutex<Crew>>,
    (manifest, weights): (Vec<u8>, Vec<u8>),
    control: Rc<Control>,
) {
    let works = control.works();
    let alone = || control.wants_load(load) && control.works() == works && !control.has_toy();
    link::after(BEGIN_AFTER).await;
    if crew.try_lock().is_none() || !alone() {
        return;
    }
    let Some(gpu) = time(&on_gpu, &alone).await else { return };
    // Its problem is told where it matters.
    let Ok(manifest) = Manifest::parse(&manifest) else { return };
    let Ok(on_cpu) = open(manifest, &weights, Device::flex(), Backend::Cpu).await else { return };
    let Some(cpu) = time(&on_cpu, &alone).await else { return };
    let cpu = cpu / (1.0 + HELP * helpers(&on_cpu, phone) as f64);
    link::post(FromEngine::Timed { load, gpu, cpu });
}

/// Milliseconds for energy gradients of [`PICTURES`], when all is compiled; nothing once the engine is not `alone` with it.
async fn time(ready: &Ready, alone: &impl Fn() -> bool) -> Option<f64> {
    let network = &ready.model.network;
    let count = ready.batch_size().min(PICTURES);
    let pictures = Tensor::zeros(ready.model.manifest.network.batch_shape(count), &ready.device);
    let mut begun = Date::now();
    for round in 0..=ROUNDS {
        let (energies, _) = network.energy_and_gradient(pictures.clone());
        ready.floats(energies).await;
        link::breathe().await;
        if !alone() {
            return None;
        }
        if round == 0 {
            begun = Date::now();
        }
    }
    Some((Date::now() - begun) / (ROUNDS * count) as f64 * PICTURES as f64)
}
