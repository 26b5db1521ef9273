//! The length of a code for 8-bit pictures: what a picture under the smallest noise leaves to be told of the picture.
//!
//! With `y = x + s1 z`, `-log P(x) <= prior + excess - log P(x | y)` on average, the evidence bound of a variational diffusion
//! model (Kingma and others 2021). Their `P(x | y)` knows the noise alone; this one is around the denoised picture.

/// `P(x | y)` of each value by itself: a discretised logistic (as in `PixelCNN++`; Salimans and others 2017) around the
/// denoised value, whose scale depends on that value, with a little of all 256 values.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoder {
    /// In each of equal parts of 0..1.
    scales: Vec<f32>,
}

impl Decoder {
    /// Parts of 0..1.
    const PARTS: usize = 32;
    /// Scales that are tried, from the narrowest, each so much wider than the one before.
    const TRIED: usize = 40;
    const NARROWEST: f64 = 1e-4;
    const WIDER: f64 = 1.25;
    /// What all values together have of the probability, so that no surprise is endless.
    const ANY: f64 = 1e-3;

    /// The scales that give values and what noisy ones were denoised to, of training pictures, the shortest code.
    pub fn fit(pairs: impl Iterator<Item = (u8, f32)>) -> Self {
        let scale = |tried: usize| Self::NARROWEST * libm::pow(Self::WIDER, tried as f64);
        let scales: Vec<f64> = (0..Self::TRIED).map(scale).collect();
        let mut bits = vec![vec![0.0; Self::TRIED]; Self::PARTS];
        for (value, denoised) in pairs {
            for (bits, &scale) in bits[Self::part(denoised)].iter_mut().zip(&scales) {
                *bits += bits_of(value, denoised, scale);
            }
        }
        let shortest = |bits: &Vec<f64>| {
            let least = (0..Self::TRIED).min_by(|&a, &b| bits[a].total_cmp(&bits[b])).unwrap_or(0);
            // Where nothing was seen all are as good: then a wide one.
            if bits[least] == 0.0 { 0.1 } else { scales[least] as f32 }
        };
        Self { scales: bits.iter().map(shortest).collect() }
    }

    /// Bits of a value that was denoised to this.
    pub fn bits(&self, value: u8, denoised: f32) -> f64 {
        bits_of(value, denoised, f64::from(self.scales[Self::part(denoised)]))
    }

    fn part(denoised: f32) -> usize {
        // What is no number is in the first part: the cast gives 0.
        ((denoised.clamp(0.0, 1.0) * Self::PARTS as f32) as usize).min(Self::PARTS - 1)
    }
}

fn bits_of(value: u8, denoised: f32, scale: f64) -> f64 {
    let below = |edge: f64| 1.0 / (1.0 + libm::exp((f64::from(denoised) - edge / 255.0) / scale));
    let least = if value == 0 { 0.0 } else { below(f64::from(value) - 0.5) };
    let most = if value == 255 { 1.0 } else { below(f64::from(value) + 0.5) };
    -libm::log2((1.0 - Decoder::ANY) * (most - least).max(0.0) + Decoder::ANY / 256.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::{Draw, Noise};

    #[test]
    fn a_decoder_is_a_distribution_over_256_values() {
        for (denoised, scale) in [(0.5, 0.01), (-0.2, 0.1), (1.0, 1e-4), (0.37, 0.5)] {
            let sum: f64 = (0..=255).map(|value| libm::exp2(-bits_of(value, denoised, scale))).sum();
            assert!((sum - 1.0).abs() < 1e-9, "{denoised}, {scale}: {sum}");
        }
    }

    #[test]
    fn the_code_is_about_as_long_as_the_entropy_of_the_errors() {
        // Values whose denoised ones are off by a Gaussian error of 0.02 and are exactly black below.
        let error = Noise::new(1).normal(0, Draw::Start, 20_000);
        let pairs = error.iter().enumerate().map(|(at, z)| match at % 2 {
            0 => (0, 0.001 * z),
            _ => {
                let value = 100 + (at % 56) as u8;
                (value, f32::from(value) / 255.0 + 0.02 * z)
            }
        });
        let decoder = Decoder::fit(pairs.clone());
        let (mut black, mut grey) = (0.0, 0.0);
        for (value, denoised) in pairs {
            *(if value == 0 { &mut black } else { &mut grey }) += decoder.bits(value, denoised) / 10_000.0;
        }
        let entropy = (255.0 * 0.02 * (std::f64::consts::TAU * std::f64::consts::E).sqrt()).log2();
        assert!(black < 0.15, "{black} bits for what is always black");
        assert!(grey > entropy - 0.02 && grey < entropy + 0.1, "{grey} bits where the error has {entropy}");
    }
}
