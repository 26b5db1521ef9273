//! What the visitor brings: pictures, models, and saved files with their settings.

use wasm_bindgen_futures::{JsFuture, spawn_local};
use web::{Brought, Pictures, Task, texts};
use web_sys::File;

use super::{App, Event, dispatch};
use crate::{
    decoder,
    dom::Result,
    drops::{Item, as_model},
    said,
    shelf::Shelf,
    status::{self, State},
    viewer,
};

impl App {
    /// Takes in files: a model, a saved picture with its settings, or pictures.
    pub(super) fn take_files(&mut self, items: Vec<Item>) -> Result<()> {
        match sorted(&items) {
            Brought::Pictures(numbers) => {
                let count = numbers.len();
                let chosen = numbers.into_iter().take(Shelf::MOST_OWN).map(|number| items[number].clone()).collect();
                self.take_pictures(chosen, count)
            }
            Brought::Model { .. } => self.take_model(items),
            Brought::Else(sentence) => complain_alone(&sentence),
        }
    }

    /// Takes in files that must be a model.
    pub(super) fn take_model(&mut self, items: Vec<Item>) -> Result<()> {
        let (manifest, weights, held_out) = match sorted(&items) {
            Brought::Model { manifest, weights, held_out } => (manifest, weights, held_out),
            Brought::Pictures(_) => return complain_alone(texts::not_a_model()),
            Brought::Else(sentence) => return complain_alone(&sentence),
        };
        let this = self.this.clone();
        spawn_local(async move {
            let weights: Vec<Item> = weights.into_iter().map(|number| items[number].clone()).collect();
            let held_out = held_out.map(|number| &items[number]);
            let event = match as_model(&items[manifest], &weights, held_out).await {
                Ok(files) => Event::OwnModelFiles(files),
                Err(error) => Event::Brought(Vec::new(), vec![texts::model_unreadable(said(&error))]),
            };
            dispatch(&this, event);
        });
        Ok(())
    }

    /// Has pictures read, of `count` that there were.
    fn take_pictures(&self, items: Vec<Item>, count: usize) -> Result<()> {
        let Some(loaded) = &self.loaded else { return self.complain_without_model() };
        let (this, side, channels) = (self.this.clone(), loaded.size, loaded.channels);
        if self.has_model() {
            // The first time, what reads it has to come.
            status::say(texts::reading_file())?;
        }
        spawn_local(async move {
            let (mut pictures, mut problems) = (Vec::new(), Vec::new());
            if count > items.len() {
                problems.push(texts::too_many_pictures(count, items.len()));
            }
            for item in &items {
                let file = match item.file().await {
                    Ok(file) => file,
                    Err(error) => {
                        problems.push(texts::file_unreadable(&item.path, said(&error)));
                        continue;
                    }
                };
                if items.len() == 1
                    && let Some(query) = settings_in(&file).await
                {
                    return dispatch(&this, Event::Restore(query));
                }
                match decoder::picture(&file, side, channels).await {
                    Ok(picture) => pictures.push((file, picture)),
                    Err(decoder::Problem::Picture(problem)) => problems.push(problem),
                    // Nor will the next ones: they would wait as long.
                    Err(decoder::Problem::Decoder(problem)) => {
                        problems.push(problem);
                        break;
                    }
                }
            }
            dispatch(&this, Event::Brought(pictures, problems));
        });
        Ok(())
    }

    /// Says when a picture can be used, where there is no model yet.
    pub(super) fn complain_without_model(&self) -> Result<()> {
        match self.state {
            // What failed, and what can be done, is on the screen.
            State::Error => Ok(()),
            State::Poster => complain_alone(texts::start_first()),
            _ => complain_alone(texts::model_still_loading()),
        }
    }

    /// Takes in pictures of the visitor's, with the files that they came from, and goes to a room that has use for them.
    pub(super) fn bring(&mut self, pictures: Vec<(Option<File>, Pictures)>, problems: &[String]) -> Result<()> {
        status::clear_errors()?;
        self.say_where()?;
        for problem in problems {
            status::complain(problem)?;
        }
        if pictures.is_empty() {
            return Ok(());
        }
        if self.loaded.is_none() {
            return self.complain_without_model();
        }
        // The dialog would hide what comes, and belongs to the run of before.
        viewer::close()?;
        for (file, picture) in pictures {
            self.add_own(&picture, file);
        }
        self.read_stale();
        self.show_shelf()?;
        match self.settings.task {
            Task::Sample | Task::About => self.enter_room(Task::Inpaint),
            // The chains that walk are on the plane of before.
            Task::Landscape if self.running.as_ref().is_some_and(|running| running.room == Task::Landscape) => Ok(()),
            Task::Landscape => self.choose_picture(self.shelf.chosen()),
            Task::Outliers => {
                self.chose = true;
                self.judge()?;
                self.remember()
            }
            Task::Inpaint | Task::Denoise => self.remember(),
        }
    }

    /// Has the visitor's pictures that are of another model's size read once more: resizing what was resized is not what
    /// the trainer would see.
    pub(super) fn read_stale(&mut self) {
        // One at a time: eight photographs at once are more than a phone has room for.
        let (Some(loaded), Some((own, file)), false) = (&self.loaded, self.shelf.stale(), self.reading) else { return };
        self.reading = true;
        let (side, channels, this) = (loaded.size, loaded.channels, self.this.clone());
        spawn_local(async move {
            match decoder::picture(&file, side, channels).await {
                Ok(picture) => dispatch(&this, Event::ReadAgain(own, Some(picture))),
                Err(decoder::Problem::Picture(_)) => dispatch(&this, Event::ReadAgain(own, None)),
                // Nor the others: they are read when another model comes.
                Err(decoder::Problem::Decoder(_)) => dispatch(&this, Event::NoReader),
            }
        });
    }

    /// Takes in a picture that was read once more.
    pub(super) fn read_again(&mut self, own: u32, picture: Option<&Pictures>) -> Result<()> {
        self.reading = false;
        let replaced = match picture {
            Some(picture) => self.shelf.replace(own, picture),
            None => {
                // A file that has gone meanwhile stays as it is at hand.
                self.shelf.forget_file(own);
                None
            }
        };
        self.read_stale();
        let Some(chosen) = replaced else { return Ok(()) };
        self.show_shelf()?;
        if chosen && self.settings.task == Task::Outliers { self.judge() } else { Ok(()) }
    }
}

fn sorted(items: &[Item]) -> Brought {
    web::sort(&items.iter().map(|item| item.path.clone()).collect::<Vec<_>>())
}

/// Complains of what was brought now, and of nothing before.
fn complain_alone(sentence: &str) -> Result<()> {
    status::clear_errors()?;
    status::complain(sentence)
}

/// The settings that a saved file carries, which stand before its pixels.
async fn settings_in(file: &File) -> Option<String> {
    const ENOUGH: f64 = 100_000.0;
    let head = file.slice_with_f64_and_f64(0.0, ENOUGH).ok()?;
    let buffer = JsFuture::from(head.array_buffer()).await.ok()?;
    let head = js_sys::Uint8Array::new(&buffer).to_vec();
    web::settings_in(&head).or_else(|| web::settings_of_json(&head))
}
