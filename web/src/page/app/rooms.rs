//! The rooms: entering them, the pictures they share, and those that run no chains of the form.

use js_sys::Math;
use options::{Sampler, Words};
use wasm_bindgen::JsValue;
use web::{
    Envelope, Goal, Pictures, Request, Task,
    messages::{Belonging, Purpose, Run, Start, ToEngine, ToyRun},
    texts,
};
use web_sys::{File, HtmlCanvasElement, HtmlElement, HtmlInputElement};

use super::{App, Event, dispatch, random_seed};
use crate::{
    controls,
    dom::{Result, all, by_id, window, write},
    focus::{self, ROOM},
    lesson::{self, Course},
    shelf::Shelf,
    status::{self, State},
    tile,
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
        self.course = asked.lesson.map_or(Ok(None), Course::begin)?;
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
    fn say_where(&self) -> Result<()> {
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
            (None, None) => texts::ready_on(loaded.backend.title()),
        };
        status::say(&text)
    }

    /// Offers the pictures of the shelf.
    pub(super) fn show_shelf(&mut self) -> Result<()> {
        let this = self.this.clone();
        let choose = move |index| dispatch(&this, Event::PictureChosen(index));
        focus::keep(&["#pictures :checked"], || {
            self.shelf.show(choose)?;
            // In the landscape it is the one of the corner.
            self.mark_choice()
        })?;
        self.settings.picture = self.shelf.chosen_of_model();
        by_id::<HtmlElement>("no-pictures")?.set_hidden(self.shelf.count() > 0);
        let held_out = self.loaded.as_ref().is_some_and(|loaded| loaded.held_out > 0);
        let licence = self.loaded.as_ref().and_then(|loaded| loaded.card.pictures_licence.as_deref());
        by_id::<HtmlElement>("others-instead")?.set_hidden(!held_out || licence.is_none());
        write("others-instead", &licence.map(texts::others_instead).unwrap_or_default())?;
        by_id::<HtmlElement>("samples-instead")?.set_hidden(held_out || self.shelf.of_model() == 0);
        self.editor.set_picture(self.shelf.picture(self.shelf.chosen()), self.settings.mask);
        self.show_corners()
    }

    /// Offers a model's pictures. Corners that are the visitor's own pictures stay what they are. Numbers that the model
    /// does not have are corrected.
    pub(super) fn offer(&mut self, pictures: Pictures) -> Result<()> {
        let last = pictures.count().checked_sub(1);
        // Later ones were those of another model, and no fault of the visitor's.
        let asked_by_address = self.asks_by_address;
        self.asks_by_address &= last.is_none();
        if let (Some(last), Some(asked)) = (last, self.settings.picture)
            && asked > last
        {
            if asked_by_address {
                status::note_of_model(&texts::unknown_picture(asked, last))?;
            }
            self.settings.picture = Some(0);
        }
        let corners = self.settings.corners.map(|corner| (corner, self.shelf.own(corner)));
        self.shelf.offer(pictures, self.settings.picture);
        let unknown =
            corners.into_iter().find(|(corner, own)| own.is_none() && last.is_some_and(|last| *corner > last));
        if let (Some(last), Some((asked, _))) = (last, unknown.filter(|_| asked_by_address)) {
            status::note_of_model(&texts::unknown_corner(asked, last))?;
        }
        for (place, (corner, own)) in corners.into_iter().enumerate() {
            self.settings.corners[place] = match (own, last) {
                (Some(own), _) => self.shelf.of_model() + own,
                (None, Some(last)) if unknown.is_some() => place.min(last),
                (None, _) => corner,
            };
        }
        Ok(())
    }

    /// Adds a picture of the visitor's. Where another one has to go for it, that is none of the corners.
    pub(super) fn add_own(&mut self, picture: &Pictures, file: Option<File>) {
        if let Some(gone) = self.shelf.add(picture, file, &self.settings.corners) {
            for corner in &mut self.settings.corners {
                *corner -= usize::from(*corner > gone);
            }
        }
    }

    pub(super) fn choose_picture(&mut self, index: usize) -> Result<()> {
        if self.settings.task == Task::Landscape {
            self.settings.corners[corner()?] = index;
            self.show_corners()?;
            self.begin_map()?;
            return self.remember();
        }
        self.shelf.choose(index);
        self.chose = true;
        self.settings.picture = self.shelf.chosen_of_model();
        self.editor.set_picture(self.shelf.picture(index), self.settings.mask);
        self.remember()?;
        if self.settings.task == Task::Outliers { self.judge() } else { Ok(()) }
    }

    /// Asks how usual the chosen picture is, beside those of other kinds.
    pub(super) fn judge(&mut self) -> Result<()> {
        // What was asked before is not what is on the screen now.
        self.withdraw_comparison()?;
        let nothing = self.loaded.is_none() || self.shelf.picture(self.shelf.chosen()).values.is_empty();
        let text = if nothing { texts::choose_picture() } else { texts::judging() };
        self.outliers.clear(text, &self.held_out())?;
        self.ask_for_judgement()
    }

    /// Asks the same, while what was said stays.
    pub(super) fn ask_for_judgement(&mut self) -> Result<()> {
        let chosen = self.shelf.picture(self.shelf.chosen());
        self.withdraw_judgement()?;
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

    fn show_corners(&self) -> Result<()> {
        for (canvas, corner) in all(".corners canvas")?.into_iter().zip(self.settings.corners) {
            let canvas: HtmlCanvasElement = wasm_bindgen::JsCast::unchecked_into(canvas);
            tile::draw_picture(&canvas, &self.shelf.picture(corner), 0)?;
        }
        self.mark_choice()
    }

    /// Marks the picture of the room among those at hand: in the landscape that of the corner to choose.
    pub(super) fn mark_choice(&self) -> Result<()> {
        let chosen = match self.settings.task {
            Task::Landscape => self.settings.corners[corner()?],
            _ => self.shelf.chosen(),
        };
        Shelf::mark(chosen)
    }

    /// Three of the model's pictures by chance.
    pub(super) fn other_corners(&mut self) -> Result<()> {
        let there = self.shelf.of_model();
        if there < 3 {
            return status::complain(texts::too_few_pictures());
        }
        let mut numbers: Vec<usize> = (0..there).collect();
        for corner in &mut self.settings.corners {
            *corner = numbers.swap_remove((Math::random() * numbers.len() as f64) as usize % numbers.len());
        }
        self.show_corners()?;
        self.begin_map()?;
        self.remember()
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
        self.stage.start()?;
        self.send_run(run, payload)?;
        status::say(texts::chains_walk())
    }

    pub(super) fn train_toy(&mut self) -> Result<()> {
        self.toy.number += 1;
        self.toy.trains = true;
        self.settings.toy = controls::toy_shape()?;
        status::set_data("toy", "")?;
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
            write("toy-status", "")?;
        }
        Ok(())
    }

    pub(super) fn open_chain(&mut self, index: usize) -> Result<()> {
        self.live = false;
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
        viewer::close()?;
        // A recorded run is there before a model, and chains that have just begun have no picture yet.
        if self.loaded.is_none() || values.is_empty() {
            return status::complain(texts::model_still_loading());
        }
        self.add_own(&Pictures { values, ..pictures }, None);
        self.show_shelf()?;
        self.enter_room(room)
    }
}

/// The number of the corner whose picture is to be chosen.
fn corner() -> Result<usize> {
    for (corner, id) in ["corner-a", "corner-b", "corner-c"].into_iter().enumerate() {
        if by_id::<HtmlInputElement>(id)?.checked() {
            return Ok(corner);
        }
    }
    Ok(0)
}
