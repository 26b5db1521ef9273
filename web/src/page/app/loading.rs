//! The engine and its model: loading them, and what to do when the engine is lost.

use options::Words;
use web::{
    Backend, Envelope, Pictures,
    messages::{Loaded, ModelFiles, ToEngine},
};

use super::{App, Event, dispatch};
use crate::{
    about, controls,
    dom::{Result, write},
    drops,
    engine::Engine,
    others,
    status::{self, State},
};

/// What the visitor's own model is called in the form and in the address.
const OWN: &str = "yours";

/// A model that works, while another is on its way that may not.
pub struct Replaced {
    model: Option<String>,
    files: Option<ModelFiles>,
    /// Whether it is on its way back.
    returns: bool,
}

impl App {
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

    pub(super) fn send_load(&self) -> Result<()> {
        let model = self.settings.model.clone().unwrap_or_default();
        let files = self.own_model.clone().filter(|_| model == OWN);
        self.send(ToEngine::Load { model, files, backend: self.settings.backend })
    }

    /// Loads a model that the visitor brought.
    pub(super) fn load_own(&mut self, files: ModelFiles) -> Result<()> {
        if self.state == State::Running {
            return status::complain("Chains are running. Cancel them before you bring a model.");
        }
        if self.loaded.is_some() {
            let (model, files) = (self.settings.model.clone(), self.own_model.clone());
            self.replaced = Some(Replaced { model, files, returns: false });
        }
        self.own_model = Some(files);
        self.settings.model = Some(OWN.to_owned());
        controls::offer_own_model(OWN, "Your own")?;
        self.load()
    }

    /// Brings back the model that the visitor's own one was to replace, which cannot be used: `message` says why.
    fn return_replaced(&mut self, message: &str) -> Result<bool> {
        let Some(replaced) = self.replaced.as_mut().filter(|replaced| !replaced.returns) else { return Ok(false) };
        replaced.returns = true;
        self.settings.model.clone_from(&replaced.model);
        let refused = std::mem::replace(&mut self.own_model, replaced.files.clone());
        if let Some(files) = refused {
            drops::forget(&files);
        }
        controls::write_model(self.settings.model.as_deref().unwrap_or_default())?;
        self.load()?;
        status::complain(&format!("{message} The model from before stays."))?;
        Ok(true)
    }

    pub(super) fn loaded(&mut self, loaded: Loaded, held_out: Vec<f32>) -> Result<()> {
        status::set_data("backend", loaded.backend.word())?;
        status::set_data("model", &loaded.model)?;
        controls::write_backend(loaded.backend)?;
        if let Some(reason) = &loaded.fell_back {
            status::note(&format!("Running on the CPU because {reason}. Everything works, only more slowly."))?;
        }
        if let Some(problem) = &loaded.held_out_problem {
            status::note(&format!("{problem} Bring pictures of your own to complete, denoise or judge."))?;
        }
        let (data, licence) = (&loaded.card.data, &loaded.card.licence);
        write("about-model", &format!("Trained on {data}. Licence of the data: {licence}."))?;
        about::show(&loaded)?;
        self.check_pictures(loaded.held_out)?;
        status::say(&format!("Ready on the {}.", loaded.backend.title()))?;
        let pictures = Pictures { side: loaded.size, channels: loaded.channels, values: held_out };
        self.drawing.set_side(loaded.size);
        self.shelf.set_held_out(pictures, self.settings.picture.unwrap_or_default());
        self.show_shelf()?;
        self.loaded = Some(loaded);
        self.read_stale();
        let replaced = self.replaced.take();
        if self.running.is_some() {
            return self.resume_after_loss();
        }
        // Runs of another model have nothing to do with this one.
        if !replaced.as_ref().is_some_and(|replaced| replaced.returns) {
            self.views.clear();
            if let Some(files) = replaced.and_then(|replaced| replaced.files) {
                drops::forget(&files);
            }
        }
        self.fetch_others();
        self.enter(State::Ready)?;
        self.begin_map()?;
        let room = self.settings.task;
        self.show_room(room)?;
        if !std::mem::take(&mut self.autorun) {
            return Ok(());
        }
        match room {
            web::Task::Landscape => self.train_toy(),
            room if room.runs_chains() => self.run(),
            _ => Ok(()),
        }
    }

    /// Corrects numbers of pictures that the model does not have, and says so.
    fn check_pictures(&mut self, there: usize) -> Result<()> {
        let last = there.saturating_sub(1);
        if there == 0 {
            return Ok(());
        }
        if let Some(asked) = self.settings.picture.filter(|picture| *picture >= there) {
            status::note(&format!(
                "The address asks for picture {asked}, but the last one is {last}; the first one is used."
            ))?;
            self.settings.picture = Some(0);
        }
        if let Some(asked) = self.settings.corners.into_iter().find(|corner| *corner >= there) {
            status::note(&format!(
                "The address asks for picture {asked} as a corner, but the last one is {last}; others are used."
            ))?;
            self.settings.corners = [0, 1.min(last), 2.min(last)];
        }
        Ok(())
    }

    /// Held-out pictures of other models, for the room Outliers.
    fn fetch_others(&self) {
        let (mut models, this) = (self.models.models.clone(), self.this.clone());
        models.retain(|model| Some(&model.name) != self.settings.model.as_ref());
        wasm_bindgen_futures::spawn_local(async move {
            let mut found = Vec::new();
            for model in &models {
                found.extend(others::fetch(model).await);
            }
            dispatch(&this, Event::Others(found));
        });
    }

    pub(super) fn failed(&mut self, message: &str, alive: bool) -> Result<()> {
        self.map_waits = false;
        if alive && self.state == State::Loading && self.return_replaced(message)? {
            return Ok(());
        }
        if alive {
            self.running = None;
            self.enter(State::Error)?;
            status::fail(message);
            return Ok(());
        }
        let on_gpu = self
            .loaded
            .as_ref()
            .map_or(self.settings.backend != Some(Backend::Cpu), |loaded| loaded.backend == Backend::WebGpu);
        // An engine that stops while it prepares the GPU may do well without.
        if self.state == State::Loading && self.started && on_gpu {
            status::note(&format!("{message} Trying again on the CPU."))?;
            self.later(Event::Restart(Some(Backend::Cpu)));
            return Ok(());
        }
        if let Some(running) = self.running.as_mut().filter(|_| on_gpu) {
            running.losses += 1;
            let (backend, where_next) = match running.losses {
                1 => (Backend::WebGpu, "on the GPU once more"),
                _ => (Backend::Cpu, "on the CPU"),
            };
            status::note(&format!("{message} The chains go on from where they were, {where_next}."))?;
            self.later(Event::Restart(Some(backend)));
            return Ok(());
        }
        // Not from within the engine's own message.
        let engine = self.engine.take();
        wasm_bindgen_futures::spawn_local(async move { drop(engine) });
        self.loaded = None;
        self.running = None;
        self.enter(State::Error)?;
        let (this, backend) = (self.this.clone(), self.settings.backend);
        let advice = format!(
            "{message} Reload the page, or start the engine again; if it happens again, choose the CPU or fewer pictures."
        );
        status::fail_with_restart(&advice, move || dispatch(&this, Event::Restart(backend)))
    }

    /// Has the run go on in a new engine.
    fn resume_after_loss(&mut self) -> Result<()> {
        let Some(running) = &mut self.running else { return Ok(()) };
        running.run.done = running.done;
        let mut payload = running.payload.clone();
        if running.done > 0 {
            payload.extend(&running.state);
        }
        running.paused = false;
        let message = ToEngine::Run(running.run.clone());
        status::say("Running again…")?;
        self.send(Envelope { message, payload })?;
        self.enter(State::Running)
    }
}
