//! The page's end of the line to the engine.

use wasm_bindgen::{JsCast, prelude::Closure};
use web::{
    Envelope,
    messages::{FromEngine, ToEngine, Work},
    texts,
};
use web_sys::{ErrorEvent, MessageEvent, Worker, WorkerOptions, WorkerType};

use crate::dom::Result;

/// A worker with the engine in it; it ends when this is dropped.
pub struct Engine {
    worker: Worker,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(ErrorEvent)>,
}

impl Engine {
    /// The file that trunk writes for the worker, beside the page.
    const SCRIPT: &'static str = "./engine_loader.js";

    /// Starts an engine. `handle` hears everything that it says, and its failure to run at all.
    pub fn start(handle: impl Fn(Envelope<FromEngine>) + Clone + 'static) -> Result<Self> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker = Worker::new_with_options(Self::SCRIPT, &options)?;
        let failed = handle.clone();
        let on_message = Closure::new(move |event: MessageEvent| match Envelope::unpack(&event.data()) {
            Ok(envelope) => handle(envelope),
            Err(problem) => {
                let message = texts::engine_misfit(problem);
                handle(FromEngine::Failed { work: Work::All, message }.into());
            }
        });
        let on_error = Closure::new(move |event: ErrorEvent| {
            // An event that is no ErrorEvent, for a script that cannot be fetched, has no message.
            let said = js_sys::Reflect::get(&event, &"message".into()).ok().and_then(|said| said.as_string());
            let message = said.map_or_else(|| texts::engine_stopped().to_owned(), texts::engine_stopped_by);
            failed(FromEngine::Failed { work: Work::All, message }.into());
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Ok(Self { worker, _on_message: on_message, _on_error: on_error })
    }

    /// Sends a message.
    pub fn send(&self, envelope: impl Into<Envelope<ToEngine>>) -> Result<()> {
        let (value, transfer) = envelope.into().pack()?;
        self.worker.post_message_with_transfer(&value, &transfer)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // Events that are on their way would find their handlers gone.
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}
