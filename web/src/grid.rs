//! Pictures in a grid as PNG files: one image, or an animation of a run. The files carry the settings that made them.

use std::{
    borrow::Cow,
    cell::RefCell,
    fmt,
    io::{self, Cursor, Write},
    rc::Rc,
};

use png::{BitDepth, BlendOp, ColorType, Decoder, DisposeOp, Encoder, EncodingError, Limits, Writer};

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

    fn encoder<'a, W: Write>(self, file: W, settings: &str) -> Result<Encoder<'a, W>, EncodingError> {
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

/// An animated PNG file that is written frame by frame, each a grid: it plays for ever and rests at its end.
pub struct Animation {
    writer: Writer<Shared>,
    file: Shared,
    layout: Layout,
    left: usize,
}

/// A file that its writer keeps to itself.
#[derive(Clone, Default)]
struct Shared(Rc<RefCell<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Animation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Animation").field("left", &self.left).finish_non_exhaustive()
    }
}

impl Animation {
    /// Begins a file of so many frames, all with as many pictures of the same kind as this one, that carries `settings`.
    ///
    /// # Errors
    /// There is no frame or no picture.
    pub fn begin(frames: usize, like: &Pictures, settings: &str) -> Result<Self, String> {
        let layout = Layout::of(like)?;
        let file = Shared::default();
        let begin = || {
            let mut encoder = layout.encoder(file.clone(), settings)?;
            encoder.set_animated(frames as u32, 0)?;
            encoder.set_blend_op(BlendOp::Source)?;
            encoder.set_dispose_op(DisposeOp::None)?;
            encoder.write_header()
        };
        let writer = begin().map_err(|error: EncodingError| error.to_string())?;
        Ok(Self { writer, file, layout, left: frames })
    }

    /// Writes the next frame.
    ///
    /// # Errors
    /// There are more frames than were said, or other pictures.
    pub fn add(&mut self, frame: &Pictures) -> Result<(), String> {
        const HUNDREDTHS: u16 = 8;
        const REST: u16 = 250;
        self.left = self.left.checked_sub(1).ok_or("there are too many frames")?;
        let delay = if self.left == 0 { REST } else { HUNDREDTHS };
        let mut add = || {
            self.writer.set_frame_delay(delay, 100)?;
            self.writer.write_image_data(&self.layout.draw(frame))
        };
        add().map_err(|error: EncodingError| error.to_string())
    }

    /// The file.
    ///
    /// # Errors
    /// Frames are missing.
    pub fn finish(self) -> Result<Vec<u8>, String> {
        if self.left > 0 {
            return Err(format!("{} frames are missing", self.left));
        }
        self.writer.finish().map_err(|error| error.to_string())?;
        Ok(self.file.0.take())
    }
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
        let mut animation = Animation::begin(3, &frames[0], "task=sample").unwrap();
        for frame in &frames {
            animation.add(frame).unwrap();
        }
        assert!(animation.add(&frames[0]).is_err(), "no more than were said");
        let png = animation.finish().unwrap();
        let mut reader = Decoder::new(Cursor::new(&png)).read_info().unwrap();
        assert_eq!(reader.info().animation_control.map(|control| control.num_frames), Some(3));
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        for grey in [0, 102, 255] {
            reader.next_frame(&mut bytes).unwrap();
            assert_eq!(bytes[(3 * 134 + 3) * 3], grey);
        }
        assert_eq!(settings_in(&png).as_deref(), Some("task=sample"));
        assert!(Animation::begin(0, &frames[0], "").is_err());
        let unfinished = Animation::begin(2, &frames[0], "").unwrap();
        assert!(unfinished.finish().is_err());
    }

    #[test]
    fn other_files_carry_no_settings() {
        let foreign = greys(8, &[0.5]).to_png_grid("made by hand").unwrap();
        for file in [&b""[..], b"GIF89a", &foreign, &foreign[..30]] {
            assert_eq!(settings_in(file), None);
        }
    }
}
