//! A run: its folder, and the training loop.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use burn::{
    optim::{AdamConfig, GradientsParams, ModuleOptimizer},
    tensor::{Device, ElementConversion, Tensor, TensorData},
};
use shared::{Draw, EnergyNetwork, Frame, Method, Noise, Sampler, Weights, mdsm_loss};

use super::{
    Checkpoint, Optimization, RunConfig, batches::Batches, checkpoint::Progress, clip::clip_by_global_norm, ema,
    progress::Report,
};
use crate::{
    data::{DataSet, Images},
    error::{Error, Result},
    files, output, pictures,
};

/// Set by Ctrl-C: the loop saves a checkpoint and stops.
pub static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// A run's folder: `run.json`, `checkpoints/`, `samples/`.
pub struct RunFolder(PathBuf);

impl RunFolder {
    /// Checkpoints that are kept.
    const KEEP: usize = 2;

    /// The run at this path.
    pub fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Whether there is a run.
    pub fn exists(&self) -> bool {
        self.config_path().exists()
    }

    /// Where the settings are.
    fn config_path(&self) -> PathBuf {
        self.0.join("run.json")
    }

    /// Where the checkpoints are.
    pub fn checkpoints(&self) -> PathBuf {
        self.0.join("checkpoints")
    }

    fn samples(&self) -> PathBuf {
        self.0.join("samples")
    }

    /// Writes the settings, and makes the folders.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn save_config(&self, config: &RunConfig) -> Result<()> {
        for folder in [self.checkpoints(), self.samples()] {
            files::create_folder(&folder)?;
        }
        files::write_atomically(&self.config_path(), |file| Ok(serde_json::to_writer_pretty(file, config)?))
    }

    /// Reads the settings.
    ///
    /// # Errors
    /// There is no run, or its record is damaged.
    pub fn load_config(&self) -> Result<RunConfig> {
        let path = self.config_path();
        let text = fs::read(&path).map_err(|error| {
            Error::input(format!(
                "{}: no run: {} is missing or unreadable: {}",
                self.0.display(),
                path.display(),
                files::reason(&error)
            ))
        })?;
        let config: RunConfig = serde_json::from_slice(&text)
            .map_err(|error| Error::input(format!("{}: not a run's settings: {error}", path.display())))?;
        config.network.validate().map_err(|error| Error::input(format!("{}: {error}", path.display())))?;
        Ok(config)
    }

    /// The newest good checkpoint.
    ///
    /// # Errors
    /// There is none.
    pub fn newest(&self) -> Result<Checkpoint> {
        Checkpoint::newest(&self.checkpoints())
    }
}

/// What changes from step to step.
struct State {
    network: EnergyNetwork,
    ema: EnergyNetwork,
    optimizer: ModuleOptimizer,
    progress: Progress,
}

/// Trains to the end of the plan, from `start` if there is one.
///
/// # Errors
/// A checkpoint cannot be saved, the loss is not finite, or the training was interrupted (after saving).
pub fn train(
    config: &RunConfig,
    data: &DataSet,
    folder: &RunFolder,
    start: Option<Checkpoint>,
    device: &Device,
) -> Result<()> {
    let plan = &config.optimization;
    let mut state = State::new(config, start, device)?;
    let parameters = state.network.parameters();
    let pixels = config.network.batch_shape(1).iter().product::<usize>() as f64;
    let sigma = config.noise.levels(plan.batch);
    let sigma = Tensor::<1>::from_floats(sigma.as_slice(), &device.clone().autodiff());
    let noise = Noise::new(plan.seed);
    let frame = Frame::new(config.data.size, config.network.image_size)
        .ok_or_else(|| Error::failed("the pictures are larger than the network's input"))?;
    let mut batches = Batches::new(plan.seed, data.train.len(), plan.batch);
    let mut report = Report::new(plan.steps, plan.batch, state.progress.step);
    let mut clock = Instant::now();

    while state.progress.step < plan.steps {
        let step = state.progress.step;
        let clean = frame.add(to_tensor(&data.train, &batches.at(step), &device.clone().autodiff()));
        let z = corruption(&noise, step, clean.dims(), &device.clone().autodiff());
        let loss = mdsm_loss(&state.network, config.network.sigma_0, clean, z, sigma.clone()).mean();
        // Scaled by the pixels, so that the clipping limit means the same for every image size.
        let mut gradients = GradientsParams::from_grads((loss.clone() / pixels).backward(), &state.network);
        let loss = loss.into_scalar::<f32>().elem::<f64>();
        let norm = clip_by_global_norm(&mut gradients, &parameters, Optimization::CLIP);
        if !loss.is_finite() || !norm.is_finite() {
            report.finish();
            return Err(Error::failed(format!(
                "the loss became {loss} at step {}: nothing of it is saved; --resume goes on from the last good checkpoint in {}, \
                 a smaller --learning-rate helps",
                step + 1,
                folder.checkpoints().display()
            )));
        }
        state.network = state.optimizer.step(plan.learning_rate_at(step), state.network, gradients);
        state.ema = ema::update(state.ema, &state.network, plan.ema_decay_at(step));
        state.progress.step += 1;
        report.step(state.progress.step, loss);

        let interrupted = INTERRUPTED.load(Ordering::Relaxed);
        if interrupted || state.progress.step.is_multiple_of(plan.checkpoint_every) || state.progress.step == plan.steps
        {
            state.progress.seconds += clock.elapsed().as_secs_f64();
            clock = Instant::now();
            Checkpoint::of(state.progress.clone(), &state.network, &state.ema, &state.optimizer)?
                .save(&folder.checkpoints(), RunFolder::KEEP)?;
            if interrupted {
                report.finish();
                return Err(Error::failed(format!(
                    "interrupted at step {}, which is saved; go on with --resume",
                    state.progress.step
                )));
            }
            write_samples(&state.ema, config, frame, folder, state.progress.step, device)?;
        }
    }
    report.finish();
    Ok(())
}

impl State {
    fn new(config: &RunConfig, start: Option<Checkpoint>, device: &Device) -> Result<Self> {
        let (beta_1, beta_2) = Optimization::BETAS;
        let adam = AdamConfig::new().with_beta_1(beta_1).with_beta_2(beta_2).with_epsilon(Optimization::EPSILON);
        let failed =
            |error: &dyn std::fmt::Display| Error::input(format!("the checkpoint does not fit its run: {error}"));
        let network = |weights: Weights, device: &Device| {
            weights.into_network(&config.network, device).map_err(|error| failed(&error))
        };
        let training = device.clone().autodiff();
        Ok(match start {
            Some(checkpoint) => Self {
                network: network(checkpoint.weights, &training)?,
                ema: network(checkpoint.ema, device)?,
                optimizer: adam.init().from_bytes(checkpoint.optimizer).map_err(|error| failed(&error))?,
                progress: checkpoint.progress,
            },
            None => {
                // Drawn on the CPU, so that a seed gives the same start on every backend.
                let cpu = Device::flex();
                cpu.seed(config.optimization.seed);
                let fresh =
                    EnergyNetwork::new(&config.network, &cpu).map_err(|error| Error::input(error.to_string()))?;
                let weights = Weights::of(&fresh);
                Self {
                    network: network(weights.clone(), &training)?,
                    ema: network(weights, device)?,
                    optimizer: adam.init(),
                    progress: Progress { step: 0, seconds: 0.0 },
                }
            }
        })
    }
}

/// Pictures as `[N, C, H, W]`, 0..1.
pub fn to_tensor(images: &Images, indices: &[usize], device: &Device) -> Tensor<4> {
    let pixels: Vec<f32> =
        indices.iter().flat_map(|&index| images.image(index)).map(|&pixel| f32::from(pixel) / 255.0).collect();
    Tensor::from_data(TensorData::new(pixels, [indices.len(), images.channels, images.height, images.width]), device)
}

/// The noise of a training step. The chain of the generator is the slot in the batch.
fn corruption(noise: &Noise, step: u64, shape: [usize; 4], device: &Device) -> Tensor<4> {
    noise.tensor(0, Draw::Corruption(step as u32), shape, device)
}

/// A grid of samples from the averaged weights, always from the same noise.
fn write_samples(
    ema: &EnergyNetwork,
    config: &RunConfig,
    frame: Frame,
    folder: &RunFolder,
    step: u64,
    device: &Device,
) -> Result<()> {
    const STEPS: usize = 100;
    let count = config.optimization.grid;
    if count == 0 {
        return Ok(());
    }
    let network = &config.network;
    let noise = Noise::new(0);
    let schedule = Method::Consistent.schedule(STEPS, network.sigma_0, &config.noise);
    let mut sampler = Sampler::new(schedule, network.sigma_0, noise, 0, network.batch_shape(count), device);
    while sampler.step(ema).is_some() {}
    let (images, _) = sampler.finish(ema);
    let images = output::pictures(frame.remove(images))?;
    pictures::write_grid(&folder.samples().join(format!("step-{step:07}.png")), &images, None)
}
