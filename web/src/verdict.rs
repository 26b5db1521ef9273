//! What is said of how likely a picture is.

use crate::{grouped, of_held_out, share, texts};

/// What was measured of a picture, beside held-out ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// Bits above those of noise alone, and their standard error.
    pub bits: (f32, f32),
    /// The percentile of the bits among those of held-out pictures.
    pub percentile: f32,
    /// How unusual its denoising errors are over the noise levels, as a percentile of held-out pictures; none if the
    /// model cannot tell.
    pub unusual: Option<f32>,
}

impl Measured {
    /// How unusual the bits are, too many or too few, from 0 to 100.
    fn by_bits(&self) -> f32 {
        (2.0 * self.percentile - 100.0).abs()
    }

    /// The percentage that a caption has: how unusual the picture is by its bits, or by how the noise levels share them,
    /// whichever is more.
    pub fn oddness(&self) -> f32 {
        self.unusual.map_or(self.by_bits(), |unusual| unusual.max(self.by_bits()))
    }

    /// One judgement, with its reasons: the bits, how the noise levels share them, or both. There is never a second one
    /// beside it that says otherwise.
    pub fn verdict(&self) -> String {
        let (bits, error) = (grouped(self.bits.0.into()), grouped(self.bits.1.into()));
        let p = self.percentile;
        if !p.is_finite() {
            return texts::bits_alone(bits, error);
        }
        let (word, alone) = (unusual(self.oddness()), self.by_bits() < ODD);
        let judgement = match p {
            _ if alone => format!("{word}."),
            p if p < 50.0 => texts::simpler(word),
            _ => texts::less_likely(word),
        };
        let more = if p >= 100.0 { texts::bits_most(bits, error) } else { texts::bits_more(bits, error, share(p)) };
        let spread = self.unusual.filter(|unusual| *unusual >= ODD).map(of_held_out);
        let spread = spread.map(|which| if alone { texts::spread_alone(which) } else { texts::spread_too(which) });
        [Some(judgement), Some(more), spread].into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

/// What is at least a little unusual.
const ODD: f32 = 80.0;

/// How unusual something is, from 0 to 100, in a word.
pub fn unusual(odd: f32) -> &'static str {
    match odd {
        odd if odd >= 99.0 => texts::very_unusual(),
        odd if odd >= 95.0 => texts::unusual(),
        odd if odd >= ODD => texts::a_little_unusual(),
        _ => texts::usual(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(percentile: f32, unusual: Option<f32>) -> String {
        Measured { bits: (352.4, 6.6), percentile, unusual }.verdict().replace('\u{a0}', " ")
    }

    #[test]
    fn one_judgement_with_its_reason() {
        for (percentile, unusual, wanted) in [
            (72.0, Some(30.0), "Usual. It has 352 ± 7 bits; 72 % of the held-out pictures have fewer."),
            (72.0, None, "Usual. It has 352 ± 7 bits; 72 % of the held-out pictures have fewer."),
            (
                100.0,
                Some(40.0),
                "Very unusual: less likely than most pictures of the data. It has 352 ± 7 bits; every held-out picture has \
                 fewer.",
            ),
            (
                0.0,
                Some(60.0),
                "Very unusual: simpler than most pictures of the data. It has 352 ± 7 bits; 0 % of the held-out pictures \
                 have fewer.",
            ),
            (
                50.0,
                Some(99.5),
                "Very unusual. It has 352 ± 7 bits; 50 % of the held-out pictures have fewer. That alone would be usual, \
                 but its bits are spread over the noise levels more unusually than in more than 99 % of the held-out \
                 pictures.",
            ),
            (
                99.95,
                Some(100.0),
                "Very unusual: less likely than most pictures of the data. It has 352 ± 7 bits; more than 99 % of the \
                 held-out pictures have fewer. Its bits are also spread over the noise levels more unusually than in every \
                 held-out picture.",
            ),
            (f32::NAN, None, "352 ± 7 bits. This model has no held-out pictures to compare them with."),
        ] {
            assert_eq!(verdict(percentile, unusual), wanted);
        }
        let many = Measured { bits: (344_786.2, 1_204.0), percentile: 50.0, unusual: None };
        assert!(many.verdict().contains("344,786 ± 1,204 bits"), "{}", many.verdict());
    }

    /// For every pair of numbers the words agree with each of them.
    #[test]
    fn what_is_said_never_contradicts_a_number() {
        let all = |step: f32| (0..=(100.0 / step) as u32).map(move |i| (i as f32 * step).min(100.0));
        for percentile in all(0.25).chain([0.01, 0.4, 99.6, 99.95]) {
            for odd in all(1.0).chain([99.5, 99.95]).map(Some).chain([None]) {
                let measured = Measured { bits: (4296.0, 12.0), percentile, unusual: odd };
                let (said, by_bits) = (measured.verdict(), (2.0 * percentile - 100.0).abs());
                let begins =
                    |word: &str| said.starts_with(&format!("{word}.")) || said.starts_with(&format!("{word}:"));
                assert!(begins(unusual(by_bits.max(odd.unwrap_or(0.0)))), "{measured:?}: {said}");
                for (words, holds) in [
                    ("simpler than most", percentile <= 10.0),
                    ("less likely than most", percentile >= 90.0),
                    ("have fewer", percentile < 100.0),
                    ("every held-out picture has fewer", percentile >= 100.0),
                    ("That alone would be usual", by_bits < 80.0 && odd >= Some(80.0)),
                    ("are also spread", by_bits >= 80.0 && odd >= Some(80.0)),
                    ("than in every held-out picture.", odd >= Some(100.0)),
                    ("100\u{a0}%", false),
                ] {
                    assert_eq!(said.contains(words), holds, "{measured:?}: “{words}” in “{said}”");
                }
            }
        }
    }
}
