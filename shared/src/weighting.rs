//! How much the loss at a noise level counts: `l(sigma)` of the paper's objective.

use serde::{Deserialize, Serialize};

/// Which `l(sigma)` weighs the squared errors of the denoised pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weighting {
    /// `1 / sigma^2`, the paper's: an error counts by what it is of the noise, so that errors under large noise hardly
    /// count, where a picture's class is decided.
    #[default]
    InverseVariance,
    /// `1 / sigma^2 + 1 / sigma_data^2` (EDM; Karras and others 2022, table 1): an error counts by what it is of the
    /// noise or of the pictures themselves, whichever is less.
    Edm,
}

impl Weighting {
    /// The standard deviation of a pixel, about: 0.35 for Fashion-MNIST, 0.31 for MNIST, 0.25 for CIFAR-10.
    const SIGMA_DATA: f32 = 0.3;

    /// As a formula.
    pub fn formula(self) -> String {
        match self {
            Self::InverseVariance => "1 / sigma^2".to_owned(),
            Self::Edm => format!("1 / sigma^2 + 1 / {}^2", Self::SIGMA_DATA),
        }
    }

    /// What a loss with the paper's weights is to be multiplied by at each level; 1 on average.
    pub fn factors(self, levels: &[f32]) -> Vec<f32> {
        let factor = |&level: &f32| match self {
            Self::InverseVariance => 1.0,
            Self::Edm => 1.0 + (level / Self::SIGMA_DATA).powi(2),
        };
        let factors: Vec<f32> = levels.iter().map(factor).collect();
        let mean = factors.iter().sum::<f32>() / factors.len() as f32;
        factors.iter().map(|factor| factor / mean).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_papers_weights_stay_and_edm_weighs_large_levels_by_the_error_of_the_picture() {
        assert_eq!(Weighting::InverseVariance.factors(&[0.1, 5.0]), [1.0, 1.0]);
        let factors = Weighting::Edm.factors(&[0.01, 0.3, 6.0, 12.0]);
        assert!((factors.iter().sum::<f32>() - 4.0).abs() < 1e-5);
        assert!((factors[1] / factors[0] - 2.0).abs() < 0.01);
        // l(sigma) = factor / sigma^2 is the same for both, within the little that 1 / sigma^2 still is there.
        let l = |index: usize, level: f32| factors[index] / (level * level);
        assert!((l(2, 6.0) / l(3, 12.0) - 1.0).abs() < 0.01);
    }
}
