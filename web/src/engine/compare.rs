//! Which of the site's models a picture belongs to: energies of two models cannot be compared, bits can.

use std::{pin::pin, rc::Rc};

use burn::tensor::Device;
use futures::{
    future::{Either, select},
    lock::Mutex,
};
use shared::{
    likelihood::belongs,
    model::{Manifest, Model},
};
use web::{
    Backend, Envelope,
    messages::{Belonging, FromEngine},
};

use crate::{
    crew::{Crew, Workers},
    load,
    ready::Ready,
    score::{LEVELS, bits},
    source::Source,
};

/// The bits of a picture by the model that works and by those of the others, by name, that see such pictures at the same
/// noise levels. The answer has the model that works first, without a name. Nothing once nobody asks for it any more.
///
/// # Errors
/// The files of a model are damaged or cannot be fetched: a sentence.
pub async fn compare(
    workers: Workers<'_>,
    number: u32,
    others: Vec<String>,
    picture: &[f32],
) -> Result<Option<Envelope<FromEngine>>, String> {
    let wanted = || workers.control.wants_comparison(number);
    let Some(bits) = total(workers, picture, &wanted).await? else { return Ok(None) };
    let mut found = vec![(String::new(), bits)];
    for name in others {
        // A server that never answers is not waited for once nobody asks.
        let withdrawn = pin!(workers.control.until(|| !wanted()));
        let other = match select(pin!(fetched(workers.ready, &name)), withdrawn).await {
            Either::Left((other, _)) => other?,
            Either::Right(_) => return Ok(None),
        };
        let Some(other) = other else { continue };
        // Its weights are not with the helpers.
        let alone = Workers { ready: &Rc::new(other), crew: &Mutex::new(Crew::none()), ..workers };
        let Some(bits) = total(alone, picture, &wanted).await? else { return Ok(None) };
        found.push((name, bits));
    }
    let shares = belongs(&found.iter().map(|(_, (bits, _))| *bits).collect::<Vec<_>>());
    let belonging =
        |((model, (bits, error)), share)| Belonging { model, bits: bits as f32, error, share: share as f32 };
    let belongings = found.into_iter().zip(shares).map(belonging).collect();
    Ok(Some(FromEngine::Compared { number, belongings }.into()))
}

/// Another model of the site, if its bits can be compared.
///
/// # Errors
/// Its files are damaged or cannot be fetched: a sentence.
async fn fetched(ready: &Ready, name: &str) -> Result<Option<Ready>, String> {
    let source = Source { name, files: None };
    let file = source.manifest().await?;
    let manifest = Manifest::parse(&file).map_err(|error| source.unusable(&error))?;
    if !comparable(&ready.model, &manifest) {
        return Ok(None);
    }
    let weights = source.weights(&file, &manifest.weights, |_| ()).await?;
    let opened = load::open(manifest, &weights, Device::flex(), Backend::Cpu).await;
    Ok(Some(opened.map_err(|error| source.unusable(&error))?))
}

/// Whether the bits of both are of the same pictures under the same noise.
fn comparable(model: &Model, other: &Manifest) -> bool {
    let mine = &model.manifest;
    let shape = |manifest: &Manifest| (manifest.network.channels, manifest.data.size, manifest.network.image_size);
    let (a, b) = (&mine.noise, &other.noise);
    let near = |a: f32, b: f32| (a / b - 1.0).abs() < 1e-4;
    shape(mine) == shape(other) && near(a.min, b.min) && near(a.max, b.max)
}

/// All that is to be told of a picture, with the prior's bits, and the standard error; nothing once it is not `wanted`.
///
/// # Errors
/// What went wrong and what to do, in sentences.
async fn total(
    workers: Workers<'_>,
    picture: &[f32],
    wanted: &impl Fn() -> bool,
) -> Result<Option<(f64, f32)>, String> {
    let manifest = &workers.ready.model.manifest;
    let Some((bits, _)) = bits(workers, picture, LEVELS, wanted).await? else { return Ok(None) };
    let (bits, error) = bits.first().copied().unwrap_or((f32::NAN, f32::NAN));
    let channels = manifest.network.channels;
    let planes: Vec<f32> =
        (0..channels).flat_map(|channel| picture.iter().skip(channel).step_by(channels).copied()).collect();
    Ok(Some((f64::from(bits) + manifest.prior().bits(&planes, manifest.noise.max), error)))
}
