//! The engine's end of the line to a helper.

use futures::{
    StreamExt,
    channel::mpsc::{UnboundedReceiver, unbounded},
};
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use web::{Envelope, messages::ModelFiles, texts};
use web_sys::{Event, MessageEvent, Worker, WorkerOptions, WorkerType};

use super::messages::{FromHelper, ToHelper};
use crate::{link, measure::Task, part::Reading};

/// Milliseconds in which a helper starts and loads its model, many times over.
const START_WITHIN: f64 = 20_000.0;

/// Why there is no answer.
pub enum Trouble {
    /// The helper does not answer any more.
    Lost,
    /// The work cannot go on: a sentence.
    Work(String),
}

/// A worker that computes beside the engine; it ends when this is dropped.
pub struct Helper {
    worker: Worker,
    /// What it said; nothing: it cannot go on.
    said: UnboundedReceiver<Option<Envelope<FromHelper>>>,
    /// How often it was asked for measures.
    measures: u32,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(Event)>,
}

impl Helper {
    /// The file beside the engine's program.
    const SCRIPT: &'static str = "./helper.js";
    /// What a helper's scope is called: the same program knows by it that it is one.
    const NAME: &'static str = "helper";

    /// Whether this worker is a helper of an engine.
    pub fn is_this() -> bool {
        link::name() == Self::NAME
    }

    /// Starts a worker with the engine's own compiled program and has it load the model.
    ///
    /// # Errors
    /// There can be none: why not, does not matter.
    pub async fn start(files: ModelFiles) -> Result<Self, Trouble> {
        let mut helper = Self::begin().map_err(|_| Trouble::Lost)?;
        while !matches!(helper.hear(START_WITHIN).await?.message, FromHelper::Started) {}
        if let Some(file) = texts::spoken_file() {
            helper.send(ToHelper::Speak(file.to_owned()));
        }
        helper.send(ToHelper::Load(files));
        while !matches!(helper.hear(START_WITHIN).await?.message, FromHelper::Loaded) {}
        Ok(helper)
    }

    fn begin() -> Result<Self, JsValue> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        options.set_name(Self::NAME);
        let worker = Worker::new_with_options(Self::SCRIPT, &options)?;
        let (says, said) = unbounded();
        let fails = says.clone();
        // Nobody hears any more what comes after the last answer.
        let on_message = Closure::new(move |event: MessageEvent| {
            let _ = says.unbounded_send(Envelope::unpack(&event.data()).ok());
        });
        let on_error = Closure::new(move |event: Event| {
            // Or the browser would have the engine itself fail.
            event.prevent_default();
            let _ = fails.unbounded_send(None);
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        let helper = Self { worker, said, measures: 0, _on_message: on_message, _on_error: on_error };
        helper.worker.post_message(&wasm_bindgen::module())?;
        Ok(helper)
    }

    /// Sends a message. That of an ended worker comes nowhere.
    pub fn send(&self, envelope: impl Into<Envelope<ToHelper>>) {
        if let Ok((value, transfer)) = envelope.into().pack() {
            let _ = self.worker.post_message_with_transfer(&value, &transfer);
        }
    }

    /// What the helper's chains of a run report next.
    ///
    /// # Errors
    /// It does not within so many milliseconds, or says why it cannot.
    pub async fn reading(&mut self, run: u32, within: f64) -> Result<Reading, Trouble> {
        loop {
            let Envelope { message, mut payload } = self.hear(within).await?;
            match message {
                FromHelper::Chains { number, energies, snapshot } if number == run => {
                    let start = payload.len().checked_sub(snapshot).ok_or(Trouble::Lost)?;
                    let snapshot = payload.split_off(start);
                    return Ok(Reading { energies, pixels: payload, snapshot });
                }
                FromHelper::Failed { number, message } if number == Some(run) => return Err(Trouble::Work(message)),
                FromHelper::Failed { number: None, .. } => return Err(Trouble::Lost),
                // Of a run that was stopped.
                _ => {}
            }
        }
    }

    /// Has it measure pictures.
    ///
    /// # Errors
    /// It does not within so many milliseconds, or says why it cannot.
    pub async fn measure(&mut self, task: &Task, within: f64) -> Result<Vec<f32>, Trouble> {
        self.measures += 1;
        let message = ToHelper::Measure { number: self.measures, measure: task.measure.clone() };
        self.send(Envelope { message, payload: task.pictures.clone() });
        loop {
            let Envelope { message, payload } = self.hear(within).await?;
            match message {
                FromHelper::Measured { number, outcome } if number == self.measures => {
                    return outcome.map(|()| payload).map_err(Trouble::Work);
                }
                FromHelper::Failed { number: None, .. } => return Err(Trouble::Lost),
                // Of what was not waited for any more.
                _ => {}
            }
        }
    }

    async fn hear(&mut self, within: f64) -> Result<Envelope<FromHelper>, Trouble> {
        /// In parts, as a machine that slept does not make it late.
        const PART: f64 = 1000.0;
        for _ in 0..(within / PART).ceil() as usize {
            if let Some(said) = link::in_time(self.said.next(), PART).await {
                return said.flatten().ok_or(Trouble::Lost);
            }
        }
        Err(Trouble::Lost)
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // Events that are on their way would find their handlers gone.
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}
