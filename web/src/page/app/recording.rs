//! The run that came with a model: it is shown before chains run, and then live ones take over.

use js_sys::Reflect;
use options::Recording;
use wasm_bindgen::JsValue;
use web::{Backend, Pictures, RecordedRun, Settings, Task, address};

use super::{App, Event, dispatch};
use crate::{
    dom::{Result, document, window},
    newest::newest,
    preference,
    status::{self, State},
    view::View,
};

/// The recorded runs of models.
#[derive(Default)]
pub(super) struct Recorded {
    /// That of a model, which is shown until chains run.
    run: Option<(String, RecordedRun)>,
    /// The model whose run is still to come.
    pub fetching: Option<String>,
    /// The pictures at the end of a model's run.
    pub samples: Option<(String, Pictures)>,
}

impl App {
    /// Fetches the recorded run of the model of the settings, if it has one.
    pub(super) fn fetch_recording(&mut self) {
        self.recorded.fetching = None;
        let model = self.models.models.iter().find(|model| Some(&model.name) == self.settings.model.as_ref());
        let Some(name) = model.filter(|model| model.recorded).map(|model| model.name.clone()) else { return };
        self.recorded.fetching = Some(name.clone());
        let (this, keeps) = (self.this.clone(), !self.embedded);
        wasm_bindgen_futures::spawn_local(async move {
            // Without it the places of the pictures are empty, as they are for models that have none.
            let file = newest(&address(&name, Recording::FILE), keeps).await;
            let run = file.ok().and_then(|file| RecordedRun::parse(&file).ok());
            dispatch(&this, Event::Recorded(name, run.map(Box::new)));
        });
    }

    /// Takes in a model's recorded run, or that it cannot be had.
    pub(super) fn recorded(&mut self, model: String, run: Option<RecordedRun>) -> Result<()> {
        // Another model was chosen meanwhile.
        if self.recorded.fetching.as_ref() != Some(&model) {
            return Ok(());
        }
        self.recorded.fetching = None;
        if let Some(run) = run {
            self.recorded.samples = Some((model.clone(), run.pictures.clone()));
            self.recorded.run = Some((model, run));
        }
        match self.loading.awaited.take() {
            Some(loaded) => self.loaded(loaded, Vec::new()),
            None => self.show_recording(),
        }
    }

    /// The page has come into sight, perhaps for the first time: what waited for that begins.
    pub(super) fn seen(&mut self) -> Result<()> {
        self.show_recording()?;
        self.go_live(false)
    }

    /// Shows the recorded run of the model, if there is no run yet and somebody looks, and plays it where things may move.
    pub(super) fn show_recording(&mut self) -> Result<()> {
        // A frame has it as a poster, whatever runs at Start.
        let others = self.named && !self.embedded;
        let of = |settings: &Settings| (settings.seed, settings.count, settings.sampler, settings.steps);
        let is_wanted = self.recorded.run.as_ref().is_some_and(|(model, run)| {
            Some(model) == self.settings.model.as_ref() && (!others || of(&run.settings) == of(&self.settings))
        });
        let there_is_a_run = self.views.get(Task::Sample).is_some() || self.running.is_some() || self.autorun;
        if !is_wanted || there_is_a_run || document()?.hidden() {
            return Ok(());
        }
        let Some((model, run)) = self.recorded.run.take() else { return Ok(()) };
        self.views.insert(View::recorded(model, run));
        self.remember()?;
        let plays = self.settings.task == Task::Sample && may_move()?;
        status::set_data("recorded", if plays { "playing" } else { "done" })?;
        if plays { self.begin_playing() } else { self.draw() }
    }

    /// A run has been played to its end, or is not played any more.
    pub(super) fn recording_ended(&mut self) -> Result<()> {
        if self.views.get(Task::Sample).is_some_and(|view| view.recorded) {
            status::set_data("recorded", "done")?;
            return self.go_live(false);
        }
        Ok(())
    }

    /// Starts chains for a visitor who asked for nothing yet, once the recorded run has been seen and the model is there. A
    /// GPU that has not been compared with the CPU is waited for, unless it has been `compared` now.
    pub(super) fn go_live(&mut self, compared: bool) -> Result<()> {
        let Some(loaded) = &self.loaded else { return Ok(()) };
        let comparing = loaded.backend == Backend::WebGpu
            && self.settings.backend.is_none()
            && preference::read().is_none()
            && !compared;
        let idle = !self.playing && self.state == State::Ready;
        let seen = self.settings.task == Task::Sample && !document()?.hidden();
        if self.live && idle && seen && !comparing { self.run(false) } else { Ok(()) }
    }
}

/// Whether chains may start by themselves as far as the visitor's system is concerned.
pub(super) fn may_start_alone() -> Result<bool> {
    Ok(may_move()? && !saves_data()?)
}

/// Whether the visitor's system asks for nothing to move.
fn may_move() -> Result<bool> {
    let query = window()?.match_media("(prefers-reduced-motion: reduce)")?;
    Ok(query.is_none_or(|query| !query.matches()))
}

/// Whether the visitor's browser asks for no more data than needed.
fn saves_data() -> Result<bool> {
    let connection = Reflect::get(&window()?.navigator(), &"connection".into())?;
    Ok(connection.is_object() && Reflect::get(&connection, &"saveData".into())? == JsValue::TRUE)
}
