//! The model's card.

use web::messages::Loaded;
use web_sys::Element;

use crate::{
    dom::{Result, by_id, create, refill, written},
    numbers::{duration, grouped},
};

/// Writes the card of the loaded model.
pub fn show(loaded: &Loaded) -> Result<()> {
    let card = &loaded.card;
    let colour = if loaded.channels == 1 { "grey" } else { "colour" };
    let (size, held_out) = (loaded.size, loaded.held_out);
    let guide = card.guide.as_ref().map(|(guide, weight)| {
        format!("{guide}: new pictures keep away from this weaker model’s errors, down E + {weight} (E − its energy)")
    });
    let network = format!("{}, {} parameters", card.network, grouped(card.parameters as u64));
    let seen = format!("{} steps, {} pictures seen", grouped(card.steps), grouped(card.images_seen));
    let rows = [
        ("Data", Some(card.data.clone())),
        ("Licence of the data", Some(card.licence.clone())),
        ("Pictures", Some(format!("{size} by {size} pixels, {colour}; {held_out} held-out ones came with the model"))),
        ("Network", Some(network)),
        ("Guide", guide),
        ("Training", Some(format!("{seen}, {}", duration(card.seconds * 1000.0)))),
        ("Noise levels", Some(format!("{} to {}, σ₀ {}", loaded.noise.0, loaded.noise.1, loaded.sigma_0))),
        ("Weights", Some(format!("{} kB, SHA-256 {}", card.bytes / 1000, loaded.sha256))),
    ];
    let list: Element = create("dl", "card")?;
    for (name, text) in rows.into_iter().filter_map(|(name, text)| Some((name, text?))) {
        list.append_child(&*written("dt", "", name)?)?;
        list.append_child(&*written("dd", "", &text)?)?;
    }
    let table: Element = create("table", "")?;
    table.append_child(&*written("caption", "", "Measured at export")?)?;
    for (name, value, how) in &card.metrics {
        let row: Element = create("tr", "")?;
        let head = written("th", "", name)?;
        head.set_attribute("scope", "row")?;
        row.append_child(&head)?;
        row.append_child(&*written("td", "", &format!("{value:.3}"))?)?;
        row.append_child(&*written("td", "", how)?)?;
        table.append_child(&row)?;
    }
    refill(&by_id::<Element>("card")?, [list, table])
}
