//! The noise levels that an integral over them is measured at.

use options::Spacing;

use crate::training::NoiseLevels;

/// One level and what its reading counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Node {
    /// Standard deviation of the noise.
    pub level: f32,
    /// What the loss at this level counts, in nats.
    pub weight: f64,
}

/// The levels of an integral `int L(s) dln s`, from the smallest to the largest, one in each stratum of `ln s`.
#[derive(Clone, Debug, PartialEq)]
pub struct Quadrature {
    nodes: Vec<Node>,
}

/// What a picture's bits are above the noise's own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Excess {
    /// Bits of the whole picture.
    pub bits: f64,
    /// Their standard error, by what chance in the noise does.
    pub standard_error: f64,
}

impl Quadrature {
    /// The integral, from `count` strata of equal width in `ln s`, each with its middle: for the exact losses its error
    /// is far below what chance does.
    pub fn integral(noise: &NoiseLevels, count: usize) -> Self {
        let width = range(noise) / count as f64;
        let node = |stratum: usize| Node { level: at(noise, (stratum as f64 + 0.5) / count as f64), weight: width };
        Self { nodes: (0..count).map(node).collect() }
    }

    /// The left sum `1/2 sum (1/s_i^2 - 1/s_(i+1)^2) |x - D(x + s_(i+1) z)|^2` over `count` intervals, the noisier end of
    /// each: a true lower bound on the evidence for every picture, that of a variational diffusion model (Kingma and
    /// others 2021) whose denoiser does not know the level. It is above the integral, the less the more intervals.
    pub fn bound(noise: &NoiseLevels, count: usize) -> Self {
        let ratio = libm::exp(range(noise) / count as f64);
        let weight = 0.5 * (ratio * ratio - 1.0);
        let node = |interval: usize| Node { level: at(noise, (interval + 1) as f64 / count as f64), weight };
        Self { nodes: (0..count).map(node).collect() }
    }

    /// So many levels that neighbours overlap: in `dimensions` dimensions the radii of a level's noise have a standard
    /// deviation of `1 / sqrt(2 d)` of their mean, and levels are at most two of it apart.
    pub fn overlapping(noise: &NoiseLevels, dimensions: usize) -> Self {
        let ratio = libm::log1p(libm::sqrt(2.0 / dimensions.max(1) as f64));
        Self::integral(noise, (libm::ceil(range(noise) / ratio) as usize).max(1))
    }

    /// The levels, from the smallest, with their weights.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The integral by the losses at the levels, in the order of [`Self::nodes`].
    ///
    /// The standard error is that of second differences of neighbouring terms, which a curve of the losses hardly
    /// changes: noise of different levels is independent. Of fewer than three levels it is not known, and 0.
    pub fn excess(&self, losses: &[f64]) -> Excess {
        let terms: Vec<f64> = self.nodes.iter().zip(losses).map(|(node, loss)| node.weight * loss).collect();
        // A second difference of independent terms has six times the variance of one.
        let variances: Vec<f64> =
            terms.windows(3).map(|three| (three[0] - 2.0 * three[1] + three[2]).powi(2) / 6.0).collect();
        let count = terms.len() as f64 / variances.len().max(1) as f64;
        let bits = |nats: f64| nats / core::f64::consts::LN_2;
        Excess {
            bits: bits(terms.iter().sum()),
            standard_error: bits(libm::sqrt(count * variances.iter().sum::<f64>())),
        }
    }
}

/// `ln(smax / smin)`
fn range(noise: &NoiseLevels) -> f64 {
    libm::log(f64::from(noise.max) / f64::from(noise.min))
}

/// The level at a place in the range, from 0 to 1, in equal ratios, however the levels of the training lie.
fn at(noise: &NoiseLevels, place: f64) -> f32 {
    NoiseLevels { spacing: Spacing::Geometric, ..*noise }.at(place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::{Draw, Noise};

    const LEVELS: NoiseLevels = NoiseLevels { min: 0.05, max: 5.0, spacing: Spacing::Geometric };

    #[test]
    fn a_constant_loss_has_the_range_in_nats_at_any_number_of_strata() {
        for count in [1, 2, 32, 100] {
            let Excess { bits, standard_error } = Quadrature::integral(&LEVELS, count).excess(&vec![3.0; count]);
            assert!((bits - 3.0 * 100f64.log2()).abs() < 1e-5 && standard_error < 1e-9, "{count}: {bits}");
        }
    }

    #[test]
    fn every_stratum_has_its_level_whatever_the_spacing_of_the_training() {
        let linear = NoiseLevels { spacing: Spacing::Linear, ..LEVELS };
        assert_eq!(Quadrature::integral(&linear, 32), Quadrature::integral(&LEVELS, 32));
        let borders = LEVELS.levels(33);
        for (node, border) in Quadrature::integral(&LEVELS, 32).nodes().iter().zip(borders.windows(2)) {
            assert!((border[0]..border[1]).contains(&node.level));
        }
        let bound = Quadrature::bound(&LEVELS, 32);
        assert!(bound.nodes().iter().zip(&borders[1..]).all(|(node, border)| (node.level / border - 1.0).abs() < 1e-5));
    }

    #[test]
    fn the_left_sum_is_above_the_integral_and_comes_down_to_it() {
        // A Gaussian of variance v has L = v / (v + s^2) a dimension.
        let loss = |node: &Node| 0.1 / (0.1 + f64::from(node.level).powi(2));
        let bits = |rule: Quadrature| rule.excess(&rule.nodes().iter().map(loss).collect::<Vec<_>>()).bits;
        let truth = 0.5 * ((0.1 + 0.05f64.powi(2)) / 0.05f64.powi(2)).log2() - 0.5 * (1.0 + 0.1 / 25.0f64).log2();
        assert!((bits(Quadrature::integral(&LEVELS, 32)) - truth).abs() < 1e-3 * truth);
        let sums = [32, 128, 512].map(|count| bits(Quadrature::bound(&LEVELS, count)));
        assert!(sums.is_sorted_by(|a, b| a > b) && sums[2] > truth && sums[2] < 1.01 * truth, "{truth}: {sums:?}");
    }

    #[test]
    fn the_standard_error_is_that_of_independent_noise_on_a_curve() {
        let rule = Quadrature::integral(&LEVELS, 32);
        let found: Vec<(f64, f64)> = (0..400)
            .map(|chain| {
                let z = Noise::new(5).normal(chain, Draw::Start, 32);
                let loss = |(place, z): (usize, &f32)| 60.0 - place as f64 + 2.0 * f64::from(*z);
                let excess = rule.excess(&z.iter().enumerate().map(loss).collect::<Vec<_>>());
                (excess.bits, excess.standard_error.powi(2))
            })
            .collect();
        let n = found.len() as f64;
        let mean = found.iter().map(|found| found.0).sum::<f64>() / n;
        let variance = found.iter().map(|found| (found.0 - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let told = found.iter().map(|found| found.1).sum::<f64>() / n;
        assert!((told / variance - 1.0).abs() < 0.3, "told {told}, found {variance}");
    }

    #[test]
    fn overlapping_levels_are_at_most_two_standard_deviations_of_the_radius_apart() {
        let rule = Quadrature::overlapping(&LEVELS, 1024);
        let most = 1.0 + (2.0f32 / 1024.0).sqrt();
        assert!(rule.nodes().windows(2).all(|pair| pair[1].level / pair[0].level < most + 1e-4));
        assert!((100..120).contains(&rule.nodes().len()));
    }
}
