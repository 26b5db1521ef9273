//! The toy in the plane: two energies beside each other, with the data and chains on them.

use wasm_bindgen::Clamped;
use web::{
    messages::{ToyReport, ToySide},
    texts,
};
use web_sys::{HtmlCanvasElement, ImageData};

use crate::{
    dom::{Result, all, by_id, create, pen, rewrite},
    heat,
    numbers::{compressed, short},
};

/// Shows a report of the toy.
pub fn show(report: &ToyReport, payload: &[f32]) -> Result<()> {
    let (trained, of) = report.trained;
    let (walked, steps) = report.walked;
    let ended = walked == steps;
    // Which is read aloud: once, not at every step.
    let text = match (trained < of, ended) {
        (true, _) => texts::training_both(),
        (false, false) => texts::chains_walk(),
        (false, true) => texts::done(),
    };
    rewrite("toy-status", text)?;
    let (points, rest) = payload.split_at_checked(2 * report.points).unwrap_or_default();
    let cells = report.side * report.side;
    let (maps, chains) = rest.split_at_checked(2 * cells).unwrap_or_default();
    let captions = all(".toys figcaption span")?;
    let sides = maps.chunks(cells).zip(chains.chunks(2 * report.chains)).zip(report.sides);
    for (((map, chains), side), (id, caption)) in sides.zip(["toy-one", "toy-many"].into_iter().zip(captions)) {
        draw(&by_id(id)?, report, map, points, if walked > 0 { chains } else { &[] })?;
        caption.set_text_content(Some(&said(side, ended.then(|| outside(report, chains)))));
    }
    Ok(())
}

/// Shows nothing of any toy.
pub fn clear() -> Result<()> {
    rewrite("toy-status", "")?;
    for caption in all(".toys figcaption span")? {
        caption.set_text_content(None);
    }
    for id in ["toy-one", "toy-many"] {
        let canvas: HtmlCanvasElement = by_id(id)?;
        // Setting the size clears it.
        canvas.set_width(canvas.width());
    }
    Ok(())
}

/// The share of the chains that left the square.
fn outside(report: &ToyReport, chains: &[f32]) -> f32 {
    let left = |place: &&[f32; 2]| place.iter().any(|value| value.abs() > report.reach);
    chains.as_chunks::<2>().0.iter().filter(left).count() as f32 / report.chains.max(1) as f32
}

/// `outside` is known once the chains have ended.
fn said(side: ToySide, outside: Option<f32>) -> String {
    match outside {
        None => texts::loss(short(side.loss)),
        Some(outside) => {
            let (near, left) = ((100.0 * side.near).round(), (100.0 * outside).round());
            if left < 1.0 { texts::end_at_data(near) } else { texts::end_and_left(left, near) }
        }
    }
}

fn draw(canvas: &HtmlCanvasElement, report: &ToyReport, map: &[f32], points: &[f32], chains: &[f32]) -> Result<()> {
    let pen = pen(canvas)?;
    let size = f64::from(canvas.width());
    let heights: Vec<f32> = map.iter().map(|&energy| energy - lowest(map)).map(compressed).collect();
    let small: HtmlCanvasElement = create("canvas", "")?;
    small.set_width(report.side as u32);
    small.set_height(report.side as u32);
    let (rgba, side) = (heat::colours(&heights), report.side as u32);
    let image = ImageData::new_with_u8_clamped_array_and_sh(Clamped(&rgba), side, side)?;
    crate::dom::pen(&small)?.put_image_data(&image, 0.0, 0.0)?;
    pen.draw_image_with_html_canvas_element_and_dw_and_dh(&small, 0.0, 0.0, size, size)?;
    let reach = f64::from(report.reach);
    let at = |x: f32, y: f32| ((f64::from(x) / reach + 1.0) / 2.0 * size, (1.0 - f64::from(y) / reach) / 2.0 * size);
    for (places, colour, radius) in [(points, "rgba(255, 255, 255, 0.35)", 1.2), (chains, "#ffdc64", 3.2)] {
        pen.set_fill_style_str(colour);
        for &[x, y] in places.as_chunks::<2>().0 {
            // Who left the square waits at its edge.
            let (x, y) = at(x, y);
            let (x, y) = (x.clamp(radius, size - radius), y.clamp(radius, size - radius));
            pen.begin_path();
            pen.arc(x, y, radius, 0.0, std::f64::consts::TAU)?;
            pen.fill();
        }
    }
    Ok(())
}

fn lowest(map: &[f32]) -> f32 {
    map.iter().fold(f32::MAX, |low, &value| low.min(value))
}
