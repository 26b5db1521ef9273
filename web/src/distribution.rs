//! Where an energy lies among those of held-out pictures.

/// Energies at evenly spaced percentiles, in rising order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Distribution(pub Vec<f32>);

impl Distribution {
    /// The percentile, 0..100, of an energy: near 100 is an outlier. As in `trainer score`.
    pub fn percentile(&self, energy: f32) -> f32 {
        let above = self.0.partition_point(|&value| value <= energy);
        if above == 0 {
            return 0.0;
        }
        let Some(&high) = self.0.get(above) else { return 100.0 };
        let low = self.0[above - 1];
        100.0 * ((above - 1) as f32 + (energy - low) / (high - low)) / (self.0.len() - 1).max(1) as f32
    }

    /// How many held-out energies in a hundred lie in each of `bins` equal parts of `from..to`.
    pub fn histogram(&self, from: f32, to: f32, bins: usize) -> Vec<f32> {
        let edge = |bin: usize| self.percentile(from + (to - from) * bin as f32 / bins as f32);
        (0..bins).map(|bin| edge(bin + 1) - edge(bin)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_linear_between_the_known_ones() {
        let distribution = Distribution(vec![0.0, 1.0, 3.0]);
        for (energy, wanted) in
            [(-1.0, 0.0), (0.0, 0.0), (0.5, 25.0), (1.0, 50.0), (2.0, 75.0), (3.0, 100.0), (9.0, 100.0)]
        {
            assert_eq!(distribution.percentile(energy), wanted, "{energy}");
        }
        assert_eq!(distribution.histogram(-1.0, 3.0, 4), [0.0, 50.0, 25.0, 25.0]);
        assert_eq!(Distribution::default().percentile(1.0), 0.0, "nothing is known");
    }
}
