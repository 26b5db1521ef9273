//! What commands with chains share: the schedule and the chains that the flags ask for, and writing what they became.

use std::sync::Arc;

use burn::tensor::Device;
use options::Sampler;
use shared::sampling::{Annealing, Given, Schedule};

use crate::{
    chains::SamplingRun,
    cli::{ChainArgs, ChurnArgs, SamplerArgs},
    error::{Error, Result},
    files,
    model::LoadedModel,
    npy,
    overwriting::{self, Named},
    pictures::{self, Picture},
};

/// The schedule of the sampler that `args` ask for.
pub fn schedule(args: &SamplerArgs, model: &LoadedModel) -> Result<Schedule> {
    let sampler = args.sampler;
    let steps = args.steps.unwrap_or(sampler.default_steps());
    match (args.initial_temperature, sampler) {
        (None, _) => Ok(model.schedule(sampler, steps)),
        (Some(initial), Sampler::Annealed) => {
            Ok(Schedule::Annealed(Annealing::falling(initial, steps, model.sigma_0())))
        }
        (Some(_), _) => Err(Error::input("--initial-temperature: only --sampler annealed has a temperature")),
    }
}

/// Refuses outputs that would replace each other or one of these inputs, and names that do not end as their format does.
pub fn check_outputs(args: &ChainArgs, inputs: &[Named<'_>], more: &[Named<'_>]) -> Result<()> {
    let npy = args.npy.as_deref().map(|path| ("--npy", path));
    npy.map_or(Ok(()), |npy| check_ending(npy, "npy"))?;
    let outputs: Vec<Named<'_>> =
        [("--out", args.out.as_path())].into_iter().chain(npy).chain(more.iter().copied()).collect();
    overwriting::apart(inputs, &outputs)
}

/// Refuses a name of another ending than that of its format.
pub fn check_ending((flag, path): Named<'_>, ending: &str) -> Result<()> {
    if path.extension().is_some_and(|found| found.eq_ignore_ascii_case(ending)) {
        return Ok(());
    }
    Err(Error::input(format!("{flag} {}: give a name that ends in .{ending}", path.display())))
}

/// Refuses churn for a sampler that has none.
pub fn check_churn(churn: &ChurnArgs, sampler: Sampler) -> Result<()> {
    match (churn.churn, sampler) {
        (Some(_), Sampler::Annealed | Sampler::Ode) => {
            Err(Error::input("--churn: only --sampler consistent has churn"))
        }
        _ => Ok(()),
    }
}

/// Whether what the chains come to can be written, before they run.
pub fn check_writable(args: &ChainArgs, model: &LoadedModel) -> Result<()> {
    let size = model.data.size;
    pictures::check_grid(&args.out, args.count, [model.config.channels, size, size])?;
    args.npy.as_deref().map_or(Ok(()), files::check_writable)
}

/// Runs the chains that `args` ask for, from the number `first` on, around what is given of one picture if anything is.
pub fn run(
    args: &ChainArgs,
    model: &LoadedModel,
    given: Option<&Arc<dyn Given>>,
    first: u64,
    device: &Device,
) -> Result<Vec<Picture>> {
    check_writable(args, model)?;
    let schedule = schedule(&args.sampler, model)?;
    SamplingRun { schedule, count: args.count, seed: args.seed, first }.run(model, given, device)
}

/// Writes the grid, and the numbers if asked for, and says so. A picture alone is written as it is, so that it can be put
/// in again.
pub fn write(args: &ChainArgs, images: &[Picture]) -> Result<()> {
    save(args, images)?.iter().for_each(|line| println!("{line}"));
    Ok(())
}

/// Writes them and gives the lines that say so.
pub fn save(args: &ChainArgs, images: &[Picture]) -> Result<Vec<String>> {
    let Some(first) = images.first() else { return Err(Error::failed("there is no picture to write")) };
    let (out, seed) = (args.out.display(), args.seed);
    let size = format!("{}x{}", first.width, first.height);
    let mut lines = Vec::new();
    match images {
        [alone] => {
            pictures::write_picture(&args.out, alone)?;
            lines.push(format!("{out}: a picture of {size}, seed {seed}"));
        }
        _ => {
            pictures::write_grid(&args.out, images, None)?;
            lines.push(format!("{out}: {} pictures of {size}, seed {seed}", images.len()));
        }
    }
    if let Some(path) = &args.npy {
        let shape = npy::write_pictures(path, images)?;
        lines.push(format!("{}: their pixels, float32 {shape:?}", path.display()));
    }
    Ok(lines)
}
