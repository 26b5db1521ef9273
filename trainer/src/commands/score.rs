//! `trainer score`.

use std::path::Path;

use burn::tensor::Device;
use serde::Serialize;
use shared::{measures::OutlierScore, network::Energy};

use crate::{
    cli::ScoreArgs,
    error::{Error, Result},
    model::LoadedModel,
    output,
    pictures::{self, Picture},
};

#[derive(Serialize)]
struct Score {
    image: String,
    energy: f32,
    /// Length of the denoising jump, `|sigma_0^2 grad E(x)|`, in pixel units.
    jump: f32,
    /// How unusual the picture is among held-out ones, 0..100, by its denoising errors; null for a model that was not
    /// exported.
    percentile: Option<f32>,
    /// The same by its energy alone, which finds flat pictures usual.
    energy_percentile: Option<f32>,
}

/// Prints the energy of each picture, and how unusual it is. One that cannot be read is named, and the others are
/// scored.
pub fn score(args: ScoreArgs) -> Result<()> {
    let (device, _) = args.model.backend.device()?;
    let model = LoadedModel::open("--model", &args.model.model, &device)?;
    let (mut scores, mut unread) = (Vec::new(), Vec::new());
    for path in &args.images {
        match pictures::read(path, model.config.channels, model.data.size, model.data.size) {
            Ok(picture) => scores.push(score_of(&model, path, &picture, &device)?),
            Err(error) => unread.push(error),
        }
    }
    if args.json {
        let text = serde_json::to_string_pretty(&serde_json::json!({ "scores": scores }))
            .map_err(|error| Error::failed(error.to_string()))?;
        println!("{text}");
    } else {
        for Score { image, energy, percentile, .. } in scores {
            let place =
                percentile.map(|p| format!(", more unusual than {p:.1} % of held-out pictures")).unwrap_or_default();
            println!("{image}: energy {energy:.3}{place}");
        }
    }
    // The last is told where every error is.
    let Some(last) = unread.pop() else { return Ok(()) };
    for error in unread {
        eprintln!("error: {error}");
    }
    Err(last)
}

fn score_of(model: &LoadedModel, path: &Path, picture: &Picture, device: &Device) -> Result<Score> {
    let x = model.frame.add(output::tensor(std::slice::from_ref(picture), device));
    let sigma_0 = model.config.sigma_0;
    let (energy, gradient) = model.network.energy_and_gradient(x.clone());
    let energy = output::floats(energy)?[0];
    let jump = output::floats(gradient.square().sum())?[0].sqrt() * sigma_0 * sigma_0;
    let readings = OutlierScore::readings(&model.network, sigma_0, &x).into_iter().map(output::floats);
    let description = OutlierScore::describe(&readings.collect::<Result<Vec<_>>>()?.concat());
    let manifest = model.manifest.as_ref();
    let energy_percentile = manifest.map(|manifest| manifest.energy_percentile(energy));
    let percentile = manifest.map(|manifest| match &manifest.outlier_score {
        Some(score) => score.percentile(score.score(&description)),
        None => manifest.energy_percentile(energy),
    });
    Ok(Score { image: path.display().to_string(), energy, jump, percentile, energy_percentile })
}
