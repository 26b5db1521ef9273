//! Running chains, with a report to the page several times a second.

use burn::tensor::Tensor;
use js_sys::Date;
use options::{Sampler, Words};
use shared::{
    network::Energy,
    sampling::{Chains, Known, Noise, Step},
};
use web::{
    Envelope,
    messages::{FromEngine, Run, Stepped},
};

use crate::{
    chains::{self, batches},
    control::Control,
    link,
    ready::Ready,
};

/// Milliseconds between reports: about what the eye follows.
const REPORT_EVERY: f64 = 90.0;
/// Milliseconds of work after which the page's messages are looked at.
pub const BREATHE_EVERY: f64 = 50.0;
/// Steps between reports, at most: each report waits for the GPU, so that no more work than this can pile up.
const MOST_STEPS: usize = 32;

/// Runs chains to their end or until they are to stop. The pictures do not depend on batches, reports, pauses or the
/// device's speed.
///
/// # Errors
/// What went wrong and what to do, in sentences.
pub async fn run(
    ready: &Ready,
    run: &Run,
    payload: Vec<f32>,
    control: &Control,
) -> Result<Envelope<FromEngine>, String> {
    let mut batches = batches(ready, run, payload)?;
    let energy = chains::energy(ready, run);
    let first = chains::schedule(ready, run).temperature(run.done);
    report(ready, run.done, first, Vec::new(), &batches).await?;
    let (mut chunk, mut reported, mut breathed) = (1, Date::now(), Date::now());
    let mut done = run.done;
    while done < run.steps {
        if !control.next_step().await {
            return Ok(FromEngine::Cancelled.into());
        }
        let mut last = Vec::new();
        for _ in 0..chunk.min(run.steps - done) {
            last.clear();
            for sampler in &mut batches {
                last.extend(sampler.step(&energy));
                if Date::now() - breathed > BREATHE_EVERY {
                    link::breathe().await;
                    breathed = Date::now();
                }
                if control.stopped() {
                    return Ok(FromEngine::Cancelled.into());
                }
            }
            if control.held() {
                break;
            }
        }
        let Some(Step { done: steps_done, temperature, .. }) = last.first().cloned() else { break };
        done = steps_done;
        report(ready, done, temperature, last, &batches).await?;
        let now = Date::now();
        chunk =
            (chunk as f64 * REPORT_EVERY / (now - reported).max(1.0)).round().clamp(1.0, MOST_STEPS as f64) as usize;
        reported = now;
    }
    let (pictures, energies): (Vec<_>, Vec<_>) = batches.iter().map(|batch| batch.finish(&energy)).unzip();
    let (energies, mut payload) = ready.read(energies, pictures).await?;
    for value in &mut payload {
        *value = value.clamp(0.0, 1.0);
    }
    Ok(Envelope { message: FromEngine::Finished { energies }, payload })
}

async fn report(
    ready: &Ready,
    done: usize,
    temperature: f32,
    last: Vec<Step>,
    batches: &[Chains],
) -> Result<(), String> {
    let energies = last.into_iter().map(|step| step.energies).collect();
    let (energies, payload) = ready.read(energies, batches.iter().map(Chains::state)).await?;
    let noise_level = ready.model.manifest.network.sigma_0 * temperature.sqrt();
    let stepped = Stepped { done, temperature, noise_level, energies };
    link::post(Envelope { message: FromEngine::Stepped(stepped), payload });
    Ok(())
}

/// Has a GPU compile what runs need beside the network, which the self-test had compiled: the first step shall not wait
/// for it.
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
    for &sampler in Sampler::all() {
        let schedule = ready.model.manifest.schedule(sampler, 2);
        let free = Chains::new(schedule, network.sigma_0, Noise::new(0), 0, shape, &ready.device);
        for mut sampler in [free.clone(), free.around(known.clone())] {
            let steps = std::iter::from_fn(|| sampler.step(&Flat)).map(|step| step.energies).collect();
            let (picture, _) = sampler.finish(&Flat);
            ready.read(steps, [picture]).await?;
        }
    }
    Ok(())
}
