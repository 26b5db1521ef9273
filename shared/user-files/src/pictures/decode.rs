//! From bytes to an upright, opaque picture, with limits that hold before anything is decoded.

use std::io::{BufRead, Cursor, Seek};

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

use super::{jpeg, markup};
use crate::{MAX_BYTES, POINTER, is_pointer};

/// As many bytes tell the format.
pub const MAGIC: u64 = 64;
/// Declared pixels: a few hundred bytes of PNG can claim gigabytes.
const MAX_PIXELS: usize = 128 << 20;

/// Decodes a PNG, JPEG or WebP file, whatever its name ends in; of an animation, the first picture. Transparent parts
/// become white; a photograph is turned upright; the result is grey or RGB, 8 bits a channel.
///
/// # Errors
/// What is wrong, as the end of a sentence: the file is none of these, is damaged or cut off, or too large.
pub fn decode(bytes: &[u8]) -> Result<DynamicImage, String> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("larger than the {} MB allowed", MAX_BYTES >> 20));
    }
    let format = format_of(bytes).ok_or_else(|| other(bytes))?;
    let (mut picture, orientation) = match format {
        ImageFormat::Jpeg => jpeg::decode(bytes, check_size)?,
        _ => {
            let damaged = |error: ImageError| match error {
                ImageError::Limits(_) => "too large to decode".to_owned(),
                // Without what a library says of its own structures.
                other => {
                    let text = other.to_string();
                    let first = text.lines().next().unwrap_or_default();
                    format!("cannot be decoded: {}", first.split(" while decoding ").next().unwrap_or(first))
                }
            };
            let mut decoder = ImageReader::with_format(Cursor::new(bytes), format).into_decoder().map_err(damaged)?;
            let (width, height) = decoder.dimensions();
            check_size(width as usize, height as usize)?;
            decoder.set_limits(Limits::default()).map_err(damaged)?;
            // A camera notes how it was held; a picture without the note, or with a broken one, stays as it is.
            let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
            (DynamicImage::from_decoder(decoder).map_err(damaged)?, orientation)
        }
    };
    picture.apply_orientation(orientation);
    Ok(opaque(picture))
}

/// The width and height that the header of a file says, as it is stored; none where no such picture could be decoded.
/// `head` are the first bytes of the file, as many as [`MAGIC`].
pub fn dimensions(head: &[u8], file: impl BufRead + Seek) -> Option<(usize, usize)> {
    let (width, height) = match format_of(head)? {
        ImageFormat::Jpeg => jpeg::dimensions(file)?,
        format => {
            let (width, height) = ImageReader::with_format(file, format).into_dimensions().ok()?;
            (width as usize, height as usize)
        }
    };
    check_size(width, height).is_ok().then_some((width, height))
}

/// Whether a file that begins with these bytes is one of the formats that are read.
#[must_use]
pub fn is_picture(head: &[u8]) -> bool {
    format_of(head).is_some()
}

fn format_of(bytes: &[u8]) -> Option<ImageFormat> {
    image::guess_format(bytes)
        .ok()
        .filter(|format| matches!(format, ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP))
}

fn check_size(width: usize, height: usize) -> Result<(), String> {
    match width.saturating_mul(height) {
        0..=MAX_PIXELS => Ok(()),
        _ => Err(format!("{width}x{height} pixels are more than the {MAX_PIXELS} allowed")),
    }
}

/// What a file is that is no picture, as far as its first bytes tell.
fn other(bytes: &[u8]) -> String {
    let found = match (bytes, image::guess_format(bytes)) {
        ([], _) => return "the file is empty".to_owned(),
        (pointer, _) if is_pointer(pointer) => return POINTER.to_owned(),
        (_, Ok(format)) => format!("{format:?}").to_uppercase(),
        ([_, _, _, _, b'f', b't', b'y', b'p', brand @ ..], _) if is_one_of(brand, &HEIC) => "HEIC".to_owned(),
        ([_, _, _, _, b'f', b't', b'y', b'p', brand @ ..], _) if is_one_of(brand, &FILMS) => "a film".to_owned(),
        (text, _) => match markup::kind(text) {
            Some(kind) => kind.to_owned(),
            None => return "not a PNG, JPEG or WebP picture".to_owned(),
        },
    };
    format!("not a PNG, JPEG or WebP picture ({found})")
}

/// What files of the ISO's base media format say of themselves: still pictures of this kind, and films.
const HEIC: [&[u8; 4]; 8] = [b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"];
const FILMS: [&[u8; 4]; 8] = [b"isom", b"iso2", b"mp41", b"mp42", b"avc1", b"M4V ", b"qt  ", b"3gp4"];

fn is_one_of(brand: &[u8], brands: &[&[u8; 4]]) -> bool {
    brands.iter().any(|known| brand.starts_with(*known))
}

/// Lays a picture on white and reduces it to 8 bits a channel, grey staying grey.
fn opaque(picture: DynamicImage) -> DynamicImage {
    let color = picture.color();
    let over_white = |value: u8, alpha: u8| {
        let (value, alpha) = (u32::from(value), u32::from(alpha));
        ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
    };
    match (color.has_alpha(), color.has_color()) {
        (false, false) => DynamicImage::ImageLuma8(picture.into_luma8()),
        (false, true) => DynamicImage::ImageRgb8(picture.into_rgb8()),
        (true, has_color) => {
            let mut blended = picture.into_rgba8();
            for pixel in blended.pixels_mut() {
                let [r, g, b, alpha] = pixel.0;
                pixel.0 = [over_white(r, alpha), over_white(g, alpha), over_white(b, alpha), 255];
            }
            let blended = DynamicImage::ImageRgba8(blended);
            if has_color { blended.into_rgb8().into() } else { blended.into_luma8().into() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_picture_is_named() {
        for (begins, named) in [
            (&b"\0\0\0\x18ftypheic"[..], "(HEIC)"),
            (b"\0\0\0\x18ftypmif1", "(HEIC)"),
            (b"\0\0\0\x18ftypmp42", "(a film)"),
            // A camera's raw file.
            (b"\0\0\0\x18ftypcrx ", "not a PNG, JPEG or WebP picture"),
            (b"<!doctype html>", "(a web page)"),
            (b"", "the file is empty"),
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "Git LFS"),
        ] {
            assert!(other(begins).contains(named), "{}", other(begins));
        }
    }
}
