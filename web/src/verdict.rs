//! What is said of how likely a picture is.

use crate::{share, texts};

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
    /// The percentage that a caption has: how unusual the picture is by its bits, too many or too few, or by how the
    /// noise levels share them, whichever is more.
    pub fn oddness(&self) -> f32 {
        let by_bits = (2.0 * self.percentile - 100.0).abs();
        self.unusual.map_or(by_bits, |unusual| unusual.max(by_bits))
    }

    /// One judgement, with its reason. There is never a second one beside it that says otherwise.
    pub fn verdict(&self) -> String {
        let (bits, error) = self.bits;
        let (bits, error) = (format!("{bits:.0}"), format!("{error:.0}"));
        let p = self.percentile;
        if !p.is_finite() {
            return texts::bits_alone(bits, error);
        }
        let more = if p >= 100.0 { texts::bits_most(&bits, &error) } else { texts::bits_more(&bits, &error, share(p)) };
        let (odd, word) = (self.oddness(), unusual(self.oddness()));
        match self.unusual {
            _ if odd < 80.0 => format!("{word}. {more}"),
            // The bits alone say less.
            Some(unusual) if unusual > (2.0 * p - 100.0).abs() => {
                format!("{word}. {}", texts::bits_shared(bits, error, share(unusual)))
            }
            _ if p < 50.0 => format!("{} {more}", texts::simpler(word)),
            _ => format!("{} {more}", texts::less_likely(word)),
        }
    }
}

/// How unusual something is, from 0 to 100, in a word.
pub fn unusual(odd: f32) -> &'static str {
    match odd {
        odd if odd >= 99.0 => texts::very_unusual(),
        odd if odd >= 95.0 => texts::unusual(),
        odd if odd >= 80.0 => texts::a_little_unusual(),
        _ => texts::usual(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(percentile: f32, unusual: Option<f32>) -> String {
        Measured { bits: (352.4, 6.6), percentile, unusual }.verdict()
    }

    #[test]
    fn one_judgement_with_its_reason() {
        for (percentile, unusual, wanted) in [
            (72.0, Some(30.0), "Usual. It has 352 ± 7 bits; 72 % of the held-out pictures have fewer."),
            (72.0, None, "Usual. It has 352 ± 7 bits; 72 % of the held-out pictures have fewer."),
            (
                100.0,
                Some(40.0),
                "Very unusual: less likely than the pictures of the data. It has 352 ± 7 bits; every held-out picture has \
                 fewer.",
            ),
            (
                0.0,
                Some(60.0),
                "Very unusual: simpler than the pictures of the data. It has 352 ± 7 bits; 0 % of the held-out pictures have \
                 fewer.",
            ),
            (
                50.0,
                Some(99.5),
                "Very unusual. It has 352 ± 7 bits. That alone would be usual, but they are spread over the noise levels more \
                 unusually than in more than 99 % of the held-out pictures.",
            ),
            (f32::NAN, None, "352 ± 7 bits. This model has no held-out pictures to compare them with."),
        ] {
            assert_eq!(verdict(percentile, unusual), wanted);
        }
    }

    #[test]
    fn what_is_said_never_contradicts_the_number_beside_it() {
        for percentile in [0.0, 2.0, 9.0, 50.0, 91.0, 98.0, 100.0] {
            for unusual in [None, Some(0.0), Some(85.0), Some(96.0), Some(100.0)] {
                let measured = Measured { bits: (1.0, 0.1), percentile, unusual };
                assert_eq!(measured.verdict().starts_with("Usual"), measured.oddness() < 80.0, "{measured:?}");
            }
        }
    }
}
