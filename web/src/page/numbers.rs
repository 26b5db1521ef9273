//! Numbers as people read them.

use web::texts;

pub fn mean(values: &[f32]) -> f32 {
    values.iter().sum::<f32>() / values.len().max(1) as f32
}

/// Three digits that count, or a whole number.
pub fn short(value: f32) -> String {
    match value.abs() {
        size if size < 0.0005 => "0".to_owned(),
        size if size < 1.0 => format!("{value:.3}"),
        size if size < 10.0 => format!("{value:.2}"),
        size if size < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
    .replace('-', "−")
    .replace('.', texts::decimal_point())
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

/// 14,000.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push_str(texts::thousands());
        }
        text.push(digit);
    }
    text
}

/// Energies fall over several orders of magnitude and may be negative: a logarithm with a sign.
pub fn compressed(energy: f32) -> f32 {
    energy.signum() * energy.abs().ln_1p()
}
