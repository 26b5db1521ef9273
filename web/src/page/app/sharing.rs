//! What leaves the page by the visitor's wish, and what comes back: files, links and settings.

use std::mem;

use wasm_bindgen::JsValue;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web::{
    Envelope, Known, Pictures, Request, Settings, Task,
    messages::{Frame, ToEngine},
    texts,
};
use web_sys::{HtmlAnchorElement, Url};

use super::{App, Event, dispatch, loading::OWN, random_seed};
use crate::{
    controls,
    dom::{Result, by_id, window},
    said,
    save::{save, save_from, write_parts},
    status::{self, State},
    view::View,
    viewer,
};

/// An animation on its way into a file.
pub struct Film {
    number: u32,
    /// The pixels of each frame; none any more when it is saved.
    frames: Vec<Vec<u8>>,
    side: usize,
    channels: usize,
    settings: String,
    name: String,
}

/// A saved file that is brought back.
pub struct Restoring {
    /// Its room.
    room: Task,
    /// What its model's weights begin with, if it says so.
    weights: Option<String>,
    /// What is said in the end.
    said: String,
}

impl Film {
    /// Says whether there were any.
    pub fn drop_frames(&mut self) -> bool {
        !mem::take(&mut self.frames).is_empty()
    }
}

impl App {
    /// The form says another run, which is wanted from now on.
    pub(super) fn run_changed(&mut self) -> Result<()> {
        self.named = true;
        self.remember()
    }

    /// Has the address say what the form says, as far as that is right; while the recorded run is shown and nobody asked for
    /// another one, that.
    pub(super) fn remember(&mut self) -> Result<()> {
        // A mistake is told when the run is to start, and no longer than it is there.
        let mistake = controls::read(&mut self.settings)?.err();
        status::recheck(mistake.as_deref())?;
        let (mask, region) = self.editor.mask();
        // Before the first picture comes, the address knows better.
        if mask.side() > 0 {
            self.settings.mask = region;
        }
        let mut settings = self.settings.clone();
        // Where this machine computes is nothing for those who follow a link.
        settings.backend = None;
        settings.corners = settings.corners_of_model(self.shelf.of_model());
        let lesson = self.course.as_ref().map_or(String::new(), |course| format!("&lesson={}", course.number));
        // For who loads the page again.
        let state = if self.named { JsValue::NULL } else { self.address(&settings).into() };
        let recorded = self.view().filter(|view| view.recorded && view.settings.model == settings.model && !self.named);
        if let Some(&Settings { seed, count, sampler, steps, .. }) = recorded.map(|view| &view.settings) {
            settings = Settings { seed, count, sampler, steps, ..settings };
        }
        let mut address = self.address(&settings) + &lesson;
        if self.embedded {
            by_id::<HtmlAnchorElement>("whole")?.set_href(&address);
            address += "&embed=1";
        }
        // Who loads the page once more before the model has come wants the run, too.
        if self.autorun {
            address += "&autorun=1";
        }
        let (window, history) = (window()?, window()?.history()?);
        // Browsers count how often a page does this, and a stroke of the brush comes here at every move.
        if window.location().search()? != address || history.state()? != state {
            // Where a key that is held changes a setting too often for the browser, the next change catches up.
            let _ = history.replace_state_with_url(&state, "", Some(&address));
        }
        Ok(())
    }

    /// The address that leads to settings, in the language that was asked for.
    pub(super) fn address(&self, settings: &Settings) -> String {
        let language = self.language.as_ref().map_or(String::new(), |language| format!("&lang={language}"));
        format!("?{}{language}", settings.to_address())
    }

    /// Takes over the settings of a saved file.
    pub(super) fn restore(&mut self, query: &str) -> Result<()> {
        status::clear_errors()?;
        self.say_where()?;
        if !matches!(self.state, State::Ready | State::Done | State::Cancelled | State::Error) {
            return status::complain(texts::page_busy());
        }
        if query.is_empty() {
            return status::complain(texts::no_way_back());
        }
        (self.asks_for_pictures, self.named) = (true, true);
        viewer::close()?;
        let Request { mut settings, problems, weights, .. } = Request::parse(query, random_seed());
        for problem in problems {
            status::note(&problem)?;
        }
        // What only its visitor had is not in a file.
        settings.picture = settings.picture.filter(|_| query.contains("picture="));
        settings.mask = settings.mask.filter(|_| query.contains("mask="));
        let said = self.with_what_is_missing(&settings, texts::settings_restored());
        let model = settings
            .model
            .take()
            .filter(|model| self.models.contains(model) || self.settings.model.as_ref() == Some(model));
        if model.is_none() {
            status::note(texts::other_model())?;
        }
        let other_model = model.is_some() && model != self.settings.model;
        settings.model = model.or_else(|| self.settings.model.clone());
        settings.backend = self.settings.backend;
        // Until all of it is there, the room on the screen stays.
        let room = mem::replace(&mut settings.task, self.settings.task);
        self.restoring = Some(Restoring { room, weights, said });
        controls::write(&settings, &self.models)?;
        if self.loading.own_loaded.is_some() {
            self.offer_own_model()?;
            controls::write_model(settings.model.as_deref().unwrap_or_default())?;
        }
        if let Some(loaded) = &self.loaded {
            controls::write_backend(loaded.backend)?;
        }
        self.settings = settings;
        // Other files say nothing of a mask, and leave one that the visitor painted.
        if let (Task::Inpaint, Known::Part, Some(region)) = (room, self.settings.known, self.settings.mask) {
            self.editor.set_region(region);
        }
        if other_model {
            self.remember()?;
            return self.load();
        }
        self.correct_numbers(self.shelf.of_model(), [None; 3])?;
        if let Some(picture) = self.settings.picture {
            self.shelf.choose(picture);
        }
        if let Some(channels) = self.loaded.as_ref().map(|loaded| loaded.channels) {
            self.offer_colours(channels)?;
        }
        self.show_shelf()?;
        self.begin_map()?;
        self.restored()
    }

    /// The settings of a saved file are in use, and its model is there: goes to its room.
    pub(super) fn restored(&mut self) -> Result<()> {
        let Some(Restoring { room, weights, said }) = self.restoring.take() else { return Ok(()) };
        // The model of this name may be another one by now.
        if let (Some(loaded), Some(weights)) = (&self.loaded, weights)
            && !loaded.sha256.starts_with(&weights)
        {
            status::note(texts::other_model())?;
        }
        self.enter_room(room)?;
        status::say(&said)
    }

    /// Copies what shows this in a page of another site.
    pub(super) fn copy_embed(&mut self) -> Result<()> {
        if !self.form_is_right()? {
            return Ok(());
        }
        self.remember()?;
        // The values of an address need no further quoting in HTML, its ampersands do.
        let link = window()?.location().href()?.replace('&', "&amp;");
        let title = texts::title();
        let code = format!(
            "<iframe src=\"{link}&amp;embed=1\" title=\"{title}\" width=\"460\" height=\"640\" \
             style=\"border: 0; max-width: 100%\" loading=\"lazy\" allow=\"webgpu; fullscreen\"></iframe>"
        );
        Self::copy(code, self.with_what_is_missing(&self.settings, texts::code_copied()))
    }

    pub(super) fn copy_link(&mut self) -> Result<()> {
        if !self.form_is_right()? {
            return Ok(());
        }
        self.remember()?;
        let mut link = window()?.location().href()?;
        let of = |settings: &Settings| Settings { backend: None, ..settings.clone() }.to_query();
        let is_shown =
            |view: &View| view.saved.is_some() && view.can_be_repeated() && of(&view.settings) == of(&self.settings);
        // What is on the screen is what whoever follows the link sees.
        if self.view().is_some_and(is_shown) {
            link += "&autorun=1";
        }
        Self::copy(link, self.with_what_is_missing(&self.settings, texts::link_copied()))
    }

    /// That something is copied or brought back, and what of the visitor's is not among these settings.
    fn with_what_is_missing(&self, settings: &Settings, copied: &str) -> String {
        let Settings { task, picture, known, mask, corners, model, .. } = settings;
        let own_picture = match task {
            Task::Inpaint | Task::Denoise | Task::Outliers => picture.is_none(),
            Task::Landscape => corners.iter().any(|corner| self.shelf.own(*corner).is_some()),
            Task::Sample | Task::About => false,
        };
        let painted = *task == Task::Inpaint && *known == Known::Part && mask.is_none();
        let missing = [
            own_picture.then(texts::own_picture_left_out),
            painted.then(texts::mask_left_out),
            (model.as_deref() == Some(OWN)).then(texts::own_model_left_out),
        ];
        [Some(copied)].into_iter().chain(missing).flatten().collect::<Vec<_>>().join(" ")
    }

    fn copy(text: String, done: String) -> Result<()> {
        let clipboard = window()?.navigator().clipboard();
        // There is none at an address that is not secure.
        if clipboard.is_undefined() {
            return status::say(texts::no_copy());
        }
        spawn_local(async move {
            let copied = JsFuture::from(clipboard.write_text(&text)).await;
            // The page has just been there.
            let _ = status::say(copied.as_ref().map_or(texts::no_copy(), |_| &done));
        });
        Ok(())
    }

    pub(super) fn save_png(&self) -> Result<()> {
        let Some(view) = self.view() else { return Ok(()) };
        let Some(run) = view.shown_run() else { return Ok(()) };
        let png = run.pictures.to_png_grid(&self.settings_for(view, view.shows_end()))?;
        save(&file_name(&run.settings, "", "png"), "image/png", &png)
    }

    pub(super) fn save_chain(&self) -> Result<()> {
        let Some(view) = self.view() else { return Ok(()) };
        let (pictures, _) = view.shown();
        let one = Pictures { values: pictures.picture(self.chain).to_vec(), ..*pictures };
        if one.values.is_empty() {
            return status::complain(texts::model_still_loading());
        }
        let png = one.to_png_grid(&self.settings_for(view, view.shows_end()))?;
        save(&file_name(&view.settings, &format!("-picture-{}", self.chain + 1), "png"), "image/png", &png)
    }

    /// Begins to save the run of the room as an animation. The engine writes it, frame by frame.
    pub(super) fn save_animation(&mut self) -> Result<()> {
        const MOST_FRAMES: usize = 60;
        let Some(view) = self.view() else { return Ok(()) };
        let Pictures { side, channels, .. } = view.pictures;
        let moments = view.trajectory.moments();
        let every = moments.len().div_ceil(MOST_FRAMES).max(1);
        // Counted from the end, so that the finished pictures are there.
        let chosen = moments.iter().rev().step_by(every).rev();
        let frames: Vec<Vec<u8>> = chosen.map(|moment| moment.pixels.clone()).collect();
        let (settings, name) = (self.settings_for(view, true), file_name(&view.settings, "-run", "png"));
        let number = self.film.as_ref().map_or(1, |film| film.number + 1);
        self.film = Some(Film { number, frames, side, channels, settings, name });
        self.send_frame(0)
    }

    fn send_frame(&self, index: usize) -> Result<()> {
        let Some(Film { number, frames, side, channels, settings, .. }) = &self.film else { return Ok(()) };
        let Some(pixels) = frames.get(index) else { return Ok(()) };
        // By quarters: a screen reader reads every sentence.
        let quarter = |index: usize| 4 * index / frames.len();
        if index == 0 || quarter(index) != quarter(index - 1) {
            status::say(&texts::saving_frame(frames.len(), index + 1))?;
        }
        let (side, channels) = (*side, *channels);
        let payload = Pictures::from_bytes(side, channels, pixels).values;
        let (animation, count, settings) = (*number, frames.len(), settings.clone());
        let frame = Frame { animation, index, count, side, channels, settings };
        self.send(Envelope { message: ToEngine::Frame(frame), payload })
    }

    /// A frame is written, or the last one.
    pub(super) fn framed(&mut self, animation: u32, done: usize, file: Option<String>) -> Result<()> {
        let film = self.film.as_mut().filter(|film| film.number == animation && !film.frames.is_empty());
        match (film, file) {
            (Some(film), Some(file)) => {
                film.frames = Vec::new();
                save_from(&film.name, file)?;
                status::say(texts::animation_saved())
            }
            // Another one is wanted meanwhile.
            (None, Some(file)) => Url::revoke_object_url(&file),
            (Some(_), None) => self.send_frame(done),
            (None, None) => Ok(()),
        }
    }

    pub(super) fn save_json(&self) -> Result<()> {
        let Some(run) = self.view().and_then(View::shown_run) else { return Ok(()) };
        let (this, name) = (self.this.clone(), file_name(&run.settings, "", "json"));
        // Of many pictures it takes a second.
        spawn_local(async move {
            match write_parts("application/json", run.json_parts()).await {
                Ok(address) => dispatch(&this, Event::Written(name, address)),
                Err(error) => status::fail(&texts::page_problem(said(&error))),
            }
        });
        Ok(())
    }

    /// The settings that a file carries: those that lead to it again, so none for a run that was continued, stopped or
    /// resumed, or that began with something of the visitor's, nor for one of its moments before the `end`.
    fn settings_for(&self, view: &View, end: bool) -> String {
        if !end || !view.can_be_repeated() {
            return String::new();
        }
        let weights = self.loaded.as_ref().and_then(|loaded| loaded.sha256.get(..8));
        let weights = weights.map_or(String::new(), |weights| format!("&weights={weights}"));
        view.settings.to_query() + &weights
    }
}

fn file_name(settings: &Settings, detail: &str, extension: &str) -> String {
    let what = match settings.task {
        Task::Inpaint => "completions",
        Task::Denoise => "denoised",
        _ => "samples",
    };
    let (model, seed) = (settings.model.as_deref().unwrap_or_default(), settings.seed);
    format!("{model}-{what}-seed-{seed}{detail}.{extension}")
}
