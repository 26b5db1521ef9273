//! `trainer train`.

use std::sync::atomic::Ordering;

use shared::{DataCard, NetworkConfig, NoiseLevels};

use crate::{
    cli::TrainArgs,
    data::{self, DataSet},
    error::{Error, Result},
    train::{self, INTERRUPTED, Optimization, RunConfig, RunFolder},
};

/// The paper's noise level inside the residual.
const SIGMA_0: f32 = 0.1;
/// Steps where none are asked for: two minutes for the default network and data on two cores.
const DEFAULT_STEPS: u64 = 2000;

/// Trains, or goes on training.
pub fn train(args: TrainArgs) -> Result<()> {
    let folder = RunFolder::at(&args.out);
    if folder.exists() && !args.resume {
        return Err(Error::input(format!(
            "--out {}: there is a run already; add --resume to go on with it, or choose another folder",
            args.out.display()
        )));
    }
    let (device, backend) = args.backend.backend.device()?;
    ctrlc::set_handler(|| INTERRUPTED.store(true, Ordering::Relaxed))
        .map_err(|error| Error::failed(format!("Ctrl-C cannot be watched: {error}")))?;

    let (config, start, data) = if args.resume {
        let mut config = folder.load_config()?;
        if let Some(steps) = args.steps {
            config.optimization.steps = steps.into();
        }
        let data = open(&config.data_source, &args)?;
        (config, Some(folder.newest()?), data)
    } else {
        let data = open(&args.data, &args)?;
        (configure(&args, &data)?, None, data)
    };
    config.check(&data.train)?;
    folder.save_config(&config)?;
    let done = start.as_ref().map_or(0, |checkpoint| checkpoint.progress.step);
    eprintln!(
        "training on {} ({} images) with {backend}, from step {done} to {}, into {}",
        data.name,
        data.train.len(),
        config.optimization.steps,
        args.out.display()
    );
    train::train(&config, &data, &folder, start, &device)?;
    eprintln!("done: {}; next: trainer sample --model {0} --out samples.png", args.out.display());
    Ok(())
}

fn open(source: &str, args: &TrainArgs) -> Result<DataSet> {
    let data = data::open(source, args.data_dir.as_deref())?;
    for skipped in &data.skipped {
        eprintln!("skipped: {skipped}");
    }
    Ok(data)
}

fn configure(args: &TrainArgs, data: &DataSet) -> Result<RunConfig> {
    if args.sigma_min > args.sigma_max {
        return Err(Error::input(format!("--sigma-min {} is above --sigma-max {}", args.sigma_min, args.sigma_max)));
    }
    let images = &data.train;
    let config = RunConfig {
        data_source: args.data.clone(),
        data: DataCard {
            name: data.name.clone(),
            licence: data.licence.clone(),
            size: images.height,
            pixel_range: [0.0, 1.0],
        },
        network: NetworkConfig {
            preset: args.network.preset.into(),
            width: args.network.width,
            channels: images.channels,
            image_size: data::network_size(images.height, images.width),
            activation: args.network.activation(),
            sigma_0: SIGMA_0,
        },
        noise: NoiseLevels { min: args.sigma_min as f32, max: args.sigma_max as f32, spacing: args.spacing.into() },
        optimization: Optimization {
            steps: args.steps.map_or(DEFAULT_STEPS, u64::from),
            batch: args.batch,
            learning_rate: args.learning_rate,
            ema_decay: args.ema,
            seed: args.seed,
            checkpoint_every: args.checkpoint_every.into(),
            grid: args.grid as usize,
        },
    };
    config.network.validate().map_err(|error| Error::input(error.to_string()))?;
    Ok(config)
}
