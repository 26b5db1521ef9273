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
    if value.is_finite() { format!("{}\u{a0}dB", fixed(f64::from(value), 1)) } else { texts::exact().to_owned() }
}

pub fn duration(milliseconds: f64) -> String {
    // Nothing takes no time.
    let exact = (milliseconds / 1000.0).max(0.1);
    match exact.round() as u64 {
        _ if exact < 9.95 => texts::seconds(fixed(exact, 1)),
        seconds if seconds < 100 => texts::seconds(seconds),
        seconds if seconds < 5400 => texts::minutes((seconds + 30) / 60),
        seconds => texts::hours(fixed(seconds as f64 / 3600.0, 1)),
    }
}

/// Energies fall over several orders of magnitude and may be negative: a logarithm with a sign.
pub fn compressed(energy: f32) -> f32 {
    energy.signum() * energy.abs().ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_time_has_a_decimal() {
        let times = || [0.0, 440.0, 9940.0, 9960.0, 99_400.0, 99_600.0, 5_500_000.0].map(duration);
        assert_eq!(times(), ["0.1 s", "0.4 s", "9.9 s", "10 s", "99 s", "2 min", "1.5 h"]);
        // A thread of its own: what it speaks is not what other tests speak.
        let german = std::thread::spawn(move || {
            let file = r#"{ "texts": { "decimal_point": "," } }"#;
            texts::speak(file.to_owned()).map(|()| times())
        });
        let german = german.join().unwrap_or_else(|_| panic!("no German")).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(german, ["0,1 s", "0,4 s", "9,9 s", "10 s", "99 s", "2 min", "1,5 h"]);
    }
}
