//! The training objective.

use burn::tensor::Tensor;

use crate::{each::squared_lengths, network::Energy};

/// The MDSM loss of each image, `[N]`: the sum over pixels of `((x - xn + sigma_0^2 grad E(xn)) / sigma)^2` with
/// `xn = x + sigma z` (the paper, equation for multi-scale denoising score matching; `train.py` of the authors' code,
/// whose "normalized loss" this is). `sigma_0` stays the same while the corruption `sigma` varies; the weight is
/// `1 / sigma^2`. A constant energy gets the number of pixels in expectation.
///
/// `clean` and the standard normal `noise` are `[N, C, H, W]`, `sigma` is `[N]`.
pub fn mdsm_loss(
    energy: &impl Energy,
    sigma_0: f32,
    clean: Tensor<4>,
    noise: Tensor<4>,
    sigma: Tensor<1>,
) -> Tensor<1> {
    let sigma = sigma.reshape([-1, 1, 1, 1]);
    let noisy = clean + noise.clone() * sigma.clone();
    let (_, gradient) = energy.energy_and_gradient(noisy);
    // (x - xn) / sigma is -z exactly; dividing the difference would only add rounding.
    let residual = gradient * (sigma_0 * sigma_0) / sigma - noise;
    squared_lengths(residual)
}

/// The loss of each image, `[N]`, if `denoised` were the noisy images after one jump: in the same units as
/// [`mdsm_loss`], with which it agrees where `denoised` is `xn - sigma_0^2 grad E(xn)`. For a denoiser that is no
/// energy's gradient, such as the U-Net inside an energy while it is trained alone.
///
/// `denoised` and `clean` are `[N, C, H, W]`, `sigma` is `[N]`.
pub fn denoising_loss(denoised: Tensor<4>, clean: Tensor<4>, sigma: Tensor<1>) -> Tensor<1> {
    let residual = (denoised - clean) / sigma.reshape([-1, 1, 1, 1]);
    squared_lengths(residual)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::each::sums;
    use crate::sampling::{Draw, Noise};

    /// The energy of everything is 0.
    struct Constant;

    impl Energy for Constant {
        fn energy_and_gradient(&self, x: Tensor<4>) -> (Tensor<1>, Tensor<4>) {
            (Tensor::zeros([x.dims()[0]], &x.device()), x.zeros_like())
        }
    }

    /// `sigma_0^2 E(x) = |x|^2 / 2`, whose jump leads to black.
    struct Black(f32);

    impl Energy for Black {
        fn energy_and_gradient(&self, x: Tensor<4>) -> (Tensor<1>, Tensor<4>) {
            let gradient = x.clone() / (self.0 * self.0);
            (sums(x * gradient.clone()) / 2.0, gradient)
        }
    }

    #[test]
    fn losses_are_those_of_closed_forms() {
        let device = Device::flex();
        let noise = Noise::new(1).tensor(0, Draw::Start, [64, 3, 16, 16], &device);
        let clean = Tensor::<4>::full([64, 3, 16, 16], 0.5, &device);
        let sigma = Tensor::<1>::full([64], 0.25, &device);
        let mean = |losses: Tensor<1>| losses.mean().into_scalar::<f32>();
        let constant = mean(mdsm_loss(&Constant, 0.1, clean.clone(), noise.clone(), sigma.clone()));
        // The number of values: of so many, the mean's standard error is 0.6 %.
        assert!((constant / 768.0 - 1.0).abs() < 0.02, "{constant}");
        // (0.5 - 0) / 0.25 in every value, whatever the noise.
        let black = mean(mdsm_loss(&Black(0.1), 0.1, clean.clone(), noise, sigma.clone()));
        assert!((black / (4.0 * 768.0) - 1.0).abs() < 1e-4, "{black}");
        let denoised = mean(denoising_loss(clean.zeros_like(), clean, sigma));
        assert!((denoised / black - 1.0).abs() < 1e-4, "{denoised}, {black}");
    }
}
