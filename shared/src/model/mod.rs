//! The model folder: `model.json` and `model.safetensors`, checked before anything in them is used.

mod error;
mod likelihood_card;
mod manifest;
mod self_test;
mod weights;

use burn::tensor::Device;
use sha2::{Digest, Sha256};

pub use error::ModelError;
pub use likelihood_card::{CalibrationPoint, LikelihoodCard, LossPoint, PartitionCard};
pub(crate) use manifest::are_percentiles;
pub use manifest::{DataCard, GuideCard, Manifest, Metric, TrainingCard, WeightsCard};
pub use self_test::{Probe, SelfTest};
pub use weights::Weights;

use crate::{network::EnergyNetwork, sampling::Guided};

/// A trained energy and what is known of it.
#[derive(Clone, Debug)]
pub struct Model {
    /// The contents of `model.json`.
    pub manifest: Manifest,
    /// The network with its weights.
    pub network: EnergyNetwork,
    /// That of its guide, if it has one.
    pub guide: Option<EnergyNetwork>,
}

impl Model {
    /// A model from its manifest and the bytes of its weights file.
    ///
    /// # Errors
    /// A Git LFS pointer, a wrong length or SHA-256, no safetensors, a missing, misshapen, non-finite or unknown tensor.
    pub fn load(manifest: Manifest, weights: &[u8], device: &Device) -> Result<Self, ModelError> {
        let card = &manifest.weights;
        if user_files::is_pointer(weights) {
            return Err(ModelError::Pointer("the weights"));
        }
        if weights.len() as u64 != card.bytes {
            return Err(ModelError::Length { wanted: card.bytes, found: weights.len() as u64 });
        }
        let found = hex::encode(Sha256::digest(weights));
        if !found.eq_ignore_ascii_case(&card.sha256) {
            return Err(ModelError::Hash { wanted: card.sha256.clone(), found });
        }
        let mut weights = Weights::parse(weights)?;
        let guide = manifest.guide.as_ref().map(|card| weights.take_guide(&card.network, device)).transpose()?;
        let network = weights.into_network(&manifest.network, device)?;
        Ok(Self { manifest, network, guide })
    }

    /// What samples go down.
    pub fn guided(&self) -> Guided<'_> {
        let guide = self.guide.as_ref().zip(self.manifest.guide.as_ref());
        Guided::new(&self.network, guide.map(|(network, card)| (network, card.weight)))
    }

    /// Compares this device's energies of the probe, and of the guide's, with those the trainer stored.
    ///
    /// # Errors
    /// An energy that differs: this device computes something else, and must not be used.
    pub async fn self_test(&self, device: &Device) -> Result<(), ModelError> {
        self.manifest.probe.check(&self.network, &self.manifest.network, device).await?;
        match self.guide.as_ref().zip(self.manifest.guide.as_ref()) {
            Some((network, card)) => card.probe.check(network, &card.network, device).await,
            None => Ok(()),
        }
    }

    /// What this device makes of the self-test's input: the model, and its guide if it has one. Another device's is to be
    /// compared with it.
    ///
    /// # Errors
    /// The device cannot be read.
    pub async fn probe(&self, device: &Device) -> Result<Vec<Probe>, ModelError> {
        let mut probes = vec![self.manifest.probe.probe(&self.network, &self.manifest.network, device).await?];
        if let Some((network, card)) = self.guide.as_ref().zip(self.manifest.guide.as_ref()) {
            probes.push(card.probe.probe(network, &card.network, device).await?);
        }
        Ok(probes)
    }
}

impl WeightsCard {
    /// The card of these bytes under this file name.
    pub fn of(file: &str, bytes: &[u8]) -> Self {
        Self { file: file.to_owned(), sha256: hex::encode(Sha256::digest(bytes)), bytes: bytes.len() as u64 }
    }
}
