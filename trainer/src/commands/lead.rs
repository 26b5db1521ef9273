//! Which of several models a picture belongs to, and whether that can be told.

use serde::Serialize;
use shared::likelihood::Quadrature;

/// How far the likeliest of several models is from the next.
#[derive(Serialize)]
pub(super) struct Lead {
    /// Their places among the scores.
    #[serde(skip)]
    pub(super) places: [usize; 2],
    /// What it has fewer, with the prior's.
    pub(super) lead_bits: f64,
    /// Of that: less than of either alone, for the noise is the same. Null where there are too few levels to know it.
    pub(super) lead_standard_error: f64,
}

impl Lead {
    /// Whether it is more than chance, and more than next to nothing: with less than a bit, the one is not twice as likely as the
    /// other.
    pub(super) fn tells(&self) -> bool {
        self.lead_bits >= 2.0 * self.lead_standard_error && self.lead_bits >= 1.0
    }

    /// By all bits of each model and what its losses were, if there are two.
    pub(super) fn of(totals: &[f64], losses: &[Vec<f64>], quadrature: &Quadrature) -> Option<Self> {
        let mut order: Vec<usize> = (0..totals.len()).collect();
        order.sort_by(|&a, &b| totals[a].total_cmp(&totals[b]));
        let places @ [first, next] = [*order.first()?, *order.get(1)?];
        let apart: Vec<f64> = losses[next].iter().zip(&losses[first]).map(|(a, b)| a - b).collect();
        let known = quadrature.nodes().len() > 2;
        let lead_standard_error = if known { quadrature.excess(&apart).standard_error } else { f64::NAN };
        Some(Self { places, lead_bits: totals[next] - totals[first], lead_standard_error })
    }
}

#[cfg(test)]
mod tests {
    use options::Spacing;
    use shared::training::NoiseLevels;

    use super::*;

    #[test]
    fn a_lead_within_chance_or_below_a_bit_tells_nothing() {
        let noise = NoiseLevels { min: 0.05, max: 5.0, spacing: Spacing::Geometric };
        let of = |levels: usize, apart: &dyn Fn(usize) -> f64| {
            let quadrature = Quadrature::integral(&noise, levels);
            let losses = [0.0, 1.0].map(|one| (0..levels).map(|level| 3.0 + one * apart(level)).collect::<Vec<f64>>());
            let totals: Vec<f64> = losses.iter().map(|losses| quadrature.excess(losses).bits).collect();
            Lead::of(&totals, &losses, &quadrature).unwrap()
        };
        let sure = of(16, &|_| 1.0);
        assert!(sure.tells() && sure.places == [0, 1] && (sure.lead_bits - 100_f64.log2()).abs() < 1e-3);
        let other_way = of(16, &|_| -1.0);
        assert!(other_way.tells() && other_way.places == [1, 0], "{}", other_way.lead_bits);
        // The same on average, but it comes and goes from level to level.
        let chance = of(16, &|level| if level % 2 == 0 { 21.0 } else { -19.0 });
        assert!(!chance.tells() && chance.lead_standard_error > 0.5 * chance.lead_bits);
        assert!(!of(16, &|_| 0.1).tells(), "less than a bit");
        assert!(!of(2, &|_| 9.0).tells(), "nobody knows the error of two levels");
    }
}
