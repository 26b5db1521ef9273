//! Gradients as numbers in a row, for their way between processes.

use burn::{
    optim::GradientsParams,
    tensor::{Device, Tensor, TensorData},
};
use shared::network::Parameter;

use crate::{error::Result, output};

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
