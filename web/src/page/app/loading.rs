//! The engine and its model: loading them, and what to do when the engine is lost.

use js_sys::Date;
use options::Words;
use web::{
    Backend, Envelope, Machine, Pictures, Task,
    messages::{FellBack, Loaded, ModelFiles, ToEngine, Work},
    texts,
};

use super::{App, Event, dispatch};
use crate::{
    about, controls,
    dom::{Result, after, window, write},
    drops,
    engine::Engine,
    numbers::fixed,
    others, preference,
    status::{self, State},
};

/// Milliseconds after which an engine that has not started is spoken of.
const ENGINE_STARTS_WITHIN: i32 = 60_000;

/// Milliseconds after which a model goes on without pictures of its own.
const SAMPLES_COME_WITHIN: i32 = 10_000;

/// Milliseconds within which a GPU that is lost once more is at fault.
const LOST_AGAIN_WITHIN: f64 = 600_000.0;

/// What the visitor's own model is called in the form and in the address.
pub(super) const OWN: &str = "yours";

/// What is known of the newest load.
#[derive(Default)]
pub(super) struct Loading {
    /// Its number: what belongs to earlier ones comes too late.
    pub number: u32,
    /// The visitor's own model: what is to be loaded, and what is.
    pub own: Option<ModelFiles>,
    pub own_loaded: Option<ModelFiles>,
    /// Whether it waits for the GPU.
    pub testing_gpu: bool,
    /// How many quarters of the model have come, as was said last.
    pub quarter: Option<u64>,
    /// Whether the engine has loaded another model than the page had asked for last.
    pub overtaken: bool,
    /// When a GPU was last lost while no chains ran, in milliseconds.
    lost: f64,
    /// A model that is there but for the only pictures that it has, the ends of its recorded run.
    pub awaited: Option<Loaded>,
    /// The load that pictures of other models were last fetched for.
    others: u32,
    /// What the settings said of the backend when a model was last there.
    backend: Option<Backend>,
}

impl App {
    /// Loads the model of the settings, in a new engine if there is none. The one before stays until it is there.
    pub fn load(&mut self) -> Result<()> {
        // Answers that are still to come are the other model's.
        (self.asked.row, self.asked.outliers, self.asked.models) = (None, None, None);
        (self.loading.awaited, self.loading.quarter) = (None, None);
        self.loading.number += 1;
        if self.state == State::Loading && std::mem::take(&mut self.loading.testing_gpu) {
            // An engine that waits for a GPU hears nothing else before that answers.
            self.engine = None;
            self.drop_film()?;
        }
        status::clear_errors()?;
        self.fetch_recording();
        status::say(texts::loading_engine())?;
        self.enter(State::Loading)?;
        if self.engine.is_some() {
            // An engine that has not started yet asks for it when it has.
            return if self.started { self.send_load() } else { Ok(()) };
        }
        (self.loaded, self.loading.overtaken) = (None, false);
        self.started = false;
        self.engines += 1;
        // It was in the engine of before.
        self.forget_toy()?;
        let (this, due, engine) = (self.this.clone(), self.this.clone(), self.engines);
        after(ENGINE_STARTS_WITHIN, move || dispatch(&due, Event::EngineDue(engine)))?;
        self.engine = Some(Engine::start(move |envelope| dispatch(&this, Event::Engine(envelope)))?);
        Ok(())
    }

    pub(super) fn send_load(&self) -> Result<()> {
        let model = self.settings.model.clone().unwrap_or_default();
        let files = self.loading.own.clone().filter(|_| model == OWN);
        let kept = preference::read();
        let backend = self.settings.backend.or(kept.filter(|&kept| kept == Backend::Cpu));
        let compare = self.settings.backend.is_none() && kept.is_none();
        let keeps = !self.embedded;
        let navigator = window()?.navigator();
        let phone = Machine::is_phone(&navigator.user_agent()?, navigator.max_touch_points());
        self.send(ToEngine::Load { number: self.loading.number, model, files, backend, compare, keeps, phone })
    }

    /// Loads a model that the visitor brought.
    pub(super) fn load_own(&mut self, files: ModelFiles) -> Result<()> {
        if self.state == State::Running {
            drops::forget(&files);
            return status::complain(texts::cancel_first());
        }
        (self.running, self.restoring) = (None, None);
        if let Some(before) =
            self.loading.own.replace(files).filter(|before| self.loading.own_loaded.as_ref() != Some(before))
        {
            drops::forget(&before);
        }
        self.asks_for_pictures = false;
        self.settings.model = Some(OWN.to_owned());
        self.offer_own_model()?;
        self.load()
    }

    pub(super) fn offer_own_model(&self) -> Result<()> {
        controls::offer_own_model(OWN, texts::own_model())
    }

    /// The faster of the two computes from now on, here and at later visits.
    pub(super) fn timed(&mut self, load: u32, gpu: f64, cpu: f64) -> Result<()> {
        if load != self.loading.number {
            return Ok(());
        }
        let times = |more: f64, less: f64| fixed(more / less.max(0.1), 1);
        if gpu <= cpu {
            preference::write(Backend::WebGpu);
            if self.state == State::Ready {
                self.say_ready(texts::ready_faster(times(cpu, gpu)))?;
            }
            return self.go_live(true);
        }
        preference::write(Backend::Cpu);
        if self.state != State::Ready || self.views.0.iter().any(|view| !view.recorded) {
            // From the next load on: nobody's pictures are to go for it.
            return Ok(());
        }
        status::note(&texts::cpu_faster(times(gpu, cpu)))?;
        self.load()
    }

    pub(super) fn loaded(&mut self, loaded: Loaded, held_out: Vec<f32>) -> Result<()> {
        self.loading.testing_gpu = false;
        // Where no pictures came with a model, the ends of its recorded run stand for them.
        if held_out.is_empty() && self.recorded.fetching.as_ref() == Some(&loaded.model) {
            let (this, model) = (self.this.clone(), loaded.model.clone());
            self.loading.awaited = Some(loaded);
            return after(SAMPLES_COME_WITHIN, move || dispatch(&this, Event::Recorded(model, None)));
        }
        let fits = |samples: &Pictures| (samples.side, samples.channels) == (loaded.size, loaded.channels);
        let samples = self.recorded.samples.as_ref().filter(|(model, samples)| *model == loaded.model && fits(samples));
        let pictures = match samples {
            Some((_, samples)) if held_out.is_empty() => samples.clone(),
            _ => Pictures { side: loaded.size, channels: loaded.channels, values: held_out },
        };
        status::clear_notes_of_model()?;
        status::set_data("backend", loaded.backend.word())?;
        status::set_data("model", &loaded.model)?;
        controls::write_backend(loaded.backend)?;
        let mut about_device = String::new();
        if let Some(FellBack { reason, absent }) = &loaded.fell_back {
            let told = texts::cpu_because(reason);
            // Nothing that a visitor who asked for nothing has to know at once.
            if *absent && self.settings.backend.is_none() {
                about_device = told;
            } else {
                status::note_of_model(&format!("{told} {}", texts::more_slowly()))?;
            }
        }
        write("about-device", &about_device)?;
        if let Some(problem) = &loaded.held_out_problem {
            status::note_of_model(&format!("{problem} {}", texts::add_your_own()))?;
        }
        let (data, licence) = (&loaded.card.data, &loaded.card.licence);
        about::write_with_english("about-model", &texts::trained_on(data, licence), &[data, licence])?;
        about::show(&loaded)?;
        self.offer_colours(loaded.channels)?;
        self.drawing.set_side(loaded.size);
        self.offer(pictures)?;
        let sha256 = loaded.sha256.clone();
        self.loaded = Some(loaded);
        self.loading.backend = self.settings.backend;
        self.show_shelf()?;
        if let Some(before) = std::mem::replace(&mut self.loading.own_loaded, self.loading.own.clone()) {
            self.forget(before);
        }
        self.read_stale();
        if self.running.is_some() {
            return self.resume_after_loss();
        }
        // Runs of another model have nothing to do with this one.
        self.views.0.retain(|view| match &view.saved {
            Some(saved) => saved.sha256 == sha256,
            None => view.recorded && view.settings.model == self.settings.model,
        });
        self.enter(State::Ready)?;
        self.ask_beside_again()?;
        self.begin_map()?;
        let (room, playing) = (self.settings.task, self.playing);
        self.show_room(room)?;
        self.playing = playing;
        let autorun = std::mem::take(&mut self.autorun) && !self.lacks_pictures();
        self.remember()?;
        if self.restoring.is_some() {
            return self.restored();
        }
        if !autorun {
            self.show_recording()?;
            return self.go_live(false);
        }
        match room {
            Task::Landscape => self.train_toy(),
            room if room.runs_chains() => self.run(false),
            _ => Ok(()),
        }
    }

    /// Whether the room's picture is none of the model's, as those could not be had, though a link may name one of them.
    pub(super) fn lacks_pictures(&self) -> bool {
        self.loaded.as_ref().is_some_and(|loaded| loaded.held_out_problem.is_some())
            && matches!(self.settings.task, Task::Inpaint | Task::Denoise)
    }

    /// Fetches held-out pictures of other models for the room Outliers, once for each load: no other room needs them.
    pub(super) fn fetch_others(&mut self) {
        let load = self.loading.number;
        if !self.has_model() || std::mem::replace(&mut self.loading.others, load) == load {
            return;
        }
        self.outliers.others.clear();
        let (mut models, this) = (self.models.models.clone(), self.this.clone());
        models.retain(|model| Some(&model.name) != self.settings.model.as_ref());
        wasm_bindgen_futures::spawn_local(async move {
            let mut found = Vec::new();
            for model in &models {
                found.extend(others::fetch(model).await);
            }
            dispatch(&this, Event::Others(load, found));
        });
    }

    /// What is to be done where something did not work.
    pub(super) fn failed(&mut self, work: Work, message: &str) -> Result<()> {
        match work {
            Work::Load(number) if number == self.loading.number => self.load_failed(message),
            Work::Run(number) if self.runs_now(number) => {
                self.end_run();
                self.enter(State::Error)?;
                status::fail(message);
                Ok(())
            }
            // Of what is not wanted any more.
            Work::Load(_) | Work::Run(_) => Ok(()),
            Work::Question(number) => {
                if self.asked.row == Some(number) {
                    self.asked.row = None;
                }
                if self.asked.outliers == Some(number) {
                    self.asked.outliers = None;
                    self.outliers.clear("", &self.held_out())?;
                }
                if self.asked.models == Some(number) {
                    self.asked.models = None;
                    self.outliers.show_models(&[])?;
                }
                status::complain(message)
            }
            Work::Animation(_) => {
                status::complain(message)?;
                status::say(texts::animation_not_saved())
            }
            Work::Gpu => self.lost(message, true),
            Work::All => self.lost(message, false),
        }
    }

    /// The model that was there before is there still, if there was one.
    fn load_failed(&mut self, message: &str) -> Result<()> {
        self.loading.testing_gpu = false;
        let Some(loaded) = &self.loaded else {
            self.end_run();
            self.judge()?;
            self.enter(State::Error)?;
            let this = self.this.clone();
            return status::fail_with_restart(message, texts::try_again(), move || dispatch(&this, Event::LoadAgain));
        };
        self.settings.model = Some(loaded.model.clone());
        self.settings.backend = self.loading.backend;
        self.restoring = None;
        if let Some(refused) = std::mem::replace(&mut self.loading.own, self.loading.own_loaded.clone()) {
            self.forget(refused);
        }
        if self.loading.own_loaded.is_none() {
            controls::withdraw_model(OWN)?;
        }
        controls::write_model(&loaded.model)?;
        controls::write_backend(loaded.backend)?;
        if std::mem::take(&mut self.loading.overtaken) {
            // A model between the two has come after all, and is in the engine. Where this one cannot be had again, there is none.
            self.loaded = None;
            self.remember()?;
            self.load()?;
            return status::complain(&format!("{message} {}", texts::model_stays()));
        }
        self.enter(State::Ready)?;
        status::complain(&format!("{message} {}", texts::model_stays()))?;
        // Neither the other model's recorded run nor what it made this one leave stands any more.
        self.views.0.retain(|view| !view.recorded || view.settings.model == self.settings.model);
        self.remember()?;
        self.show_room(self.settings.task)
    }

    /// Lets go of a model's files, unless they are those of the model that is there.
    fn forget(&self, files: ModelFiles) {
        if self.loading.own.as_ref() != Some(&files) {
            drops::forget(&files);
        }
    }

    /// The engine answers no more; the GPU is to blame, or may be.
    fn lost(&mut self, message: &str, by_gpu: bool) -> Result<()> {
        self.loading.awaited = None;
        (self.asked.row, self.asked.outliers, self.asked.models) = (None, None, None);
        self.drop_film()?;
        let on_gpu = match &self.loaded {
            Some(loaded) if self.state != State::Loading => loaded.backend == Backend::WebGpu,
            _ => self.settings.backend != Some(Backend::Cpu),
        };
        // An engine that stops while it prepares the GPU may do well without.
        if self.state == State::Loading && self.started && on_gpu {
            status::note(&format!("{message} {}", texts::trying_cpu()))?;
            self.later(Event::Restart(Some(Backend::Cpu)));
            return Ok(());
        }
        if let Some(running) = self.running.as_mut().filter(|_| on_gpu) {
            running.losses += 1;
            let (backend, goes_on) = match running.losses {
                1 if !by_gpu => (Backend::WebGpu, texts::go_on_gpu()),
                _ => (Backend::Cpu, texts::go_on_cpu()),
            };
            status::note(&format!("{message} {goes_on}"))?;
            self.later(Event::Restart(Some(backend)));
            return Ok(());
        }
        if by_gpu {
            status::note(&format!("{message} {}", texts::cpu_from_here()))?;
            self.later(Event::Restart(Some(Backend::Cpu)));
            return Ok(());
        }
        // One that was lost while nobody needed it, as when the machine sleeps, may be there again. What the room asks for is
        // asked once more.
        if on_gpu && self.state != State::Loading && Date::now() - self.loading.lost > LOST_AGAIN_WITHIN {
            self.loading.lost = Date::now();
            self.later(Event::Restart(self.settings.backend));
            return Ok(());
        }
        // Not from within the engine's own message.
        let engine = self.engine.take();
        wasm_bindgen_futures::spawn_local(async move { drop(engine) });
        self.loaded = None;
        self.end_run();
        self.forget_toy()?;
        self.judge()?;
        self.enter(State::Error)?;
        let (this, backend) = (self.this.clone(), self.settings.backend);
        let advice = format!("{message} {}", texts::engine_advice());
        status::fail_with_restart(&advice, texts::restart_engine(), move || dispatch(&this, Event::Restart(backend)))
    }

    /// Has the run go on in a new engine.
    fn resume_after_loss(&mut self) -> Result<()> {
        let Some(running) = &mut self.running else { return Ok(()) };
        running.run.done = running.done;
        if let Some(view) = self.views.get_mut(running.room) {
            view.settings.backend = self.loaded.as_ref().map(|loaded| loaded.backend);
            view.resumed_at = (running.done > 0).then_some(running.done);
        }
        let mut payload = running.payload.clone();
        if running.done > 0 {
            payload.extend(&running.state);
        }
        let paused = running.paused;
        let message = ToEngine::Run(running.run.clone());
        self.send(Envelope { message, payload })?;
        if paused {
            // Before its first step.
            self.send(ToEngine::Pause)?;
        }
        status::say(if paused { texts::paused() } else { texts::running_again() })?;
        self.stage.forget_pace();
        self.enter(State::Running)?;
        // What else was asked of the engine that is gone.
        self.ask_beside_again()?;
        self.ask_for_room()
    }
}
