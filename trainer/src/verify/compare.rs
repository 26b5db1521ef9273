//! Recomputes everything that a reference file has the answer to.

use burn::{
    optim::GradientsParams,
    tensor::{Bool, Device, Tensor, TensorData},
};
use serde::Serialize;
use shared::{
    model::ModelError,
    network::{Energy, EnergyNetwork, Parameter},
    sampling::langevin,
    training::mdsm_loss,
};

use super::Reference;
use crate::{
    error::{Error, Result},
    output,
};

/// One compared tensor.
#[derive(Serialize)]
pub struct Quantity {
    /// Its name in the file, without `expect.`.
    pub name: String,
    /// Largest difference.
    pub max_abs_error: f64,
    /// The same, relative to the largest absolute value of the answer.
    pub relative_error: f64,
    /// What float32 rounding explains.
    pub tolerance: f64,
    /// Whether it is within the tolerance.
    pub ok: bool,
}

/// Relative tolerance in float32.
const TOLERANCE: f64 = 1e-4;
/// The same for gradients of parameters, which are sums over all images and pixels.
const GRADIENT_TOLERANCE: f64 = 1e-3;

/// Compares every `expect.*` tensor.
///
/// # Errors
/// A tensor that the network lacks, that is unknown, or whose shape is not that of the computed answer, by name.
pub fn compare(mut reference: Reference, device: &Device) -> Result<Vec<Quantity>> {
    let input = |error: ModelError| Error::input(error.to_string());
    let weights = std::mem::take(&mut reference.weights);
    let mut expect = std::mem::take(&mut reference.expect);
    let network = weights.clone().into_network(&reference.config, device).map_err(input)?;
    let training = weights.into_network(&reference.config, &device.clone().autodiff()).map_err(input)?;

    let mut quantities = Vec::new();
    let mut check = |name: &str, found: (Vec<f32>, Vec<usize>), tolerance: f64| -> Result<()> {
        let wanted = expect.take(name).map_err(|_| Error::input(format!("tensor `expect.{name}` is missing")))?;
        quantities.push(quantity(name, &found, &wanted, tolerance)?);
        Ok(())
    };

    let (energy, gradient) = network.energy_and_gradient(tensor(&reference.x, device));
    check("energy", values(energy)?, TOLERANCE)?;
    check("energy_gradient", values(gradient)?, TOLERANCE)?;

    let [clean, noise, sigma] = &reference.train;
    let autodiff = device.clone().autodiff();
    let loss = mdsm_loss(
        &training,
        reference.config.sigma_0,
        tensor(clean, &autodiff),
        tensor(noise, &autodiff),
        tensor(sigma, &autodiff),
    );
    check("loss_per_image", values(loss.clone())?, TOLERANCE)?;
    let loss = loss.mean();
    check("loss", values(loss.clone())?, TOLERANCE)?;
    let gradients = GradientsParams::from_grads(loss.backward(), &training);
    for parameter in training.parameters() {
        check(&format!("grad.{}", parameter.name), gradient_of(&gradients, &parameter)?, GRADIENT_TOLERANCE)?;
    }

    let (x, denoised) = sample(&network, &reference, device);
    check("langevin.x", values(x)?, TOLERANCE)?;
    check("langevin.denoised", values(denoised)?, TOLERANCE)?;
    let (x, denoised) = inpaint(&network, &reference, device);
    check("inpaint.x", values(x)?, TOLERANCE)?;
    check("inpaint.denoised", values(denoised)?, TOLERANCE)?;

    if let Some(name) = expect.names().next() {
        return Err(Error::input(format!("tensor `expect.{name}` is unknown to this network")));
    }
    Ok(quantities)
}

fn sample(network: &EnergyNetwork, reference: &Reference, device: &Device) -> (Tensor<4>, Tensor<4>) {
    let [x0, noise, _] = &reference.langevin;
    let noise: Tensor<5> = tensor(noise, device);
    let mut x: Tensor<4> = tensor(x0, device);
    for (index, temperature) in temperatures(reference).enumerate() {
        let (_, gradient) = network.energy_and_gradient(x.clone());
        x = langevin::step(x, gradient, at(&noise, index), reference.step_size, temperature);
    }
    let (_, gradient) = network.energy_and_gradient(x.clone());
    (x.clone(), langevin::denoise(x, gradient, reference.config.sigma_0))
}

fn inpaint(network: &EnergyNetwork, reference: &Reference, device: &Device) -> (Tensor<4>, Tensor<4>) {
    let [x0, noise, _] = &reference.langevin;
    let [known, mask, known_noise] = &reference.inpaint;
    let sigma_0 = reference.config.sigma_0;
    let noise: Tensor<5> = tensor(noise, device);
    let known_noise: Tensor<5> = tensor(known_noise, device);
    let known: Tensor<4> = tensor(known, device);
    let unknown: Tensor<4, Bool> = tensor::<4>(mask, device).greater_elem(0.5);
    let keep = |x: Tensor<4>| known.clone().mask_where(unknown.clone(), x);
    let gradient = |x: &Tensor<4>, temperature: f32, index: usize| {
        let z = at(&known_noise, index);
        let shown = langevin::show_known(x.clone(), known.clone(), unknown.clone(), z, sigma_0 * temperature.sqrt());
        network.energy_and_gradient(shown).1
    };

    let mut x = keep(tensor(x0, device));
    let mut last = 0.0;
    for (index, temperature) in temperatures(reference).enumerate() {
        let gradient = gradient(&x, temperature, index);
        x = keep(langevin::step(x, gradient, at(&noise, index), reference.step_size, temperature));
        last = temperature;
    }
    let gradient = gradient(&x, last, noise.dims()[0]);
    (x.clone(), keep(langevin::denoise(x, gradient, sigma_0)))
}

fn temperatures(reference: &Reference) -> impl Iterator<Item = f32> {
    reference.langevin[2].iter::<f32>()
}

fn at(noise: &Tensor<5>, index: usize) -> Tensor<4> {
    noise.clone().narrow(0, index, 1).squeeze_dim(0)
}

fn tensor<const D: usize>(data: &TensorData, device: &Device) -> Tensor<D> {
    Tensor::from_data(data.clone(), device)
}

fn values<const D: usize>(tensor: Tensor<D>) -> Result<(Vec<f32>, Vec<usize>)> {
    let shape = tensor.dims().to_vec();
    Ok((output::floats(tensor)?, shape))
}

fn gradient_of(gradients: &GradientsParams, parameter: &Parameter) -> Result<(Vec<f32>, Vec<usize>)> {
    // The head's constants do not reach the energy gradient, nor does the loss then depend on them: autodiff files
    // nothing.
    let zero = || (vec![0.0; parameter.shape.iter().product()], parameter.shape.clone());
    match parameter.shape.len() {
        1 => gradients.get::<1>(parameter.id).map_or_else(|| Ok(zero()), values),
        2 => gradients.get::<2>(parameter.id).map_or_else(|| Ok(zero()), values),
        _ => gradients.get::<4>(parameter.id).map_or_else(|| Ok(zero()), values),
    }
}

fn quantity(name: &str, found: &(Vec<f32>, Vec<usize>), wanted: &TensorData, tolerance: f64) -> Result<Quantity> {
    let (found, shape) = found;
    if shape[..] != wanted.shape()[..] {
        let wanted = &wanted.shape()[..];
        return Err(Error::input(format!("tensor `expect.{name}` has shape {wanted:?} where {shape:?} is computed")));
    }
    let mut max_abs_error = 0f64;
    let mut largest = 0f64;
    for (&found, wanted) in found.iter().zip(wanted.iter::<f32>()) {
        let error = f64::from((found - wanted).abs());
        // `max` would drop a NaN.
        max_abs_error = if error.is_nan() { f64::NAN } else { max_abs_error.max(error) };
        largest = largest.max(f64::from(wanted.abs()));
        if max_abs_error.is_nan() {
            break;
        }
    }
    let relative_error = if largest > 0.0 { max_abs_error / largest } else { max_abs_error };
    Ok(Quantity { name: name.to_owned(), max_abs_error, relative_error, tolerance, ok: relative_error <= tolerance })
}
