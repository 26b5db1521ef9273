//! Samples that keep away from a weaker model's errors.

use burn::tensor::Tensor;

use crate::{
    backend::squared_distance,
    network::{Energy, EnergyNetwork},
};

/// A model's energy `E`, for samples along with that of a guide, `G`: a weaker model of the same data, smaller and
/// trained for shorter. Chains go down `E + w (E - G)`, which has the density `p^(1 + w) / q^w`. What the model finds
/// likely by mistake its guide mostly finds likelier still, and what it knows of the data its guide knows less well; so
/// away from the guide is away from mistakes (autoguidance: Karras and others 2024, "Guiding a diffusion model with a
/// bad version of itself"). The denoised picture is `D + w (D - D_guide)`, at the model's own `sigma_0`.
///
/// Far from all data the guide may rise more steeply than the model by any factor, and nothing would hold chains that
/// came there. So what it adds to the gradient is never longer than half of the model's own: each step's drift goes
/// down the model's energy. (Where that limit binds, the density above is no longer what chains follow.)
///
/// Where nothing but the data is to speak, in completions, denoising and densities, the model stands alone.
#[derive(Clone, Copy, Debug)]
pub struct Guided<'a> {
    network: &'a EnergyNetwork,
    guide: Option<(&'a EnergyNetwork, f32)>,
}

impl<'a> Guided<'a> {
    /// The guide's part of the gradient, as a share of the model's, at most.
    const MOST: f32 = 0.5;

    /// With a guide and its weight `w`, if there is one; both see images of the same shape and have the same `sigma_0`.
    pub fn new(network: &'a EnergyNetwork, guide: Option<(&'a EnergyNetwork, f32)>) -> Self {
        Self { network, guide }
    }
}

impl Energy for Guided<'_> {
    /// The energies are the model's own, by which pictures are compared; the gradient is that of what chains go down.
    fn energy_and_gradient(&self, x: Tensor<4>) -> (Tensor<1>, Tensor<4>) {
        let Some((guide, weight)) = self.guide else { return self.network.energy_and_gradient(x) };
        let (energy, gradient) = self.network.energy_and_gradient(x.clone());
        let (_, weaker) = guide.energy_and_gradient(x);
        // Squares by an operation that energies need too, so that the page's program does not grow.
        let nothing = Tensor::zeros(gradient.dims(), &gradient.device());
        let (steepness, _) = squared_distance(gradient.clone(), nothing, 2.0);
        let (length, away) = squared_distance(gradient.clone(), weaker, 2.0 * weight * weight);
        let kept = (steepness * (Self::MOST * Self::MOST) / (length + f32::MIN_POSITIVE)).clamp_max(1.0).sqrt();
        (energy, gradient + away * (kept * weight).reshape([-1, 1, 1, 1]))
    }
}
