//! `held-out.png`: pictures that the model was not trained on, side by side in one strip.

use std::io::Cursor;

use png::{BitDepth, ColorType, Decoder, Limits};

/// The floats of `count` pictures, `[N, H, W, C]`, each the file's byte over 255.
///
/// # Errors
/// What is wrong with the file, as the end of a sentence.
pub(crate) fn decode(file: &[u8], count: usize, size: usize, channels: usize) -> Result<Vec<f32>, String> {
    let color = match channels {
        1 => ColorType::Grayscale,
        3 => ColorType::Rgb,
        _ => return Err(format!("pictures of {channels} channels are not shown")),
    };
    let damaged = |error: png::DecodingError| format!("it is no usable PNG file ({error})");
    let mut reader = Decoder::new_with_limits(Cursor::new(file), Limits { bytes: 1 << 26 }).read_info().map_err(damaged)?;
    let info = reader.info();
    let found = (info.width as usize, info.height as usize, info.color_type, info.bit_depth);
    let wanted = (count * size, size, color, BitDepth::Eight);
    if found != wanted {
        return Err(format!("it is {found:?} where the manifest says {wanted:?}"));
    }
    let mut bytes = vec![0; count * size * size * channels];
    reader.next_frame(&mut bytes).map_err(damaged)?;
    let row = size * channels;
    let rows = (0..count).flat_map(|n| (0..size).map(move |y| (y * count + n) * row));
    Ok(rows.flat_map(|start| &bytes[start..start + row]).map(|&byte| f32::from(byte) / 255.0).collect())
}
