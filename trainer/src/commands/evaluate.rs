//! `trainer evaluate`.

use std::fs;

use shared::Method;

use crate::{
    cli::EvaluateArgs,
    data,
    error::{Error, Result},
    evaluate::{self, Sampling},
    files,
    model::LoadedModel,
};

/// Measures a model and writes the report.
pub fn evaluate(args: EvaluateArgs) -> Result<()> {
    let (device, _) = args.model.backend.backend.device()?;
    let model = LoadedModel::open(&args.model.model, &device)?;
    let data = data::open_sized(&args.data, args.data_dir.as_deref(), Some(model.data.size))?;
    let found = [data.held_out.channels, data.held_out.height, data.held_out.width];
    let wanted = [model.config.channels, model.data.size, model.data.size];
    if found != wanted {
        return Err(Error::input(format!(
            "--data {}: the pictures are {found:?} (channels, height, width) where the model takes {wanted:?}",
            args.data
        )));
    }
    if data.held_out.is_empty() {
        return Err(Error::input(format!("--data {}: there are no held-out pictures", args.data)));
    }
    fs::create_dir_all(&args.out).map_err(|error| {
        Error::input(format!("--out {}: cannot be made: {}", args.out.display(), files::reason(&error)))
    })?;
    files::check_writable(&args.out.join("evaluation.json"))?;
    let sampler = Method::from(args.sampler);
    let steps = args.steps.unwrap_or(sampler.default_steps());
    let sampling = Sampling { sampler, steps, seed: args.seed, count: args.count as usize };
    let name = args.model.model.display().to_string();
    let (evaluation, shown) = evaluate::evaluate(&model, name, &data, sampling, &device)?;
    evaluate::write(&args.out, &evaluation, &shown)?;
    if args.json {
        let text = serde_json::to_string(&evaluation).map_err(|error| Error::failed(error.to_string()))?;
        println!("{text}");
        return Ok(());
    }
    if let Some(quality) = &evaluation.sample_quality {
        let [samples, floor] = [&quality.samples, &quality.training_pictures].map(|quality| quality.frechet_distance);
        println!("Frechet distance {samples:.2} (training pictures: {floor:.2})");
    }
    println!("{}", args.out.join("index.html").display());
    Ok(())
}
