//! From a file to an upright, opaque picture, with limits that hold before anything is decoded.

use std::fs::{self, File};
use std::io::{Cursor, Read};
use std::path::Path;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use crate::error::{Error, Result};
use crate::files::reason;

const MAX_BYTES: u64 = 128 << 20;
/// Declared pixels: a few hundred bytes of PNG can claim gigabytes.
const MAX_PIXELS: u64 = 128 << 20;

/// Reads a PNG, JPEG or WebP file, whatever its name ends in. Transparent parts become white; a photograph is turned
/// upright; the result is grey or RGB, 8 bits a channel.
pub fn decode(path: &Path) -> Result<DynamicImage> {
    let wrong = |what: &str| Error::input(format!("{}: {what}", path.display()));
    let bytes = read_bytes(path)?;
    if bytes.is_empty() {
        return Err(wrong("the file is empty"));
    }
    let format = image::guess_format(&bytes).ok();
    let Some(format @ (ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP)) = format else {
        return Err(wrong("not a PNG, JPEG or WebP picture"));
    };
    let damaged = |error: image::ImageError| match error {
        image::ImageError::Limits(_) => wrong("too large to decode"),
        other => wrong(&format!("cannot be decoded: {}", other.to_string().lines().next().unwrap_or_default())),
    };

    let mut decoder = ImageReader::with_format(Cursor::new(bytes), format).into_decoder().map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(wrong(&format!("{width}x{height} pixels are more than the {MAX_PIXELS} allowed")));
    }
    decoder.set_limits(Limits::default()).map_err(damaged)?;
    // A camera notes how it was held; a picture without the note, or with a broken one, stays as it is.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    picture.apply_orientation(orientation);
    Ok(opaque(picture))
}

/// The bytes of a regular file of a size that a picture may have.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>> {
    let wrong = |what: &str| Error::input(format!("{}: {what}", path.display()));
    let failed = |error: std::io::Error| wrong(&reason(&error));
    let metadata = fs::metadata(path).map_err(failed)?;
    if metadata.is_dir() {
        return Err(wrong("it is a folder, not a picture"));
    }
    // Opening a pipe would wait for ever.
    if !metadata.is_file() {
        return Err(wrong("not a regular file"));
    }
    if metadata.len() > MAX_BYTES {
        return Err(wrong(&format!("larger than the {} MB allowed", MAX_BYTES >> 20)));
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_BYTES).read_to_end(&mut bytes)).map_err(failed)?;
    Ok(bytes)
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
