//! What flags take that are no words of an option.

use cpu_kernels::Vectors;
use shared::sampling::Churn;

/// A whole number from 1 to `most`.
pub fn count_parser(most: usize) -> impl Fn(&str) -> Result<usize, String> + Clone {
    move |text: &str| match text.parse() {
        Ok(count) if (1..=most).contains(&count) => Ok(count),
        _ => Err(format!("it must be a whole number from 1 to {most}")),
    }
}

pub fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value > 0.0 && value.is_finite() => Ok(value),
        _ => Err("it must be a positive number".to_owned()),
    }
}

pub fn at_least_one(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value >= 1.0 && value.is_finite() => Ok(value),
        _ => Err("it must be a number of at least 1".to_owned()),
    }
}

pub fn not_negative(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value >= 0.0 && value.is_finite() => Ok(value),
        _ => Err("it must be a number of at least 0".to_owned()),
    }
}

pub fn fraction(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.0..1.0).contains(&value) => Ok(value),
        _ => Err("it must be at least 0 and below 1".to_owned()),
    }
}

pub fn vectors(name: &str) -> Result<Vectors, String> {
    Vectors::named(name).ok_or_else(|| {
        let names: Vec<_> = Vectors::all().iter().map(|vectors| vectors.name()).collect();
        format!("this processor has {}", names.join(", "))
    })
}

pub fn churn(text: &str) -> Result<Churn, String> {
    text.parse().ok().and_then(Churn::new).ok_or_else(|| "it must be a number of at least 0".to_owned())
}
