//! `trainer evaluate`.

use super::{
    chains::{check_churn, schedule},
    samples::samples,
};
use crate::{
    chains::SamplingRun,
    cli::EvaluateArgs,
    error::{Error, Result},
    evaluate::{self, DensityPlan},
    files,
    model::LoadedModel,
    overwriting,
};

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
    let given = if args.samples.is_empty() {
        None
    } else {
        Some(samples(&args.samples, model.data.size, model.config.channels)?)
    };
    let count = given.as_ref().map_or(args.count, |given| given.samples.len());
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
