//! The training loop.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Instant,
};

use burn::{module::Module, optim::ModuleOptimizer, tensor::Device};
use options::Sampler;
use shared::{
    model::Weights,
    network::{EnergyNetwork, Frame},
    sampling::{Chains, Noise, Schedule},
};

use super::{
    Checkpoint, RunConfig, RunFolder,
    checkpoint::Progress,
    clip::clip_by_global_norm,
    display::Display,
    ema,
    metrics::{Average, Entry, Metrics},
    optimizer,
    pending_losses::PendingLosses,
    prefetch::prefetch,
    probe::Probe,
    replicas::Replicas,
    report,
    watch::Watch,
};
use crate::{
    data::DataSet,
    error::{Error, Result},
    output, pictures,
};

/// Steps between entries of the metrics.
const METRICS_EVERY: u64 = 10;

/// Set by Ctrl-C: the loop saves a checkpoint and stops.
pub static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// What changes from step to step.
struct State {
    network: EnergyNetwork,
    ema: EnergyNetwork,
    optimizer: ModuleOptimizer,
    progress: Progress,
}

/// Trains to the end of the plan, from `start` if there is one, on devices that share every batch.
///
/// # Errors
/// A checkpoint cannot be saved, the loss runs away, or the training was interrupted (after saving).
pub fn train(
    config: &RunConfig,
    data: &DataSet,
    folder: &RunFolder,
    start: Option<Checkpoint>,
    devices: &[Device],
) -> Result<()> {
    let device = devices.first().ok_or_else(|| Error::failed("there is no device to train on"))?;
    let plan = &config.optimization;
    let network = config.network();
    let mut state = State::new(config, start, device)?;
    let frame = Frame::new(config.card().size, network.image_size)
        .ok_or_else(|| Error::failed("the pictures are larger than the network's input"))?;
    let replicas = Replicas::new(config, frame, devices);
    let parameters = state.network.parameters();
    let probe = Probe::new(config, data, frame, device);
    let mut metrics = Metrics::open(folder.metrics(), state.progress.step)?;
    metrics.begin(state.progress.step, config)?;
    let (mut told, mut watch, mut average) = (PendingLosses::new(), Watch::default(), Average::default());
    let mut display = Display::new(plan.steps, plan.batch, state.progress.step, &config.data);
    let (mut clock, mut lap) = (Instant::now(), Instant::now());

    thread::scope(|scope| {
        let batches = prefetch(scope, &data.train, config, state.progress.step);
        while state.progress.step < plan.steps {
            let step = state.progress.step;
            let batch = batches.recv().map_err(|_| Error::failed("the thread that makes the batches has ended"))?;
            let (loss, mut gradients) = replicas.gradients(&state.network, &batch)?;
            let norm = clip_by_global_norm(&mut gradients, &parameters, plan.clip);
            state.network = state.optimizer.step(plan.learning_rate_at(step), state.network, gradients);
            state.ema = ema::update(state.ema, &state.network, plan.ema_decay_at(step));
            // What is told is the paper's loss, whatever the weighting and the targets, so that runs can be compared.
            told.add(loss, norm);
            state.progress.step += 1;
            state.progress.images = state.progress.images.map(|images| images + plan.batch as u64);
            let interrupted = display.asked_to_stop() || INTERRUPTED.load(Ordering::Relaxed);
            let due =
                state.progress.step.is_multiple_of(config.record.checkpoint_every) || state.progress.step == plan.steps;
            let entry = due || state.progress.step.is_multiple_of(METRICS_EVERY);
            if !(entry || interrupted || told.due()) {
                continue;
            }
            let steps = told.read()?;
            for (step, (loss, norm)) in (state.progress.step - steps.len() as u64 + 1..).zip(steps) {
                watch.check(loss, norm).map_err(|what| {
                    display.finish();
                    Error::failed(format!(
                        "{what} at step {step}; that step is not saved. --resume goes on from the last good checkpoint in {}, with a \
                         smaller --learning-rate if it happens again",
                        folder.checkpoints().display()
                    ))
                })?;
                average.add(loss, norm);
                display.step(step, loss);
            }
            if entry {
                let speed = (average.steps() * plan.batch as u64) as f64 / lap.elapsed().as_secs_f64();
                lap = Instant::now();
                metrics.push(Entry::Training(average.take(state.progress.step, plan.learning_rate_at(step), speed)))?;
            }
            if due && !interrupted {
                metrics.push(Entry::Checkpoint(probe.measure(&state.ema, config, state.progress.step)?))?;
            }
            if due || interrupted {
                state.progress.seconds += clock.elapsed().as_secs_f64();
                clock = Instant::now();
                let best = metrics.best().map(|best| best.step);
                Checkpoint::of(state.progress.clone(), &state.network, &state.ema, &state.optimizer)?.save(
                    &folder.checkpoints(),
                    config.record.keep,
                    best,
                )?;
            }
            if interrupted {
                display.finish();
                return Err(Error::failed(format!(
                    "interrupted at step {}, which is saved; go on with --resume",
                    state.progress.step
                )));
            }
            if due {
                state.draw(config, frame, folder, device)?;
                report::write(folder, config, &metrics)?;
                // Not training: it must not look like a slow one.
                lap = Instant::now();
            }
        }
        display.finish();
        Ok(())
    })
}

impl State {
    fn new(config: &RunConfig, start: Option<Checkpoint>, device: &Device) -> Result<Self> {
        let failed =
            |error: &dyn std::fmt::Display| Error::input(format!("the checkpoint does not fit its run: {error}"));
        let shape = config.network();
        let network =
            |weights: Weights, device: &Device| weights.into_network(&shape, device).map_err(|error| failed(&error));
        let training = device.clone().autodiff();
        Ok(match start {
            Some(checkpoint) => {
                let trained = network(checkpoint.weights, &training)?;
                let fresh = optimizer::init(config.optimization.optimizer, &trained.parameters());
                Self {
                    ema: network(checkpoint.ema, device)?,
                    optimizer: fresh.from_bytes(checkpoint.optimizer).map_err(|error| failed(&error))?,
                    network: trained,
                    progress: checkpoint.progress,
                }
            }
            None => {
                // Drawn on the CPU, so that a seed gives the same start on every backend.
                let cpu = Device::flex();
                cpu.seed(config.optimization.seed);
                let fresh = EnergyNetwork::new(&shape, &cpu).map_err(|error| Error::input(error.to_string()))?;
                let weights = Weights::of(&fresh);
                let trained = network(weights.clone(), &training)?;
                Self {
                    ema: network(weights, device)?,
                    optimizer: optimizer::init(config.optimization.optimizer, &trained.parameters()),
                    network: trained,
                    progress: Progress { step: 0, seconds: 0.0, images: Some(0) },
                }
            }
        })
    }

    /// Grids of samples from the weights and from their average, always from the same noise.
    fn draw(&self, config: &RunConfig, frame: Frame, folder: &RunFolder, device: &Device) -> Result<()> {
        let (network, count) = (config.network(), config.record.grid);
        if count == 0 {
            return Ok(());
        }
        let schedule =
            Schedule::of(Sampler::Consistent, Sampler::Consistent.default_steps(), network.sigma_0, &config.noise);
        for (weights, averaged) in [(&self.network.valid(), false), (&self.ema, true)] {
            let shape = network.batch_shape(count);
            let mut sampler = Chains::new(schedule.clone(), network.sigma_0, Noise::new(0), 0, shape, device);
            while sampler.step(weights).is_some() {}
            let (images, _) = sampler.finish(weights);
            let images = output::pictures(frame.remove(images))?;
            pictures::write_grid(&folder.samples(self.progress.step, averaged), &images, None)?;
        }
        Ok(())
    }
}
