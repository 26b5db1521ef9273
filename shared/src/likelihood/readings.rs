//! What a model says of pictures under noise.

use burn::tensor::{Device, Tensor};

use crate::{
    each::sums,
    network::{Energy, Frame},
    sampling::{Draw, Noise, langevin},
};

/// What a model says of pictures under noise, each value the mean over the noise and its opposite.
#[derive(Clone, Debug)]
pub struct Reading {
    /// `(x - D)^2 / s^2` of every value, `[N, C, H, W]`: its sum over a picture is the loss `L(s)`, and times a node's
    /// weight over `ln 2` it is how many bits the value cost at this level: its surprise.
    pub errors: Tensor<4>,
    /// Energies of the noisy pictures, with the noise and with its opposite, `[N]` both.
    pub energies: [Tensor<1>; 2],
}

impl Reading {
    /// `L(s)` of each picture, `[N]`.
    pub fn losses(&self) -> Tensor<1> {
        sums(self.errors.clone())
    }
}

/// The noise of a level, `[1, C, H, W]`, by its place among those of a [`Quadrature`](super::Quadrature): the same for
/// all pictures, so that differences between pictures are not those of their noise.
pub fn noise(seed: u64, place: usize, [_, channels, height, width]: [usize; 4], device: &Device) -> Tensor<4> {
    Noise::new(seed).tensor(place as u64, Draw::Surprise, [1, channels, height, width], device)
}

/// Reads pictures `x` under the standard normal `z`, both `[N, C, H, W]`, times the `levels`, `[N]`.
pub fn readings(energy: &impl Energy, sigma_0: f32, x: Tensor<4>, z: Tensor<4>, levels: Tensor<1>) -> Reading {
    let count = x.dims()[0];
    let levels: Tensor<4> = levels.reshape([-1, 1, 1, 1]);
    let offset = z * levels.clone();
    let noisy = Tensor::cat(vec![x.clone() + offset.clone(), x.clone() - offset], 0);
    let (energies, gradient) = energy.energy_and_gradient(noisy.clone());
    let denoised = langevin::denoise(noisy, gradient, sigma_0);
    let error = |first: usize| ((denoised.clone().narrow(0, first, count) - x.clone()) / levels.clone()).square();
    let errors = (error(0) + error(count)) * 0.5;
    let energies = [0, count].map(|first| energies.clone().narrow(0, first, count));
    Reading { errors, energies }
}

/// How much of `[N, C, S, S]` summed lies in the frame around the pictures, `[N]`: surprise there is of the model alone,
/// for the frame is known.
pub fn frame_share(map: &Tensor<4>, frame: &Frame) -> Tensor<1> {
    sums(map.clone()) - sums(frame.remove(map.clone()))
}
