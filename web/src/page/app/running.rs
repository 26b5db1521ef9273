//! Runs of chains, from the form to the finished pictures.

use web::{
    Envelope, Goal, Known, Mask, Pictures, Settings, Task,
    messages::{Purpose, Run, Start, Stepped, ToEngine},
    psnr, texts,
};

use super::{App, Event, dispatch};
use crate::{
    controls,
    dom::{Result, write},
    numbers::{decibels, short},
    status::{self, State},
    view::View,
};

/// The run that is going on, with all that another engine would need to go on with it.
pub struct Running {
    pub room: Task,
    pub run: Run,
    pub payload: Vec<f32>,
    /// Where the chains were last seen.
    pub state: Vec<f32>,
    pub done: usize,
    pub paused: bool,
    /// Whether the visitor asked for it.
    pub asked_for: bool,
    /// How often the engine was lost.
    pub losses: u32,
    /// SHA-256 of the weights that it runs with.
    pub sha256: String,
}

/// Milliseconds between moments of a recorded run, of which there are few.
const RECORDED_GAP: i32 = 150;

impl App {
    /// Starts what the visitor asked for; in a frame, once the model has come.
    pub(super) fn start(&mut self) -> Result<()> {
        if self.state == State::Poster {
            (self.autorun, self.named) = (true, true);
            return self.load();
        }
        self.run(true)
    }

    /// Starts a run of the room on the screen, which the visitor asked for or not.
    pub(super) fn run(&mut self, asked_for: bool) -> Result<()> {
        // Enter in a field asks for a run in every room.
        let runs = self.settings.task.runs_chains();
        if self.state == State::Running || !self.has_model() || !runs {
            return Ok(());
        }
        self.live = false;
        self.playing = false;
        status::set_data("recorded", "done")?;
        if !self.form_is_right()? {
            return Ok(());
        }
        self.named |= asked_for;
        let picture = self.shelf.picture(self.shelf.chosen()).values;
        let (mut mask, mut given): (Option<Mask>, _) = (None, None);
        let (start, payload) = match self.settings.task {
            Task::Inpaint => {
                if picture.is_empty() {
                    return status::complain(texts::nothing_to_restore());
                }
                given = Some(picture.clone());
                if self.settings.known == Known::Part {
                    let (chosen, region) = self.editor.mask();
                    if chosen.is_empty() {
                        return status::complain(texts::nothing_unknown());
                    }
                    self.settings.mask = region;
                    let bits = chosen.unknown().iter().map(|&unknown| f32::from(u8::from(unknown)));
                    let payload = picture.iter().copied().chain(bits).collect();
                    mask = Some(chosen);
                    (Start::Around, payload)
                } else {
                    (Start::Restored(self.settings.known), picture)
                }
            }
            Task::Denoise => {
                if picture.is_empty() {
                    return status::complain(texts::nothing_to_denoise());
                }
                given = Some(picture.clone());
                (Start::Pictures { level: self.settings.level }, picture)
            }
            _ => (Start::Noise, Vec::new()),
        };
        let view = View::new(self.settings.clone(), mask, given);
        self.begin(view, start, payload, asked_for)?;
        self.remember()?;
        self.show_given()
    }

    /// Whether all that the room has in its fields can be used. The first mistake is told and has the focus.
    pub(super) fn form_is_right(&mut self) -> Result<bool> {
        status::clear_errors()?;
        let Err(mistake) = controls::read(&mut self.settings)? else { return Ok(true) };
        controls::focus_mistake()?;
        status::complain_of_field(&mistake)?;
        Ok(false)
    }

    /// Sends a run to the engine and shows it in the room on the screen.
    fn begin(&mut self, mut view: View, start: Start, payload: Vec<f32>, asked_for: bool) -> Result<()> {
        let Some(loaded) = self.loaded.as_ref().filter(|_| self.has_model()) else { return Ok(()) };
        view.settings.backend = Some(loaded.backend);
        view.pictures = Pictures { side: loaded.size, channels: loaded.channels, values: Vec::new() };
        let title = loaded.backend.title();
        let Settings { seed, count, steps, sampler, .. } = view.settings;
        let run = Run { number: self.next_run(), seed, count, steps, sampler, start, done: 0 };
        self.playing = false;
        self.views.insert(view);
        self.draw()?;
        // Who follows a link to a run wants to see it.
        self.stage.start(asked_for || self.named)?;
        self.send_run(run, payload)?;
        if let Some(running) = &mut self.running {
            running.asked_for = asked_for;
        }
        status::say(&texts::running_on(title))
    }

    /// The number of a run that begins.
    pub(super) fn next_run(&mut self) -> u32 {
        self.runs += 1;
        self.runs
    }

    /// Sends a run of the room on the screen to the engine.
    pub(super) fn send_run(&mut self, run: Run, payload: Vec<f32>) -> Result<()> {
        self.send(Envelope { message: ToEngine::Run(run.clone()), payload: payload.clone() })?;
        let (room, state) = (self.settings.task, Vec::new());
        let sha256 = self.loaded.as_ref().map(|loaded| loaded.sha256.clone()).unwrap_or_default();
        let running = Running { room, run, payload, state, done: 0, paused: false, asked_for: true, losses: 0, sha256 };
        self.running = Some(running);
        status::set_data("step", "0")?;
        status::set_data("paused", "")?;
        self.enter(State::Running)
    }

    /// The pictures beside the chains, as far as they are known from the start.
    fn show_given(&mut self) -> Result<()> {
        let Some(view) = self.view_mut() else { return Ok(()) };
        let Some(given) = view.given.clone() else { return Ok(()) };
        if view.settings.task == Task::Inpaint {
            let visible = match &view.mask {
                Some(mask) => {
                    let unknown = |i: usize| mask.unknown()[i / view.pictures.channels];
                    let known = |(i, value): (usize, &f32)| if unknown(i) { 0.5 } else { *value };
                    given.iter().enumerate().map(known).collect()
                }
                None => view.settings.known.shown(&Pictures { values: given.clone(), ..view.pictures }).values,
            };
            let original = (texts::original(), given.clone(), String::new());
            let what_is_known = (texts::what_is_known(), visible, String::new());
            // Of a picture that is blurred itself nobody has the original.
            view.beside = match view.settings.known {
                Known::Soft => vec![what_is_known],
                _ => vec![original, what_is_known],
            };
            self.ask_beside(Task::Inpaint)?;
        } else {
            view.beside = vec![(texts::clean(), given, String::new())];
        }
        match self.view() {
            Some(view) => self.stage.show_beside(view),
            None => Ok(()),
        }
    }

    /// Asks for what belongs beside the chains of a room: the original's energy, or what one jump makes of the noisy picture.
    fn ask_beside(&mut self, room: Task) -> Result<()> {
        let Some(View { given: Some(given), settings, .. }) = self.views.get(room) else { return Ok(()) };
        let purpose = match room {
            Task::Denoise => Purpose::Jump { seed: settings.seed, level: settings.level },
            _ => Purpose::Given,
        };
        let question = self.ask(purpose, given.clone())?;
        if let Some(view) = self.views.get_mut(room) {
            view.question = question;
        }
        Ok(())
    }

    /// Asks what another engine was asked and has not answered.
    pub(super) fn ask_beside_again(&mut self) -> Result<()> {
        for room in [Task::Inpaint, Task::Denoise] {
            if self.views.get(room).is_some_and(|view| view.question.is_some()) {
                self.ask_beside(room)?;
            }
        }
        Ok(())
    }

    /// Goes on with a finished run from a noise level of the visitor's choice.
    pub(super) fn continue_run(&mut self) -> Result<()> {
        let Some(saved) = self.view().and_then(View::shown_run) else { return Ok(()) };
        status::clear_errors()?;
        let level = match controls::continue_level()? {
            Ok(level) => level,
            Err(mistake) => return status::complain_of_field(&mistake),
        };
        let mut view = View::new(saved.settings, None, None);
        // Other noise than what the run began with.
        view.settings.seed = view.settings.seed.wrapping_add(1);
        view.continued_from = Some(level);
        self.begin(view, Start::Pictures { level }, saved.pictures.values, true)
    }

    pub(super) fn pause(&mut self) -> Result<()> {
        let Some(running) = &mut self.running else { return Ok(()) };
        running.paused = !running.paused;
        let paused = running.paused;
        self.stage.hold(paused);
        status::say(if paused { texts::paused() } else { texts::running() })?;
        status::set_data("paused", if paused { "1" } else { "" })?;
        self.send(if paused { ToEngine::Pause } else { ToEngine::Resume })?;
        self.enable()
    }

    pub(super) fn stepped(&mut self, report: &Stepped, payload: Vec<f32>) -> Result<()> {
        let pictures = self.pictures(payload);
        let Some(running) = &mut self.running else { return Ok(()) };
        (running.state, running.done) = (pictures.values.clone(), report.done);
        let (room, steps, paused) = (running.room, running.run.steps, running.paused);
        status::set_data("step", &report.done.to_string())?;
        if let Some(left) = self.stage.time_left(report.done, steps).filter(|_| !paused) {
            write("time-left", &left)?;
        }
        self.show_progress()?;
        if room == Task::Landscape {
            return self.map.walk(&pictures);
        }
        if report.done == 0 && room == Task::Denoise {
            self.show_noisy(&pictures)?;
        }
        if let Some(view) = self.views.get_mut(room) {
            view.step(report, pictures);
        }
        if room == self.settings.task { self.draw() } else { Ok(()) }
    }

    /// The picture that is denoised, and a question for what one jump makes of it.
    fn show_noisy(&mut self, pictures: &Pictures) -> Result<()> {
        self.ask_beside(Task::Denoise)?;
        let Some(view) = self.views.get_mut(Task::Denoise) else { return Ok(()) };
        let noisy = pictures.picture(0).to_vec();
        let number = view.given.as_ref().map(|clean| decibels(psnr(&noisy, clean))).unwrap_or_default();
        // A run that begins once more after a loss has been here before.
        view.beside.truncate(1);
        view.beside.push((texts::noisy(), noisy, number));
        if self.settings.task == Task::Denoise {
            self.stage.show_beside(view)?;
        }
        Ok(())
    }

    /// What the engine says of a picture beside the chains.
    pub(super) fn scored_beside(
        &mut self,
        question: u32,
        room: Task,
        energies: &[f32],
        level: Option<f32>,
        jump: Vec<f32>,
    ) -> Result<()> {
        let view = self.views.get_mut(room).filter(|view| view.question == Some(question));
        let Some(view) = view else { return Ok(()) };
        view.question = None;
        if room == Task::Denoise {
            let number = view.given.as_ref().map(|clean| decibels(psnr(&jump, clean))).unwrap_or_default();
            view.beside.insert(view.beside.len().min(2), (texts::one_jump(), jump, number));
            let asked = view.settings.level;
            let read = level.map(|read| texts::level_read(short(asked), short(read)));
            view.level_read = read.unwrap_or_default();
        } else if let (Some(original), Some(&energy)) = (view.beside.first_mut(), energies.first()) {
            original.2 = short(energy);
        }
        match self.view() {
            Some(view) if room == self.settings.task => self.stage.show_beside(view),
            _ => Ok(()),
        }
    }

    pub(super) fn cancelled(&mut self) -> Result<()> {
        let Some(running) = self.end_run() else { return Ok(()) };
        let left = self.views.get(running.room).is_some_and(|view| view.saved.is_some());
        status::say(if left { texts::cancelled() } else { texts::cancelled_early() })?;
        self.enter(State::Cancelled)
    }

    pub(super) fn finished(&mut self, energies: Vec<f32>, payload: Vec<f32>) -> Result<()> {
        let Some(running) = self.running.take() else { return Ok(()) };
        let Some(loaded) = &self.loaded else { return Ok(()) };
        status::say(&texts::done_in(loaded.backend.title(), self.stage.elapsed()))?;
        let sha256 = loaded.sha256.clone();
        let pictures = self.pictures(payload);
        self.learned(running.room, if running.room == Task::Landscape { Goal::Walk } else { Goal::Runs(1) })?;
        if running.room == Task::Landscape {
            self.map.walk(&pictures)?;
        } else if let Some(view) = self.views.get_mut(running.room) {
            view.finish(sha256, energies, pictures);
        }
        self.enter(State::Done)?;
        self.stage.show_progress(1, 1)?;
        if running.room == self.settings.task {
            self.draw()?;
            if let Some(view) = self.view() {
                self.stage.show_beside(view)?;
            }
        }
        Ok(())
    }

    /// Shows a moment of the run.
    pub(super) fn scrub(&mut self, index: usize) -> Result<()> {
        self.playing = false;
        self.look_at(index)
    }

    pub(super) fn look_at(&mut self, index: usize) -> Result<()> {
        if let Some(view) = self.view_mut() {
            let newest = view.trajectory.moments().len().saturating_sub(1);
            view.looked_at = (index < newest).then_some(index);
        }
        self.draw()
    }

    /// Plays the run from its beginning, or stops playing it.
    pub(super) fn play(&mut self) -> Result<()> {
        if self.playing {
            self.playing = false;
            return Ok(());
        }
        self.begin_playing()
    }

    pub(super) fn begin_playing(&mut self) -> Result<()> {
        self.playing = true;
        self.plays += 1;
        self.look_at(0)?;
        self.play_soon()
    }

    /// Shows the next moment, unless playing has been stopped and begun again since this was asked for.
    pub(super) fn play_on(&mut self, play: u32) -> Result<()> {
        if play != self.plays {
            return Ok(());
        }
        let at = self.view().and_then(|view| view.looked_at);
        match (self.playing, at) {
            (true, Some(index)) => {
                self.look_at(index + 1)?;
                self.play_soon()
            }
            _ => {
                self.playing = false;
                self.recording_ended()
            }
        }
    }

    fn play_soon(&self) -> Result<()> {
        let (this, play) = (self.this.clone(), self.plays);
        let gap = if self.view().is_some_and(|view| view.recorded) { RECORDED_GAP } else { 60 };
        crate::dom::after(gap, move || dispatch(&this, Event::PlayOn(play)))
    }
}
