//! The pictures that rooms share: those of a model, and the visitor's.

use std::mem;

use js_sys::Math;
use wasm_bindgen::JsCast;
use web::{Known, Pictures, Settings, Task, texts};
use web_sys::{File, HtmlCanvasElement, HtmlElement, HtmlInputElement};

use super::{App, Event, dispatch};
use crate::{
    about, controls,
    dom::{Result, all, by_id},
    focus,
    shelf::Shelf,
    status, tile,
};

impl App {
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
        let failed = self.loaded.as_ref().is_some_and(|loaded| loaded.held_out_problem.is_some());
        by_id::<HtmlElement>("none-come")?.set_hidden(held_out || failed);
        let licence = self.loaded.as_ref().and_then(|loaded| loaded.card.pictures_licence.as_deref());
        by_id::<HtmlElement>("others-instead")?.set_hidden(!held_out || licence.is_none());
        let others = licence.map(texts::others_instead).unwrap_or_default();
        about::write_with_english("others-instead", &others, licence.as_slice())?;
        by_id::<HtmlElement>("samples-instead")?.set_hidden(held_out || self.shelf.of_model() == 0);
        self.editor.set_picture(self.shelf.picture(self.shelf.chosen()), self.settings.mask);
        self.show_corners()
    }

    /// Offers a model's pictures. Corners that are the visitor's own pictures stay what they are.
    pub(super) fn offer(&mut self, pictures: Pictures) -> Result<()> {
        let own = self.settings.corners.map(|corner| self.shelf.own(corner));
        self.correct_numbers(pictures.count(), own)?;
        self.shelf.offer(pictures, self.settings.picture);
        for (corner, own) in self.settings.corners.iter_mut().zip(own) {
            *corner = own.map_or(*corner, |own| self.shelf.of_model() + own);
        }
        Ok(())
    }

    /// Corrects numbers of pictures that a model with so many does not have, but for corners that are the visitor's `own`.
    /// It is told where an address or a file asks for them: later ones were those of another model, and nobody's fault.
    pub(super) fn correct_numbers(&mut self, of_model: usize, own: [Option<usize>; 3]) -> Result<()> {
        let Some(last) = of_model.checked_sub(1) else { return Ok(()) };
        let is_told = mem::take(&mut self.asks_for_pictures);
        if let Some(asked) = self.settings.picture.filter(|asked| *asked > last) {
            if is_told {
                status::note_of_model(&texts::unknown_picture(asked, last))?;
            }
            self.settings.picture = Some(0);
        }
        let corners = self.settings.corners;
        let unknown = corners.into_iter().zip(own).find(|(corner, own)| own.is_none() && *corner > last);
        if let Some((asked, _)) = unknown {
            if is_told && corners != Settings::CORNERS {
                status::note_of_model(&texts::unknown_corner(asked, last))?;
            }
            for (place, _) in own.iter().enumerate().filter(|(_, own)| own.is_none()) {
                self.settings.corners[place] = place.min(last);
            }
        }
        Ok(())
    }

    /// Offers colours to a model of colour pictures only. What was chosen goes where it cannot stay, which is told.
    pub(super) fn offer_colours(&mut self, channels: usize) -> Result<()> {
        if !controls::offer_colours(channels)? {
            status::note_of_model(texts::no_colours())?;
            self.settings.known = Known::Part;
            controls::show_known(&self.settings)?;
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

    fn show_corners(&self) -> Result<()> {
        for (canvas, corner) in all(".corners canvas")?.into_iter().zip(self.settings.corners) {
            let canvas: HtmlCanvasElement = canvas.unchecked_into();
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
