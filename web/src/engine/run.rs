//! Running chains, with a report to the page several times a second.

use std::{rc::Rc, sync::Arc};

use burn::tensor::Tensor;
use futures::lock::Mutex;
use js_sys::Date;
use options::{Sampler, Words};
use shared::{
    network::Energy,
    sampling::{Chains, Given, Known, Noise},
};
use web::{
    Envelope,
    messages::{FromEngine, Run, Stepped},
};

use crate::{
    chains,
    control::Control,
    crew::{Crew, Division},
    link,
    part::Reading,
    ready::Ready,
};

/// Milliseconds between reports: about what the eye follows.
const REPORT_EVERY: f64 = 90.0;
/// Milliseconds between looks whether a GPU still computes rightly; the first comes after the first step.
const CHECK_EVERY: f64 = 5000.0;
/// Steps between reports, at most: each report waits for the GPU, so that no more work than this can pile up.
const MOST_STEPS: usize = 32;

/// Runs chains to their end or until they are to stop. The pictures do not depend on helpers, batches, reports, pauses or
/// the device's speed.
///
/// # Errors
/// What went wrong and what to do, in sentences.
pub async fn run(
    ready: Rc<Ready>,
    crew: &Mutex<Crew>,
    run: &Run,
    payload: Vec<f32>,
    control: &Control,
) -> Result<Envelope<FromEngine>, String> {
    let cancelled = || Ok(FromEngine::Cancelled(run.number).into());
    // An earlier run may be at its last batch.
    let mut crew = crew.lock().await;
    let schedule = chains::schedule(&ready, run);
    let mut chains = Division::new(Rc::clone(&ready), &mut crew, run.clone(), payload, control).await?;
    let Some(reading) = chains.begin().await? else { return cancelled() };
    report(&ready, run, run.done, schedule.temperature(run.done), reading);
    let (mut stretch, mut reported) = (1, Date::now());
    let (mut done, mut checked) = (run.done, f64::NEG_INFINITY);
    while done < run.steps {
        if !control.next_step(run.number).await {
            return cancelled();
        }
        let held = control.held();
        let steps = if held { 1 } else { stretch.min(run.steps - done) };
        let begun = if held { Date::now() } else { reported };
        let Some(reading) = chains.advance(steps).await? else { return cancelled() };
        done += steps;
        if Date::now() - checked > CHECK_EVERY {
            ready.check_again().await;
            checked = Date::now();
        }
        report(&ready, run, done, schedule.temperature(done), reading);
        reported = Date::now();
        let took = (reported - begun).max(1.0);
        stretch = (steps as f64 * REPORT_EVERY / took).round().clamp(1.0, MOST_STEPS as f64) as usize;
    }
    let Some(Reading { energies, pixels, .. }) = chains.finish().await? else { return cancelled() };
    Ok(Envelope { message: FromEngine::Finished { run: run.number, energies }, payload: pixels })
}

fn report(ready: &Ready, run: &Run, done: usize, temperature: f32, Reading { energies, pixels, .. }: Reading) {
    let noise_level = ready.model.manifest.network.sigma_0 * temperature.sqrt();
    let stepped = Stepped { run: run.number, done, temperature, noise_level, energies };
    link::post(Envelope { message: FromEngine::Stepped(stepped), payload: pixels });
}

/// Has a GPU compile what samplers need beside the network, which the self-test had compiled: the first step shall not wait
/// for it. What restorations need more, other than of known pixels, is compiled by the first of them: every load would
/// wait for it, and it is small.
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
    let known: Arc<dyn Given> = Arc::new(Known { unknown: pixels.clone().greater_elem(0.5), pixels });
    for &sampler in Sampler::all() {
        let schedule = ready.model.manifest.schedule(sampler, 2);
        let free = Chains::new(schedule, network.sigma_0, Noise::new(0), 0, shape, &ready.device);
        for mut sampler in [free.clone(), free.around(known.clone())] {
            let steps = std::iter::from_fn(|| sampler.step(&Flat)).map(|step| step.energies).collect();
            ready.read(steps, [sampler.finish(&Flat)]).await?;
        }
    }
    Ok(())
}
