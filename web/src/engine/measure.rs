//! What is measured of pictures, each by itself, so that helpers can do some of the work.

use std::ops::Range;

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};
use shared::{
    likelihood::{Quadrature, noise, readings},
    measures::OutlierScore,
    network::Energy,
};

use crate::{link::Breath, ready::Ready};

/// Seed of the noise, that of `trainer score`.
const SEED: u64 = 0;

/// What is measured of the pictures of a task.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Measure {
    /// The energy of each picture.
    Energies,
    /// The length of the energy gradient at each picture.
    Slopes,
    /// How unusual each picture is, as a percentile of held-out ones.
    Unusual,
    /// Of a single picture its loss at some of so many noise levels, and then the bits that each of its pixels cost there,
    /// `[H, W]`.
    Losses {
        /// Which of the levels, from the smallest.
        places: Range<usize>,
        /// How many there are in all.
        levels: usize,
    },
}

/// Pictures `[N, H, W, C]`, and what is to be measured of them.
pub struct Task {
    /// What.
    pub measure: Measure,
    /// Of which.
    pub pictures: Vec<f32>,
}

impl Measure {
    /// Noise levels that are measured before the next look at whether a helper is still there.
    const LEVELS: usize = 4;

    /// The tasks that measure the losses of a picture at all of so many levels, from the smallest. They do not depend on
    /// the device, so that neither do the sums of what comes of them.
    pub fn losses(picture: &[f32], levels: usize) -> impl Iterator<Item = Task> {
        (0..levels).step_by(Self::LEVELS).map(move |first| {
            let places = first..levels.min(first + Self::LEVELS);
            Task { measure: Self::Losses { places, levels }, pictures: picture.to_vec() }
        })
    }

    /// Energy gradients that it takes of so many pictures.
    pub fn gradients(&self, pictures: usize) -> usize {
        match self {
            Self::Energies | Self::Slopes => pictures,
            Self::Unusual => pictures * OutlierScore::SIZE / 2,
            Self::Losses { places, .. } => 2 * places.len(),
        }
    }

    /// The values; nothing once they are not `wanted` any more.
    ///
    /// # Errors
    /// What went wrong and what to do, in sentences.
    pub async fn of(
        &self,
        ready: &Ready,
        pictures: &[f32],
        breath: &mut Breath,
        wanted: impl Fn() -> bool,
    ) -> Result<Option<Vec<f32>>, String> {
        let channels = ready.model.manifest.network.channels;
        if let Self::Losses { places, levels } = self {
            let picture = ready.images(pictures, channels);
            return Ok(losses(ready, &picture, places.clone(), *levels, breath, wanted).await);
        }
        let network = &ready.model.network;
        let mut values = Vec::new();
        for part in pictures.chunks(ready.picture_length() * ready.batch_size()) {
            let images = ready.images(part, channels);
            values.extend(match self {
                Self::Energies => ready.read(vec![network.energy(images)], []).await?.0,
                Self::Slopes => {
                    let (_, gradient) = network.energy_and_gradient(images);
                    let gradient = ready.floats(ready.frame.remove(gradient)).await;
                    gradient.chunks(ready.picture_length()).map(length).collect()
                }
                _ => percentiles(ready, &images).await,
            });
            breath.take().await;
            if !wanted() {
                return Ok(None);
            }
        }
        Ok(Some(values))
    }
}

fn length(gradient: &[f32]) -> f32 {
    gradient.iter().map(|g| g * g).sum::<f32>().sqrt()
}

/// Losses at some of so many levels and their bits at each pixel, as many levels at a time as suit the device.
async fn losses(
    ready: &Ready,
    picture: &Tensor<4>,
    places: Range<usize>,
    levels: usize,
    breath: &mut Breath,
    wanted: impl Fn() -> bool,
) -> Option<Vec<f32>> {
    let manifest = &ready.model.manifest;
    let quadrature = Quadrature::integral(&manifest.noise, levels);
    let [_, channels, height, width] = picture.dims();
    let mut values = Vec::new();
    let mut map: Tensor<4> = picture.zeros_like();
    // Each level takes two pictures.
    let size = (ready.batch_size() / 2).max(1);
    for first in places.clone().step_by(size) {
        let places = first..places.end.min(first + size);
        let (count, nodes) = (places.len(), &quadrature.nodes()[places.clone()]);
        let z = places.map(|place| noise(SEED, place, picture.dims(), &ready.device)).collect();
        let at: Vec<f32> = nodes.iter().map(|node| node.level).collect();
        let at = Tensor::<1>::from_floats(at.as_slice(), &ready.device);
        let x = picture.clone().expand([count, channels, height, width]);
        let reading = readings(&ready.model.network, manifest.network.sigma_0, x, Tensor::cat(z, 0), at);
        values.extend(ready.floats(reading.losses()).await);
        // One after the other, so that the sum is the same for every size.
        for (index, node) in nodes.iter().enumerate() {
            let errors = reading.errors.clone().narrow(0, index, 1);
            map = map + errors * (node.weight / core::f64::consts::LN_2) as f32;
        }
        breath.take().await;
        if !wanted() {
            return None;
        }
    }
    values.extend(ready.floats(ready.frame.remove(map).sum_dim(1)).await);
    Some(values)
}

/// How unusual each of the images is; nothing where the model cannot tell.
async fn percentiles(ready: &Ready, images: &Tensor<4>) -> Vec<f32> {
    let Some(score) = &ready.model.manifest.outlier_score else { return Vec::new() };
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
