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
    for path in std::iter::once(&args.out).chain(&args.npy) {
        files::check_writable(path)?;
    }
    let schedule = schedule(&args.sampler, model)?;
    SamplingRun { schedule, count: args.count, seed: args.seed }.run(model, known, device)
}

/// Writes the grid, and the numbers if asked for. A picture alone is written as it is, so that it can be put in again.
pub fn write(args: &ChainArgs, images: &[Picture]) -> Result<()> {
    match images {
        [alone] => pictures::write_picture(&args.out, alone)?,
        _ => pictures::write_grid(&args.out, images, None)?,
    }
    if let (Some(path), Some(first)) = (&args.npy, images.first()) {
        let shape = [images.len(), first.height, first.width, first.channels];
        let values: Vec<f32> = images.iter().flat_map(output::channels_last).collect();
        npy::write(path, &shape, &values)?;
    }
    Ok(())
}
