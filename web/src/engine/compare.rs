//! Which of the site's models a picture belongs to: energies of two models cannot be compared, bits can.

use burn::tensor::Device;
use shared::{
    likelihood::belongs,
    model::{Manifest, Model},
};
use web::{
    Backend, Envelope,
    messages::{Belonging, FromEngine},
};

use crate::{
    link::Breath,
    load,
    ready::Ready,
    score::{LEVELS, likelihoods},
    source::Source,
};

/// The bits of a picture by the model that works and by those of the others, by name, that see such pictures at the same
/// noise levels. The answer has the model that works first, without a name.
///
/// # Errors
/// The files of a model are damaged or cannot be fetched: a sentence.
pub async fn compare(
    ready: &Ready,
    number: u32,
    others: Vec<String>,
    picture: &[f32],
) -> Result<Envelope<FromEngine>, String> {
    let mut breath = Breath::default();
    let mut found = vec![(String::new(), total(ready, picture, &mut breath).await)];
    for name in others {
        let source = Source { name: &name, files: None };
        let file = source.manifest().await?;
        let manifest = Manifest::parse(&file).map_err(|error| source.unusable(&error))?;
        if !comparable(&ready.model, &manifest) {
            continue;
        }
        let weights = source.weights(&file, &manifest.weights, |_| ()).await?;
        let other = load::open(manifest, &weights, Device::flex(), Backend::Cpu).await;
        let other = other.map_err(|error| source.unusable(&error))?;
        let bits = total(&other, picture, &mut breath).await;
        found.push((name, bits));
    }
    let shares = belongs(&found.iter().map(|(_, (bits, _))| *bits).collect::<Vec<_>>());
    let belonging =
        |((model, (bits, error)), share)| Belonging { model, bits: bits as f32, error, share: share as f32 };
    let belongings = found.into_iter().zip(shares).map(belonging).collect();
    Ok(FromEngine::Compared { number, belongings }.into())
}

/// Whether the bits of both are of the same pictures under the same noise.
fn comparable(model: &Model, other: &Manifest) -> bool {
    let mine = &model.manifest;
    let shape = |manifest: &Manifest| (manifest.network.channels, manifest.data.size, manifest.network.image_size);
    let (a, b) = (&mine.noise, &other.noise);
    let near = |a: f32, b: f32| (a / b - 1.0).abs() < 1e-4;
    shape(mine) == shape(other) && near(a.min, b.min) && near(a.max, b.max)
}

/// All that is to be told of a picture, with the prior's bits, and the standard error.
async fn total(ready: &Ready, picture: &[f32], breath: &mut Breath) -> (f64, f32) {
    let manifest = &ready.model.manifest;
    let found = likelihoods(ready, picture, LEVELS, breath, &|| true).await;
    let (bits, error) = found.and_then(|(bits, _)| bits.first().copied()).unwrap_or((f32::NAN, f32::NAN));
    let channels = manifest.network.channels;
    let planes: Vec<f32> =
        (0..channels).flat_map(|channel| picture.iter().skip(channel).step_by(channels).copied()).collect();
    (f64::from(bits) + manifest.prior().bits(&planes, manifest.noise.max), error)
}
