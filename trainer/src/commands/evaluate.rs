//! `trainer evaluate`.

use super::chains::schedule;
use crate::{
    chains::SamplingRun,
    cli::EvaluateArgs,
    error::{Error, Result},
    evaluate::{self, DensityPlan},
    files,
    model::LoadedModel,
};

/// Measures a model and writes the report.
pub fn evaluate(args: EvaluateArgs) -> Result<()> {
    let measurement = args.measurement;
    let (model, data, device) = LoadedModel::subject(&measurement.subject)?;
    let model = model.with_churn(&args.churn).guided_by(&args.guide, &device)?;
    files::check_writable(&measurement.subject.out.join("evaluation.json"))?;
    let schedule = schedule(&args.sampler, &model)?;
    let chains = SamplingRun { schedule, count: measurement.count, seed: measurement.seed };
    let plan = DensityPlan { steps: args.density_steps, chains: args.density_chains };
    let name = measurement.subject.model.model.display().to_string();
    let (evaluation, shown) = evaluate::evaluate(&model, name, &data, &chains, plan, &device)?;
    evaluate::write(&measurement.subject.out, &evaluation, &shown)?;
    if args.json {
        let text = serde_json::to_string(&evaluation).map_err(|error| Error::failed(error.to_string()))?;
        println!("{text}");
        return Ok(());
    }
    if let Some(quality) = &evaluation.sample_quality {
        let [samples, floor] = [&quality.samples, &quality.training_pictures].map(|quality| quality.frechet_distance);
        println!("Frechet distance {samples:.2} (training pictures: {floor:.2})");
    }
    println!("{}", measurement.subject.out.join("index.html").display());
    Ok(())
}
