//! Files of the visitor's as pictures. Nothing of a file but its pixels is kept.

use js_sys::{Array, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web::{Pictures, image_file};
use web_sys::{Blob, BlobPropertyBag, File, HtmlCanvasElement, ImageBitmap};

use crate::{
    dom::{create, pen, window},
    said,
};

/// The bytes of a file, if it is not too long.
///
/// # Errors
/// A sentence.
pub async fn bytes(file: &File) -> Result<Vec<u8>, String> {
    if file.size() > image_file::MOST_BYTES as f64 {
        let most = image_file::MOST_BYTES / 1_000_000;
        return Err(format!("“{}” has more than {most} megabytes. Choose a smaller file.", file.name()));
    }
    let unreadable = |error: JsValue| format!("“{}” cannot be read ({}). Choose it again.", file.name(), said(&error));
    let buffer = JsFuture::from(file.array_buffer()).await.map_err(unreadable)?;
    Ok(Uint8Array::new(&buffer).to_vec())
}

/// The middle square of an image as a picture in colour of this side.
///
/// # Errors
/// A sentence.
pub async fn picture(bytes: &[u8], side: usize) -> Result<Pictures, String> {
    // Before the browser decodes anything.
    let kind = image_file::check(bytes)?;
    let decoded = decode(bytes, kind, side).await;
    decoded.map_err(|error| format!("The image cannot be decoded ({}). Choose another one.", said(&error)))
}

async fn decode(bytes: &[u8], kind: &str, side: usize) -> Result<Pictures, JsValue> {
    let options = BlobPropertyBag::new();
    options.set_type(kind);
    let blob = Blob::new_with_u8_array_sequence_and_options(&Array::of1(&Uint8Array::from(bytes)), &options)?;
    let bitmap: ImageBitmap = JsFuture::from(window()?.create_image_bitmap_with_blob(&blob)?).await?.unchecked_into();
    let canvas: HtmlCanvasElement = create("canvas", "")?;
    canvas.set_width(side as u32);
    canvas.set_height(side as u32);
    let pen = pen(&canvas)?;
    // What is transparent becomes black, as the ground of the data sets is.
    pen.set_fill_style_str("#000000");
    let (width, height, side_length) = (f64::from(bitmap.width()), f64::from(bitmap.height()), side as f64);
    pen.fill_rect(0.0, 0.0, side_length, side_length);
    let square = width.min(height);
    let (left, top) = ((width - square) / 2.0, (height - square) / 2.0);
    pen.draw_image_with_image_bitmap_and_sw_and_sh_and_dx_and_dy_and_dw_and_dh(
        &bitmap,
        left,
        top,
        square,
        square,
        0.0,
        0.0,
        side_length,
        side_length,
    )?;
    bitmap.close();
    let rgba = pen.get_image_data(0.0, 0.0, side_length, side_length)?.data();
    let rgb: Vec<u8> = rgba.as_chunks::<4>().0.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect();
    Ok(Pictures::from_bytes(side, 3, &rgb))
}
