//! Energies of given pictures.

use burn::tensor::Tensor;
use shared::{
    likelihood::{Quadrature, noise, readings},
    measures::OutlierScore,
    network::Energy,
    sampling::Noise,
};
use web::{
    Envelope,
    messages::{FromEngine, Purpose, Question},
};

use crate::{
    control::Control,
    link::{self, Breath},
    ready::Ready,
};

/// Energies, slopes and denoising jumps of the pictures in `payload`; nothing where the page wants another answer meanwhile.
///
/// # Errors
/// What went wrong and what to do, in sentences.
pub async fn score(
    ready: &Ready,
    question: Question,
    payload: &[f32],
    control: &Control,
) -> Result<Option<Envelope<FromEngine>>, String> {
    let wanted = || control.wants_answer(question);
    let network = &ready.model.manifest.network;
    let length = ready.picture_length();
    let (mut energies, mut slopes, mut jumps) = (Vec::new(), Vec::new(), Vec::with_capacity(payload.len()));
    let outlier_score = ready.model.manifest.outlier_score.as_ref().filter(|_| question.purpose == Purpose::Outliers);
    let mut unusual = Vec::new();
    let mut breath = Breath::default();
    for part in payload.chunks(length * ready.batch_size()) {
        let images = match question.purpose {
            Purpose::Jump { seed, level } => ready.noisy(part, &Noise::new(seed), level, 0),
            _ => ready.images(part, network.channels),
        };
        if let Some(score) = outlier_score {
            unusual.extend(percentiles(score, ready, &images).await);
        }
        let (energy, gradient) = ready.model.network.energy_and_gradient(images.clone());
        let (energy, pixels) = ready.read(vec![energy], [gradient, images]).await?;
        let (gradient, seen) = pixels.split_at(part.len());
        energies.extend(energy);
        slopes.extend(gradient.chunks(length).map(|picture| picture.iter().map(|g| g * g).sum::<f32>().sqrt()));
        jumps.extend(seen.iter().zip(gradient).map(|(x, g)| x - network.sigma_0 * network.sigma_0 * g));
        breath.take().await;
        if !wanted() {
            return Ok(None);
        }
    }
    let level = match (&ready.model.manifest.likelihood, question.purpose) {
        (Some(card), Purpose::Jump { .. }) => slopes.first().map(|slope| {
            let change = f64::from(network.sigma_0).powi(2) * f64::from(*slope);
            card.level(change * change, length)
        }),
        _ => None,
    };
    let mut bits = Vec::new();
    if question.purpose == Purpose::Outliers {
        let (first, others) = payload.split_at(length.min(payload.len()));
        jumps = Vec::new();
        if ready.model.manifest.likelihood.is_some() {
            let Some(found) = likelihoods(ready, first, LEVELS, &mut breath, &wanted).await else { return Ok(None) };
            (bits, jumps) = found;
            // Those beside it take several times as long.
            let (energies, slopes, unusual) = (energies.clone(), slopes.clone(), unusual.clone());
            let message = FromEngine::Scored { question, energies, slopes, unusual, level, bits: bits.clone() };
            link::post(Envelope { message, payload: jumps.clone() });
            for part in others.chunks(length * (ready.batch_size() / 2).max(1)) {
                let Some((beside, _)) = likelihoods(ready, part, LEVELS_BESIDE, &mut breath, &wanted).await else {
                    return Ok(None);
                };
                bits.extend(beside);
            }
        }
    }
    let message = FromEngine::Scored { question, energies, slopes, unusual, level, bits };
    Ok(Some(Envelope { message, payload: jumps }))
}

/// Noise levels at which the bits of a visitor's picture are measured, as `trainer score` does.
pub const LEVELS: usize = 32;
/// And those of the pictures beside it, whose bits the page calls approximate.
const LEVELS_BESIDE: usize = 16;
/// Seed of the noise, that of `trainer score`.
const SEED: u64 = 0;

/// The bits of pictures and their standard errors, and the bits of each pixel, `[N, H, W]`; nothing once they are not
/// `wanted` any more.
pub async fn likelihoods(
    ready: &Ready,
    pictures: &[f32],
    levels: usize,
    breath: &mut Breath,
    wanted: &impl Fn() -> bool,
) -> Option<(Vec<(f32, f32)>, Vec<f32>)> {
    let manifest = &ready.model.manifest;
    let quadrature = Quadrature::integral(&manifest.noise, levels);
    let x = ready.images(pictures, manifest.network.channels);
    let shape @ [count, ..] = x.dims();
    let mut losses = vec![Vec::with_capacity(levels); count];
    let mut map = Tensor::<4>::zeros(shape, &ready.device);
    for (place, node) in quadrature.nodes().iter().enumerate() {
        let z = noise(SEED, place, shape, &ready.device).expand(shape);
        let level = Tensor::<1>::full([count], node.level, &ready.device);
        let reading = readings(&ready.model.network, manifest.network.sigma_0, x.clone(), z, level);
        for (losses, loss) in losses.iter_mut().zip(ready.floats(reading.losses()).await) {
            losses.push(f64::from(loss));
        }
        map = map + reading.errors * (node.weight / core::f64::consts::LN_2) as f32;
        breath.take().await;
        if !wanted() {
            return None;
        }
    }
    let bits = losses.iter().map(|losses| quadrature.excess(losses));
    let bits = bits.map(|excess| (excess.bits as f32, excess.standard_error as f32)).collect();
    let map = ready.floats(ready.frame.remove(map).sum_dim(1)).await;
    Some((bits, map))
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
