//! The page's behaviour: what each event leads to.

use std::{
    cell::RefCell,
    rc::{Rc, Weak},
};

use wasm_bindgen::JsValue;
use web::{
    Backend, Envelope, Mask, Pictures, SavedRun, Settings, Task,
    messages::{FromEngine, Loaded, Run, ToEngine},
};

use crate::{
    controls,
    dom::{Result, by_id, window},
    editor::Editor,
    engine::Engine,
    said,
    save::save,
    stage::Stage,
    status::{self, State},
};

/// What can happen.
pub enum Event {
    Engine(Envelope<FromEngine>),
    RestartOnCpu,
    Start,
    Cancel,
    NewSeed,
    TaskChosen,
    SamplerChosen,
    ModelChosen,
    SavePng,
    SaveJson,
}

/// The page's state.
pub struct App {
    /// Of the run that is prepared, running or done.
    settings: Settings,
    autorun: bool,
    state: State,
    engine: Option<Engine>,
    /// Whether the engine's program runs.
    started: bool,
    loaded: Option<Loaded>,
    result: Option<SavedRun>,
    /// What was unknown when the run began.
    mask: Option<Mask>,
    stage: Stage,
    editor: Editor,
    this: Weak<RefCell<App>>,
}

/// Has the page handle an event; a failure becomes a sentence on it.
pub fn dispatch(app: &Weak<RefCell<App>>, event: Event) {
    let Some(app) = app.upgrade() else { return };
    let outcome = app.borrow_mut().handle(event);
    if let Err(error) = outcome {
        status::fail(&format!("The page met a problem ({}). Reload it.", said(&error)));
    }
}

impl App {
    /// A page that has been set up, before it loads its model.
    pub fn new(settings: Settings, autorun: bool) -> Result<Rc<RefCell<Self>>> {
        let (stage, editor) = (Stage::new()?, Editor::new()?);
        Ok(Rc::new_cyclic(|this| {
            RefCell::new(Self {
                settings,
                autorun,
                state: State::Loading,
                engine: None,
                started: false,
                loaded: None,
                result: None,
                mask: None,
                stage,
                editor,
                this: this.clone(),
            })
        }))
    }

    fn handle(&mut self, event: Event) -> Result<()> {
        match event {
            Event::Engine(envelope) => self.hear(envelope),
            Event::RestartOnCpu => {
                self.engine = None;
                self.settings.backend = Some(Backend::Cpu);
                self.load()
            }
            Event::Start => self.run(),
            Event::Cancel => {
                status::say("Stopping…")?;
                self.send(ToEngine::Cancel)
            }
            Event::NewSeed => controls::write_seed(random_seed()),
            Event::TaskChosen => controls::show_task(controls::task()?),
            Event::SamplerChosen => controls::propose_steps(),
            Event::ModelChosen => {
                self.settings.model = Some(controls::model()?);
                self.settings.backend = Some(controls::backend()?);
                self.load()
            }
            Event::SavePng => self.save_png(),
            Event::SaveJson => self.save_json(),
        }
    }

    /// Loads the model of the settings, in a new engine if there is none.
    pub fn load(&mut self) -> Result<()> {
        self.loaded = None;
        status::clear_errors()?;
        status::say("Loading the engine…")?;
        self.enter(State::Loading)?;
        if self.engine.is_some() {
            return self.send_load();
        }
        self.started = false;
        let this = self.this.clone();
        self.engine = Some(Engine::start(move |envelope| dispatch(&this, Event::Engine(envelope)))?);
        Ok(())
    }

    fn send_load(&self) -> Result<()> {
        let model = self.settings.model.clone().unwrap_or_default();
        self.send(ToEngine::Load { model, backend: self.settings.backend })
    }

    fn send(&self, envelope: impl Into<Envelope<ToEngine>>) -> Result<()> {
        self.engine.as_ref().map_or(Ok(()), |engine| engine.send(envelope))
    }

    fn enter(&mut self, state: State) -> Result<()> {
        self.state = state;
        status::set_state(state)?;
        controls::enable(state, self.loaded.is_some(), self.result.is_some())
    }

    fn hear(&mut self, Envelope { message, payload }: Envelope<FromEngine>) -> Result<()> {
        match message {
            FromEngine::Started => {
                self.started = true;
                self.send_load()
            }
            FromEngine::Downloading { received, total } => {
                status::say(&format!("Loading the model: {} of {} kB", received / 1000, total / 1000))
            }
            FromEngine::Testing(backend) => status::say(&format!("Testing the model on the {}…", backend.title())),
            FromEngine::Loaded(loaded) => self.loaded(loaded, payload),
            FromEngine::Stepped(report) => {
                status::set_data("step", &report.done.to_string())?;
                let pictures = self.pictures(payload);
                self.stage.step(&report, &pictures)
            }
            FromEngine::Finished { energies } => self.finished(energies, payload),
            FromEngine::Cancelled => {
                status::say("Cancelled. The pictures are as the chains left them.")?;
                self.enter(State::Cancelled)
            }
            FromEngine::Failed { message, alive } => self.failed(&message, alive),
        }
    }

    fn loaded(&mut self, loaded: Loaded, held_out: Vec<f32>) -> Result<()> {
        status::set_data("backend", loaded.backend.name())?;
        status::set_data("model", &loaded.model)?;
        controls::write_backend(loaded.backend)?;
        if let Some(reason) = &loaded.fell_back {
            status::note(&format!("Running on the CPU because {reason}. Everything works, only more slowly."))?;
        }
        if let Some(problem) = &loaded.held_out_problem {
            status::note(&format!("{problem} Completing a picture is not possible with this model."))?;
        }
        by_id::<web_sys::Element>("about-model")?
            .set_text_content(Some(&format!("Trained on {}. Licence of the data: {}.", loaded.data, loaded.licence)));
        if loaded.held_out > 0 && self.settings.picture >= loaded.held_out {
            let (asked, there) = (self.settings.picture, loaded.held_out);
            status::note(&format!(
                "The address asks for picture {asked}, but the last one is {}; the first one is used.",
                there - 1
            ))?;
            self.settings.picture = 0;
        }
        status::say(&format!("Ready on the {}.", loaded.backend.title()))?;
        let pictures = Pictures { side: loaded.size, channels: loaded.channels, values: held_out };
        self.editor.set_pictures(pictures, self.settings.picture, self.settings.mask)?;
        controls::allow_inpainting(loaded.held_out > 0)?;
        self.loaded = Some(loaded);
        self.enter(State::Ready)?;
        if std::mem::take(&mut self.autorun) { self.run() } else { Ok(()) }
    }

    fn run(&mut self) -> Result<()> {
        let Some(loaded) = self.loaded.clone() else { return Ok(()) };
        if self.state == State::Running {
            return Ok(());
        }
        status::clear_errors()?;
        if let Err(mistake) = controls::read_numbers(&mut self.settings)? {
            return status::complain(&mistake);
        }
        self.settings.task = controls::task()?;
        self.settings.sampler = controls::sampler()?;
        self.settings.backend = Some(loaded.backend);
        let mut payload = Vec::new();
        let mut picture = None;
        self.mask = None;
        if self.settings.task == Task::Inpaint {
            let (mask, region) = self.editor.mask();
            if self.editor.count() == 0 {
                return status::complain("This model comes without pictures to complete. Choose “New pictures”.");
            }
            if mask.is_empty() {
                return status::complain(
                    "Nothing is unknown yet. Paint over a part of the picture, or choose a region.",
                );
            }
            (self.settings.picture, self.settings.mask) = (self.editor.chosen(), region);
            picture = Some(self.settings.picture);
            payload = mask.unknown().iter().map(|&unknown| f32::from(u8::from(unknown))).collect();
            self.mask = Some(mask);
        }
        let address = format!("?{}", self.settings.to_query());
        window()?.history()?.replace_state_with_url(&JsValue::NULL, "", Some(&address))?;
        let Settings { seed, count, steps, sampler, .. } = self.settings;
        self.result = None;
        self.stage.start(count, steps)?;
        status::set_data("step", "0")?;
        status::say(&format!("Running on the {}…", loaded.backend.title()))?;
        self.enter(State::Running)?;
        self.send(Envelope { message: ToEngine::Run(Run { seed, count, steps, sampler, picture }), payload })
    }

    fn finished(&mut self, energies: Vec<f32>, payload: Vec<f32>) -> Result<()> {
        let Some(loaded) = &self.loaded else { return Ok(()) };
        status::say(&format!("Done in {} on the {}.", self.stage.elapsed(), loaded.backend.title()))?;
        let pictures = self.pictures(payload);
        self.stage.finish(&energies, &pictures)?;
        let (settings, sha256, mask) = (self.settings.clone(), loaded.sha256.clone(), self.mask.clone());
        self.result = Some(SavedRun { settings, sha256, mask, energies, pictures });
        self.enter(State::Done)
    }

    fn failed(&mut self, message: &str, alive: bool) -> Result<()> {
        if alive {
            self.enter(State::Error)?;
            status::fail(message);
            return Ok(());
        }
        // An engine that stops while it prepares the GPU may do well without.
        if self.state == State::Loading && self.started && self.settings.backend != Some(Backend::Cpu) {
            status::note(&format!("{message} Trying again on the CPU."))?;
            // Not from within the engine's own message.
            let this = self.this.clone();
            wasm_bindgen_futures::spawn_local(async move { dispatch(&this, Event::RestartOnCpu) });
            return Ok(());
        }
        // Not from within the engine's own message.
        let engine = self.engine.take();
        wasm_bindgen_futures::spawn_local(async move { drop(engine) });
        self.loaded = None;
        self.enter(State::Error)?;
        status::fail(&format!("{message} Reload the page; if it happens again, choose the CPU or fewer pictures."));
        Ok(())
    }

    fn pictures(&self, values: Vec<f32>) -> Pictures {
        let (side, channels) = self.loaded.as_ref().map_or((0, 0), |loaded| (loaded.size, loaded.channels));
        Pictures { side, channels, values }
    }

    fn save_png(&self) -> Result<()> {
        let Some(run) = &self.result else { return Ok(()) };
        let png = run.pictures.to_png_grid(&run.settings.to_query())?;
        save(&file_name(&run.settings, "png"), "image/png", &png)
    }

    fn save_json(&self) -> Result<()> {
        let Some(run) = &self.result else { return Ok(()) };
        save(&file_name(&run.settings, "json"), "application/json", run.to_json().as_bytes())
    }
}

fn file_name(settings: &Settings, extension: &str) -> String {
    let task = match settings.task {
        Task::Sample => "samples",
        Task::Inpaint => "completions",
    };
    format!("{}-{task}-seed-{}.{extension}", settings.model.as_deref().unwrap_or_default(), settings.seed)
}

/// Short enough to be remembered.
pub fn random_seed() -> u64 {
    (js_sys::Math::random() * 1e6) as u64
}
