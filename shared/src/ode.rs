//! The deterministic sampler: the probability flow ordinary differential equation from the largest noise level to the smallest,
//! `dx / d level = (x - D(x)) / level`, with the static energy's denoiser `D(x) = x - sigma_0^2 grad E(x)`.

use burn::tensor::Tensor;

use crate::kernels::{combination2, combination3};

/// A step of the second-order multistep method for denoisers (DPM-Solver++ 2M; Lu and others 2022): the equation is solved exactly
/// for a denoised picture that goes on as it went over the last step. One energy gradient a step, where Heun's method takes two.
/// The levels fall by a constant ratio; `before` is the denoised picture of the step before, none in the first. All tensors are
/// `[N, C, H, W]`.
pub fn step(x: Tensor<4>, denoised: Tensor<4>, before: Option<Tensor<4>>, level: f32, next: f32) -> Tensor<4> {
    let ratio = next / level;
    let ahead = 1.0 - ratio;
    match before {
        Some(before) => combination3((ratio, x), (1.5 * ahead, denoised), (-0.5 * ahead, before)),
        None => combination2((ratio, x), (ahead, denoised)),
    }
}
