//! How much the loss at a noise level counts: `l(sigma)` of the paper's objective.

use options::Weighting;

use super::NoiseLevels;

/// The standard deviation of a pixel, about: 0.35 for Fashion-MNIST, 0.31 for MNIST, 0.25 for CIFAR-10.
const SIGMA_DATA: f32 = 0.3;

/// `l(sigma)` as a formula.
pub fn formula(weighting: Weighting) -> String {
    match weighting {
        Weighting::InverseVariance => "1 / sigma^2".to_owned(),
        Weighting::Edm => format!("1 / sigma^2 + 1 / {SIGMA_DATA}^2"),
    }
}

/// What a loss with the paper's weights is to be multiplied by at each level; 1 in the mean over the range.
pub fn weights(weighting: Weighting, range: &NoiseLevels, levels: &[f32]) -> Vec<f32> {
    let weight = |square: f64| match weighting {
        Weighting::InverseVariance => 1.0,
        Weighting::Edm => 1.0 + square / f64::from(SIGMA_DATA).powi(2),
    };
    // It is linear in the square.
    let mean = weight(range.mean_square());
    levels.iter().map(|&level| (weight(f64::from(level).powi(2)) / mean) as f32).collect()
}

#[cfg(test)]
mod tests {
    use options::Spacing;

    use super::*;

    #[test]
    fn the_papers_weights_stay_and_edm_weighs_large_levels_by_the_error_of_the_picture() {
        let range = NoiseLevels { min: 0.01, max: 12.0, spacing: Spacing::Linear };
        assert_eq!(weights(Weighting::InverseVariance, &range, &[0.1, 5.0]), [1.0, 1.0]);
        let all = weights(Weighting::Edm, &range, &range.levels(10_000));
        assert!((all.iter().sum::<f32>() / 10_000.0 - 1.0).abs() < 1e-3);
        let weights = weights(Weighting::Edm, &range, &[0.01, 0.3, 6.0, 12.0]);
        assert!((weights[1] / weights[0] - 2.0).abs() < 0.01);
        // l(sigma) = weight / sigma^2 is the same for both, within the little that 1 / sigma^2 still is there.
        let l = |index: usize, level: f32| weights[index] / (level * level);
        assert!((l(2, 6.0) / l(3, 12.0) - 1.0).abs() < 0.01);
    }
}
