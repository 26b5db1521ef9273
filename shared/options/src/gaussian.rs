//! The kernel of a Gaussian blur.

/// The weights of the pixels around one under a Gaussian blur of this standard deviation, in pixels: as it is sampled, out
/// to where it is nothing. The middle one is the pixel's own, and their sum is 1.
#[must_use]
pub fn gaussian(deviation: f64) -> Vec<f64> {
    let reach = libm::ceil(6.0 * deviation) as i64;
    let weight = |at: i64| libm::exp(-0.5 * (at as f64 / deviation.max(1e-6)).powi(2));
    let sum: f64 = (-reach..=reach).map(weight).sum();
    (-reach..=reach).map(|at| weight(at) / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_is_symmetric_and_has_its_standard_deviation() {
        for deviation in [0.0, 1.0, 1.5, 3.0] {
            let kernel = gaussian(deviation);
            let middle = (kernel.len() / 2) as f64;
            assert!((kernel.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{deviation}");
            assert!(kernel.iter().eq(kernel.iter().rev()), "{deviation}");
            let squares = |(at, weight): (usize, &f64)| weight * (at as f64 - middle).powi(2);
            let variance: f64 = kernel.iter().enumerate().map(squares).sum();
            assert!((variance - deviation * deviation).abs() < 1e-4, "{deviation}: {variance}");
        }
        assert_eq!(gaussian(0.0), [1.0], "no blur");
    }
}
