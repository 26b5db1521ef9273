//! The engine: it runs in a dedicated worker, owns the model, and answers the page's messages one after the other.

mod device;
mod fetch;
mod link;
mod load;
mod run;

use std::{cell::Cell, rc::Rc};

use futures::{StreamExt, channel::mpsc};
use web::{
    Envelope,
    messages::{FromEngine, ToEngine},
};

use device::Gpu;

fn main() {
    web::run_constructors();
    link::report_panics();
    let (queue, mut requests) = mpsc::unbounded();
    let cancelled = Rc::new(Cell::new(false));
    let cancel = Rc::clone(&cancelled);
    link::listen(move |envelope: Envelope<ToEngine>| {
        // A cancellation must overtake the run that it stops.
        cancel.set(envelope.message == ToEngine::Cancel);
        // The receiver lives as long as the worker.
        let _ = queue.unbounded_send(envelope);
    });
    wasm_bindgen_futures::spawn_local(async move {
        link::post(FromEngine::Started);
        let mut gpu = Gpu::default();
        let mut ready = None;
        while let Some(Envelope { message, payload }) = requests.next().await {
            let answer = match message {
                ToEngine::Load { model, backend } => {
                    // The old model's memory goes before the new one's comes.
                    ready = None;
                    load::load(&model, backend, &mut gpu).await.map(|(model, loaded)| {
                        ready = Some(model);
                        loaded
                    })
                }
                ToEngine::Run(run) => match &ready {
                    Some(model) => run::run(model, &run, &payload, &cancelled).await,
                    None => Err("No model is loaded. Reload the page.".to_owned()),
                },
                ToEngine::Cancel => continue,
            };
            link::post(answer.unwrap_or_else(|message| FromEngine::Failed { message, alive: true }.into()));
        }
    });
}
