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
    /// How many pictures it computes.
    pub const PICTURES: usize = Self::LEVELS.len();
    /// The inputs are `0.5 + level z`.
    const LEVELS: [f32; 4] = [0.05, 0.2, 0.5, 1.0];
    /// Largest difference, relative to the energy of a level, that rounding explains on a GPU.
    const TOLERANCE: f32 = 1e-3;
    /// The same relative to the largest energy: an energy may be what remains of larger numbers.
    const ROUNDING: f32 = 1e-5;
    /// Largest distance of an energy gradient, relative to its length.
    const GRADIENT_TOLERANCE: f32 = 5e-3;

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
        compare(&self.energies, &data.iter::<f32>().collect::<Vec<_>>())
    }

    /// Energies and energy gradients of the input on this device.
    pub(super) async fn probe(
        &self,
        network: &EnergyNetwork,
        config: &NetworkConfig,
        device: &Device,
    ) -> Result<Probe, ModelError> {
        let (energies, gradients) = network.energy_and_gradient(Self::input(self.seed, config, device));
        let read = |error| ModelError::Device(format!("{error:?}"));
        let energies = energies.into_data_async().await.map_err(read)?.iter::<f32>().collect();
        let gradients = gradients.into_data_async().await.map_err(read)?.iter::<f32>().collect();
        Ok(Probe { energies, gradients })
    }

    fn input(seed: u64, config: &NetworkConfig, device: &Device) -> Tensor<4> {
        let levels = Tensor::<1>::from_floats(Self::LEVELS, device).reshape([-1, 1, 1, 1]);
        let shape = config.batch_shape(Self::LEVELS.len());
        Noise::new(seed).tensor(0, Draw::Probe, shape, device) * levels + 0.5
    }
}

fn compare(wanted: &[f32], found: &[f32]) -> Result<(), ModelError> {
    let largest = wanted.iter().fold(0f32, |most, e| most.max(e.abs()));
    for (&wanted, &found) in wanted.iter().zip(found) {
        let allowed = (SelfTest::TOLERANCE * wanted.abs()).max(SelfTest::ROUNDING * largest);
        // Not `far > tolerance`: a NaN is neither.
        let close = (found - wanted).abs() <= allowed;
        if !close {
            return Err(ModelError::SelfTest { wanted, found });
        }
    }
    Ok(())
}

/// What a network makes of the input of a [`SelfTest`] on some device.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// One energy for each level.
    energies: Vec<f32>,
    /// The energy gradients, one after the other.
    gradients: Vec<f32>,
}

impl Probe {
    /// Compares with what another device, which is trusted, makes of the same: energies and gradients, each level relative
    /// to itself. Sampling uses nothing but gradients, and those of small noise are much shorter than those of large.
    ///
    /// # Errors
    /// They differ by more than rounding explains.
    pub fn check(&self, trusted: &Self) -> Result<(), ModelError> {
        compare(&trusted.energies, &self.energies)?;
        let length = trusted.gradients.len() / SelfTest::PICTURES;
        let parts = trusted.gradients.chunks(length.max(1)).zip(self.gradients.chunks(length.max(1)));
        for ((wanted, found), level) in parts.zip(SelfTest::LEVELS) {
            let distance = |pairs: &mut dyn Iterator<Item = (f32, f32)>| {
                pairs.map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt() as f32
            };
            let apart = distance(&mut wanted.iter().copied().zip(found.iter().copied()));
            let long = distance(&mut wanted.iter().map(|&g| (g, 0.0)));
            let close = apart <= SelfTest::GRADIENT_TOLERANCE * long;
            if !close {
                return Err(ModelError::Gradient { level, apart: apart / long });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Probe;

    #[test]
    fn each_level_counts_by_itself() {
        let trusted = Probe { energies: vec![1.0, 10.0, 100.0, 1000.0], gradients: vec![0.01, 0.1, 1.0, 10.0] };
        let with = |change: fn(&mut Probe)| {
            let mut found = trusted.clone();
            change(&mut found);
            found.check(&trusted)
        };
        assert!(with(|_| ()).is_ok());
        assert!(with(|found| found.energies[0] *= 1.0005).is_ok());
        assert!(with(|found| found.gradients[3] *= 1.001).is_ok());
        assert!(with(|found| found.energies[0] = 1.1).is_err(), "a small part of the largest energy");
        assert!(with(|found| found.gradients[0] = -0.01).is_err(), "a small part of the longest gradient");
        assert!(with(|found| found.gradients[2] = f32::NAN).is_err());
    }
}
