//! `trainer score`.

use serde::Serialize;
use shared::Energy;

use crate::{
    cli::ScoreArgs,
    error::{Error, Result},
    model::LoadedModel,
    output, pictures,
};

#[derive(Serialize)]
struct Score {
    image: String,
    energy: f32,
    /// Among held-out pictures, 0..100; null for a model that was not exported.
    percentile: Option<f32>,
}

/// Prints the energy of each picture, and how unusual it is.
pub fn score(args: ScoreArgs) -> Result<()> {
    let (device, _) = args.model.backend.backend.device()?;
    let model = LoadedModel::open(&args.model.model, &device)?;
    let size = model.data.size;
    let mut scores = Vec::new();
    for path in &args.images {
        let picture = pictures::read(path, model.config.channels, size, size)?;
        let x = model.frame.add(output::tensor(&[picture], &device));
        let (energy, _) = model.network.energy_and_gradient(x);
        let energy = output::floats(energy)?[0];
        let percentile = model.manifest.as_ref().map(|manifest| manifest.energy_percentile(energy));
        scores.push(Score { image: path.display().to_string(), energy, percentile });
    }
    if args.json {
        let text = serde_json::to_string_pretty(&serde_json::json!({ "scores": scores }))
            .map_err(|error| Error::failed(error.to_string()))?;
        println!("{text}");
        return Ok(());
    }
    for Score { image, energy, percentile } in scores {
        let place = percentile.map(|p| format!(", higher than {p:.1} % of held-out pictures")).unwrap_or_default();
        println!("{image}: energy {energy:.3}{place}");
    }
    Ok(())
}
