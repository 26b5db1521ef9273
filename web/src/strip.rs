//! `held-out.png`: pictures that a model was not trained on, side by side in one strip.

use std::io::Cursor;

use png::{BitDepth, ColorType, Decoder, Limits};

use crate::{Pictures, texts};

/// Memory that a strip may take; `trainer export` writes none that takes more.
const LIMIT: usize = 1 << 26;

impl Pictures {
    /// The pictures of a PNG strip, 8 bits a channel: `count` of them, each float the file's byte over 255.
    ///
    /// # Errors
    /// What is wrong with the file, as the end of a sentence.
    pub fn from_strip(file: &[u8], count: usize, side: usize, channels: usize) -> Result<Self, String> {
        let color = match channels {
            1 => ColorType::Grayscale,
            3 => ColorType::Rgb,
            _ => return Err(texts::strip_channels(channels)),
        };
        let damaged = |error: png::DecodingError| texts::strip_damaged(error);
        let decoder = Decoder::new_with_limits(Cursor::new(file), Limits { bytes: LIMIT });
        let mut reader = decoder.read_info().map_err(damaged)?;
        let info = reader.info();
        let found = (info.width as usize, info.height as usize, info.color_type, info.bit_depth);
        let wanted = (count * side, side, color, BitDepth::Eight);
        if found != wanted {
            let text = |(width, height, color, depth): (usize, usize, ColorType, BitDepth)| {
                texts::strip_pixels(depth as u8, format!("{color:?}"), height, width)
            };
            return Err(texts::strip_shape(text(found), text(wanted)));
        }
        let row = side * channels;
        if count * side * row > LIMIT {
            return Err(texts::strip_large().to_owned());
        }
        let mut bytes = vec![0; count * side * row];
        reader.next_frame(&mut bytes).map_err(damaged)?;
        let rows = (0..count).flat_map(|n| (0..side).map(move |y| (y * count + n) * row));
        let values = rows.flat_map(|start| &bytes[start..start + row]).map(|&byte| f32::from(byte) / 255.0).collect();
        Ok(Self { side, channels, values })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strip(width: u32, height: u32, color: ColorType, depth: BitDepth, bytes: &[u8]) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, width, height);
        encoder.set_color(color);
        encoder.set_depth(depth);
        let mut writer = encoder.write_header().unwrap_or_else(|error| panic!("{error}"));
        writer.write_image_data(bytes).unwrap_or_else(|error| panic!("{error}"));
        drop(writer);
        file
    }

    #[test]
    fn pictures_are_cut_from_the_strip() {
        // Two pictures of 2x2: 0 1 | 2 3 over 4 5 | 6 7.
        let file = strip(4, 2, ColorType::Grayscale, BitDepth::Eight, &[0, 1, 2, 3, 4, 5, 6, 255]);
        let pictures = Pictures::from_strip(&file, 2, 2, 1).unwrap_or_else(|error| panic!("{error}"));
        let bytes: Vec<f32> = [0, 1, 4, 5, 2, 3, 6, 255].map(|byte: u8| f32::from(byte) / 255.0).to_vec();
        assert_eq!(pictures, Pictures { side: 2, channels: 1, values: bytes });
        let colour = strip(2, 1, ColorType::Rgb, BitDepth::Eight, &[255, 0, 0, 0, 0, 255]);
        let pictures = Pictures::from_strip(&colour, 2, 1, 3).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(pictures.values, [1.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn other_files_are_refused() {
        let good = strip(4, 2, ColorType::Grayscale, BitDepth::Eight, &[7; 8]);
        let refused = |file: &[u8]| Pictures::from_strip(file, 2, 2, 1).is_err();
        assert!(!refused(&good));
        assert!(refused(&[]) && refused(b"<html>") && refused(&good[..good.len() / 2]) && refused(&good[..40]));
        assert!(refused(&strip(4, 1, ColorType::Grayscale, BitDepth::Eight, &[7; 4])), "another size");
        assert!(refused(&strip(4, 2, ColorType::Rgb, BitDepth::Eight, &[7; 24])), "colour");
        assert!(refused(&strip(4, 2, ColorType::Grayscale, BitDepth::Sixteen, &[7; 16])), "16 bits");
        assert!(Pictures::from_strip(&good, 2, 2, 2).is_err(), "two channels");
    }
}
