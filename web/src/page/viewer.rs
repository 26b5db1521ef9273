//! One chain, large.

use web::texts;
use web_sys::{HtmlCanvasElement, HtmlDialogElement};

use crate::{
    chart::Chart,
    dom::{Result, by_id, write},
    numbers::short,
    tile,
    view::View,
};

/// Opens the dialog.
pub fn open() -> Result<()> {
    let dialog: HtmlDialogElement = by_id("chain")?;
    if dialog.open() { Ok(()) } else { dialog.show_modal() }
}

/// Closes it.
pub fn close() -> Result<()> {
    by_id::<HtmlDialogElement>("chain")?.close();
    Ok(())
}

/// Shows a chain of a run, if the dialog is open.
pub fn show(view: &View, chain: usize) -> Result<()> {
    if !by_id::<HtmlDialogElement>("chain")?.open() {
        return Ok(());
    }
    write("chain-title", &texts::picture_number(chain + 1))?;
    let (pictures, energies) = view.shown();
    tile::draw_picture(&by_id::<HtmlCanvasElement>("chain-picture")?, &pictures, chain)?;
    let moments = view.trajectory.moments();
    let chart = Chart { moments, steps: view.settings.steps, chain: Some(chain), marked: view.looked_at };
    chart.draw(&by_id::<HtmlCanvasElement>("chain-chart")?)?;
    let energy = energies.get(chain).map_or_else(|| "–".to_owned(), |&energy| short(energy));
    write("chain-energy", &texts::chain_energy(energy))
}
