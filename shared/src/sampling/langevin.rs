//! The steps of temperature-annealed Langevin dynamics, as functions of tensors (`functions/sampling.py` of the
//! authors' code).

use burn::tensor::{Bool, Tensor};

use crate::backend::{combination2, combination3};

/// One unadjusted Langevin step: `x - eps^2/2 grad E(x) + eps sqrt(T) z`. All tensors are `[N, C, H, W]`.
pub fn step(x: Tensor<4>, gradient: Tensor<4>, z: Tensor<4>, step_size: f32, temperature: f32) -> Tensor<4> {
    combination3((1.0, x), (-0.5 * step_size * step_size, gradient), (step_size * temperature.sqrt(), z))
}

/// The jump that removes the noise left at the end, and a blind one-step denoiser for every trained level:
/// `x - sigma_0^2 grad E(x)`.
pub fn denoise(x: Tensor<4>, gradient: Tensor<4>, sigma_0: f32) -> Tensor<4> {
    combination2((1.0, x), (-sigma_0 * sigma_0, gradient))
}

/// What the network sees while inpainting: on known pixels the known picture with noise of the level that the
/// temperature stands for, `level = sigma_0 sqrt(T)`; on unknown pixels (`unknown` true) the chain.
///
/// The authors' code takes the square root of the temperature twice; this is the intended level.
pub fn show_known(x: Tensor<4>, known: Tensor<4>, unknown: Tensor<4, Bool>, z: Tensor<4>, level: f32) -> Tensor<4> {
    combination2((1.0, known), (level, z)).mask_where(unknown, x)
}
