//! The rooms: entering them, and those that run no chains of the form.

use options::{Sampler, Words};
use wasm_bindgen::JsValue;
use web::{
    Envelope, Goal, Pictures, Request, Task,
    messages::{Belonging, Purpose, Run, Start, ToEngine, ToyRun},
    texts,
};
use web_sys::HtmlElement;

use super::{App, random_seed};
use crate::{
    controls,
    dom::{Result, by_id, window, write},
    focus::{self, ROOM},
    lesson::{self, Course},
    status::{self, State},
    toy,
    view::View,
    viewer,
};

/// The toy of the landscape.
#[derive(Default)]
pub(super) struct Toy {
    /// The number of the newest: what belongs to earlier ones comes too late.
    pub number: u32,
    /// Whether it trains.
    pub trains: bool,
}

impl App {
    /// Goes to another room and has the address say so; the browser's Back leads to the one before.
    pub(super) fn enter_room(&mut self, room: Task) -> Result<()> {
        if room != self.settings.task {
            // Browsers allow so many steps in so many seconds; without one the page is as good.
            let _ = window()?.history()?.push_state_with_url(&JsValue::NULL, "", None);
        }
        self.show_room(room)?;
        self.remember()
    }

    /// Shows the room of the address, which the visitor went back or forward to.
    pub(super) fn moved(&mut self) -> Result<()> {
        // Not every browser's Back closes a dialog first, and this one belongs to the room that is left.
        viewer::close()?;
        let asked = Request::parse(&window()?.location().search()?, self.settings.seed);
        // What was done in a lesson stays done.
        if asked.lesson != self.course.as_ref().map(|course| course.number) {
            self.course = asked.lesson.map_or(Ok(None), Course::begin)?;
        }
        focus::keep(&["#lessons"], || lesson::show(self.course.is_some()))?;
        self.show_room(asked.settings.task)?;
        self.remember()
    }

    /// Shows a room.
    pub(super) fn show_room(&mut self, room: Task) -> Result<()> {
        if room != self.settings.task {
            self.chose = false;
        }
        self.settings.task = room;
        self.playing = false;
        focus::keep(&[ROOM], || {
            status::set_data("room", room.word())?;
            controls::show_room(room)?;
            controls::show_known(&self.settings)?;
            self.enable()?;
            self.draw()
        })?;
        self.show_progress()?;
        if let Some(view) = self.view() {
            self.stage.show_beside(view)?;
        }
        if self.state == State::Poster {
            // Whatever the room, nothing else loads the model.
            by_id::<HtmlElement>("start")?.set_hidden(false);
        }
        self.say_where()?;
        self.mark_choice()?;
        if room != Task::Landscape {
            self.stop_toy()?;
        }
        if room != Task::Outliers {
            self.withdraw_comparison()?;
            self.withdraw_judgement()?;
        }
        self.ask_for_room()
    }

    /// Asks for what the room on the screen shows.
    pub(super) fn ask_for_room(&mut self) -> Result<()> {
        match self.settings.task {
            Task::Outliers => self.judge(),
            Task::Landscape => self.ask_for_row(),
            _ => Ok(()),
        }
    }

    /// What goes on, seen from the room on the screen.
    pub(super) fn say_where(&self) -> Result<()> {
        // What is said of a model that is still on its way stays.
        let Some(loaded) = self.loaded.as_ref().filter(|_| self.has_model()) else { return Ok(()) };
        let text = match (&self.running, self.view()) {
            (Some(running), _) if running.room != self.settings.task => texts::running_elsewhere(running.room.title()),
            (Some(running), _) if running.paused => texts::paused().to_owned(),
            (Some(_), _) => texts::running_on(loaded.backend.title()),
            (None, Some(view)) => match &view.saved {
                Some(run) if run.stopped_at.is_some() => texts::cancelled().to_owned(),
                Some(_) => texts::done().to_owned(),
                None => texts::ready_on(loaded.backend.title()),
            },
            (None, None) => return self.say_ready(texts::ready_on(loaded.backend.title())),
        };
        status::say(&text)
    }

    /// That the page is ready, and that a run waits which its address says.
    pub(super) fn say_ready(&self, mut ready: String) -> Result<()> {
        let waits = self.named && self.runs == 0 && self.view().is_none() && !self.lacks_pictures();
        if waits && self.settings.task.runs_chains() {
            ready = format!("{ready} {}", texts::start_link());
        }
        status::say(&ready)
    }

    /// Asks how usual the chosen picture is, beside those of other kinds, unless that is what was said last.
    pub(super) fn judge(&mut self) -> Result<()> {
        // What was asked before is not what is on the screen now.
        self.withdraw_comparison()?;
        self.fetch_others();
        let chosen = self.shelf.picture(self.shelf.chosen()).values;
        let is_chosen = |judged: &(u32, Vec<f32>)| judged.0 == self.loading.number && judged.1 == chosen;
        if self.has_model() && self.judged.as_ref().is_some_and(is_chosen) {
            return self.outliers_judged();
        }
        let nothing = self.loaded.is_none() || chosen.is_empty();
        let text = if nothing { texts::choose_picture() } else { texts::judging() };
        self.outliers.clear(text, &self.held_out())?;
        self.ask_for_judgement()
    }

    /// Takes in pictures of other models. What was said of the chosen one stays until it is judged beside them.
    pub(super) fn judge_beside(&mut self, others: Vec<(String, Pictures)>) -> Result<()> {
        if others.is_empty() {
            return Ok(());
        }
        (self.outliers.others, self.judged) = (others, None);
        if self.settings.task == Task::Outliers { self.ask_for_judgement() } else { Ok(()) }
    }

    fn ask_for_judgement(&mut self) -> Result<()> {
        let chosen = self.shelf.picture(self.shelf.chosen());
        self.withdraw_judgement()?;
        self.judged = None;
        status::set_data("judged", "")?;
        if !self.has_model() || chosen.values.is_empty() {
            return Ok(());
        }
        let of_model = if self.shelf.of_model() > 0 { self.shelf.picture(0) } else { chosen.clone() };
        let payload = self.outliers.gather(&chosen, &of_model);
        self.asked.outliers = self.ask(Purpose::Outliers, payload)?;
        Ok(())
    }

    fn withdraw_judgement(&mut self) -> Result<()> {
        let judgement = self.asked.outliers.take();
        self.withdraw(judgement)
    }

    /// Takes back the question which model fits, and the answer: the picture is another one.
    fn withdraw_comparison(&mut self) -> Result<()> {
        self.outliers.show_models(&[])?;
        let comparison = self.asked.models.take();
        self.withdraw(comparison)
    }

    /// Has the engine work on a question no longer.
    fn withdraw(&self, question: Option<u32>) -> Result<()> {
        question.map_or(Ok(()), |number| self.send(ToEngine::Withdraw(number)))
    }

    /// Asks which of the site's models the chosen picture belongs to.
    pub(super) fn compare_models(&mut self) -> Result<()> {
        let Pictures { values, .. } = self.shelf.picture(self.shelf.chosen());
        if !self.has_model() || values.is_empty() {
            return Ok(());
        }
        let names = self.models.models.iter().map(|model| model.name.clone());
        let others = names.filter(|name| Some(name) != self.settings.model.as_ref()).collect();
        self.asked.count += 1;
        self.asked.models = Some(self.asked.count);
        status::set_data("compared", "")?;
        write("belongings", texts::comparing())?;
        self.send(Envelope { message: ToEngine::Compare { number: self.asked.count, others }, payload: values })
    }

    /// Shows which model it is.
    pub(super) fn compared(&mut self, belongings: &[Belonging]) -> Result<()> {
        self.asked.models = None;
        let title = |name: &str| match self.models.models.iter().find(|model| model.name == name) {
            Some(model) => model.title().to_owned(),
            None => texts::this_model().to_owned(),
        };
        let named: Vec<(String, &Belonging)> = belongings.iter().map(|found| (title(&found.model), found)).collect();
        self.outliers.show_models(&named)?;
        status::set_data("compared", "done")
    }

    /// Begins the map of the plane through the corners.
    pub(super) fn begin_map(&mut self) -> Result<()> {
        status::set_data("map", "")?;
        let corners = self.settings.corners.map(|corner| self.shelf.picture(corner));
        let [a, b, c] = &corners;
        self.map.begin([&a.values, &b.values, &c.values], a.side, a.channels)?;
        self.enable()?;
        self.ask_for_row()
    }

    /// Asks for the next row of the map, while somebody looks at it.
    pub(super) fn ask_for_row(&mut self) -> Result<()> {
        let is_seen = self.settings.task == Task::Landscape && self.map.has_plane();
        if !is_seen || self.asked.row.is_some() || !self.has_model() {
            return Ok(());
        }
        let Some((map, row, payload)) = self.map.next_row() else {
            self.say_where()?;
            self.show_progress()?;
            return status::set_data("map", "done");
        };
        if self.running.is_none() {
            let (done, rows) = self.map.progress();
            self.stage.show_progress(done, rows)?;
            status::say(texts::drawing_map())?;
        }
        self.asked.row = self.ask(Purpose::Row { map, row }, payload)?;
        Ok(())
    }

    /// Lets chains walk from places all over the map.
    pub(super) fn walk(&mut self) -> Result<()> {
        const LEVEL: f32 = 0.3;
        const STEPS: usize = 60;
        let payload = self.map.starts();
        if self.state == State::Running || !self.has_model() || payload.is_empty() {
            return Ok(());
        }
        self.map.clear_paths();
        let count = payload.len() / self.pictures(Vec::new()).length();
        let start = Start::Pictures { level: LEVEL };
        let (seed, sampler) = (random_seed(), Sampler::Consistent);
        let run = Run { number: self.next_run(), seed, count, steps: STEPS, sampler, start, done: 0 };
        self.stage.start(true)?;
        self.send_run(run, payload)?;
        status::say(texts::chains_walk())
    }

    pub(super) fn train_toy(&mut self) -> Result<()> {
        self.toy.number += 1;
        self.toy.trains = true;
        self.settings.toy = controls::toy_shape()?;
        status::set_data("toy", "")?;
        // The engine may still be busy with a model.
        write("toy-status", texts::training_both())?;
        // One that shows the difference well; another seed would be another chance for the one level.
        let toy = ToyRun { shape: self.settings.toy, seed: 2, number: self.toy.number };
        self.send(ToEngine::Toy(toy))
    }

    /// Ends the toy that trains: nobody looks at it any more.
    fn stop_toy(&mut self) -> Result<()> {
        if self.toy.trains {
            self.forget_toy()?;
            self.send(ToEngine::StopToy)?;
        }
        Ok(())
    }

    /// The toy that trained does so no more.
    pub(super) fn forget_toy(&mut self) -> Result<()> {
        if std::mem::take(&mut self.toy.trains) {
            self.toy.number += 1;
            status::set_data("toy", "")?;
            toy::clear()?;
        }
        Ok(())
    }

    pub(super) fn open_chain(&mut self, index: usize) -> Result<()> {
        self.chain = index;
        if self.view().is_some_and(|view| index < view.pictures.count()) {
            viewer::open()?;
            self.learned(self.settings.task, Goal::Chain)?;
            return self.draw();
        }
        Ok(())
    }

    /// Takes the chain's picture to another room.
    pub(super) fn take_chain_to(&mut self, room: Task) -> Result<()> {
        let Some((pictures, _)) = self.view().map(View::shown) else { return Ok(()) };
        let values: Vec<f32> = pictures.picture(self.chain).iter().map(|value| value.clamp(0.0, 1.0)).collect();
        let picture = Pictures { values, ..*pictures };
        viewer::close()?;
        // A recorded run is there before a model, and chains that have just begun have no picture yet.
        if self.loaded.is_none() || picture.values.is_empty() {
            return self.complain_without_model();
        }
        self.add_own(&picture, None);
        self.show_shelf()?;
        self.enter_room(room)
    }
}
