//! The pictures at hand: the model's, and those that the visitor brought, drew or sampled.

use wasm_bindgen::JsCast;
use web::{Pictures, texts};
use web_sys::{Element, Event, File, HtmlCanvasElement, HtmlInputElement};

use crate::{
    dom::{Result, all, by_id, create, on, refill},
    tile,
};

/// The row of pictures to choose from.
#[derive(Default)]
pub struct Shelf {
    /// The model's, then those of the visitor.
    pictures: Pictures,
    of_model: usize,
    chosen: usize,
    /// What is known of each of the visitor's.
    own: Vec<Own>,
    numbers: u32,
}

/// One of the visitor's pictures.
struct Own {
    number: u32,
    /// Where it came from, if it is not a drawing or a sample.
    file: Option<File>,
    /// Whether it was resized from the size of another model.
    stale: bool,
}

impl Shelf {
    /// The visitor's pictures that are kept.
    pub const MOST_OWN: usize = 8;

    /// Offers the pictures of a model: held-out ones, or samples where none came with it. What the visitor brought is kept,
    /// in the new model's size, and so is a choice among it where none of the model's is `chosen`.
    pub fn offer(&mut self, mut pictures: Pictures, chosen: Option<usize>) {
        let own_chosen = self.chosen.checked_sub(self.of_model).filter(|own| *own < self.own.len());
        let another = (pictures.side, pictures.channels) != (self.pictures.side, self.pictures.channels);
        self.own.iter_mut().for_each(|own| own.stale |= another);
        let own = self.pictures.fitted_from(self.of_model, pictures.side, pictures.channels);
        self.of_model = pictures.count();
        pictures.values.extend(own);
        let chosen = chosen.or(own_chosen.map(|own| self.of_model + own)).unwrap_or_default();
        self.chosen = chosen.min(pictures.count().saturating_sub(1));
        self.pictures = pictures;
    }

    /// Adds a picture of the visitor's, with the file that it came from, and chooses it; not before a model has said how
    /// large its pictures are, nor one that is empty.
    pub fn add(&mut self, picture: &Pictures, file: Option<File>) {
        let (side, channels) = (self.pictures.side, self.pictures.channels);
        let length = side * side * channels;
        if length == 0 || picture.values.is_empty() {
            return;
        }
        if self.pictures.count() == self.of_model + Self::MOST_OWN {
            let oldest = self.of_model * length;
            self.pictures.values.drain(oldest..oldest + length);
            self.own.remove(0);
        }
        self.numbers += 1;
        let stale = (picture.side, picture.channels) != (side, channels);
        self.own.push(Own { number: self.numbers, file, stale });
        self.pictures.values.extend(picture.fitted(side, channels).values);
        self.chosen = self.pictures.count() - 1;
    }

    /// The visitor's pictures that were resized from another model's size, with the files to read them from once more.
    pub fn stale(&self) -> Vec<(u32, File)> {
        let stale = self.own.iter().filter(|own| own.stale);
        stale.filter_map(|own| Some((own.number, own.file.clone()?))).collect()
    }

    /// Puts a picture of the model's size in the place of one of the visitor's, and says whether that is the chosen one;
    /// nothing where it has gone or the size is not the model's any more.
    pub fn replace(&mut self, number: u32, picture: &Pictures) -> Option<bool> {
        let at = self.own.iter().position(|own| own.number == number)?;
        let index = self.of_model + at;
        let length = self.pictures.length();
        if (picture.side, picture.channels) != (self.pictures.side, self.pictures.channels) {
            return None;
        }
        self.pictures.values[index * length..(index + 1) * length].copy_from_slice(&picture.values);
        self.own[at].stale = false;
        Some(index == self.chosen)
    }

    /// Shows the pictures; `choose` hears which is chosen.
    pub fn show(&self, choose: impl Fn(usize) + Clone + 'static) -> Result<()> {
        let mut choices: Vec<Element> = Vec::new();
        for index in 0..self.pictures.count() {
            let label: Element = create("label", "")?;
            let radio: HtmlInputElement = create("input", "")?;
            radio.set_type("radio");
            radio.set_name("picture");
            radio.set_checked(index == self.chosen);
            let name = match index.checked_sub(self.of_model) {
                None => texts::picture_number(index + 1),
                Some(own) => texts::own_picture(own + 1),
            };
            radio.set_attribute("aria-label", &name)?;
            let canvas: HtmlCanvasElement = create("canvas", "")?;
            tile::draw_picture(&canvas, &self.pictures, index)?;
            label.append_child(&radio)?;
            label.append_child(&canvas)?;
            let choose = choose.clone();
            on(&radio, "change", move |_: Event| choose(index))?;
            choices.push(label);
        }
        refill(&by_id::<Element>("pictures")?, choices)
    }

    /// Marks one of the pictures that are shown.
    pub fn mark(index: usize) -> Result<()> {
        if let Some(radio) = all("#pictures input")?.get(index).and_then(|radio| radio.dyn_ref::<HtmlInputElement>()) {
            radio.set_checked(true);
        }
        Ok(())
    }

    pub fn choose(&mut self, index: usize) {
        self.chosen = index.min(self.pictures.count().saturating_sub(1));
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.pictures.count()
    }

    /// Whether some are the visitor's.
    pub fn has_own(&self) -> bool {
        !self.own.is_empty()
    }

    /// How many of them are the model's.
    pub fn of_model(&self) -> usize {
        self.of_model
    }

    /// The number of the chosen one, if it is one of the model's.
    pub fn chosen_of_model(&self) -> Option<usize> {
        (self.chosen < self.of_model).then_some(self.chosen)
    }

    pub fn chosen(&self) -> usize {
        self.chosen
    }

    /// One picture; empty if there is none of this number.
    pub fn picture(&self, index: usize) -> Pictures {
        Pictures { values: self.pictures.picture(index).to_vec(), ..self.pictures }
    }
}
