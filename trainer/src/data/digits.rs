//! The embedded set: 1,797 handwritten digits of 8x8 pixels.

use std::io::Read;

use flate2::read::GzDecoder;
use image::GrayImage;
use image::imageops::{FilterType, resize};

use super::Images;
use crate::error::{Error, Result};

/// One picture a line: 64 values 0..16, row by row, then its label. Licence: `assets/digits.LICENCE.txt`.
const CSV: &[u8] = include_bytes!("../../assets/digits.csv.gz");
const SIDE: u32 = 8;
/// Twice the native side, so that three halvings of the network leave something to see.
const ENLARGED: u32 = 16;
/// Every tenth picture of each digit is held out. Every tenth line would not do: the file repeats
/// the digits in turn, and four times as many threes as twos would be held out.
const HOLD_OUT_EVERY: usize = 10;

/// The training and the held-out pictures, grey 16x16, values 0..255.
pub(super) fn read() -> Result<(Images, Images)> {
    let damaged = |what: String| Error::failed(format!("digits: the built-in file is damaged: {what}"));
    let mut text = String::new();
    GzDecoder::new(CSV).read_to_string(&mut text).map_err(|error| damaged(error.to_string()))?;

    let side = ENLARGED as usize;
    let mut train = Images { channels: 1, height: side, width: side, pixels: Vec::new(), labels: Vec::new() };
    let mut held_out = train.clone();
    let mut seen = [0; 10];
    for (i, line) in text.lines().enumerate() {
        let (picture, digit) = picture(line).ok_or_else(|| damaged(format!("line {}", i + 1)))?;
        seen[digit] += 1;
        let part = if seen[digit] % HOLD_OUT_EVERY == 0 { &mut held_out } else { &mut train };
        part.labels.push(digit as u8);
        // `image` calls bilinear interpolation "triangle".
        part.pixels.extend(resize(&picture, ENLARGED, ENLARGED, FilterType::Triangle).into_raw());
    }
    Ok((train, held_out))
}

/// The native picture on a line, and the digit it shows.
fn picture(line: &str) -> Option<(GrayImage, usize)> {
    let values: Vec<u16> = line.split(',').map(|value| value.parse().ok()).collect::<Option<_>>()?;
    let (&digit, values) = values.split_last()?;
    if digit > 9 || values.len() != (SIDE * SIDE) as usize || values.iter().any(|&v| v > 16) {
        return None;
    }
    let to_byte = |&value: &u16| (f32::from(value) * 255.0 / 16.0).round() as u8;
    let picture = GrayImage::from_raw(SIDE, SIDE, values.iter().map(to_byte).collect())?;
    Some((picture, digit.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tenth_of_each_digit_is_held_out_and_all_are_used() {
        let (train, held_out) = read().unwrap();
        assert_eq!((train.len(), held_out.len()), (1621, 176));
        assert_eq!((train.labels.len(), held_out.labels.len()), (1621, 176));
        assert_eq!((train.channels, train.height, train.width), (1, 16, 16));
        assert!(train.pixels.contains(&0) && train.pixels.contains(&255));
    }

    #[test]
    fn enlarging_is_bilinear_between_pixel_centres() {
        // The first picture's first row is 0 0 5 13 9 1 0 0, its second 0 0 13 15 10 15 5 0.
        let (train, _) = read().unwrap();
        let row0 = &train.image(0)[..16];
        let [a, b, c] = [5.0_f32, 13.0, 9.0].map(|v| (v * 255.0 / 16.0).round());
        // Sub-pixel centres lie a quarter of the way between native ones; above the first row there is only the first
        // row.
        let expected = [0.25 * a, 0.75 * a, 0.75 * a + 0.25 * b, 0.25 * a + 0.75 * b, 0.75 * b + 0.25 * c];
        for (&got, want) in row0[3..8].iter().zip(expected) {
            assert!((f32::from(got) - want).abs() <= 1.0, "{row0:?}");
        }
    }

    #[test]
    fn a_damaged_line_is_seen() {
        let good = "0,".repeat(64) + "7";
        assert!(picture(&good).is_some());
        assert!(picture("").is_none());
        assert!(picture(&good.replacen("0,", "", 1)).is_none(), "63 values");
        assert!(picture(&good.replacen('0', "17", 1)).is_none(), "above 16");
        assert!(picture(&good.replace('7', "10")).is_none(), "no digit");
    }
}
