//! A run's chains, divided over the engine and its helpers.

use std::{ops::Range, rc::Rc};

use futures::future::{Either, join_all, select};
use web::{Envelope, divide, messages::Run};

use super::{
    Crew,
    helper::begin,
    line::{Helper, Trouble},
    messages::ToHelper,
};
use crate::{
    control::Control,
    part::{Part, Reading},
    ready::Ready,
};

/// Milliseconds for which a run waits for helpers that are still starting.
const WAIT_FOR_START: f64 = 2000.0;
/// Helpers that a share of the chains may lose before the engine takes it over.
const MOST_LOSSES: u32 = 2;

/// What a run is made of.
struct Context<'a> {
    ready: Rc<Ready>,
    run: Run,
    /// The payload of the run, without where the chains are.
    given: Vec<f32>,
    control: &'a Control,
}

/// The chains of a run at work.
pub struct Division<'a> {
    context: Context<'a>,
    crew: &'a mut Crew,
    /// In the order of the chains. Those of the engine come last: they are only asked when the helpers are at work.
    shares: Vec<Share>,
}

/// Some of the chains.
struct Share {
    chains: Range<usize>,
    place: Place,
    /// Steps done.
    done: usize,
    /// Where the chains were when the run came here, if steps were done.
    state: Vec<f32>,
    /// What a helper said last of its chains.
    snapshot: Vec<f32>,
    losses: u32,
}

enum Place {
    /// With the engine itself.
    Here(Box<Part>),
    There(Helper),
    /// Where they have not begun, or were lost.
    Nowhere,
}

/// What is asked of chains.
#[derive(Clone, Copy)]
enum Task {
    Begin,
    Advance(usize),
    Finish,
}

impl<'a> Division<'a> {
    /// Divides the chains of a run over the helpers that are there and the engine.
    ///
    /// # Errors
    /// The payload is not what the run needs.
    pub async fn new(
        ready: Rc<Ready>,
        crew: &'a mut Crew,
        run: Run,
        mut given: Vec<f32>,
        control: &'a Control,
    ) -> Result<Self, String> {
        let length = ready.picture_length();
        let states = match run.done {
            0 => Vec::new(),
            _ => given.split_off(given.len().saturating_sub(run.count * length)),
        };
        let helpers = crew.gather(run.count - 1, WAIT_FOR_START).await;
        let ranges = divide(run.count, helpers.len() + 1);
        let places = helpers.into_iter().map(Place::There).chain([Place::Nowhere]);
        let shares = ranges.into_iter().zip(places).map(|(chains, place)| {
            let state = states.get(chains.start * length..chains.end * length).unwrap_or_default().to_vec();
            Share { chains, place, done: run.done, state, snapshot: Vec::new(), losses: 0 }
        });
        let shares = shares.collect();
        Ok(Self { context: Context { ready, run, given, control }, crew, shares })
    }

    /// Has all chains begin, and gives where; nothing if the run is stopped.
    ///
    /// # Errors
    /// What went wrong and what to do, in sentences.
    pub async fn begin(&mut self) -> Result<Option<Reading>, String> {
        self.all(Task::Begin).await
    }

    /// Has all chains do so many steps, and gives where they are; nothing if the run is stopped.
    ///
    /// # Errors
    /// What went wrong and what to do, in sentences.
    pub async fn advance(&mut self, steps: usize) -> Result<Option<Reading>, String> {
        self.all(Task::Advance(steps)).await
    }

    /// The pictures that all chains come to; nothing if the run is stopped.
    ///
    /// # Errors
    /// What went wrong and what to do, in sentences.
    pub async fn finish(&mut self) -> Result<Option<Reading>, String> {
        self.all(Task::Finish).await
    }

    async fn all(&mut self, task: Task) -> Result<Option<Reading>, String> {
        let (context, crew) = (&self.context, &*self.crew);
        let readings = join_all(self.shares.iter_mut().map(|share| share.work(context, crew, task))).await;
        let mut joined = Reading::default();
        for reading in readings {
            let Some(reading) = reading? else { return Ok(None) };
            joined.energies.extend(reading.energies);
            joined.pixels.extend(reading.pixels);
        }
        Ok(Some(joined))
    }
}

impl Drop for Division<'_> {
    fn drop(&mut self) {
        for share in self.shares.drain(..) {
            if let Place::There(helper) = share.place {
                helper.send(ToHelper::Stop { number: self.context.run.number });
                self.crew.idle.push(helper);
            }
        }
    }
}

impl Share {
    /// Has the chains do something; those that were lost go on from where they were seen last.
    async fn work(&mut self, context: &Context<'_>, crew: &Crew, task: Task) -> Result<Option<Reading>, String> {
        loop {
            if context.control.stopped(context.run.number) {
                return Ok(None);
            }
            let mut reading = match self.attempt(context, task).await {
                Ok(Some(reading)) => reading,
                Ok(None) => return Ok(None),
                Err(Trouble::Work(problem)) => return Err(problem),
                Err(Trouble::Lost) => {
                    self.replace(context, crew).await?;
                    continue;
                }
            };
            if let Task::Advance(steps) = task {
                self.done += steps;
            }
            self.snapshot = std::mem::take(&mut reading.snapshot);
            return Ok(Some(reading));
        }
    }

    async fn attempt(&mut self, context: &Context<'_>, task: Task) -> Result<Option<Reading>, Trouble> {
        let Context { run, ready, control, .. } = context;
        let wanted = || !control.stopped(run.number);
        let chains = self.chains.clone();
        let here = Run { done: self.done, ..run.clone() };
        let (payload, snapshot) = match task {
            Task::Begin => (self.payload(context), self.snapshot.len()),
            _ => (Vec::new(), 0),
        };
        match &mut self.place {
            Place::Here(part) => {
                let reading = match task {
                    Task::Begin => part.state().await.map(Some),
                    Task::Advance(steps) => part.advance(steps, wanted).await,
                    Task::Finish => part.finish(wanted).await,
                };
                reading.map_err(Trouble::Work)
            }
            Place::There(helper) => {
                let number = run.number;
                let message = match task {
                    Task::Begin => ToHelper::Begin { run: here, chains, snapshot },
                    Task::Advance(steps) => ToHelper::Advance { number, steps },
                    Task::Finish => ToHelper::Finish { number },
                };
                helper.send(Envelope { message, payload });
                let steps = if let Task::Advance(steps) = task { steps } else { 1 };
                let within = ready.patience(steps * self.chains.len());
                let answer = Box::pin(helper.reading(number, within));
                match select(answer, Box::pin(control.stop(number))).await {
                    Either::Left((reading, _)) => reading.map(Some),
                    Either::Right(_) => Ok(None),
                }
            }
            Place::Nowhere => {
                let part = begin(Rc::clone(ready), here, chains, self.payload(context), self.snapshot.len());
                self.place = Place::Here(Box::new(part.map_err(Trouble::Work)?));
                Box::pin(self.attempt(context, task)).await
            }
        }
    }

    /// Has another helper go on, or the engine.
    async fn replace(&mut self, context: &Context<'_>, crew: &Crew) -> Result<(), String> {
        self.place = Place::Nowhere;
        self.losses += 1;
        if self.losses > MOST_LOSSES {
            return Ok(());
        }
        let stop = Box::pin(context.control.stop(context.run.number));
        let Either::Left((Some(helper), _)) = select(Box::pin(crew.another()), stop).await else { return Ok(()) };
        self.place = Place::There(helper);
        match self.attempt(context, Task::Begin).await {
            Ok(_) => Ok(()),
            Err(Trouble::Work(problem)) => Err(problem),
            Err(Trouble::Lost) => {
                self.place = Place::Nowhere;
                Ok(())
            }
        }
    }

    /// What chains that begin need to know.
    fn payload(&self, context: &Context<'_>) -> Vec<f32> {
        let how = if self.snapshot.is_empty() { &self.state } else { &self.snapshot };
        context.given.iter().chain(how).copied().collect()
    }
}
