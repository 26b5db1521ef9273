//! Square pictures as floats, and their way into bytes.

/// N square pictures of one size.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pictures {
    /// Side in pixels.
    pub side: usize,
    /// 1 for grey, 3 for colour.
    pub channels: usize,
    /// `[N, H, W, C]`.
    pub values: Vec<f32>,
}

/// Space between and around the pictures of a saved grid, in pixels, and its grey.
const GAP: usize = 2;
const BACKGROUND: u8 = 128;
/// A saved picture has at least this side: small ones are enlarged by a whole factor.
const MIN_CELL: usize = 64;

impl Pictures {
    /// Values of one picture.
    fn length(&self) -> usize {
        self.side * self.side * self.channels
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.values.len() / self.length().max(1)
    }

    /// One picture `[H, W, C]`; empty if there is none of this number.
    pub fn picture(&self, index: usize) -> &[f32] {
        let start = index * self.length();
        self.values.get(start..start + self.length()).unwrap_or_default()
    }

    /// One picture as opaque red, green, blue, alpha bytes.
    pub fn rgba(&self, index: usize) -> Vec<u8> {
        let pixels = self.picture(index).chunks(self.channels.max(1));
        pixels.flat_map(|pixel| rgb(pixel).into_iter().chain([255])).collect()
    }

    /// All pictures in a nearly square grid, as a PNG file that says in its comment what `comment` says.
    ///
    /// # Errors
    /// There is no picture.
    pub fn to_png_grid(&self, comment: &str) -> Result<Vec<u8>, String> {
        let count = self.count();
        if count == 0 {
            return Err("there is no picture to save".to_owned());
        }
        let scale = MIN_CELL.div_ceil(self.side);
        let columns = (count as f64).sqrt().ceil() as usize;
        let cell = self.side * scale + GAP;
        let (width, height) = (columns * cell + GAP, count.div_ceil(columns) * cell + GAP);
        let mut grid = vec![BACKGROUND; width * height * 3];
        for index in 0..count {
            let (left, top) = (GAP + index % columns * cell, GAP + index / columns * cell);
            for (i, pixel) in self.picture(index).chunks(self.channels).enumerate() {
                let (x, y) = (left + i % self.side * scale, top + i / self.side * scale);
                for row in y..y + scale {
                    let start = (row * width + x) * 3;
                    grid[start..start + scale * 3].copy_from_slice(&rgb(pixel).repeat(scale));
                }
            }
        }
        encode(&grid, width, height, comment).map_err(|error| error.to_string())
    }
}

fn rgb(pixel: &[f32]) -> [u8; 3] {
    // A NaN becomes black.
    let byte = |value: f32| (value.clamp(0.0, 1.0) * 255.0).round() as u8;
    match pixel {
        [r, g, b] => [byte(*r), byte(*g), byte(*b)],
        [grey, ..] => [byte(*grey); 3],
        [] => [0; 3],
    }
}

fn encode(rgb: &[u8], width: usize, height: usize, comment: &str) -> Result<Vec<u8>, png::EncodingError> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width as u32, height as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.add_itxt_chunk("Comment".to_owned(), comment.to_owned())?;
    let mut writer = encoder.write_header()?;
    writer.write_image_data(rgb)?;
    writer.finish()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_become_the_nearest_bytes_and_stay_in_range() {
        let pictures = Pictures { side: 2, channels: 1, values: vec![-1.0, 0.5, 1.0, f32::NAN] };
        assert_eq!(pictures.count(), 1);
        assert_eq!(pictures.rgba(0), [0, 0, 0, 255, 128, 128, 128, 255, 255, 255, 255, 255, 0, 0, 0, 255]);
        assert!(pictures.rgba(1).is_empty());
        let colour = Pictures { side: 1, channels: 3, values: vec![1.0, 0.0, 0.2] };
        assert_eq!(colour.rgba(0), [255, 0, 51, 255]);
    }

    #[test]
    fn a_saved_grid_has_every_picture_in_its_place() {
        // Three pictures of side 32, enlarged twice, in a grid of 2 by 2 with one place empty.
        let side = 32;
        let values = [0.0, 0.2, 1.0].iter().flat_map(|&v| vec![v; side * side]).collect();
        let png = Pictures { side, channels: 1, values }.to_png_grid("seed 1").unwrap_or_default();
        let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap_or_else(|e| panic!("{e}"));
        let mut bytes = vec![0; reader.output_buffer_size().unwrap_or_default()];
        let info = reader.next_frame(&mut bytes).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!((info.width, info.height), (134, 134));
        let at = |x: usize, y: usize| bytes[(y * 134 + x) * 3];
        assert_eq!([at(2, 2), at(65, 65)], [0, 0]);
        assert_eq!([at(68, 2), at(131, 65)], [51, 51]);
        assert_eq!([at(2, 68), at(65, 131)], [255, 255]);
        assert_eq!([at(0, 0), at(66, 66), at(68, 68), at(133, 133)], [128; 4], "gaps and empty places are grey");
        assert!(Pictures::default().to_png_grid("").is_err());
    }
}
