//! Pictures in a grid as PNG files: one image, or an animation of a run. The files carry the settings that made them.

use std::{borrow::Cow, io::Cursor};

use png::{BitDepth, BlendOp, ColorType, Decoder, DisposeOp, Encoder, EncodingError, Limits};

use crate::Pictures;

/// Space between and around the pictures of a grid, in pixels, and its grey.
const GAP: usize = 2;
const BACKGROUND: u8 = 128;
/// A saved picture has at least this side: small ones are enlarged by a whole factor.
const MIN_CELL: usize = 64;
/// What the settings are called in a file.
const KEYWORD: &str = "Comment";
/// Bytes of text that a file may carry.
const MOST_TEXT: usize = 1 << 16;

/// Where the pictures of a grid lie.
#[derive(Clone, Copy)]
struct Layout {
    columns: usize,
    scale: usize,
    cell: usize,
    width: usize,
    height: usize,
}

impl Layout {
    fn of(pictures: &Pictures) -> Result<Self, String> {
        let count = pictures.count();
        if count == 0 {
            return Err("there is no picture to save".to_owned());
        }
        let scale = MIN_CELL.div_ceil(pictures.side);
        let columns = (count as f64).sqrt().ceil() as usize;
        let cell = pictures.side * scale + GAP;
        let (width, height) = (columns * cell + GAP, count.div_ceil(columns) * cell + GAP);
        Ok(Self { columns, scale, cell, width, height })
    }

    /// The grid's pixels, red, green and blue.
    fn draw(self, pictures: &Pictures) -> Vec<u8> {
        let (side, channels) = (pictures.side, pictures.channels);
        let mut grid = vec![BACKGROUND; self.width * self.height * 3];
        for (index, picture) in pictures.bytes().chunks(side * side * channels).enumerate() {
            let left = GAP + index % self.columns * self.cell;
            let top = GAP + index / self.columns * self.cell;
            for (i, pixel) in picture.chunks(channels).enumerate() {
                let (x, y) = (left + i % side * self.scale, top + i / side * self.scale);
                let rgb = if let [r, g, b] = *pixel { [r, g, b] } else { [pixel[0]; 3] };
                for row in y..y + self.scale {
                    let start = (row * self.width + x) * 3;
                    grid[start..start + self.scale * 3].copy_from_slice(&rgb.repeat(self.scale));
                }
            }
        }
        grid
    }

    fn encoder<'a>(self, file: &'a mut Vec<u8>, settings: &str) -> Result<Encoder<'a, &'a mut Vec<u8>>, EncodingError> {
        let mut encoder = Encoder::new(file, self.width as u32, self.height as u32);
        encoder.set_color(ColorType::Rgb);
        encoder.set_depth(BitDepth::Eight);
        encoder.add_itxt_chunk(KEYWORD.to_owned(), settings.to_owned())?;
        Ok(encoder)
    }
}

impl Pictures {
    /// All pictures in a nearly square grid, as a PNG file that carries `settings`.
    ///
    /// # Errors
    /// There is no picture.
    pub fn to_png_grid(&self, settings: &str) -> Result<Vec<u8>, String> {
        let layout = Layout::of(self)?;
        let mut file = Vec::new();
        let write = |file: &mut Vec<u8>| {
            let mut writer = layout.encoder(file, settings)?.write_header()?;
            writer.write_image_data(&layout.draw(self))?;
            writer.finish()
        };
        write(&mut file).map_err(|error: EncodingError| error.to_string())?;
        Ok(file)
    }
}

/// Grids that follow each other as an animated PNG file, which plays for ever and rests at its end. All have as many
/// pictures of the same kind.
///
/// # Errors
/// There is no picture.
pub fn animation(frames: &[Pictures], settings: &str) -> Result<Vec<u8>, String> {
    const HUNDREDTHS: u16 = 8;
    const REST: u16 = 250;
    let first = frames.first().ok_or("there is nothing to save")?;
    let layout = Layout::of(first)?;
    let mut file = Vec::new();
    let write = |file: &mut Vec<u8>| {
        let mut encoder = layout.encoder(file, settings)?;
        encoder.set_animated(frames.len() as u32, 0)?;
        encoder.set_blend_op(BlendOp::Source)?;
        encoder.set_dispose_op(DisposeOp::None)?;
        let mut writer = encoder.write_header()?;
        for (index, frame) in frames.iter().enumerate() {
            writer.set_frame_delay(if index + 1 == frames.len() { REST } else { HUNDREDTHS }, 100)?;
            writer.write_image_data(&layout.draw(frame))?;
        }
        writer.finish()
    };
    write(&mut file).map_err(|error: EncodingError| error.to_string())?;
    Ok(file)
}

/// The settings that a saved PNG file carries, as the address bar spells them.
pub fn settings_in(file: &[u8]) -> Option<String> {
    let decoder = Decoder::new_with_limits(Cursor::new(file), Limits { bytes: MOST_TEXT });
    let reader = decoder.read_info().ok()?;
    let chunk = reader.info().utf8_text.iter().find(|chunk| chunk.keyword == KEYWORD)?;
    let text = chunk.get_text().ok()?;
    (text.contains("task=") && !text.contains(char::is_whitespace)).then_some(Cow::from(text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn greys(side: usize, greys: &[f32]) -> Pictures {
        Pictures { side, channels: 1, values: greys.iter().flat_map(|&v| vec![v; side * side]).collect() }
    }

    #[test]
    fn a_saved_grid_has_every_picture_in_its_place() {
        // Three pictures of side 32, enlarged twice, in a grid of 2 by 2 with one place empty.
        let png = greys(32, &[0.0, 0.2, 1.0]).to_png_grid("seed=1&task=sample").unwrap();
        let mut reader = Decoder::new(Cursor::new(&png)).read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        assert_eq!((info.width, info.height, info.color_type), (134, 134, ColorType::Rgb));
        let at = |x: usize, y: usize| bytes[(y * 134 + x) * 3];
        assert_eq!([at(2, 2), at(65, 65)], [0, 0]);
        assert_eq!([at(68, 2), at(131, 65)], [51, 51]);
        assert_eq!([at(2, 68), at(65, 131)], [255, 255]);
        assert_eq!([at(0, 0), at(66, 66), at(68, 68), at(133, 133)], [128; 4], "gaps and empty places are grey");
        assert!(Pictures::default().to_png_grid("").is_err());
        assert_eq!(settings_in(&png).as_deref(), Some("seed=1&task=sample"));
    }

    #[test]
    fn an_animation_has_every_frame() {
        let frames = [0.0, 0.4, 1.0].map(|grey| greys(8, &[grey; 4]));
        let png = animation(&frames, "task=sample").unwrap();
        let mut reader = Decoder::new(Cursor::new(&png)).read_info().unwrap();
        assert_eq!(reader.info().animation_control.map(|control| control.num_frames), Some(3));
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        for grey in [0, 102, 255] {
            reader.next_frame(&mut bytes).unwrap();
            assert_eq!(bytes[(3 * 134 + 3) * 3], grey);
        }
        assert_eq!(settings_in(&png).as_deref(), Some("task=sample"));
        assert!(animation(&[], "").is_err());
    }

    #[test]
    fn other_files_carry_no_settings() {
        let foreign = greys(8, &[0.5]).to_png_grid("made by hand").unwrap();
        for file in [&b""[..], b"GIF89a", &foreign, &foreign[..30]] {
            assert_eq!(settings_in(file), None);
        }
    }
}
