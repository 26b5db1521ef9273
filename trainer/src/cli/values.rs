//! What flags take that are no words of an option.

use std::{fmt::Display, path::PathBuf, str::FromStr};

use clap::builder::{PathBufValueParser, TypedValueParser};
use cpu_kernels::Vectors;
use shared::{sampling::Churn, training::NoiseLevels};

use crate::data::SIDES;

/// Far above what has ever been of use: more is a mistake.
const MOST_CHURN: f64 = 20.0;

/// The types of whole numbers that flags have. Limits written without a type would be of another, which clap finds out only
/// when the flag is read.
pub trait Whole: FromStr + PartialOrd + Display + Copy {}
impl Whole for u32 {}
impl Whole for u64 {}
impl Whole for usize {}

/// A whole number from `least` to `most`: every flag that takes one has its limits, so that it is they that are told.
pub fn whole_parser<T: Whole>(least: T, most: T) -> impl Fn(&str) -> Result<T, String> + Clone {
    move |text: &str| match text.parse() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(format!("it must be a whole number from {least} to {most}")),
    }
}

/// A whole number from 1 to `most`.
pub fn count_parser(most: usize) -> impl Fn(&str) -> Result<usize, String> + Clone {
    whole_parser(1, most)
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
    whole_parser(*SIDES.start(), *SIDES.end())(text)
}

/// The side of what a network sees.
pub fn network_side(text: &str) -> Result<usize, String> {
    let wanted = || format!("it must be a multiple of 8 from {} to {}", SIDES.start(), SIDES.end());
    side(text).ok().filter(|side| side.is_multiple_of(8)).ok_or_else(wanted)
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
    whole_parser(8, 100_000)(text)
}

/// How many times longer the sides of a picture become.
pub fn factor(text: &str) -> Result<usize, String> {
    whole_parser(2, 64)(text)
}

/// Of random draws.
pub fn seed(text: &str) -> Result<u64, String> {
    whole_parser(0, u64::MAX)(text)
}

/// Of a training: settings files have signed numbers.
pub fn written_seed(text: &str) -> Result<u64, String> {
    whole_parser(0, i64::MAX as u64)(text)
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
    let (least, most) = (NoiseLevels::POSSIBLE.start(), NoiseLevels::POSSIBLE.end());
    let wanted = format!("a number of at least {least} and at most {most}");
    number(text, |value| NoiseLevels::POSSIBLE.contains(&(value as f32)), &wanted)
}
