//! Where an energy lies among those of held-out pictures.

use options::percentile;

use crate::texts;

/// Energies at evenly spaced percentiles, in rising order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Distribution(pub Vec<f32>);

impl Distribution {
    /// The percentile, 0..100, of an energy: near 100 is an outlier. As in `trainer score`: that of NaN is NaN.
    pub fn percentile(&self, energy: f32) -> f32 {
        percentile(&self.0, energy)
    }

    /// How many held-out energies in a hundred lie in each of `bins` equal parts of `from..to`.
    pub fn histogram(&self, from: f32, to: f32, bins: usize) -> Vec<f32> {
        let edge = |bin: usize| self.percentile(from + (to - from) * bin as f32 / bins as f32);
        (0..bins).map(|bin| edge(bin + 1) - edge(bin)).collect()
    }
}

/// A percentile as a share of the held-out pictures, so that only all are 100 % and only none are 0 %.
pub fn share(percentile: f32) -> String {
    match percentile {
        p if p >= 100.0 => "100\u{a0}%".to_owned(),
        p if p > 99.0 => texts::more_than_99().to_owned(),
        p if p > 0.0 && p < 1.0 => texts::less_than_1().to_owned(),
        p if p.is_nan() => texts::unknown_share().to_owned(),
        p => format!("{p:.0}\u{a0}%"),
    }
}

/// The held-out pictures below a percentile, within a sentence: every one is not 100 % of them.
pub fn of_held_out(percentile: f32) -> String {
    if percentile >= 100.0 { texts::every_held_out().to_owned() } else { texts::part_of_held_out(share(percentile)) }
}

/// How an energy of this percentile compares with those of the held-out pictures, as the end of a sentence.
pub fn compared(percentile: f32) -> String {
    match percentile {
        p if p.is_nan() => texts::not_compared().to_owned(),
        p if p >= 100.0 => texts::higher_than_all().to_owned(),
        p if p <= 0.0 => texts::lower_than_all().to_owned(),
        p => texts::higher_than(share(p)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_counts_what_lies_between_its_edges() {
        let distribution = Distribution(vec![0.0, 1.0, 3.0]);
        assert_eq!(distribution.histogram(-1.0, 3.0, 4), [0.0, 50.0, 25.0, 25.0]);
        assert!(Distribution::default().percentile(1.0).is_nan(), "nothing is known");
    }

    /// A number and its sign stand on one line.
    fn spaced(text: &str) -> String {
        text.replace('\u{a0}', " ")
    }

    #[test]
    fn only_all_are_a_hundred_per_cent() {
        for (percentile, wanted) in [
            (0.0, "0 %"),
            (0.01, "less than 1 %"),
            (1.0, "1 %"),
            (89.6, "90 %"),
            (99.0, "99 %"),
            (99.6, "more than 99 %"),
            (100.0, "100 %"),
            (f32::NAN, "an unknown share"),
        ] {
            assert_eq!(spaced(&share(percentile)), wanted, "{percentile}");
            assert!(!share(percentile).contains(" %"), "{percentile}");
        }
        assert_eq!(spaced(&compared(99.7)), "higher than that of more than 99 % of the held-out pictures");
        assert_eq!(compared(100.0), "higher than that of every held-out picture");
        assert_eq!(compared(0.0), "lower than that of every held-out picture");
        assert!(compared(f32::NAN).contains("cannot be compared"));
        assert_eq!(of_held_out(100.0), "every held-out picture");
        assert_eq!(spaced(&of_held_out(99.7)), "more than 99 % of the held-out pictures");
    }
}
