//! The program of a helper: it computes some chains of the engine's runs, and measures pictures.

use std::{cell::Cell, ops::Range, rc::Rc};

use burn::tensor::Device;
use futures::{StreamExt, channel::mpsc};
use shared::model::Manifest;
use wasm_bindgen_futures::spawn_local;
use web::{
    Backend, Envelope,
    messages::{ModelFiles, Run},
    texts,
};

use super::messages::{FromHelper, ToHelper};
use crate::{
    link::{self, Breath},
    load::{open, read},
    part::{Part, Reading},
    ready::Ready,
    source::Source,
};

/// Answers the engine, for the rest of the worker's life.
pub fn run() {
    link::report_panics(|reason| FromHelper::Failed { number: None, message: reason.to_owned() });
    let (queue, mut requests) = mpsc::unbounded();
    // Overtakes the messages that wait.
    let stopped = Rc::new(Cell::new(None));
    let stop = Rc::clone(&stopped);
    link::listen(
        move |envelope: Envelope<ToHelper>| {
            if let ToHelper::Stop { number } = envelope.message {
                stop.set(Some(number));
            }
            // The receiver lives as long as the worker.
            let _ = queue.unbounded_send(envelope);
        },
        |problem| FromHelper::Failed { number: None, message: problem },
    );
    spawn_local(async move {
        link::send::<FromHelper>(FromHelper::Started);
        let mut helper = Helper { ready: None, part: None, stopped };
        while let Some(request) = requests.next().await {
            if let Some(answer) = helper.answer(request).await {
                link::send::<FromHelper>(answer);
            }
        }
    });
}

struct Helper {
    ready: Option<Rc<Ready>>,
    part: Option<Part>,
    /// The run that no more is wanted of.
    stopped: Rc<Cell<Option<u32>>>,
}

impl Helper {
    /// The answer to a message, if it has one.
    async fn answer(&mut self, Envelope { message, payload }: Envelope<ToHelper>) -> Option<Envelope<FromHelper>> {
        let (number, reading) = match message {
            ToHelper::Speak(file) => {
                // One that cannot be read leaves English, as in the engine.
                let _ = texts::speak(file);
                return None;
            }
            ToHelper::Load(files) => {
                return Some(match load(&files).await {
                    Ok(ready) => {
                        self.ready = Some(Rc::new(ready));
                        FromHelper::Loaded.into()
                    }
                    Err(message) => FromHelper::Failed { number: None, message }.into(),
                });
            }
            ToHelper::Begin { run, chains, snapshot } => {
                let number = run.number;
                let reading = match begin(self.ready.clone()?, run, chains, payload, snapshot) {
                    Ok(part) => self.part.insert(part).state().await.map(Some),
                    Err(message) => Err(message),
                };
                (number, reading)
            }
            ToHelper::Advance { number, steps } => {
                let stopped = &self.stopped;
                let part = self.part.as_mut().filter(|part| part.number() == number)?;
                (number, part.advance(steps, || stopped.get() != Some(number)).await)
            }
            ToHelper::Finish { number } => {
                let stopped = &self.stopped;
                let part = self.part.take().filter(|part| part.number() == number)?;
                (number, part.finish(|| stopped.get() != Some(number)).await)
            }
            ToHelper::Measure { number, measure } => {
                let ready = self.ready.clone()?;
                let measured = measure.of(&ready, &payload, &mut Breath::default(), || true).await;
                let (outcome, payload) = match measured {
                    Ok(values) => (Ok(()), values.unwrap_or_default()),
                    Err(problem) => (Err(problem), Vec::new()),
                };
                return Some(Envelope { message: FromHelper::Measured { number, outcome }, payload });
            }
            ToHelper::Stop { .. } => {
                self.part = None;
                return None;
            }
        };
        match reading {
            Ok(reading) => {
                let Reading { energies, pixels: mut payload, .. } = reading?;
                let snapshot = match &self.part {
                    Some(part) => part.snapshot().await,
                    None => Vec::new(),
                };
                payload.extend(&snapshot);
                let message = FromHelper::Chains { number, energies, snapshot: snapshot.len() };
                Some(Envelope { message, payload })
            }
            Err(message) => Some(FromHelper::Failed { number: Some(number), message }.into()),
        }
    }
}

/// Chains that begin, or go on from a snapshot of so many floats at the end of the payload.
///
/// # Errors
/// The payload is not what the run needs.
pub fn begin(
    ready: Rc<Ready>,
    run: Run,
    chains: Range<usize>,
    mut payload: Vec<f32>,
    snapshot: usize,
) -> Result<Part, String> {
    if snapshot == 0 {
        return Part::new(ready, run, chains, payload);
    }
    let start = payload.len().checked_sub(snapshot).ok_or("a snapshot that is not there")?;
    let snapshot = payload.split_off(start);
    let done = run.done;
    Part::new(ready, Run { done: 0, ..run }, chains, payload)?.restored(&snapshot, done)
}

async fn load(files: &ModelFiles) -> Result<Ready, String> {
    let source = Source { name: "", files: Some(files) };
    let (manifest, weights) = read(&source, |_, _| ()).await?;
    let manifest = Manifest::parse(&manifest).map_err(|error| source.unusable(&error))?;
    Ok(open(manifest, &weights, Device::flex(), Backend::Cpu).await.map_err(|error| source.unusable(&error))?)
}
