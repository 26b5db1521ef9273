//! The model's card.

use web::{decimal, grouped, messages::Loaded, texts};
use web_sys::Element;

use crate::{
    dom::{Result, by_id, create, refill, written},
    numbers::{duration, fixed},
};

/// Writes the card of the loaded model.
pub fn show(loaded: &Loaded) -> Result<()> {
    let card = &loaded.card;
    let (size, held_out) = (loaded.size, loaded.held_out);
    let pictures =
        if loaded.channels == 1 { texts::size_grey(held_out, size) } else { texts::size_colour(held_out, size) };
    let guide = card.guide.as_ref().map(|(guide, weight)| texts::guide_of(guide, decimal(*weight)));
    let network = texts::network_of(&card.network, grouped(card.parameters as f64));
    let time = duration(card.seconds * 1000.0);
    let training = texts::training_of(grouped(card.images_seen as f64), grouped(card.steps as f64), time);
    let noise = texts::noise_range(decimal(loaded.noise.1), decimal(loaded.noise.0), decimal(loaded.sigma_0));
    let weights = texts::weights_of(&loaded.sha256, grouped(card.bytes as f64 / 1000.0));
    let rows = [
        (texts::data(), Some(card.data.clone()), true),
        (texts::licence_of_data(), Some(card.licence.clone()), true),
        (texts::pictures(), Some(pictures), false),
        (texts::licence_of_pictures(), card.pictures_licence.clone(), true),
        (texts::network(), Some(network), false),
        (texts::guide(), guide, false),
        (texts::training(), Some(training), false),
        (texts::noise_levels(), Some(noise), false),
        (texts::weights(), Some(weights), false),
    ];
    let list: Element = create("dl", "card")?;
    for (name, text, is_english) in rows.into_iter().filter_map(|(name, text, of)| Some((name, text?, of))) {
        list.append_child(&*written("dt", "", name)?)?;
        let row = if is_english { english("dd", &text)? } else { written("dd", "", &text)? };
        list.append_child(&row)?;
    }
    // As much as all the rest of the room.
    let (folded, table): (Element, Element) = (create("details", "")?, create("table", "")?);
    folded.append_child(&*written("summary", "", texts::measured())?)?;
    folded.append_child(&table)?;
    for (name, value, how) in &card.metrics {
        let row: Element = create("tr", "")?;
        let head = english("th", name)?;
        head.set_attribute("scope", "row")?;
        row.append_child(&head)?;
        row.append_child(&*written("td", "", &fixed(*value, 3))?)?;
        row.append_child(&*english("td", how)?)?;
        table.append_child(&row)?;
    }
    refill(&by_id::<Element>("card")?, [list, folded])
}

/// Writes a sentence in which these words of a card are English, in this order.
pub fn write_with_english(id: &str, sentence: &str, words: &[&str]) -> Result<()> {
    let place: Element = by_id(id)?;
    place.set_text_content(None);
    let mut rest = sentence;
    for word in words {
        if let Some((before, after)) = rest.split_once(word) {
            place.append_with_str_1(before)?;
            place.append_child(&*english("span", word)?)?;
            rest = after;
        }
    }
    place.append_with_str_1(rest)
}

/// An element with words that the model's card has in English, whatever the page speaks.
fn english(tag: &str, text: &str) -> Result<Element> {
    let element = written(tag, "", text)?;
    element.set_attribute("lang", "en")?;
    Ok(element)
}
