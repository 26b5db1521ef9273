//! A small canvas with one picture, one canvas pixel for each of its pixels; the style sheet enlarges it.

use wasm_bindgen::Clamped;
use web::Pictures;
use web_sys::{Element, HtmlCanvasElement, ImageData};

use crate::dom::{Result, create, pen, written};

/// Draws a square picture given as red, green, blue, alpha bytes.
pub fn draw(canvas: &HtmlCanvasElement, side: usize, rgba: &[u8]) -> Result<()> {
    // Setting the size clears the canvas, even to the same size.
    if canvas.width() as usize != side || canvas.height() as usize != side {
        canvas.set_width(side as u32);
        canvas.set_height(side as u32);
    }
    let image = ImageData::new_with_u8_clamped_array_and_sh(Clamped(rgba), side as u32, side as u32)?;
    pen(canvas)?.put_image_data(&image, 0.0, 0.0)
}

/// Draws nothing.
pub fn clear(canvas: &HtmlCanvasElement) -> Result<()> {
    draw(canvas, 1, &[0; 4])
}

/// Draws one of several pictures, or nothing where there is none of this number.
pub fn draw_picture(canvas: &HtmlCanvasElement, pictures: &Pictures, index: usize) -> Result<()> {
    let rgba = pictures.rgba(index);
    if rgba.is_empty() { clear(canvas) } else { draw(canvas, pictures.side, &rgba) }
}

/// A figure of a picture, with its name and a number below.
pub fn figure(pictures: &Pictures, index: usize, name: &str, number: &str) -> Result<Element> {
    let figure: Element = create("figure", "")?;
    let canvas: HtmlCanvasElement = create("canvas", "")?;
    canvas.set_attribute("role", "img")?;
    canvas.set_attribute("aria-label", name)?;
    draw_picture(&canvas, pictures, index)?;
    let caption: Element = create("figcaption", "")?;
    caption.append_child(&*written("span", "", name)?)?;
    caption.append_child(&*written("span", "number", number)?)?;
    figure.append_child(&canvas)?;
    figure.append_child(&caption)?;
    Ok(figure)
}
