//! Gradients and weights as numbers in a row, for their way between processes.

use burn::{
    module::Module,
    optim::GradientsParams,
    tensor::{Device, Tensor, TensorData},
};
use shared::{
    model::{ModelError, Weights},
    network::{EnergyNetwork, NetworkConfig, Parameter},
};

use crate::{
    error::{Error, Result},
    output,
};

/// Adds all gradients to a row, parameter by parameter; zeros for a parameter that has none.
///
/// # Errors
/// The device fails.
pub fn pack(gradients: &GradientsParams, parameters: &[Parameter], numbers: &mut Vec<f32>) -> Result<()> {
    for parameter in parameters {
        match parameter.shape.len() {
            1 => numbers.extend(pack_one::<1>(gradients, parameter)?),
            2 => numbers.extend(pack_one::<2>(gradients, parameter)?),
            _ => numbers.extend(pack_one::<4>(gradients, parameter)?),
        }
    }
    Ok(())
}

fn pack_one<const D: usize>(gradients: &GradientsParams, parameter: &Parameter) -> Result<Vec<f32>> {
    match gradients.get::<D>(parameter.id) {
        Some(gradient) => output::floats(gradient),
        None => Ok(vec![0.0; parameter.shape.iter().product()]),
    }
}

/// The gradients that [`pack`] made these numbers of.
pub fn unpack(numbers: &[f32], parameters: &[Parameter], device: &Device) -> GradientsParams {
    let (mut gradients, mut rest) = (GradientsParams::new(), numbers);
    for parameter in parameters {
        let (own, after) = rest.split_at(parameter.shape.iter().product::<usize>().min(rest.len()));
        let data = TensorData::new(own.to_vec(), parameter.shape.clone());
        match parameter.shape.len() {
            1 => gradients.register(parameter.id, Tensor::<1>::from_data(data, device)),
            2 => gradients.register(parameter.id, Tensor::<2>::from_data(data, device)),
            _ => gradients.register(parameter.id, Tensor::<4>::from_data(data, device)),
        }
        rest = after;
    }
    gradients
}

/// All weights of a network, parameter by parameter.
///
/// # Errors
/// They are not 32-bit numbers.
pub fn pack_weights(network: &EnergyNetwork) -> Result<Vec<f32>> {
    let mut weights = Weights::of(&network.valid());
    let mut numbers = Vec::new();
    for parameter in network.parameters() {
        let values = weights.take(&parameter.name).map_err(failed)?;
        numbers.extend_from_slice(values.as_slice().map_err(|error| Error::failed(format!("{error:?}")))?);
    }
    Ok(numbers)
}

/// The network that [`pack_weights`] made these numbers of; `parameters` are those of one of its kind.
///
/// # Errors
/// They are not as many numbers as the network has.
pub fn unpack_weights(
    numbers: &[f32],
    parameters: &[Parameter],
    config: &NetworkConfig,
    device: &Device,
) -> Result<EnergyNetwork> {
    let (mut weights, mut rest) = (Weights::default(), numbers);
    for Parameter { name, shape, .. } in parameters {
        let own = rest.split_off(..shape.iter().product());
        let own = own.ok_or_else(|| Error::failed("fewer weights came than the network has"))?;
        weights.insert(name, TensorData::new(own.to_vec(), shape.clone()));
    }
    weights.into_network(config, device).map_err(failed)
}

fn failed(error: ModelError) -> Error {
    Error::failed(error.to_string())
}
