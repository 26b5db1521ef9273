//! Events on their way to what they lead to.

use std::{cell::RefCell, rc::Weak};

use web::{messages::ToEngine, texts};

use super::{App, Event, random_seed};
use crate::{controls, dom::Result, preference, said, save::save_from, status, stop, stopped, viewer};

/// Has the page handle an event; a failure becomes a sentence on it.
pub fn dispatch(app: &Weak<RefCell<App>>, event: Event) {
    // What the page does can be an event itself: a field that it disables loses the focus, and then says that it was
    // changed. Such an event is handled next.
    if let Some(event) = attempt(app, event) {
        let app = Weak::clone(app);
        wasm_bindgen_futures::spawn_local(async move {
            // By now the one before is done, or never will be: memory was short, or an exception ended it.
            if attempt(&app, event).is_some() {
                stop();
            }
        });
    }
}

/// Handles an event, or gives it back while another one is handled.
fn attempt(app: &Weak<RefCell<App>>, event: Event) -> Option<Event> {
    let app = app.upgrade().filter(|_| !stopped())?;
    let Ok(mut page) = app.try_borrow_mut() else { return Some(event) };
    if let Err(error) = page.handle(event) {
        status::fail(&texts::page_problem(said(&error)));
    }
    None
}

impl App {
    fn handle(&mut self, event: Event) -> Result<()> {
        // Nothing starts by itself under the visitor's hands.
        self.live &= !event.is_the_visitors();
        match event {
            Event::Seen => self.seen(),
            Event::Engine(envelope) => self.hear(envelope),
            Event::EngineDue(engine) if engine == self.engines && self.engine.is_some() && !self.started => {
                status::say(texts::engine_late())
            }
            Event::EngineDue(_) | Event::Uncaught | Event::Touched => Ok(()),
            Event::Restart(backend) => {
                self.engine = None;
                self.settings.backend = backend;
                self.load()
            }
            Event::LoadAgain => self.load(),
            Event::Start => self.start(),
            Event::New => {
                controls::write_seed(random_seed())?;
                self.start()
            }
            Event::Recorded(model, run) => self.recorded(model, run.map(|run| *run)),
            Event::Moved => self.moved(),
            Event::Lesson(number) => self.take_lesson(number),
            Event::LessonBy(further) => self.take_lesson_by(further),
            Event::EndLessons => self.end_lessons(),
            Event::Pause => self.pause(),
            Event::StepOnce => self.send(ToEngine::Step),
            Event::Cancel => {
                status::say(texts::stopping())?;
                self.send(ToEngine::Cancel)
            }
            Event::Continue => self.continue_run(),
            Event::NewSeed => {
                controls::write_seed(random_seed())?;
                self.run_changed()
            }
            Event::RunChanged => self.run_changed(),
            Event::RoomChosen => self.enter_room(controls::room()?),
            Event::SamplerChosen => {
                controls::propose_steps()?;
                self.run_changed()
            }
            Event::ModelChosen => {
                self.settings.model = Some(controls::model()?);
                (self.asks_for_pictures, self.named) = (false, false);
                // One that was to go on in another engine does not with another model, nor does a file's room wait for it.
                (self.running, self.restoring) = (None, None);
                self.remember()?;
                self.load()
            }
            Event::BackendChosen => {
                let backend = controls::backend()?;
                self.settings.backend = Some(backend);
                preference::write(backend);
                self.load()
            }
            Event::KnownChosen => {
                self.remember()?;
                controls::show_known(&self.settings)
            }
            Event::Changed => self.remember(),
            Event::PictureChosen(index) => self.choose_picture(index),
            Event::Drawn(picture) => self.bring(vec![(None, picture)], &[]),
            Event::Brought(pictures, problems) => {
                self.bring(pictures.into_iter().map(|(file, picture)| (Some(file), picture)).collect(), &problems)
            }
            Event::ReadAgain(own, picture) => self.read_again(own, picture.as_ref()),
            Event::NoReader => {
                self.reading = false;
                Ok(())
            }
            Event::Files(items) => self.take_files(items),
            Event::OwnModel(items) => self.take_model(items),
            Event::OwnModelFiles(files) => self.load_own(files),
            Event::Restore(query) => self.restore(&query),
            Event::Others(load, _) if load != self.loading.number => Ok(()),
            Event::Others(_, others) => self.judge_beside(others),
            Event::CornerChosen => self.mark_choice(),
            Event::OtherCorners => self.other_corners(),
            Event::CompareModels => self.compare_models(),
            Event::MapPointed(across, down) => self.map.point_at(across, down),
            Event::MapMoved(across, down) => self.map.move_point(across, down),
            Event::Walk => self.walk(),
            Event::TrainToy => self.train_toy(),
            Event::ChainChosen(index) => self.open_chain(index),
            Event::ChainTo(room) => self.take_chain_to(room),
            Event::CloseChain => viewer::close(),
            Event::SaveChain => self.save_chain(),
            Event::Scrubbed(index) => self.scrub(index),
            Event::Play => self.play(),
            Event::PlayOn(play) => self.play_on(play),
            Event::SavePng => self.save_png(),
            Event::SaveAnimation => self.save_animation(),
            Event::SaveJson => self.save_json(),
            Event::Written(name, address) => save_from(&name, address),
            Event::CopyLink => self.copy_link(),
            Event::CopyEmbed => self.copy_embed(),
            Event::Redraw => self.redraw(),
        }
    }
}
