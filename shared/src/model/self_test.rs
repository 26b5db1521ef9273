//! The start-up self-test: a known input with known energies.

use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::ModelError;
use crate::{
    network::{Energy, EnergyNetwork, NetworkConfig},
    sampling::{Draw, Noise},
};

/// Noise of a seed at several levels, and the energies that the trainer's CPU found for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SelfTest {
    /// Seed of the input.
    pub seed: u64,
    /// One energy for each of [`SelfTest::LEVELS`].
    pub energies: Vec<f32>,
}

impl SelfTest {
    /// The inputs are `0.5 + level z`.
    const LEVELS: [f32; 4] = [0.05, 0.2, 0.5, 1.0];
    /// Largest difference, relative to the largest energy, that rounding explains on a GPU.
    const TOLERANCE: f32 = 1e-3;

    /// The probe of a network. Reads the device synchronously, so it is for the trainer only.
    ///
    /// # Errors
    /// The device cannot be read.
    pub fn measure(
        seed: u64,
        network: &EnergyNetwork,
        config: &NetworkConfig,
        device: &Device,
    ) -> Result<Self, ModelError> {
        let (energies, _) = network.energy_and_gradient(Self::input(seed, config, device));
        let energies = energies.try_into_vec_as::<f32>().map_err(|error| ModelError::Device(error.to_string()))?;
        Ok(Self { seed, energies })
    }

    pub(super) fn validate(&self) -> Result<(), String> {
        let energies = &self.energies;
        if energies.len() != Self::LEVELS.len() || !energies.iter().all(|e| e.is_finite()) {
            return Err(format!("probe.energies must be {} finite numbers", Self::LEVELS.len()));
        }
        Ok(())
    }

    pub(super) async fn check(
        &self,
        network: &EnergyNetwork,
        config: &NetworkConfig,
        device: &Device,
    ) -> Result<(), ModelError> {
        let (energies, _) = network.energy_and_gradient(Self::input(self.seed, config, device));
        let data = energies.into_data_async().await.map_err(|error| ModelError::Device(format!("{error:?}")))?;
        let largest = self.energies.iter().fold(0f32, |most, e| most.max(e.abs()));
        for (found, &wanted) in data.iter::<f32>().zip(&self.energies) {
            let close = (found - wanted).abs() <= Self::TOLERANCE * largest;
            // Not `far > tolerance`: a NaN is neither.
            if !close {
                return Err(ModelError::SelfTest { wanted, found });
            }
        }
        Ok(())
    }

    fn input(seed: u64, config: &NetworkConfig, device: &Device) -> Tensor<4> {
        let levels = Tensor::<1>::from_floats(Self::LEVELS, device).reshape([-1, 1, 1, 1]);
        let shape = config.batch_shape(Self::LEVELS.len());
        Noise::new(seed).tensor(0, Draw::Probe, shape, device) * levels + 0.5
    }
}
