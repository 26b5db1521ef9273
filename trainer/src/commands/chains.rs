//! What commands with chains share: the schedule and the chains that the flags ask for, and writing what they became.

use burn::tensor::Device;
use options::Sampler;
use shared::sampling::{Annealing, Known, Schedule};

use crate::{
    chains::SamplingRun,
    cli::{ChainArgs, SamplerArgs},
    error::{Error, Result},
    files,
    model::LoadedModel,
    npy, output,
    pictures::{self, Picture},
};

/// The schedule of the sampler that `args` ask for.
pub fn schedule(args: &SamplerArgs, model: &LoadedModel) -> Result<Schedule> {
    let sampler = args.sampler;
    let steps = args.steps.unwrap_or(sampler.default_steps());
    match (args.hottest, sampler) {
        (None, _) => Ok(model.schedule(sampler, steps)),
        (Some(hottest), Sampler::Annealed) => Ok(Schedule::Annealed(Annealing::falling(hottest, steps))),
        (Some(_), _) => Err(Error::input("--hottest: only --sampler annealed has a temperature")),
    }
}

/// Runs the chains that `args` ask for, around `known` (for one picture, `[1, C, S, S]`) if given.
pub fn run(args: &ChainArgs, model: &LoadedModel, known: Option<&Known>, device: &Device) -> Result<Vec<Picture>> {
    let size = model.data.size;
    pictures::check_grid(&args.out, args.count, [model.config.channels, size, size])?;
    if let Some(path) = &args.npy {
        files::check_writable(path)?;
    }
    let schedule = schedule(&args.sampler, model)?;
    SamplingRun { schedule, count: args.count, seed: args.seed }.run(model, known, device)
}

/// Writes the grid, and the numbers if asked for, and says so. A picture alone is written as it is, so that it can be put
/// in again.
pub fn write(args: &ChainArgs, images: &[Picture]) -> Result<()> {
    let Some(first) = images.first() else { return Err(Error::failed("there is no picture to write")) };
    let size = format!("{}x{}", first.width, first.height);
    match images {
        [alone] => {
            pictures::write_picture(&args.out, alone)?;
            println!("{}: a picture of {size}, seed {}", args.out.display(), args.seed);
        }
        _ => {
            pictures::write_grid(&args.out, images, None)?;
            println!("{}: {} pictures of {size}, seed {}", args.out.display(), images.len(), args.seed);
        }
    }
    if let Some(path) = &args.npy {
        let shape = [images.len(), first.height, first.width, first.channels];
        let values: Vec<f32> = images.iter().flat_map(output::channels_last).collect();
        npy::write(path, &shape, &values)?;
        println!("{}: their pixels, float32 {shape:?}", path.display());
    }
    Ok(())
}
