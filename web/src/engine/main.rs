//! The engine: it runs in a dedicated worker, owns the model, and answers the page's messages. A run and a toy go on
//! beside what is asked meanwhile: all of them return to the worker's event loop many times a second.

mod chains;
mod control;
mod device;
mod fetch;
mod link;
mod load;
mod ready;
mod run;
mod score;
mod source;
mod store;
mod toy;

use std::{future::Future, rc::Rc};

use futures::{StreamExt, channel::mpsc};
use wasm_bindgen_futures::spawn_local;
use web::{
    Envelope,
    messages::{FromEngine, ToEngine},
};

use control::Control;
use device::Gpu;

fn main() {
    web::run_constructors();
    link::report_panics();
    let (queue, mut requests) = mpsc::unbounded();
    let control = Rc::new(Control::default());
    let wishes = Rc::clone(&control);
    link::listen(move |envelope: Envelope<ToEngine>| {
        wishes.hear(&envelope.message);
        // The receiver lives as long as the worker.
        let _ = queue.unbounded_send(envelope);
    });
    spawn_local(async move {
        link::post(FromEngine::Started);
        let mut gpu = Gpu::default();
        let mut ready = None;
        while let Some(Envelope { message, payload }) = requests.next().await {
            match message {
                ToEngine::Load { model, files, backend } => {
                    // The old model's memory goes before the new one's comes.
                    ready = None;
                    answer(async {
                        let (model, loaded) = load::load(&model, files.as_ref(), backend, &mut gpu).await?;
                        ready = Some(Rc::new(model));
                        Ok(loaded)
                    })
                    .await;
                }
                ToEngine::Run(run) => {
                    let (model, control) = (ready.clone(), Rc::clone(&control));
                    spawn_local(answer(
                        async move { run::run(&*model.ok_or(NO_MODEL)?, &run, payload, &control).await },
                    ));
                }
                ToEngine::Score(purpose) => {
                    answer(async { score::score(ready.as_deref().ok_or(NO_MODEL)?, purpose, &payload).await }).await;
                }
                ToEngine::Toy(toy) => {
                    let control = Rc::clone(&control);
                    spawn_local(async move { toy::run(toy, &control).await });
                }
                ToEngine::Pause | ToEngine::Resume | ToEngine::Step | ToEngine::Cancel | ToEngine::StopToy => {}
            }
        }
    });
}

const NO_MODEL: &str = "No model is loaded. Reload the page.";

async fn answer(work: impl Future<Output = Result<Envelope<FromEngine>, String>>) {
    link::post(work.await.unwrap_or_else(|message| FromEngine::Failed { message, alive: true }.into()));
}
