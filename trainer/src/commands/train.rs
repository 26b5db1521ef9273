//! `trainer train`.

use std::sync::atomic::Ordering;

use crate::{
    cli::{LayersArgs, TrainArgs},
    data::{self, DataSet},
    error::{Error, Result},
    train::{self, INTERRUPTED, RunConfig, RunFolder},
};

/// Trains, or goes on training.
pub fn train(args: TrainArgs) -> Result<()> {
    let folder = RunFolder::at(&args.out);
    if folder.exists() && !args.resume {
        return Err(Error::input(format!(
            "--out {}: there is a run already; add --resume to go on with it, or choose another folder",
            args.out.display()
        )));
    }
    let (devices, backend) = args.backend.devices(args.devices)?;
    ctrlc::set_handler(|| INTERRUPTED.store(true, Ordering::Relaxed))
        .map_err(|error| Error::failed(format!("Ctrl-C cannot be watched: {error}")))?;

    let LayersArgs { config, preset, settings } = &args.layers;
    let file = config.as_deref();
    let (config, start) = if args.resume {
        let (before, start) = (folder.load_config()?, folder.newest()?);
        (before.resumed(start.progress.step, *preset, file, settings)?, Some(start))
    } else {
        (RunConfig::layered(*preset, file, settings)?, None)
    };
    let data = open(&config.data, &args)?;
    let config = config.with_pictures(&data)?;
    if args.devices > config.optimization.batch {
        return Err(Error::input(format!("--devices {}: more than images in a batch", args.devices)));
    }
    folder.save_config(&config)?;
    let done = start.as_ref().map_or(0, |checkpoint| checkpoint.progress.step);
    eprintln!(
        "training on {} ({} images) with {backend}, from step {done} to {}, into {}",
        data.name,
        data.train.len(),
        config.optimization.steps,
        args.out.display()
    );
    train::train(&config, &data, &folder, start, &devices)?;
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
