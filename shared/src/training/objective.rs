//! The training objective.

use burn::tensor::Tensor;

use crate::network::Energy;

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
    residual.square().flatten::<2>(1, 3).sum_dim(1).squeeze_dim(1)
}

/// The loss of each image, `[N]`, if `denoised` were the noisy images after one jump: in the same units as
/// [`mdsm_loss`], with which it agrees where `denoised` is `xn - sigma_0^2 grad E(xn)`. For a denoiser that is no
/// energy's gradient, such as the U-Net inside an energy while it is trained alone.
///
/// `denoised` and `clean` are `[N, C, H, W]`, `sigma` is `[N]`.
pub fn denoising_loss(denoised: Tensor<4>, clean: Tensor<4>, sigma: Tensor<1>) -> Tensor<1> {
    let residual = (denoised - clean) / sigma.reshape([-1, 1, 1, 1]);
    residual.square().flatten::<2>(1, 3).sum_dim(1).squeeze_dim(1)
}
