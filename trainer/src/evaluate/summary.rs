//! The few numbers of an evaluation that belong on a model card.

use std::{fs, path::Path};

use serde::Deserialize;
use shared::model::Metric;

use super::{Evaluation, SampleQuality, Sampling};
use crate::{
    error::{Error, Result},
    files,
};

/// What an earlier evaluation says of a model.
#[derive(Deserialize)]
pub struct Summary {
    /// The model, as it was given.
    pub model: String,
    /// What its weights were known by.
    pub weights: String,
    /// How its samples were made.
    pub sampling: Sampling,
    /// What the card is to say.
    pub card: Vec<Metric>,
}

impl Summary {
    /// Reads an `evaluation.json`.
    ///
    /// # Errors
    /// It cannot be read, or is none.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read(path)
            .map_err(|error| Error::input(format!("{}: cannot be read: {}", path.display(), files::reason(&error))))?;
        serde_json::from_slice(&text)
            .map_err(|error| Error::input(format!("{}: no evaluation of this version: {error}", path.display())))
    }
}

/// The quality of samples, copies, denoising, outliers and likelihood.
pub fn card(evaluation: &Evaluation) -> Vec<Metric> {
    let metric = |name: String, value: f64, how: String| Metric { name, value, how };
    let samples = &evaluation.sampling;
    let mut metrics = Vec::new();
    if let Some(SampleQuality { features, samples: model, training_pictures: floor, pixel_gaussian: gaussian }) =
        &evaluation.sample_quality
    {
        metrics.push(metric(
            "Frechet distance".to_owned(),
            model.frechet_distance,
            format!(
                "to the held-out pictures; {samples}; on {features}; training pictures: {:.1}, a Gaussian of the pixels: {:.1}",
                floor.frechet_distance, gaussian.frechet_distance
            ),
        ));
        if let (Some(score), Some(best)) = (model.class_score, floor.class_score) {
            let classes = model.classes.iter().map(|share| format!("{:.0}", 100.0 * share)).collect::<Vec<_>>();
            let how = format!(
                "the same samples; training pictures: {best:.2}; percent of samples in each class: {}",
                classes.join(" ")
            );
            metrics.push(metric("class score".to_owned(), score, how));
        }
        for (name, value, best) in [
            ("precision", model.overlap.precision, floor.overlap.precision),
            ("recall", model.overlap.recall, floor.overlap.recall),
            ("coverage", model.overlap.coverage, floor.overlap.coverage),
        ] {
            metrics.push(metric(name.to_owned(), value, format!("the same samples; training pictures: {best:.2}")));
        }
    }
    metrics.push(metric(
        "share of suspicious samples".to_owned(),
        evaluation.nearest_neighbours.suspicious,
        "samples nearer to a training picture than 99 in 100 held-out pictures are; 0.01 would be chance".to_owned(),
    ));
    for denoising in &evaluation.denoising {
        metrics.push(metric(
            format!("denoising PSNR at noise {}", denoising.level),
            denoising.jump,
            format!(
                "dB after one jump, on 100 held-out pictures; noisy {:.1}, Gaussian filter {:.1}, BM3D {:.1}",
                denoising.noisy, denoising.gaussian, denoising.bm3d
            ),
        ));
    }
    for outliers in &evaluation.outliers {
        metrics.push(metric(
            format!("AUROC against {}", outliers.name),
            outliers.multi_level,
            format!("by denoising errors; by energy {:.3}, by its gradient {:.3}", outliers.energy, outliers.gradient),
        ));
    }
    if let Some(density) = &evaluation.density {
        for bits in &density.bits_per_dimension {
            metrics.push(metric(
                format!("bits per dimension of {}", bits.name),
                bits.pessimistic,
                format!(
                    "at most, by annealed importance sampling backward; forward: at least {:.2}; {} densities, {} chains, effectively \
                     {:.1} and {:.1}",
                    bits.optimistic,
                    density.steps,
                    density.chains,
                    density.backward.effective_sample_size,
                    density.forward.effective_sample_size
                ),
            ));
        }
    }
    metrics
}
