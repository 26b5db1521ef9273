//! How likely a picture is, from the denoiser's errors alone: a bound on `-log p` that needs no chains and no partition
//! function.
//!
//! With `D(y) = y - sigma_0^2 grad E(y)` and `L(s) = |x - D(x + s z)|^2 / s^2`, the density of pictures under noise `s1` has
//!
//! ```text
//! -log p_s1(x + s1 z)  <=  d/2 ln(2 pi e s1^2)  +  int L(s) dln s  +  KL( N(x, smax^2) || N(mu, C + smax^2) )
//!                          floor                   excess, s1..smax   prior
//! ```
//!
//! on average over `x` and `z`: the derivative of the information in a noisy picture is the error of its best denoiser
//! (Guo, Shamai and Verdu 2005, "Mutual information and minimum mean-square error in Gaussian channels"; Kong, Brekelmans
//! and Ver Steeg 2023, "Information-theoretic diffusion"). For the best denoiser of every level it is equal, but for what
//! the prior's Gaussian differs from the density under the largest noise: `KL(p_smax || N(mu, C + smax^2))`, which is less
//! than the prior itself. Any other denoiser has more. The loss that the model was trained with is this integrand: its mean
//! over levels that are spaced geometrically, times `ln(smax / s1)`, is the excess in nats.
//!
//! [`Quadrature`] has the levels and makes numbers of what is read at them, [`readings`] are what a model says there,
//! [`Prior`] is the Gaussian behind the largest level, [`Decoder`] tells 8-bit pictures from noisy ones, [`partition`] has `ln Z` of
//! the static energy from the same readings. [`separation`] compares two pictures by the same errors.
//! Bits here are of a whole picture, at the noise level that goes with it; only [`floor`] has those of one value.

mod code;
mod distance;
pub mod partition;
mod prior;
mod quadrature;
mod readings;

pub use code::Decoder;
pub use distance::separation;
pub use prior::{Moments, Prior};
pub use quadrature::{Excess, Node, Quadrature};
pub use readings::{Reading, frame_share, noise, readings};

/// Bits of one value under Gaussian noise of this level alone, of values that have 256 steps from 0 to 1: `log2(255 s
/// sqrt(2 pi e))`. No density of pictures under such noise has fewer on average.
pub fn floor(level: f32) -> f64 {
    libm::log2(255.0 * f64::from(level) * libm::sqrt(core::f64::consts::TAU * core::f64::consts::E))
}

/// Of several models of the same pictures at the same noise level, how likely each is the one that a picture belongs to,
/// if all were as likely before: in proportion to `2^-bits`.
pub fn belongs(bits: &[f64]) -> Vec<f64> {
    let least = bits.iter().copied().fold(f64::INFINITY, f64::min);
    let weights: Vec<f64> = bits.iter().map(|bits| libm::exp2(least - bits)).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_is_the_entropy_of_the_noise() {
        assert!((floor(0.05) - 5.72).abs() < 0.005 && (floor(0.1) - 6.72).abs() < 0.005);
    }

    #[test]
    fn a_picture_belongs_where_it_has_fewer_bits() {
        let shares = belongs(&[1000.0, 1001.0, 1003.0]);
        for (share, wanted) in shares.iter().zip([8.0, 4.0, 1.0]) {
            assert!((share - wanted / 13.0).abs() < 1e-12, "{shares:?}");
        }
        assert_eq!(belongs(&[5.0, 5000.0]), [1.0, 0.0]);
    }
}
