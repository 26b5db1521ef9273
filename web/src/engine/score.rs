//! Energies of given pictures.

use js_sys::Date;
use shared::Energy;
use web::{
    Envelope,
    messages::{FromEngine, Purpose},
};

use crate::{link, load::Ready, run::BREATHE_EVERY};

/// Energies, slopes and denoising jumps of the pictures in `payload`.
///
/// # Errors
/// What went wrong and what to do, in sentences.
pub async fn score(ready: &Ready, purpose: Purpose, payload: &[f32]) -> Result<Envelope<FromEngine>, String> {
    let network = &ready.model.manifest.network;
    let length = ready.picture_length();
    let (mut energies, mut slopes, mut jumps) = (Vec::new(), Vec::new(), Vec::with_capacity(payload.len()));
    let mut breathed = Date::now();
    for part in payload.chunks(length * ready.batch_size()) {
        let (energy, gradient) = ready.model.network.energy_and_gradient(ready.images(part, network.channels));
        let (energy, gradient) = ready.read(vec![energy], [gradient]).await?;
        energies.extend(energy);
        slopes.extend(gradient.chunks(length).map(|picture| picture.iter().map(|g| g * g).sum::<f32>().sqrt()));
        jumps.extend(part.iter().zip(&gradient).map(|(x, g)| x - network.sigma_0 * network.sigma_0 * g));
        if Date::now() - breathed > BREATHE_EVERY {
            link::breathe().await;
            breathed = Date::now();
        }
    }
    Ok(Envelope { message: FromEngine::Scored { purpose, energies, slopes }, payload: jumps })
}
