//! Whole numbers as people read them.

use crate::texts;

/// The nearest whole number with its thousands apart: 14,000.
pub fn grouped(value: f64) -> String {
    let mut text = format!("{:.0}", value.abs());
    let mut at = text.len();
    while at > 3 {
        at -= 3;
        text.insert_str(at, texts::thousands());
    }
    if value < 0.0 && text != "0" {
        text.insert(0, '−');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_apart() {
        for (value, wanted) in [
            (0.0, "0"),
            (-0.3, "0"),
            (999.4, "999"),
            (999.6, "1,000"),
            (-14_000.0, "−14,000"),
            (-240.0, "−240"),
            (344_786.0, "344,786"),
            (1_234_567.0, "1,234,567"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(grouped(value), wanted);
        }
    }
}
