//! Running chains, with a report to the page several times a second.

use std::cell::Cell;

use burn::tensor::{Bool, ExecutionError, Tensor, TensorData};
use futures::future::join;
use js_sys::Date;
use shared::{Energy, Known, Method, Noise, Sampler, Schedule, Step};
use web::{
    Backend, Envelope,
    messages::{FromEngine, Run, Stepped},
};

use crate::{link, load::Ready};

/// Milliseconds between reports: about what the eye follows.
const REPORT_EVERY: f64 = 90.0;
/// Milliseconds of work after which the page's messages are looked at.
const BREATHE_EVERY: f64 = 50.0;
/// Steps between reports, at most: each report waits for the GPU, so that no more work than this can pile up.
const MOST_STEPS: usize = 32;

/// Runs chains to their end or until `cancelled`. The pictures do not depend on batches, reports or the device's speed.
///
/// # Errors
/// What went wrong and what to do, in sentences.
pub async fn run(
    ready: &Ready,
    run: &Run,
    mask: &[f32],
    cancelled: &Cell<bool>,
) -> Result<Envelope<FromEngine>, String> {
    let method = match run.sampler {
        web::Sampler::Annealed => Method::Annealed,
        web::Sampler::Consistent => Method::Consistent,
        web::Sampler::Ode => Method::Ode,
    };
    let schedule = method.schedule(run.steps, ready.model.manifest.network.sigma_0, &ready.model.manifest.noise);
    let known = run.picture.map(|picture| known(ready, picture, mask)).transpose()?;
    let mut batches = batches(ready, run, &schedule, known.as_ref());
    let (mut chunk, mut reported, mut breathed) = (1, Date::now(), Date::now());
    let mut done = 0;
    while done < run.steps {
        let mut last = Vec::new();
        for _ in 0..chunk.min(run.steps - done) {
            last.clear();
            for sampler in &mut batches {
                last.extend(sampler.step(&ready.model.network));
                if Date::now() - breathed > BREATHE_EVERY {
                    link::breathe().await;
                    breathed = Date::now();
                }
                if cancelled.get() {
                    return Ok(FromEngine::Cancelled.into());
                }
            }
        }
        let Some(Step { done: steps_done, temperature, .. }) = last.first().cloned() else { break };
        done = steps_done;
        let energies = last.into_iter().map(|step| step.energies).collect();
        let (energies, payload) = read(ready, energies, batches.iter().map(Sampler::state)).await?;
        let noise_level = ready.model.manifest.network.sigma_0 * temperature.sqrt();
        let stepped = Stepped { done, temperature, noise_level, energies };
        link::post(Envelope { message: FromEngine::Stepped(stepped), payload });
        let now = Date::now();
        chunk =
            (chunk as f64 * REPORT_EVERY / (now - reported).max(1.0)).round().clamp(1.0, MOST_STEPS as f64) as usize;
        reported = now;
    }
    let (pictures, energies): (Vec<_>, Vec<_>) = batches.iter().map(|batch| batch.finish(&ready.model.network)).unzip();
    let (energies, mut payload) = read(ready, energies, pictures).await?;
    for value in &mut payload {
        *value = value.clamp(0.0, 1.0);
    }
    Ok(Envelope { message: FromEngine::Finished { energies }, payload })
}

/// Has a GPU compile what runs need beside the network, which the self-test had compiled: the first step shall not wait for it.
///
/// # Errors
/// The device stopped computing.
pub async fn warm_up(ready: &Ready) -> Result<(), String> {
    /// Costs nothing.
    struct Flat;
    impl Energy for Flat {
        fn energy_and_gradient(&self, x: Tensor<4>) -> (Tensor<1>, Tensor<4>) {
            (Tensor::zeros([x.dims()[0]], &x.device()), x)
        }
    }
    let network = &ready.model.manifest.network;
    let shape = network.batch_shape(1);
    let pixels = Tensor::zeros(shape, &ready.device);
    let known = Known { unknown: pixels.clone().greater_elem(0.5), pixels };
    for method in [Method::Annealed, Method::Consistent, Method::Ode] {
        let schedule = method.schedule(2, network.sigma_0, &ready.model.manifest.noise);
        let free = Sampler::new(schedule, network.sigma_0, Noise::new(0), 0, shape, &ready.device);
        for mut sampler in [free.clone(), free.around(known.clone())] {
            let steps = std::iter::from_fn(|| sampler.step(&Flat)).map(|step| step.energies).collect();
            let (picture, _) = sampler.finish(&Flat);
            read(ready, steps, [picture]).await?;
        }
    }
    Ok(())
}

/// The chains, a number at a time that suits the device.
fn batches(ready: &Ready, run: &Run, schedule: &Schedule, known: Option<&Known>) -> Vec<Sampler> {
    let network = &ready.model.manifest.network;
    let size = match ready.backend {
        Backend::WebGpu => 64,
        // Small enough to look at messages in between and to stay in the caches.
        Backend::Cpu => 16,
    };
    let firsts = (0..run.count).step_by(size);
    firsts
        .map(|first| {
            let shape = network.batch_shape(size.min(run.count - first));
            let noise = Noise::new(run.seed);
            let sampler = Sampler::new(schedule.clone(), network.sigma_0, noise, first as u64, shape, &ready.device);
            match known {
                None => sampler,
                Some(known) => sampler.around(Known {
                    pixels: known.pixels.clone().expand(shape),
                    unknown: known.unknown.clone().expand(shape),
                }),
            }
        })
        .collect()
}

/// What is known of one picture, `[1, C, S, S]`. The frame of zeros around small pictures is known too.
fn known(ready: &Ready, picture: usize, mask: &[f32]) -> Result<Known, String> {
    let (size, channels) = (ready.model.manifest.data.size, ready.model.manifest.network.channels);
    if picture >= ready.held_out.count() || mask.len() != size * size {
        return Err("There is no such picture to complete. Choose another one.".to_owned());
    }
    let tensor = |values: &[f32], channels| {
        Tensor::<4>::from_data(TensorData::new(values.to_vec(), [1, size, size, channels]), &ready.device)
    };
    let unknown: Tensor<4, Bool> = ready.frame.add(tensor(mask, 1).permute([0, 3, 1, 2])).greater_elem(0.5);
    let pixels = ready.frame.add(tensor(ready.held_out.picture(picture), channels).permute([0, 3, 1, 2]));
    Ok(Known { unknown: unknown.expand(pixels.dims()), pixels })
}

/// Waits for the device: the energies of all batches, all finite, and the pictures as `[N, H, W, C]` at the data's own size.
async fn read(
    ready: &Ready,
    energies: Vec<Tensor<1>>,
    pictures: impl IntoIterator<Item = Tensor<4>>,
) -> Result<(Vec<f32>, Vec<f32>), String> {
    let pictures = pictures.into_iter().map(|batch| ready.frame.remove(batch)).collect();
    let pixels = Tensor::cat(pictures, 0).permute([0, 2, 3, 1]);
    // Together: a reading takes the time of a message to the GPU's process and back.
    let (energies, pixels) = join(floats(Tensor::cat(energies, 0)), floats(pixels)).await;
    let energies = energies?;
    check(&energies)?;
    Ok((energies, pixels?))
}

async fn floats<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, String> {
    let lost = |error: ExecutionError| {
        format!("The device stopped computing ({error:?}). Reload the page, or choose the CPU instead.")
    };
    Ok(tensor.into_data_async().await.map_err(lost)?.iter::<f32>().collect())
}

fn check(energies: &[f32]) -> Result<(), String> {
    if energies.iter().all(|energy| energy.is_finite()) {
        return Ok(());
    }
    Err("The chains ran away: an energy is no longer a finite number. Take more steps, or another model.".to_owned())
}
