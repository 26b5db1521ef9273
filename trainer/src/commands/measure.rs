//! `trainer measure`.

use std::fs;

use options::Recording;
use shared::model::Weights;

use crate::{
    cli::MeasureArgs,
    data::principal_components,
    error::{Error, Result},
    evaluate::{PlacedModel, Summary, fingerprint, likelihoods, with_error},
    export::{AT_EXPORT, MEASURED, measured_again},
    files::{self, reason},
    model::{LoadedModel, named},
    recording,
};

/// Measures how likely held-out pictures are to an exported model, into its `model.json` and its card, takes over what
/// an evaluation has found, and records the run that the page begins with again.
pub fn measure(args: MeasureArgs) -> Result<()> {
    let (device, _) = args.backend.device()?;
    let model = LoadedModel::open("--model", &args.model, &device)?;
    let Some(mut manifest) = model.manifest.clone() else {
        return Err(Error::input(format!(
            "{}: it is no exported model; `trainer export` measures what it writes",
            named("--model", &args.model)
        )));
    };
    let path = args.model.join("model.json");
    files::check_writable(&path)?;
    let data = model.open_data(&args.data, args.data_dir.as_deref())?;
    if !manifest.data.is_of(&data.name, data.fingerprint.as_deref()) {
        let text = if data.name == manifest.data.name { ", as they were then" } else { "" };
        return Err(Error::input(format!(
            "--data {}: these are not the pictures of {} that the model was trained on{text}; give those",
            args.data, manifest.data.name
        )));
    }
    model.tell_of_seen(&args.data, &data);
    let known = (fingerprint(&Weights::of(&model.network))?, named("--model", &args.model));
    let evaluated = args.evaluation.as_deref().map(|path| Summary::of(path, &model, &known)).transpose()?;
    let moments = likelihoods::moments(&data.train);
    let card = likelihoods::card(&PlacedModel { model: &model, device: &device }, &moments, &data.held_out)?;
    // What importance sampling said with the weights of one chain was no bound.
    manifest.metrics.retain(|metric| !metric.how.contains("annealed importance sampling backward; forward: at least"));
    let mut sampling = None;
    if let Some(evaluated) = evaluated {
        manifest.metrics.retain(|metric| metric.how.ends_with(AT_EXPORT));
        manifest.metrics.extend(evaluated.card);
        sampling = Some(evaluated.sampling);
    }
    manifest.moments = Some(moments);
    // Where a model has none, its chains start at grey: its samples and distances are of those.
    if manifest.principal_components.is_some() {
        manifest.principal_components = Some(principal_components(&data.train));
    }
    let found = match &card {
        Some(card) => format!(
            "{} bits a picture above noise of {}, {:.3} bits a value with it",
            with_error(card.bits, card.bits_standard_error, 0),
            card.noise_level,
            card.bits_per_dim
        ),
        None => "no bits: they are an integral over noise levels, and the model was trained at one".to_owned(),
    };
    manifest.likelihood = card;

    // As the page would run it now.
    let recorded = recording::of_model(&model, &manifest, &device)?;

    let readme = args.model.join("README.md");
    let card = fs::read_to_string(&readme).map_err(|error| reason(&error)).and_then(|text| {
        measured_again(&text, &manifest, sampling.as_ref()).ok_or_else(|| format!("there is no part {MEASURED} in it"))
    });
    let json = manifest.to_json().map_err(|error| Error::failed(format!("{}: {error}", args.model.display())))?;
    files::write_atomically(&path, |file| file.write_all(&json))?;
    println!("{found}\n{}", path.display());
    let run = args.model.join(Recording::FILE);
    files::write_atomically(&run, |file| file.write_all(&recorded))?;
    println!("{}", run.display());
    match card {
        Ok(card) => {
            files::write_atomically(&readme, |file| file.write_all(card.as_bytes()))?;
            println!("{}", readme.display());
        }
        Err(why) => eprintln!("warning: {}: not brought up to date: {why}", readme.display()),
    }
    Ok(())
}
