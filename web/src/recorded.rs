//! `run.png`: a run that was recorded when a model was exported.

use std::io::Cursor;

use options::Recording;
use png::{BitDepth, ColorType, Decoder, Limits};

use crate::{Moment, Pictures, Settings, Trajectory};

/// Memory that a recording may take.
const LIMIT: usize = 1 << 26;

/// A recorded run.
#[derive(Clone, Debug)]
pub struct RecordedRun {
    /// The settings that lead to it, without the model.
    pub settings: Settings,
    /// Its moments.
    pub trajectory: Trajectory,
    /// The pictures at its end.
    pub pictures: Pictures,
}

impl RecordedRun {
    /// Reads the file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(file: &[u8]) -> Result<Self, String> {
        let damaged = |error: png::DecodingError| format!("it is no usable PNG file ({error})");
        let decoder = Decoder::new_with_limits(Cursor::new(file), Limits { bytes: LIMIT });
        let mut reader = decoder.read_info().map_err(damaged)?;
        let info = reader.info();
        let text = info.utf8_text.iter().find(|chunk| chunk.keyword == Recording::KEYWORD);
        let text = text.and_then(|chunk| chunk.get_text().ok()).ok_or("it carries no recorded run")?;
        let Recording { seed, sampler, steps, count, moments } =
            serde_json::from_str(&text).map_err(|error| format!("what it says of its run cannot be read ({error})"))?;
        let (width, height) = (info.width as usize, info.height as usize);
        let channels = match (info.color_type, info.bit_depth) {
            (ColorType::Grayscale, BitDepth::Eight) => 1,
            (ColorType::Rgb, BitDepth::Eight) => 3,
            _ => return Err("its colours are none of a recorded run".to_owned()),
        };
        let side = width.checked_div(count).unwrap_or_default();
        if side == 0 || count * side != width || moments.len() * side != height || width * height > LIMIT / channels {
            return Err(format!("{count} chains of {} moments are not {width}x{height} pixels", moments.len()));
        }
        let mut bytes = vec![0; width * height * channels];
        reader.next_frame(&mut bytes).map_err(damaged)?;
        let (line, row) = (side * channels, width * channels);
        let mut trajectory = Trajectory::default();
        for (moment, rows) in moments.into_iter().zip(bytes.chunks(side * row)) {
            let lines = (0..count).flat_map(|chain| rows.chunks(row).map(move |row| &row[chain * line..][..line]));
            trajectory.push(Moment {
                done: moment.done,
                temperature: moment.temperature,
                noise_level: moment.noise_level,
                energies: moment.energies,
                pixels: lines.flatten().copied().collect(),
            });
        }
        let last = trajectory.last().ok_or("it has no moment")?;
        let pictures = Pictures::from_bytes(side, channels, &last.pixels);
        let settings = Settings { count, sampler, steps, ..Settings::with_seed(seed) };
        Ok(Self { settings, trajectory, pictures })
    }
}

#[cfg(test)]
mod tests {
    use options::{RecordedMoment, Sampler};

    use super::*;

    fn file(count: usize, moments: usize, side: usize) -> Vec<u8> {
        let moment = |done| RecordedMoment { done, temperature: 9.0, noise_level: 0.3, energies: vec![2.0; count] };
        let moments: Vec<_> = (0..moments).map(moment).collect();
        let header = Recording { seed: 3, sampler: Sampler::Ode, steps: 20, count, moments };
        let (width, height) = (2 * side, 2 * side);
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, width as u32, height as u32);
        encoder.set_depth(BitDepth::Eight);
        let text = serde_json::to_string(&header).unwrap_or_default();
        encoder.add_itxt_chunk(Recording::KEYWORD.to_owned(), text).unwrap_or_else(|error| panic!("{error}"));
        let mut writer = encoder.write_header().unwrap_or_else(|error| panic!("{error}"));
        let bytes: Vec<u8> = (0..width * height).map(|i| i as u8).collect();
        writer.write_image_data(&bytes).unwrap_or_else(|error| panic!("{error}"));
        drop(writer);
        file
    }

    #[test]
    fn moments_and_chains_are_cut_from_the_file() {
        let run = RecordedRun::parse(&file(2, 2, 2)).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((run.settings.seed, run.settings.sampler, run.settings.steps), (3, Sampler::Ode, 20));
        assert_eq!((run.settings.count, run.pictures.side, run.pictures.channels), (2, 2, 1));
        let moments = run.trajectory.moments();
        // The first chain's picture, then the second's.
        assert_eq!(moments[0].pixels, [0, 1, 4, 5, 2, 3, 6, 7]);
        assert_eq!(moments[1].pixels, [8, 9, 12, 13, 10, 11, 14, 15]);
        assert_eq!(run.pictures.bytes(), moments[1].pixels);
    }

    #[test]
    fn other_files_are_refused() {
        let good = file(2, 2, 2);
        for wrong in [&good[..good.len() / 2], b"", b"<html>", &file(3, 2, 2), &file(2, 3, 2), &file(0, 2, 2)] {
            assert!(RecordedRun::parse(wrong).is_err());
        }
        let plain = Pictures { side: 2, channels: 1, values: vec![0.0; 4] }.to_png_grid("task=sample");
        assert!(RecordedRun::parse(&plain.unwrap_or_default()).is_err());
    }
}
