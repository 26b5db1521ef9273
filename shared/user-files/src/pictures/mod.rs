//! Pictures as the networks see them: from the bytes of a file to an upright, opaque picture, of which the middle is
//! resized.

mod decode;
mod fit;
mod jpeg;
mod markup;

pub use decode::{MAGIC, decode, dimensions, is_picture};
pub use fit::{Middle, fit};
pub use image::DynamicImage;

/// The bytes of an opaque picture as [height, width, channels]; none if `channels` is neither 1 nor 3.
#[must_use]
pub fn interleaved(picture: &DynamicImage, channels: usize) -> Option<Vec<u8>> {
    match channels {
        1 => Some(picture.to_luma8().into_raw()),
        3 => Some(picture.to_rgb8().into_raw()),
        _ => None,
    }
}

/// The same as [channels, height, width].
#[must_use]
pub fn planes(picture: &DynamicImage, channels: usize) -> Option<Vec<u8>> {
    let bytes = interleaved(picture, channels)?;
    Some((0..channels).flat_map(|channel| bytes.iter().skip(channel).step_by(channels).copied()).collect())
}
