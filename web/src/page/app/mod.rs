//! The page's behaviour: what each event leads to.

mod bringing;
mod event;
mod handling;
mod hearing;
mod learning;
mod loading;
mod pictures;
mod recording;
mod rooms;
mod running;
mod sharing;

use std::{
    cell::RefCell,
    rc::{Rc, Weak},
};

use web::{
    Distribution, Envelope, Models, Pictures, Settings, Task,
    messages::{Loaded, Purpose, Question, ToEngine},
    texts,
};
use web_sys::HtmlElement;

use crate::{
    controls::{self, Situation},
    dom::{Result, by_id, write},
    drawing::Drawing,
    editor::Editor,
    engine::Engine,
    focus::{self, ROOM},
    lesson::Course,
    map::Map,
    outliers::Outliers,
    preference,
    shelf::Shelf,
    stage::Stage,
    status::{self, State},
    view::{View, Views},
    viewer,
};
pub use event::Event;
pub use handling::dispatch;
use loading::Loading;
use recording::{Recorded, may_start_alone};
use rooms::Toy;
use running::Running;
use sharing::{Film, Restoring};

/// The page's state.
pub struct App {
    /// What the form says, as far as it is right.
    settings: Settings,
    models: Models,
    autorun: bool,
    /// Whether the address says a run that somebody wants: another one, the recorded one, is no answer to that.
    named: bool,
    /// The language that the address asks for.
    language: Option<String>,
    state: State,
    engine: Option<Engine>,
    /// How many have been started.
    engines: u32,
    /// Whether the engine's program runs.
    started: bool,
    /// The model that works in the engine; while another one is loading, still the one before.
    loaded: Option<Loaded>,
    loading: Loading,
    /// Whether the numbers of pictures in the settings are those that an address or a file asks for, and were not looked at
    /// yet.
    asks_for_pictures: bool,
    asked: Asked,
    /// The number of the newest run: what belongs to earlier ones comes too late.
    runs: u32,
    running: Option<Running>,
    /// The last run of each room.
    views: Views,
    stage: Stage,
    editor: Editor,
    drawing: Drawing,
    shelf: Shelf,
    outliers: Outliers,
    map: Map,
    toy: Toy,
    /// The animation that is saved, or was.
    film: Option<Film>,
    /// The chain that is shown large.
    chain: usize,
    playing: bool,
    /// How often playing has begun.
    plays: u32,
    recorded: Recorded,
    /// The saved file whose settings are in use once the model is there.
    restoring: Option<Restoring>,
    /// Whether one of the visitor's pictures is being read once more.
    reading: bool,
    /// Whether chains are to start by themselves once the model is there and somebody looks.
    live: bool,
    /// Whether another site has the page in a frame.
    embedded: bool,
    /// The lesson that the visitor takes.
    course: Option<Course>,
    /// Whether the visitor chose the picture that is judged.
    chose: bool,
    /// The load and the picture that all is said of in the room Outliers.
    judged: Option<(u32, Vec<f32>)>,
    this: Weak<RefCell<Self>>,
}

/// Questions to the engine, while their answers are on their way.
#[derive(Default)]
struct Asked {
    /// How many there were: the number of the newest.
    count: u32,
    /// For a row of the map.
    row: Option<u32>,
    /// For what is said of a picture, and of those beside it.
    outliers: Option<u32>,
    /// For the model that a picture belongs to.
    models: Option<u32>,
}

impl App {
    /// A page that has been set up, before it loads its model.
    pub fn new(
        settings: Settings,
        models: Models,
        autorun: bool,
        language: Option<String>,
    ) -> Result<Rc<RefCell<Self>>> {
        let (stage, this) = (Stage::new()?, Rc::new(RefCell::new(Weak::<RefCell<Self>>::new())));
        // The panels are part of the page and tell it what happens in them: they learn where it is when it is there.
        let (brought, changed) = (Rc::clone(&this), Rc::clone(&this));
        let drawing = Drawing::new(move |picture| dispatch(&brought.borrow(), Event::Drawn(picture)))?;
        let editor = Editor::new(move || dispatch(&changed.borrow(), Event::Changed))?;
        let app = Rc::new_cyclic(|weak| {
            RefCell::new(Self {
                settings,
                models,
                autorun,
                named: false,
                language,
                state: State::Loading,
                engine: None,
                engines: 0,
                started: false,
                loaded: None,
                loading: Loading::default(),
                asks_for_pictures: true,
                asked: Asked::default(),
                runs: 0,
                running: None,
                views: Views::default(),
                stage,
                editor,
                drawing,
                shelf: Shelf::default(),
                outliers: Outliers::default(),
                map: Map::default(),
                toy: Toy::default(),
                film: None,
                chain: 0,
                playing: false,
                plays: 0,
                recorded: Recorded::default(),
                restoring: None,
                reading: false,
                live: false,
                embedded: false,
                course: None,
                chose: false,
                judged: None,
                this: weak.clone(),
            })
        });
        *this.borrow_mut() = Rc::downgrade(&app);
        Ok(app)
    }

    /// Shows the room of the address, which may have `named` a run, and loads its model.
    pub fn open(&mut self, lesson: Option<usize>, named: bool) -> Result<()> {
        self.named = named;
        self.live = !self.named && lesson.is_none() && may_start_alone()?;
        if let Some(number) = lesson {
            self.course = Course::begin(number)?;
        }
        self.show_room(self.settings.task)?;
        self.remember()?;
        self.load()
    }

    /// Shows the room of the address as another site has it in a frame, with the recorded run as a poster. Nothing large is
    /// loaded before Start is pressed.
    pub fn open_small(&mut self, named: bool) -> Result<()> {
        // Here nothing runs before Start, whatever the link says.
        (self.embedded, self.autorun, self.named) = (true, false, named);
        preference::keep_nothing();
        status::set_data("embed", "true")?;
        self.enter(State::Poster)?;
        self.show_room(self.settings.task)?;
        self.fetch_recording();
        status::say(texts::press_start())?;
        self.remember()
    }

    /// Whether leaving the page loses what no link brings back: chains that the visitor started, or what is the visitor's
    /// own. Those who leave a page of another site are not asked for what is in a frame of it.
    pub fn would_lose(&self) -> bool {
        let own =
            self.shelf.has_own() || self.loading.own.is_some() || self.editor.is_painted() || self.drawing.is_drawn();
        !self.embedded && (self.running.as_ref().is_some_and(|running| running.asked_for) || own)
    }

    /// Whether the run of this number is the one that goes on.
    fn runs_now(&self, number: u32) -> bool {
        self.running.as_ref().is_some_and(|running| running.run.number == number)
    }

    /// Asks the engine for energies; gives the number of the question, or none where no model could answer.
    fn ask(&mut self, purpose: Purpose, payload: Vec<f32>) -> Result<Option<u32>> {
        if !self.has_model() {
            return Ok(None);
        }
        self.asked.count += 1;
        let question = Question { number: self.asked.count, purpose };
        self.send(Envelope { message: ToEngine::Score(question), payload })?;
        Ok(Some(self.asked.count))
    }

    /// Whether a model works and no other is on its way.
    fn has_model(&self) -> bool {
        self.loaded.is_some() && self.state != State::Loading
    }

    /// Ends the run that goes on: what it came to can be saved.
    fn end_run(&mut self) -> Option<Running> {
        let running = self.running.take()?;
        if let Some(view) = self.views.get_mut(running.room) {
            view.stop(running.sha256.clone(), running.done);
        }
        Some(running)
    }

    /// Lets go of an animation that the engine cannot finish any more, and says so.
    fn drop_film(&mut self) -> Result<()> {
        if self.film.as_mut().is_some_and(Film::drop_frames) {
            status::note(texts::animation_not_saved())?;
        }
        Ok(())
    }

    fn send(&self, envelope: impl Into<Envelope<ToEngine>>) -> Result<()> {
        self.engine.as_ref().map_or(Ok(()), |engine| engine.send(envelope))
    }

    /// Has an event happen after this one.
    fn later(&self, event: Event) {
        let this = self.this.clone();
        wasm_bindgen_futures::spawn_local(async move { dispatch(&this, event) });
    }

    fn enter(&mut self, state: State) -> Result<()> {
        self.state = state;
        // A run that is lost goes on, held or not, when its model has been loaded again.
        let goes_on = matches!(state, State::Running | State::Loading);
        let held = goes_on && self.running.as_ref().is_some_and(|running| running.paused);
        status::set_data("paused", if held { "1" } else { "" })?;
        // How long the run of before takes is not how long this one does.
        write("time-left", "–")?;
        // From what starts a run to Cancel, and back. From a field or a step to where another key press does nothing.
        let starts_or_ends = focus::is_at("#start, #new, #walk, #continue, #cancel")?;
        let others: &[&str] =
            if starts_or_ends { &["#cancel", "#start", "#walk", ROOM, "#whole"] } else { &["#status", ROOM, "#whole"] };
        focus::keep(others, || {
            status::set_state(state)?;
            self.enable()
        })
    }

    fn enable(&self) -> Result<()> {
        let room = self.settings.task;
        controls::enable(&Situation {
            state: self.state,
            engine_started: self.started && self.engine.is_some(),
            model_loaded: self.has_model(),
            running_here: self.state == State::Running
                && self.running.as_ref().is_some_and(|running| running.room == room),
            paused: self.running.as_ref().is_some_and(|running| running.paused),
            finished: self.view().is_some_and(|view| view.saved.is_some()),
            plane: self.map.has_plane(),
        })
    }

    /// The last run of the room on the screen.
    fn view(&self) -> Option<&View> {
        self.views.get(self.settings.task)
    }

    fn view_mut(&mut self) -> Option<&mut View> {
        self.views.get_mut(self.settings.task)
    }

    /// The progress of the run that goes on, or of the last one of the room.
    fn show_progress(&self) -> Result<()> {
        let (done, steps) = match (&self.running, self.view()) {
            (Some(running), _) => (running.done, running.run.steps),
            (None, Some(view)) => (view.trajectory.last().map_or(0, |last| last.done), view.settings.steps),
            (None, None) => (0, 1),
        };
        self.stage.show_progress(done, steps)
    }

    /// Draws what depends on the run of the room.
    fn draw(&mut self) -> Result<()> {
        let room = self.settings.task;
        if room == Task::Outliers {
            return self.outliers.draw(&self.held_out());
        }
        if !room.runs_chains() {
            return Ok(());
        }
        let count = self.view().map_or(self.settings.count, |view| view.settings.count);
        let this = self.this.clone();
        self.stage.set_count(count, move |index| dispatch(&this, Event::ChainChosen(index)))?;
        self.stage.show(self.view())?;
        let is_recorded = self.view().is_some_and(|view| view.recorded);
        by_id::<HtmlElement>("recorded")?.set_hidden(!is_recorded);
        match self.view() {
            Some(view) => viewer::show(view, self.chain),
            None => viewer::close(),
        }
    }

    /// Draws anew what depends on the size of the window and on its colours.
    fn redraw(&self) -> Result<()> {
        if self.settings.task == Task::Outliers {
            return self.outliers.draw(&self.held_out());
        }
        self.stage.draw_chart(self.view())?;
        self.view().map_or(Ok(()), |view| viewer::show(view, self.chain))
    }

    /// The bits of held-out pictures, or their energies where the model knows no bits.
    fn held_out(&self) -> Distribution {
        let known = self.loaded.as_ref().map(|loaded| [&loaded.bits_percentiles, &loaded.percentiles]);
        let first = known.into_iter().flatten().find(|percentiles| !percentiles.is_empty());
        Distribution(first.cloned().unwrap_or_default())
    }

    /// Pictures of the model's size.
    fn pictures(&self, values: Vec<f32>) -> Pictures {
        let (side, channels) = self.loaded.as_ref().map_or((1, 1), |loaded| (loaded.size, loaded.channels));
        Pictures { side, channels, values }
    }
}

/// Short enough to be remembered.
pub fn random_seed() -> u64 {
    (js_sys::Math::random() * 1e6) as u64
}
