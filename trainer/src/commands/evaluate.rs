//! `trainer evaluate`.

use std::path::{Path, PathBuf};

use super::chains::{check_churn, schedule};
use crate::{
    chains::SamplingRun,
    cli::EvaluateArgs,
    error::{Error, Result},
    evaluate::{self, DensityPlan},
    files,
    model::LoadedModel,
    npy, output, overwriting,
    pictures::Picture,
};

/// Samples of the model that were drawn before, of all files together.
fn samples(paths: &[PathBuf], model: &LoadedModel) -> Result<Vec<Picture>> {
    let (size, channels) = (model.data.size, model.config.channels);
    let mut all = Vec::new();
    for path in paths {
        let (shape, values) = npy::read(path)?;
        let [_, height, width, found] = shape[..] else { return Err(misfit(path, &shape, size, channels)) };
        if (height, width, found) != (size, size, channels) {
            return Err(misfit(path, &shape, size, channels));
        }
        // Samples of other programs may not have been limited; those of bytes are another thing.
        if let Some(value) = values.iter().find(|value| !(-1.0..=2.0).contains(*value)) {
            let text =
                format!("a value of {value}; those of pictures are 0 to 1, as `trainer sample --npy` writes them");
            return Err(Error::input(format!("--samples {}: {text}", path.display())));
        }
        all.extend(values.chunks(size * size * channels).map(|values| output::picture(values, size, channels)));
    }
    if all.is_empty() {
        let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        return Err(Error::input(format!("--samples {}: there is no sample in it", paths.join(" "))));
    }
    Ok(all)
}

fn misfit(path: &Path, shape: &[usize], size: usize, channels: usize) -> Error {
    Error::input(format!(
        "--samples {}: an array of {shape:?}; samples of this model are [N, {size}, {size}, {channels}]",
        path.display()
    ))
}

/// Measures a model and writes the report, part by part.
pub fn evaluate(args: EvaluateArgs) -> Result<()> {
    check_churn(&args.churn, args.sampler.sampler)?;
    overwriting::ours(
        &args.subject.out,
        "evaluation.json",
        &["index.html", "samples.png", "neighbours.png", "completions.png", "paths.png"],
    )?;
    let (model, data, device) = LoadedModel::subject(&args.subject)?;
    let features = args.features.features.on(&data)?;
    let model = model.with_churn(&args.churn).guided_by(&args.guide, &device)?;
    let folder = &args.subject.out;
    files::check_writable(&folder.join("evaluation.json"))?;
    let schedule = schedule(&args.sampler, &model)?;
    let given = if args.samples.is_empty() { None } else { Some(samples(&args.samples, &model)?) };
    let count = given.as_ref().map_or(args.count, Vec::len);
    let chains = SamplingRun { schedule, count, seed: args.seed, first: 0 };
    let plan = DensityPlan { steps: args.density_steps, chains: args.density_chains };
    let name = args.subject.model.model.display().to_string();
    let evaluation = evaluate::evaluate(&model, name, &data, (&chains, given), features, plan, (&device, folder))?;
    if args.json {
        let text = serde_json::to_string(&evaluation).map_err(|error| Error::failed(error.to_string()))?;
        println!("{text}");
        return Ok(());
    }
    if let Some(quality) = &evaluation.sample_quality {
        let half = quality.held_out_half.as_ref();
        let half = half.map(|half| format!(" (other held-out pictures: {})", half.distance())).unwrap_or_default();
        println!("Frechet distance {}{half}", quality.samples.distance());
    }
    println!("{}", folder.join("index.html").display());
    Ok(())
}
