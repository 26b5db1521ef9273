//! Numbers as people read them.

use web::{grouped, texts};

pub fn mean(values: &[f32]) -> f32 {
    values.iter().sum::<f32>() / values.len().max(1) as f32
}

/// Three digits that count, or a whole number.
pub fn short(value: f32) -> String {
    let digits = match value.abs() {
        size if size < 0.0005 => return "0".to_owned(),
        size if size < 1.0 => 3,
        size if size < 10.0 => 2,
        size if size < 100.0 => 1,
        _ => return grouped(value.into()),
    };
    fixed(value.into(), digits)
}

/// A number with so many digits after the point.
pub fn fixed(value: f64, digits: usize) -> String {
    format!("{value:.digits$}").replace('-', "−").replace('.', texts::decimal_point())
}

pub fn decibels(value: f32) -> String {
    if value.is_finite() { format!("{} dB", fixed(f64::from(value), 1)) } else { texts::exact().to_owned() }
}

pub fn duration(milliseconds: f64) -> String {
    match (milliseconds / 1000.0).round() as u64 {
        seconds if seconds < 100 => texts::seconds(seconds),
        seconds if seconds < 5400 => texts::minutes((seconds + 30) / 60),
        seconds => texts::hours(fixed(seconds as f64 / 3600.0, 1)),
    }
}

/// Energies fall over several orders of magnitude and may be negative: a logarithm with a sign.
pub fn compressed(energy: f32) -> f32 {
    energy.signum() * energy.abs().ln_1p()
}
