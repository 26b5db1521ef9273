//! A small canvas with one picture, one canvas pixel for each of its pixels; the style sheet enlarges it.

use wasm_bindgen::{Clamped, JsCast};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, ImageData};

use crate::dom::Result;

/// Draws a square picture given as red, green, blue, alpha bytes.
pub fn draw(canvas: &HtmlCanvasElement, side: usize, rgba: &[u8]) -> Result<()> {
    // Setting the size clears the canvas, even to the same size.
    if canvas.width() as usize != side || canvas.height() as usize != side {
        canvas.set_width(side as u32);
        canvas.set_height(side as u32);
    }
    let context = canvas.get_context("2d")?.ok_or("this browser draws no canvas")?;
    let context: CanvasRenderingContext2d = context.unchecked_into();
    let image = ImageData::new_with_u8_clamped_array_and_sh(Clamped(rgba), side as u32, side as u32)?;
    context.put_image_data(&image, 0.0, 0.0)
}
