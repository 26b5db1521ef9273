//! Energies of given pictures.

use burn::tensor::Tensor;
use shared::{measures::OutlierScore, network::Energy};
use web::{
    Envelope,
    messages::{FromEngine, Purpose, Question},
};

use crate::{link::Breath, ready::Ready};

/// Energies, slopes and denoising jumps of the pictures in `payload`.
///
/// # Errors
/// What went wrong and what to do, in sentences.
pub async fn score(ready: &Ready, question: Question, payload: &[f32]) -> Result<Envelope<FromEngine>, String> {
    let network = &ready.model.manifest.network;
    let length = ready.picture_length();
    let (mut energies, mut slopes, mut jumps) = (Vec::new(), Vec::new(), Vec::with_capacity(payload.len()));
    let outlier_score = ready.model.manifest.outlier_score.as_ref().filter(|_| question.purpose == Purpose::Outliers);
    let mut unusual = Vec::new();
    let mut breath = Breath::default();
    for part in payload.chunks(length * ready.batch_size()) {
        let images = ready.images(part, network.channels);
        if let Some(score) = outlier_score {
            unusual.extend(percentiles(score, ready, &images).await);
        }
        let (energy, gradient) = ready.model.network.energy_and_gradient(images);
        let (energy, gradient) = ready.read(vec![energy], [gradient]).await?;
        energies.extend(energy);
        slopes.extend(gradient.chunks(length).map(|picture| picture.iter().map(|g| g * g).sum::<f32>().sqrt()));
        jumps.extend(part.iter().zip(&gradient).map(|(x, g)| x - network.sigma_0 * network.sigma_0 * g));
        breath.take().await;
    }
    Ok(Envelope { message: FromEngine::Scored { question, energies, slopes, unusual }, payload: jumps })
}

/// How unusual each of the images is, as a percentile of held-out ones.
async fn percentiles(score: &OutlierScore, ready: &Ready, images: &Tensor<4>) -> Vec<f32> {
    let sigma_0 = ready.model.manifest.network.sigma_0;
    let readings = OutlierScore::readings(&ready.model.network, sigma_0, images);
    let count = images.dims()[0];
    let readings = ready.floats(Tensor::cat(readings, 0)).await;
    let of_image = |image: usize| {
        let readings: Vec<f32> = (0..OutlierScore::SIZE).map(|reading| readings[reading * count + image]).collect();
        score.percentile(score.score(&OutlierScore::describe(&readings)))
    };
    (0..count).map(of_image).collect()
}
