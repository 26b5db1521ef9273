//! The training loop.

use std::{path::PathBuf, sync::atomic::Ordering, thread, time::Instant};

use burn::{
    module::Module,
    optim::ModuleOptimizer,
    tensor::{Device, Tensor},
};
use options::Sampler;
use shared::{
    model::Weights,
    network::{EnergyNetwork, Frame, Parameter},
    sampling::{Chains, Noise, Schedule},
};

use super::{
    Checkpoint, Hold, RunConfig, RunFolder,
    checkpoint::Progress,
    clip::clip_by_global_norm,
    display::Display,
    ema, flat,
    interruption::INTERRUPTED,
    metrics::{Average, Entry, Metrics},
    optimizer,
    pending_losses::PendingLosses,
    prefetch::{Batch, prefetch},
    probe::Probe,
    replicas::Replicas,
    report,
    saving::Saving,
    timing::timed_steps,
    watch::Watch,
};
use crate::{
    data::DataSet,
    error::{Error, Result},
    model::LoadedModel,
    output, pictures,
    ranks::Ranks,
};

/// Steps between entries of the metrics.
const METRICS_EVERY: u64 = 10;

/// Where a training begins.
pub enum Start {
    /// With random weights.
    Fresh,
    /// With the weights of a model.
    Weights(Weights),
    /// Where the run of this path was left.
    Checkpoint(PathBuf, Box<Checkpoint>),
}

impl Start {
    /// Where a new run begins.
    ///
    /// # Errors
    /// The model that it starts from cannot be read, or does not fit the pictures.
    pub fn of(config: &RunConfig) -> Result<Self> {
        let Some(from) = &config.from else { return Ok(Self::Fresh) };
        let model = LoadedModel::open("--from", from, &Device::flex())?;
        let (theirs, ours) = (&model.config, config.network());
        let wrong = |what: String| Err(Error::input(format!("--from {}: {what}", from.display())));
        let kind = |channels: usize| if channels == 1 { "grey" } else { "colour" };
        if theirs.channels != ours.channels {
            let (model, pictures) = (kind(theirs.channels), kind(ours.channels));
            let name = config.card().name;
            return wrong(format!("the model was trained on {model} pictures, and those of {name} are {pictures}"));
        }
        if theirs.image_size != ours.image_size && ours.scales.is_none() {
            let side = theirs.image_size;
            return wrong(format!(
                "a {} network cannot change its size; give --image-size {}, for which it sees {side}x{side} as before",
                ours.preset, model.data.size
            ));
        }
        Ok(Self::Weights(Weights::of(&model.network)))
    }
}

/// What changes from step to step.
pub(super) struct State {
    pub(super) network: EnergyNetwork,
    parameters: Vec<Parameter>,
    ema: EnergyNetwork,
    optimizer: ModuleOptimizer,
    pub(super) progress: Progress,
}

/// Computes this process's part of the batches from step `first` on, for the process that leads, which rehearses first.
///
/// # Errors
/// A device has failed, or the others cannot be reached.
pub fn work(
    config: &RunConfig,
    data: &DataSet,
    (first, rehearsals): (u64, usize),
    devices: &[Device],
    ranks: &Ranks,
) -> Result<()> {
    let replicas = Replicas::new(config, &data.train, frame(config)?, devices, ranks);
    let plan = &config.optimization;
    // Only a dry run has rehearsals.
    let steps = if rehearsals > 0 { timed_steps(plan, first) } else { (first..plan.steps).collect() };
    thread::scope(|scope| replicas.work(rehearsals, &prefetch(scope, &data.train, config, steps)))
}

fn frame(config: &RunConfig) -> Result<Frame> {
    Frame::new(config.card().size, config.network().image_size)
        .ok_or_else(|| Error::failed("the pictures are larger than the network's input"))
}

/// Trains to the end of the plan, from `start`, on devices that share every batch with each other and with other processes.
///
/// # Errors
/// Checkpoints cannot be saved, also not later, the loss runs away, or the training was interrupted (after saving).
pub fn train(
    config: &RunConfig,
    data: &DataSet,
    hold: &mut Hold<'_>,
    start: Start,
    devices: &[Device],
    ranks: &Ranks,
) -> Result<()> {
    let folder = hold.folder();
    let device = devices.first().ok_or_else(|| Error::failed("there is no device to train on"))?;
    let plan = &config.optimization;
    let mut state = State::new(config, start, device)?;
    let frame = frame(config)?;
    let replicas = Replicas::new(config, &data.train, frame, devices, ranks);
    let probe = Probe::new(config, data, frame, device);
    let mut metrics = Metrics::open(folder.metrics(), state.progress.step)?;
    if state.progress.step < plan.steps {
        metrics.begin(state.progress.step, config);
    }
    let (mut told, mut watch, mut average) = (PendingLosses::new(), Watch::default(), Average::default());
    let mut display = Display::new(plan, state.progress.step, &config.data);
    let (mut clock, mut lap) = (Instant::now(), Instant::now());
    let mut saving = Saving::after(Some(state.progress.step).filter(|step| *step > 0));
    let is_due = |step: u64| step.is_multiple_of(config.record.checkpoint_every) || step == plan.steps;
    // What a stop right at a checkpoint has left undone.
    let step = state.progress.step;
    if step > 0 && is_due(step) && !metrics.has_checkpoint(step) {
        let probed = probe.measure(&state.ema, config, step)?;
        if probed.held_out_loss.is_finite() {
            metrics.push(Entry::Checkpoint(probed));
        }
    }
    if step == plan.steps && !folder.samples(step, true).exists() {
        state.show(config, frame, folder, &metrics, device);
    }

    thread::scope(|scope| {
        let batches = prefetch(scope, &data.train, config, state.progress.step..plan.steps);
        while state.progress.step < plan.steps {
            let batch = batches.recv().map_err(|_| Error::failed("the thread that makes the batches has ended"))?;
            let (next, [loss, norm]) = state.step(config, &replicas, &batch)?;
            state = next;
            // What is told is the paper's loss, whatever the weighting and the targets, so that runs can be compared; while the
            // U-Net is trained as a denoiser by itself, its own error as a denoiser, in the same units.
            told.add(loss, norm);
            let interrupted = display.asked_to_stop() || INTERRUPTED.load(Ordering::Relaxed);
            let due = is_due(state.progress.step);
            let entry = due || state.progress.step.is_multiple_of(METRICS_EVERY);
            if !(entry || interrupted || told.due()) {
                continue;
            }
            let steps = told.read()?;
            for (step, (loss, norm)) in (state.progress.step - steps.len() as u64 + 1..).zip(steps) {
                watch.check(loss, norm).map_err(|what| {
                    display.finish();
                    ran_away(&what, step, folder)
                })?;
                average.add(loss, norm);
                display.step(step, loss);
            }
            let saves = due || interrupted || saving.is_overdue();
            if saves {
                hold.renew(config, &metrics).inspect_err(|_| display.finish())?;
            }
            if entry {
                let speed = (average.steps() * plan.batch as u64) as f64 / lap.elapsed().as_secs_f64();
                lap = Instant::now();
                metrics.push(Entry::Training(average.take(
                    state.progress.step,
                    plan.learning_rate_at(state.progress.step - 1),
                    speed,
                )));
            }
            // No later loss tells what the last update has done.
            if saves && !state.is_finite()? {
                display.finish();
                return Err(ran_away("the weights have run away", state.progress.step, folder));
            }
            if due && !interrupted {
                let probed = probe.measure(&state.ema, config, state.progress.step)?;
                if !probed.held_out_loss.is_finite() {
                    display.finish();
                    let what = format!("the loss of held-out pictures became {}", probed.held_out_loss);
                    return Err(ran_away(&what, state.progress.step, folder));
                }
                metrics.push(Entry::Checkpoint(probed));
            }
            if saves {
                state.progress.seconds += clock.elapsed().as_secs_f64();
                clock = Instant::now();
                let (step, checkpoints) = (state.progress.step, folder.checkpoints());
                let checkpoint = Checkpoint::of(state.progress.clone(), &state.network, &state.ema, &state.optimizer)?;
                // One that could not be saved was measured before.
                let is_kept = |other| other == step || Checkpoint::is_of_step(&checkpoints, other);
                let best = metrics.best(is_kept).map(|best| best.step);
                saving
                    .save(step, interrupted || step == plan.steps, || {
                        checkpoint.save(&checkpoints, config.record.keep, best)
                    })
                    .inspect_err(|_| display.finish())?;
            }
            if interrupted {
                display.finish();
                return Err(Error::Interrupted(format!(
                    "interrupted at step {}, which is saved; go on with --resume",
                    state.progress.step
                )));
            }
            if due {
                state.show(config, frame, folder, &metrics, device);
                // Not training: it must not look like a slow one.
                lap = Instant::now();
            }
        }
        display.finish();
        Ok(())
    })
}

/// Why a training ends whose step is not saved, and how it goes on.
fn ran_away(what: &str, step: u64, folder: &RunFolder) -> Error {
    if !folder.has_checkpoint() {
        return Error::failed(format!(
            "{what} at step {step}; nothing was saved yet: train again, with a smaller --learning-rate"
        ));
    }
    Error::failed(format!(
        "{what} at step {step}; that step is not saved. --resume goes on from the last good checkpoint in {}, with a smaller \
         --learning-rate if it happens again",
        folder.checkpoints().display()
    ))
}

impl State {
    pub(super) fn new(config: &RunConfig, start: Start, device: &Device) -> Result<Self> {
        let shape = config.network();
        let failed = |what: &str, error: &dyn std::fmt::Display| Error::input(format!("{what}: {error}"));
        let network = |what: &str, weights: Weights, device: &Device| {
            weights.into_network(&shape, device).map_err(|error| failed(what, &error))
        };
        let training = device.clone().autodiff();
        let weights = match start {
            Start::Checkpoint(run, checkpoint) => {
                let Checkpoint { progress, weights, ema, optimizer } = *checkpoint;
                let misfit = format!(
                    "{}: its run.toml is of another network than its checkpoint of step {}",
                    run.display(),
                    progress.step
                );
                let trained = network(&misfit, weights, &training)?;
                let fresh = optimizer::init(config.optimization.optimizer, &trained.parameters());
                return Ok(Self {
                    ema: network(&misfit, ema, device)?,
                    optimizer: fresh.from_bytes(optimizer).map_err(|error| failed(&misfit, &error))?,
                    parameters: trained.parameters(),
                    network: trained,
                    progress,
                });
            }
            Start::Weights(weights) => weights,
            Start::Fresh => {
                // Drawn on the CPU, so that a seed gives the same start on every backend.
                let cpu = Device::flex();
                cpu.seed(config.optimization.seed);
                let fresh = EnergyNetwork::new(&shape, &cpu).map_err(|error| Error::input(error.to_string()))?;
                Weights::of(&fresh)
            }
        };
        let trained = network("--from", weights.clone(), &training)?;
        Ok(Self {
            ema: network("--from", weights, device)?,
            optimizer: optimizer::init(config.optimization.optimizer, &trained.parameters()),
            parameters: trained.parameters(),
            network: trained,
            progress: Progress { step: 0, seconds: 0.0, images: Some(0) },
        })
    }

    /// One step: the loss of its batch and the norm of the gradient, `[1]` each, which nobody has to wait for.
    ///
    /// # Errors
    /// A device has failed.
    pub(super) fn step(
        self,
        config: &RunConfig,
        replicas: &Replicas<'_>,
        batch: &Batch,
    ) -> Result<(Self, [Tensor<1>; 2])> {
        let Self { network, parameters, ema, mut optimizer, mut progress } = self;
        let plan = &config.optimization;
        let (loss, mut gradients) = replicas.gradients(&network, batch)?;
        let norm = clip_by_global_norm(&mut gradients, &parameters, plan.clip);
        let network = optimizer.step(plan.learning_rate_at(batch.step), network, gradients);
        let ema = ema::update(ema, &network, plan.ema_decay_at(batch.step));
        progress.step += 1;
        progress.images = progress.images.map(|images| images + plan.batch as u64);
        Ok((Self { network, parameters, ema, optimizer, progress }, [loss, norm]))
    }

    /// Whether every weight and every average is a number.
    fn is_finite(&self) -> Result<bool> {
        for network in [&self.network, &self.ema] {
            if !flat::pack_weights(network)?.iter().all(|weight| weight.is_finite()) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Samples and the report. They are for people: a training goes on without them.
    fn show(&self, config: &RunConfig, frame: Frame, folder: &RunFolder, metrics: &Metrics, device: &Device) {
        let drawn = self.draw(config, frame, folder, device);
        for outcome in [drawn, report::write(folder, config, metrics)] {
            if let Err(error) = outcome {
                eprintln!("warning: step {}: {error}; the training goes on", self.progress.step);
            }
        }
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
            let images = sampler.finish(weights);
            let images = output::pictures(frame.remove(images))?;
            pictures::write_grid(&folder.samples(self.progress.step, averaged), &images, None)?;
        }
        Ok(())
    }
}
