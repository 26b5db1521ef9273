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
/// Pictures whose energy gradients are timed, and how often.
const PICTURES: usize = 16;
const ROUNDS: usize = 3;
/// What a helper adds to the engine's speed.
const HELP: f64 = 0.8;

/// Times a step of the model on both, and tells the page, unless a run or another load comes between.
pub async fn run(
    (load, phone): (u32, bool),
    on_gpu: Rc<Ready>,
    crew: Rc<Mutex<Crew>>,
    (manifest, weights): (Vec<u8>, Vec<u8>),
    control: Rc<Control>,
) {
    link::after(BEGIN_AFTER).await;
    let runs = control.runs();
    if crew.try_lock().is_none() {
        return;
    }
    let gpu = time(&on_gpu).await;
    // Its problem is told where it matters.
    let Ok(manifest) = Manifest::parse(&manifest) else { return };
    let Ok(on_cpu) = open(manifest, &weights, Device::flex(), Backend::Cpu).await else { return };
    let cpu = time(&on_cpu).await / (1.0 + HELP * helpers(&on_cpu, phone) as f64);
    if control.wants_load(load) && control.runs() == runs {
        link::post(FromEngine::Timed { load, gpu, cpu });
    }
}

/// Milliseconds for energy gradients of some pictures, when all is compiled.
async fn time(ready: &Ready) -> f64 {
    let network = &ready.model.network;
    let pictures = Tensor::zeros(ready.model.manifest.network.batch_shape(PICTURES), &ready.device);
    let mut begun = Date::now();
    for round in 0..=ROUNDS {
        let (energies, _) = network.energy_and_gradient(pictures.clone());
        ready.floats(energies).await;
        link::breathe().await;
        if round == 0 {
            begun = Date::now();
        }
    }
    (Date::now() - begun) / ROUNDS as f64
}
