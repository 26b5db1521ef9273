//! What of a clean picture can be known from a noisy one.

use burn::tensor::{Tensor, activation::softmax};

use crate::{each::squared_lengths, network::Frame};

/// What a network is to find in noisy pictures, in place of the pictures that they were made of and their noise.
#[derive(Debug)]
pub struct StableTargets {
    /// Means of the pictures that each noisy one may have been made of, `[N, C, h, w]`.
    pub clean: Tensor<4>,
    /// What the noisy pictures hold beside them, in units of the noise level, `[N, C, H, W]`.
    pub noise: Tensor<4>,
    /// What the loss of each image ([`crate::training::mdsm_loss`]) is larger by, in expectation, where the picture itself is to
    /// be found, `[N]`: no network can learn that part.
    pub unlearnable: Tensor<1>,
}

/// Targets with the expectation of the pictures themselves and less chance; the noisy pictures, `clean + sigma noise`,
/// stay the same.
///
/// `clean` are the pictures that are made noisy, `[N, C, h, w]`; their `noise`, standard normal numbers, is
/// `[N, C, H, W]` with the `frame` around them; `sigma` is `[N]`. `pictures` are those of the mean, `[M, C, h, w]`,
/// with the clean ones among them.
pub fn stable_targets(
    clean: Tensor<4>,
    noise: Tensor<4>,
    sigma: Tensor<1>,
    pictures: Tensor<4>,
    frame: Frame,
) -> StableTargets {
    let level = sigma.clone().reshape([-1, 1, 1, 1]);
    let noisy = clean.clone() + frame.remove(noise.clone()) * level.clone();
    let mean = posterior_mean(noisy.flatten(1, 3), sigma, pictures.flatten(1, 3)).reshape(clean.dims());
    let moved = (clean - mean.clone()) / level;
    StableTargets { clean: mean, noise: noise + frame.add(moved.clone()), unlearnable: squared_lengths(moved) }
}

/// The mean of the pictures that each noisy one may have been made of, `[N, D]`: `sum_i w_i x_i` with `w_i` in
/// proportion to `exp(-|xn - x_i|^2 / (2 sigma^2))`, over pictures of which each is as likely as another.
///
/// As a target of denoising it has the expectation of the one picture that the noisy one was really made of and less
/// variance: what no denoiser could have guessed is averaged out ("Stable Target Field for Reduced Variance Score
/// Estimation in Diffusion Models", Xu, Tong, Jaakkola 2023, equation 5). The pictures have to include those that the
/// noisy ones were made of. The expectation is that for any number of pictures; fewer only leave more variance.
///
/// `noisy` is `[N, D]`, its noise levels `sigma` are `[N]`, `pictures` is `[M, D]`.
fn posterior_mean(noisy: Tensor<2>, sigma: Tensor<1>, pictures: Tensor<2>) -> Tensor<2> {
    let squares = pictures.clone().square().sum_dim(1);
    let precision = sigma.square().recip().reshape([1, -1]);
    let mean = |(noisy, precision): (Tensor<2>, Tensor<2>)| {
        // -|xn - x|^2 / 2 without |xn|^2, which changes no weight: [M, n].
        let nearness = pictures.clone().matmul(noisy.transpose()) - squares.clone() * 0.5;
        let weights = softmax(nearness * precision, 0);
        // Weights below what a float keeps beside 1 only cost time, as subnormal numbers do.
        let weights = weights.clone().mask_fill(weights.lower_elem(1e-9), 0.0);
        pictures.clone().transpose().matmul(weights).transpose()
    };
    let parts = noisy.split(AT_ONCE, 0).into_iter().zip(precision.split(AT_ONCE, 1));
    Tensor::cat(parts.map(mean).collect(), 0)
}

/// Noisy pictures whose products with all others are found at once: Burn's CPU backend takes three times as long for
/// twice as many.
const AT_ONCE: usize = 32;

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::sampling::{Draw, Noise};

    fn floats<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
        tensor.into_data().try_to_vec().unwrap()
    }

    #[test]
    fn two_pictures_have_the_mean_of_the_closed_form() {
        // Pictures at -1 and 1: the posterior mean is tanh(xn / sigma^2).
        let device = Device::flex();
        let (noisy, sigma) = ([-1.4f32, 0.0, 0.3, 0.9], [0.5f32, 1.0, 2.0, 0.01]);
        let found = floats(posterior_mean(
            Tensor::<1>::from_floats(noisy, &device).reshape([4, 1]),
            Tensor::from_floats(sigma, &device),
            Tensor::<1>::from_floats([-1.0, 1.0], &device).reshape([2, 1]),
        ));
        for ((found, noisy), sigma) in found.iter().zip(noisy).zip(sigma) {
            let expected = (noisy / (sigma * sigma)).tanh();
            assert!((found - expected).abs() < 1e-6, "{found} against {expected}");
        }
    }

    #[test]
    fn under_little_noise_it_is_the_picture_itself_and_under_much_the_mean_of_all() {
        let device = Device::flex();
        let pictures = Tensor::<2>::from_floats([[0.1, 0.7, 0.3], [0.9, 0.2, 0.5], [0.4, 0.4, 0.8]], &device);
        let mean = |sigma: f32| {
            let noisy = pictures.clone().narrow(0, 1, 1) + 0.001;
            floats(posterior_mean(noisy, Tensor::from_floats([sigma], &device), pictures.clone()))
        };
        assert_eq!(mean(0.01), [0.9, 0.2, 0.5]);
        let expected = floats(pictures.clone().mean_dim(0));
        for (found, expected) in mean(1e3).iter().zip(expected) {
            assert!((found - expected).abs() < 1e-5);
        }
    }

    #[test]
    fn targets_leave_the_noisy_pictures_as_they_are() {
        let device = Device::flex();
        let frame = Frame::new(12, 16).unwrap();
        let pictures: Vec<f32> = (0..40 * 144).map(|index| (index * index % 251) as f32 / 251.0).collect();
        let pictures = Tensor::<1>::from_floats(pictures.as_slice(), &device).reshape([40, 1, 12, 12]);
        let (clean, levels) = (pictures.clone().narrow(0, 3, 4), [0.05f32, 0.3, 1.5, 5.0]);
        let noise = Noise::new(1).tensor(0, Draw::Corruption(0), [4, 1, 16, 16], &device);
        let sigma = Tensor::<1>::from_floats(levels, &device);
        let targets = stable_targets(clean.clone(), noise.clone(), sigma.clone(), pictures, frame);
        let noisy = |clean: Tensor<4>, noise: Tensor<4>| {
            floats(frame.add(clean) + noise * sigma.clone().reshape([-1, 1, 1, 1]))
        };
        let expected = noisy(clean.clone(), noise.clone());
        for (found, expected) in noisy(targets.clean.clone(), targets.noise.clone()).iter().zip(expected) {
            assert!((found - expected).abs() < 1e-5, "{found} against {expected}");
        }
        // Under little noise there is one picture that it can be; under much there are several.
        let moved = floats((targets.clean - clean).abs().flatten::<2>(1, 3).mean_dim(1));
        assert!(moved[0] == 0.0 && moved[3] > 0.01, "{moved:?}");
    }

    /// The paper's loss of any denoiser is, in expectation, the loss against the means and what is told as unlearnable;
    /// and that is the variance of the pictures that a noisy one may have been made of, found here by its definition.
    #[test]
    fn the_expected_loss_stays_and_the_unlearnable_part_is_a_variance() {
        const PICTURES: usize = 6;
        const DRAWS: usize = 6000;
        const SIGMA: f32 = 0.4;
        let device = Device::flex();
        let all: Vec<f32> = (0..PICTURES * 4).map(|index| (index * index % 23) as f32 / 23.0).collect();
        let pictures = Tensor::<1>::from_floats(all.as_slice(), &device).reshape([PICTURES, 1, 2, 2]);
        let clean = pictures.clone().repeat_dim(0, DRAWS / PICTURES);
        let noise = Noise::new(2).tensor(0, Draw::Corruption(0), [DRAWS, 1, 2, 2], &device);
        let sigma = Tensor::<1>::full([DRAWS], SIGMA, &device);
        let frame = Frame::new(2, 2).unwrap();
        let targets = stable_targets(clean.clone(), noise.clone(), sigma, pictures, frame);
        let (means, unlearnable) = (floats(targets.clean), floats(targets.unlearnable));
        let (clean, noise) = (floats(clean), floats(noise));

        let (mut differences, mut excesses) = (Vec::new(), Vec::new());
        for (draw, unlearnable) in unlearnable.into_iter().map(f64::from).enumerate() {
            let at = 4 * draw..4 * draw + 4;
            let (x, z, mean) = (&clean[at.clone()], &noise[at.clone()], &means[at]);
            let noisy: Vec<f64> = x.iter().zip(z).map(|(x, z)| f64::from(x + SIGMA * z)).collect();
            let square = |a: f64| (a / f64::from(SIGMA)).powi(2);
            // Some denoiser, far from the best.
            let loss = |target: &[f32]| -> f64 {
                target.iter().zip(&noisy).map(|(target, noisy)| square(f64::from(*target) - 0.3 * noisy - 0.1)).sum()
            };
            differences.push(loss(x) - loss(mean) - unlearnable);
            let distance = |picture: &[f32], to: &[f64]| -> f64 {
                picture.iter().zip(to).map(|(picture, to)| square(f64::from(*picture) - to)).sum()
            };
            let weights: Vec<f64> = all.chunks(4).map(|picture| (-0.5 * distance(picture, &noisy)).exp()).collect();
            let mean: Vec<f64> = mean.iter().map(|&mean| f64::from(mean)).collect();
            let variance = all.chunks(4).zip(&weights).map(|(picture, weight)| weight * distance(picture, &mean));
            excesses.push(unlearnable - variance.sum::<f64>() / weights.iter().sum::<f64>());
        }
        for (what, values) in [("the losses", differences), ("the unlearnable part and the variance", excesses)] {
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64;
            let error = (variance / values.len() as f64).sqrt();
            assert!(error > 1e-4, "{what} agree draw by draw: a thing is compared with itself");
            assert!(mean.abs() < 4.0 * error, "{what} differ by {mean} with a standard error of {error}");
        }
    }
}
