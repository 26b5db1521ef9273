//! Consistent annealed sampling: the noise level falls, and every step injects just the noise that makes the level the
//! next one's (Jolicoeur-Martineau and others 2020, "Adversarial score matching and improved
//! sampling"). Without injected noise it is the deterministic flow, `dx / d level = (x - D(x)) / level`, with the
//! static energy's denoiser `D(x) = x - sigma_0^2 grad E(x)`.
//!
//! Steps are of second order (DPM-Solver++ 2M; Lu and others 2022): a step that takes the denoised picture for constant
//! comes out with too little of the data's variance, a tenth in 50 steps, at every scale of a picture at once.

use burn::tensor::Tensor;

use super::Churn;
use crate::backend::{combination, combination2, combination3};

/// Where chains were and what the energy's gradient was there, both `[N, C, H, W]`.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// The chains.
    pub x: Tensor<4>,
    /// The gradient.
    pub gradient: Tensor<4>,
    /// The noise level of the chains.
    pub level: f32,
}

/// A step from the level of `now` to `next`: of the residual `x - D`, which is noise of that standard deviation, the part
/// `(next / level)^(1 + churn)` stays, and new noise `z`, `[N, C, H, W]`, brings it to `next`. For `D` stands the denoised
/// picture as it will be half a step further on, in the logarithm of the level, if it goes on as since the step `before`.
/// Without `z` there should be no churn. A step to no noise at all is of first order: its logarithm has no middle.
pub fn step(
    now: Evaluation,
    before: Option<Evaluation>,
    z: Option<Tensor<4>>,
    sigma_0: f32,
    churn: Churn,
    next: f32,
) -> Tensor<4> {
    let Evaluation { x, gradient, level } = now;
    let ratio = next / level;
    let kept = ratio.powf(1.0 + churn.value());
    let (removed, scale) = (1.0 - kept, sigma_0 * sigma_0);
    let injected = level * (ratio * ratio - kept * kept).max(0.0).sqrt();
    let z = z.map(|z| (injected, z));
    match before.filter(|_| next > 0.0) {
        None => combination((1.0, x), (-removed * scale, gradient), z),
        Some(before) => {
            // How many steps like the last one half of this step is.
            let half = 0.5 * ratio.ln() / (level / before.level).ln();
            let ahead = half * removed;
            let sum = combination3((1.0 + ahead, x), (-(removed + ahead) * scale, gradient), (-ahead, before.x));
            combination((1.0, sum), (ahead * scale, before.gradient), z)
        }
    }
}

/// A step at a level that stays: the denoised picture under new noise. Chains come to have the distribution of the data
/// under noise, whatever they start from. Half of the noise's variance is that of the step before: with noise that is
/// all new the chains would have less than a half of the data's variance; so they have it exactly, if the data is a
/// Gaussian (Leimkuhler and Matthews 2013, "Rational construction of stochastic numerical methods for molecular
/// sampling").
pub fn hold(now: Evaluation, z_before: Tensor<4>, z: Tensor<4>, sigma_0: f32) -> Tensor<4> {
    let each = now.level * core::f32::consts::FRAC_1_SQRT_2;
    let denoised = combination2((1.0, now.x), (-sigma_0 * sigma_0, now.gradient));
    combination3((1.0, denoised), (each, z_before), (each, z))
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn a_step_sees_half_of_itself_ahead_whatever_the_ratios() {
        let (device, sigma_0) = (Device::flex(), 0.1);
        // Denoised pictures that change evenly with the logarithm of the level.
        let denoised = |level: f32| 0.3 + 0.1 * level.ln();
        let at = |x: f32, level: f32| Evaluation {
            x: Tensor::full([1, 1, 1, 1], x, &device),
            gradient: Tensor::full([1, 1, 1, 1], (x - denoised(level)) / (sigma_0 * sigma_0), &device),
            level,
        };
        for [before, level, next] in [[4.0, 2.0, 1.0], [3.0, 2.0, 0.5], [8.0, 1.0, 0.9]] {
            for (churn, x) in [(0.0, 0.7), (2.0, -1.0)] {
                let churn = Churn::new(churn).unwrap();
                let found = step(at(x, level), Some(at(0.1, before)), None, sigma_0, churn, next).into_scalar::<f32>();
                let kept = (next / level).powf(1.0 + churn.value());
                let wanted = kept * x + (1.0 - kept) * denoised((level * next).sqrt());
                assert!((found - wanted).abs() < 1e-5, "{before}, {level}, {next}: {found}, theory {wanted}");
            }
        }
    }
}
