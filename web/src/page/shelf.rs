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
        let own_chosen = self.own(self.chosen);
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
    /// large its pictures are, nor one that is empty. Gives the number of the one that had to go for it, which is none of
    /// those that are `used`.
    pub fn add(&mut self, picture: &Pictures, file: Option<File>, used: &[usize]) -> Option<usize> {
        let (side, channels) = (self.pictures.side, self.pictures.channels);
        let length = side * side * channels;
        if length == 0 || picture.values.is_empty() {
            return None;
        }
        let full = self.own.len() == Self::MOST_OWN;
        let gone = (self.of_model..self.pictures.count()).find(|own| full && !used.contains(own));
        if let Some(gone) = gone {
            self.pictures.values.drain(gone * length..(gone + 1) * length);
            self.own.remove(gone - self.of_model);
        }
        self.numbers += 1;
        let stale = (picture.side, picture.channels) != (side, channels);
        self.own.push(Own { number: self.numbers, file, stale });
        self.pictures.values.extend(picture.fitted(side, channels).values);
        self.chosen = self.pictures.count() - 1;
        gone
    }

    /// One of the visitor's pictures that were resized from another model's size, with the file to read it from once more.
    pub fn stale(&self) -> Option<(u32, File)> {
        self.own.iter().filter(|own| own.stale).find_map(|own| Some((own.number, own.file.clone()?)))
    }

    /// That the file of one of the visitor's pictures can be read no more.
    pub fn forget_file(&mut self, number: u32) {
        self.own.iter_mut().filter(|own| own.number == number).for_each(|own| own.file = None);
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

    /// Which of the visitor's the picture of this number is, if it is one.
    pub fn own(&self, index: usize) -> Option<usize> {
        index.checked_sub(self.of_model).filter(|own| *own < self.own.len())
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

#[cfg(test)]
mod tests {
    use super::*;

    /// So many pictures of one pixel, which tells them apart.
    fn pictures(from: u8, count: u8) -> Pictures {
        Pictures { side: 1, channels: 1, values: (from..from + count).map(f32::from).collect() }
    }

    #[test]
    fn the_oldest_that_nobody_uses_goes() {
        let mut shelf = Shelf::default();
        assert_eq!(shelf.add(&pictures(9, 1), None, &[]), None, "before a model has come there is no place");
        shelf.offer(pictures(0, 2), Some(0));
        for own in 0..8 {
            assert_eq!(shelf.add(&pictures(100 + own, 1), None, &[]), None);
        }
        assert_eq!(shelf.add(&pictures(200, 1), None, &[2, 1, 4]), Some(3));
        assert_eq!([2, 3, 9].map(|index| shelf.picture(index).values[0]), [100.0, 102.0, 200.0]);
        assert_eq!((shelf.count(), shelf.chosen()), (10, 9));
    }

    #[test]
    fn the_visitors_pictures_are_known_beside_those_of_any_model() {
        let mut shelf = Shelf::default();
        shelf.offer(pictures(0, 3), Some(0));
        shelf.add(&pictures(100, 1), None, &[]);
        assert_eq!([2, 3, 4].map(|index| shelf.own(index)), [None, Some(0), None]);
        shelf.offer(pictures(0, 5), None);
        assert_eq!((shelf.own(5), shelf.chosen(), shelf.picture(5).values[0]), (Some(0), 5, 100.0));
    }
}
