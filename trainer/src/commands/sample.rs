//! `trainer sample`.

use super::chains;
use crate::{
    chains::{BATCH, SamplingRun},
    cli::SampleArgs,
    error::{Error, Result},
    files,
    model::LoadedModel,
    recording,
};

/// Turns noise into pictures.
pub fn sample(args: SampleArgs) -> Result<()> {
    let recording = args.recording.as_deref().map(|path| ("--recording", path));
    recording.map_or(Ok(()), |recording| chains::check_ending(recording, "png"))?;
    chains::check_churn(&args.churn, args.chains.sampler.sampler)?;
    chains::check_outputs(&args.chains, &[], recording.as_slice())?;
    if args.first.checked_add(args.chains.count as u64).is_none() {
        return Err(Error::input(format!("--first {}: too large for {} chains", args.first, args.chains.count)));
    }
    let (device, _) = args.model.backend.device()?;
    let mut model = LoadedModel::open("--model", &args.model.model, &device)?.with_churn(&args.churn);
    for other in &args.and {
        model.join(other, LoadedModel::open("--and", other, &device)?)?;
    }
    let model = model.guided_by(&args.guide, &device)?;
    let Some(path) = &args.recording else {
        let images = chains::run(&args.chains, &model, None, args.first, &device)?;
        return chains::write(&args.chains, &images);
    };
    if args.chains.count > BATCH {
        return Err(Error::input(format!("--recording: takes at most {BATCH} pictures, not {}", args.chains.count)));
    }
    chains::check_writable(&args.chains, &model)?;
    files::check_writable(path)?;
    let schedule = chains::schedule(&args.chains.sampler, &model)?;
    let run = SamplingRun { schedule, count: args.chains.count, seed: args.chains.seed, first: args.first };
    let (file, pictures) = recording::record(&run, args.chains.sampler.sampler, &model, &device)?;
    files::write_atomically(path, |out| out.write_all(&file))?;
    println!("{}: the run, {} kB", path.display(), file.len().div_ceil(1000));
    chains::write(&args.chains, &pictures)
}
