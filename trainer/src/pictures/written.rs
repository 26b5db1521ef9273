//! The formats that pictures are written in: the ending of the file's name says which.

use std::path::Path;

use image::codecs::{jpeg::JpegEncoder, png::PngEncoder, webp::WebPEncoder};
use image::{ExtendedColorType, ImageEncoder, ImageFormat, ImageResult};

use crate::error::{Error, Result};

/// Of JPEG: what it takes away is hardly seen.
const QUALITY: u8 = 95;

/// The format that a name asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Written(ImageFormat);

impl Written {
    /// By the ending of a path.
    ///
    /// # Errors
    /// It is none that is written.
    pub(super) fn of(path: &Path) -> Result<Self> {
        match ImageFormat::from_path(path) {
            Ok(format @ (ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP)) => Ok(Self(format)),
            _ => Err(Error::input(format!(
                "{}: pictures are written as PNG, JPEG or WebP; end the name in .png, .jpg or .webp",
                path.display()
            ))),
        }
    }

    /// The longest side that the format allows.
    pub(super) fn longest(self) -> usize {
        match self.0 {
            ImageFormat::Jpeg => 65_535,
            ImageFormat::WebP => 16_383,
            _ => usize::MAX,
        }
    }

    /// The file of bytes `[height, width, channels]` that is to have this path.
    ///
    /// In memory, for the encoders forget why a file could not be written.
    ///
    /// # Errors
    /// There are neither 1 nor 3 channels.
    pub(super) fn file(
        self,
        path: &Path,
        bytes: &[u8],
        channels: usize,
        (height, width): (usize, usize),
    ) -> Result<Vec<u8>> {
        let failed = |what: &str| Error::failed(format!("{}: {what}", path.display()));
        let color = match channels {
            1 => ExtendedColorType::L8,
            3 => ExtendedColorType::Rgb8,
            _ => return Err(failed(&format!("pictures have 1 or 3 channels, not {channels}"))),
        };
        let mut file = Vec::new();
        self.encode(&mut file, bytes, (width as u32, height as u32), color)
            .map_err(|error| failed(&error.to_string()))?;
        Ok(file)
    }

    fn encode(self, file: &mut Vec<u8>, bytes: &[u8], size: (u32, u32), color: ExtendedColorType) -> ImageResult<()> {
        match self.0 {
            ImageFormat::Jpeg => JpegEncoder::new_with_quality(file, QUALITY).write_image(bytes, size.0, size.1, color),
            ImageFormat::WebP => WebPEncoder::new_lossless(file).write_image(bytes, size.0, size.1, color),
            _ => PngEncoder::new(file).write_image(bytes, size.0, size.1, color),
        }
    }
}
