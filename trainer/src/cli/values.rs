//! What flags take that are no words of an option.

use std::path::PathBuf;

use clap::builder::{PathBufValueParser, TypedValueParser};
use cpu_kernels::Vectors;
use shared::sampling::Churn;

use crate::data::SIDES;

/// Far above what has ever been of use: more is a mistake.
const MOST_CHURN: f64 = 20.0;
/// Noise levels beyond them overflow, or are lost in rounding.
pub const NOISE: std::ops::RangeInclusive<f64> = 1e-4..=1e4;

/// A whole number from 1 to `most`.
pub fn count_parser(most: usize) -> impl Fn(&str) -> Result<usize, String> + Clone {
    move |text: &str| match text.parse() {
        Ok(count) if (1..=most).contains(&count) => Ok(count),
        _ => Err(format!("it must be a whole number from 1 to {most}")),
    }
}

/// A number that a check allows.
fn number(text: &str, allowed: impl Fn(f64) -> bool, wanted: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(value) if allowed(value) => Ok(value),
        Err(_) if text.contains(',') => {
            Err(format!("it must be {wanted}, written with a point: {}", text.replace(',', ".")))
        }
        _ => Err(format!("it must be {wanted}")),
    }
}

/// A path that settings files can hold.
pub fn written_path() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| match path.to_str() {
        Some(_) => Ok(path),
        None => Err("its name is not in UTF-8, as settings files are; give it another"),
    })
}

pub fn positive(text: &str) -> Result<f64, String> {
    number(text, |value| value > 0.0 && value.is_finite(), "a positive number")
}

pub fn side(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(side) if SIDES.contains(&side) => Ok(side),
        _ => Err(format!("it must be a whole number from {} to {}", SIDES.start(), SIDES.end())),
    }
}

pub fn fraction(text: &str) -> Result<f64, String> {
    number(text, |value| (0.0..1.0).contains(&value), "a number of at least 0 and below 1")
}

pub fn vectors(name: &str) -> Result<Vectors, String> {
    Vectors::named(name).ok_or_else(|| {
        let names: Vec<_> = Vectors::all().iter().map(|vectors| vectors.name()).collect();
        format!("this processor has {}", names.join(", "))
    })
}

pub fn churn(text: &str) -> Result<Churn, String> {
    let value = number_parser(0.0, MOST_CHURN)(text)?;
    Churn::new(value as f32).ok_or_else(|| "it must be a number of at least 0".to_owned())
}

/// Energy gradients of a likelihood: fewer than eight have no standard error.
pub fn gradients(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if (8..=100_000).contains(&count) => Ok(count),
        _ => Err("it must be a whole number from 8 to 100000".to_owned()),
    }
}

/// How many times longer the sides of a picture become.
pub fn factor(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(factor) if (2..=64).contains(&factor) => Ok(factor),
        _ => Err("it must be a whole number from 2 to 64".to_owned()),
    }
}

/// Of random draws. Settings files have signed numbers.
pub fn seed(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(seed) if i64::try_from(seed).is_ok() => Ok(seed),
        _ => Err(format!("it must be a whole number from 0 to {}", i64::MAX)),
    }
}

/// A number from `least` to `most`.
pub fn number_parser(least: f64, most: f64) -> impl Fn(&str) -> Result<f64, String> + Clone {
    move |text: &str| {
        let wanted = format!("a number of at least {least} and at most {most}");
        number(text, |value| (least..=most).contains(&value), &wanted)
    }
}

/// A noise level, in units of the pixels' range.
pub fn noise_level(text: &str) -> Result<f64, String> {
    number_parser(*NOISE.start(), *NOISE.end())(text)
}
