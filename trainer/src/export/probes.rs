//! The start-up self-tests that are published with a model.

use std::iter::once;

use burn::tensor::Device;
use shared::model::{ModelError, SelfTest, Weights};

use crate::{
    error::{Error, Result},
    model::{Guide, LoadedModel},
};

/// Seed of the self-test's input.
const SEED: u64 = 1;

/// The start-up self-tests of a model and of its guide, if it has one.
pub struct Probes {
    /// The model's.
    pub probe: SelfTest,
    /// Its guide's.
    pub of_guide: Option<SelfTest>,
}

impl Probes {
    /// As the CPU computes them of these weights, the rounded ones: visitors' devices are compared with that, and a GPU
    /// of the maker's with some fault of its own must not be what is right.
    ///
    /// # Errors
    /// They do not fit the networks, or the CPU cannot be read.
    pub fn on_cpu(model: &LoadedModel, bytes: &[u8]) -> std::result::Result<Self, ModelError> {
        let cpu = Device::flex();
        let mut weights = Weights::parse(bytes)?;
        let mut of_guide = None;
        if let Some(Guide { model, .. }) = model.guide() {
            let network = weights.take_guide(&model.config, &cpu)?;
            of_guide = Some(SelfTest::measure(SEED, &network, &model.config, &cpu)?);
        }
        let network = weights.into_network(&model.config, &cpu)?;
        Ok(Self { probe: SelfTest::measure(SEED, &network, &model.config, &cpu)?, of_guide })
    }

    /// As the device computes them that the model is on.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn of(model: &LoadedModel, device: &Device) -> std::result::Result<Self, ModelError> {
        let measure = |model: &LoadedModel| SelfTest::measure(SEED, &model.network, &model.config, device);
        let of_guide = model.guide().map(|guide| measure(&guide.model)).transpose()?;
        Ok(Self { probe: measure(model)?, of_guide })
    }

    /// Whether another device computes the same, up to rounding.
    ///
    /// # Errors
    /// It does not, so that nothing can be measured on it.
    pub fn check(&self, other: &Self, backend: &str) -> Result<()> {
        /// What the page allows a visitor's device: relative to an energy, and to the largest, as an energy may be what
        /// remains of larger numbers.
        const TOLERANCES: [f32; 2] = [1e-3, 1e-5];
        let all = |probes: &Self| -> Vec<Vec<f32>> {
            once(&probes.probe).chain(&probes.of_guide).map(|probe| probe.energies.clone()).collect()
        };
        for (wanted, found) in all(self).iter().zip(&all(other)) {
            let largest = wanted.iter().fold(0f32, |most, energy| most.max(energy.abs()));
            for (&wanted, &found) in wanted.iter().zip(found) {
                let allowed = (TOLERANCES[0] * wanted.abs()).max(TOLERANCES[1] * largest);
                // A NaN is neither near nor far.
                let near = (found - wanted).abs() <= allowed;
                if !near {
                    return Err(Error::failed(format!(
                        "--backend {backend}: this device computes an energy of {found} where the CPU computes {wanted}, so \
                         nothing can be measured on it; export with --backend flex"
                    )));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_computes_something_else_is_told() {
        let probes = |first: f32, of_guide: f32| {
            let test = |first| SelfTest { seed: SEED, energies: vec![first, 2.0, 300.0, 4000.0] };
            Probes { probe: test(first), of_guide: Some(test(of_guide)) }
        };
        let cpu = probes(-1.0, 1.0);
        // Rounding: that of an energy itself, or of the largest.
        cpu.check(&probes(-1.03, 0.97), "wgpu").unwrap();
        for (first, of_guide) in [(-1.05, 1.0), (-1.0, 1.05), (f32::NAN, 1.0)] {
            let error = cpu.check(&probes(first, of_guide), "wgpu").unwrap_err();
            assert!(error.to_string().starts_with("--backend wgpu: this device computes") && error.exit_code() == 1);
        }
    }
}
