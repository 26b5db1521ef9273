//! JPEG files, whole ones only: what is missing of one that was cut off would be filled with grey.

use std::io::{BufRead, Seek};

use image::{DynamicImage, GrayImage, RgbImage, metadata::Orientation};
use zune_jpeg::{
    JpegDecoder,
    errors::DecodeErrors,
    zune_core::{
        bytestream::{ZByteReaderTrait, ZCursor},
        colorspace::ColorSpace,
        options::DecoderOptions,
    },
};

/// The markers that end a picture, begin one, and stand in its coded data.
const END: u8 = 0xD9;
const WITHOUT_LENGTH: [u8; 10] = [0x00, 0x01, 0xD0, 0xD1, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7];

/// What the decoder finds wrong is of use to programmers alone.
const DAMAGED: &str = "the file is cut off or damaged";

/// Decodes a whole file, as grey or RGB, and says how the camera was held. `check` is asked for the width and height
/// before anything is decoded.
///
/// # Errors
/// The file ends early or is damaged, or what `check` says.
pub(super) fn decode(
    bytes: &[u8],
    check: impl Fn(usize, usize) -> Result<(), String>,
) -> Result<(DynamicImage, Orientation), String> {
    let mut decoder = reader(ZCursor::new(bytes)).map_err(|_| DAMAGED.to_owned())?;
    let (width, height) = decoder.dimensions().ok_or("it has no size")?;
    check(width, height)?;
    if !is_whole(bytes) {
        return Err("the file ends before the picture does".to_owned());
    }
    let grey = decoder.input_colorspace() == Some(ColorSpace::Luma);
    let space = if grey { ColorSpace::Luma } else { ColorSpace::RGB };
    decoder.set_options(decoder.options().jpeg_set_out_colorspace(space));
    let pixels = decoder.decode().map_err(|_| DAMAGED.to_owned())?;
    let orientation = decoder.exif().and_then(|exif| Orientation::from_exif_chunk(exif));
    let (columns, rows) = (width as u32, height as u32);
    let picture = match grey {
        true => GrayImage::from_raw(columns, rows, pixels).map(DynamicImage::from),
        false => RgbImage::from_raw(columns, rows, pixels).map(DynamicImage::from),
    };
    let picture = picture.ok_or("it has fewer pixels than it says")?;
    Ok((picture, orientation.unwrap_or(Orientation::NoTransforms)))
}

/// The width and height in the header of a file.
pub(super) fn dimensions(file: impl BufRead + Seek) -> Option<(usize, usize)> {
    reader(file).ok()?.dimensions()
}

/// A decoder that has read the header. Strict, for else it makes up what it cannot read.
fn reader<T: ZByteReaderTrait>(source: T) -> Result<JpegDecoder<T>, DecodeErrors> {
    let options = DecoderOptions::default().set_strict_mode(true).set_max_width(usize::MAX).set_max_height(usize::MAX);
    let mut decoder = JpegDecoder::new_with_options(source, options);
    decoder.decode_headers()?;
    Ok(decoder)
}

/// Whether the file goes on to the marker that ends the picture, which the decoder does not mind. What follows it, such
/// as a second picture for brighter screens, is of no account.
fn is_whole(bytes: &[u8]) -> bool {
    // After the marker that begins the picture.
    let mut rest = bytes.get(2..).unwrap_or_default();
    loop {
        let Some(at) = rest.iter().position(|&byte| byte == 0xFF) else { return false };
        rest = &rest[at + 1..];
        rest = match rest {
            [] => return false,
            [END, ..] => return true,
            // A byte that fills up: the marker is still to come.
            [0xFF, ..] => rest,
            [marker, after @ ..] if WITHOUT_LENGTH.contains(marker) => after,
            [_, after @ ..] => {
                let length = after.first_chunk().map_or(usize::MAX, |&length| u16::from_be_bytes(length).into());
                let Some(after) = after.get(length..) else { return false };
                after
            }
        };
    }
}
