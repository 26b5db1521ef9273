//! The few numbers of an evaluation that belong on a model card.

use std::path::Path;

use serde::Deserialize;
use shared::model::Metric;

use super::{
    Evaluation, SampleQuality, Sampling,
    denoising::Denoising,
    density::{Bits, Density},
    groups::{from_picture_to_picture, with_error},
    likelihoods::{Likelihoods, SetBits},
    neighbours::Overlap,
};
use crate::{
    error::{Error, Result},
    files,
    likelihood::more_or_fewer,
    model::LoadedModel,
};

/// What an earlier evaluation says of a model.
#[derive(Deserialize)]
pub struct Summary {
    /// The model, as it was given.
    pub model: String,
    /// What its weights were known by.
    pub weights: String,
    /// The data that it was measured on.
    pub data: String,
    /// What tells their pictures from others, where an evaluation says so.
    #[serde(default)]
    pub fingerprint: Option<String>,
    /// How its samples were made.
    pub sampling: Sampling,
    /// What the card is to say.
    pub card: Vec<Metric>,
    /// Whether all of it was measured; evaluations of before were written at the end alone.
    #[serde(default = "yes")]
    finished: bool,
}

fn yes() -> bool {
    true
}

impl Summary {
    /// Reads an `evaluation.json`.
    ///
    /// # Errors
    /// It cannot be read, or is none, or one that was interrupted.
    pub fn read(path: &Path) -> Result<Self> {
        let summary: Self = serde_json::from_slice(&files::read(path)?)
            .map_err(|error| Error::input(format!("{}: no evaluation of this version: {error}", path.display())))?;
        if !summary.finished {
            let text = "the evaluation was interrupted; run `trainer evaluate` again";
            return Err(Error::input(format!("{}: {text}", path.display())));
        }
        Ok(summary)
    }

    /// Reads that of a model, known by its fingerprint and by a name. What was measured on other pictures than the model's
    /// is told, here and on the card.
    ///
    /// # Errors
    /// As [`read`](Self::read), or it is of other weights, or of samples that were made in another way than the model's are.
    pub fn of(path: &Path, model: &LoadedModel, (weights, named): &(String, String)) -> Result<Self> {
        let mut summary = Self::read(path)?;
        let wrong = |text: String| Error::input(format!("--evaluation {}: {text}", path.display()));
        if summary.weights != *weights {
            return Err(wrong(format!("it is of {}, as that was then, not of {named}", summary.model)));
        }
        let (churn, guidance) = (model.churn(), model.guide().map(|guide| guide.weight));
        if (Sampling { churn, guidance, ..summary.sampling }) != summary.sampling {
            let told = |churn, guidance: Option<f32>| format!("churn {churn} and guidance {}", guidance.unwrap_or(0.0));
            return Err(wrong(format!(
                "its samples had {}, the model has {}; evaluate again with those, or export with the --churn, --guide and \
                 --guidance of the evaluation",
                told(summary.sampling.churn, summary.sampling.guidance),
                told(churn, guidance)
            )));
        }
        if !model.data.is_of(&summary.data, summary.fingerprint.as_deref()) {
            let data = if summary.data == model.data.name { "others of that name" } else { &summary.data };
            eprintln!(
                "warning: --evaluation {}: it is not of the pictures that the model was trained on, {}, as they are now, but of {data}; \
                 the card says so of each number",
                path.display(),
                model.data.name
            );
            for metric in &mut summary.card {
                metric.how.push_str(&format!("; on other pictures than the model's data: {data}"));
            }
        }
        Ok(summary)
    }
}

/// The quality of samples, copies, denoising, outliers and likelihood, as far as they were measured.
pub fn card(evaluation: &Evaluation) -> Vec<Metric> {
    let mut metrics = Vec::new();
    metrics.extend(evaluation.sample_quality.iter().flat_map(|quality| of_samples(quality, evaluation)));
    let copies = evaluation.nearest_neighbours.as_ref();
    if let Some(share) = copies.and_then(|copies| copies.suspicious) {
        let how = "samples nearer to a training picture, or its mirror image, than 99 in 100 held-out pictures are; 0.01 would be \
                   chance";
        metrics.push(metric("share of suspicious samples", share, how));
    }
    for Denoising { level, pictures, noisy, jump, gaussian } in &evaluation.denoising {
        let how = format!(
            "dB after one jump, on {pictures} held-out pictures; noisy {noisy:.1}, Gaussian filter {gaussian:.1}"
        );
        metrics.push(metric(format!("denoising PSNR at noise {level}"), *jump, how));
    }
    for outliers in &evaluation.outliers {
        let how = format!(
            "by denoising errors, of {} held-out pictures; by energy {:.3}, by its gradient {:.3}",
            evaluation.held_out, outliers.energy, outliers.gradient
        );
        metrics.push(metric(format!("AUROC against {}", outliers.name), outliers.multi_level, how));
    }
    metrics.extend(evaluation.likelihood.iter().flat_map(likelihoods));
    metrics.extend(evaluation.density.iter().flat_map(importance));
    // A card's numbers are read by programs, and JSON has none that are not finite.
    metrics.retain(|metric| metric.value.is_finite());
    metrics
}

fn metric(name: impl Into<String>, value: f64, how: impl Into<String>) -> Metric {
    Metric { name: name.into(), value, how: how.into() }
}

fn of_samples(quality: &SampleQuality, evaluation: &Evaluation) -> Vec<Metric> {
    let SampleQuality { features, compared_with, samples, held_out_half: half, pixel_gaussian, .. } = quality;
    let error = samples.standard_error;
    let more = |error: Option<f64>, by: &str, half: Option<f64>| {
        let error = error.map(|error| format!("; standard error {error:.2}{by}")).unwrap_or_default();
        let half = half.map(|half| format!("; other held-out pictures: {half:.2}")).unwrap_or_default();
        format!("{error}{half}")
    };
    let half = half.as_ref();
    let mut metrics = vec![metric(
        "Frechet distance",
        samples.frechet_distance,
        format!(
            "to {compared_with} held-out pictures; {}, in {} of {}; on {features}{}; a Gaussian of the pixels: {:.1}",
            evaluation.sampling,
            if samples.groups == 1 { "one group".to_owned() } else { format!("{} groups", samples.groups) },
            samples.count / samples.groups.max(1),
            more(error.map(|error| error.frechet_distance), "", half.map(|half| half.frechet_distance)),
            pixel_gaussian.frechet_distance
        ),
    )];
    if let Some(score) = samples.class_score {
        let classes = samples.classes.iter().map(|share| format!("{:.0}", 100.0 * share)).collect::<Vec<_>>();
        let more = more(error.and_then(|error| error.class_score), "", half.and_then(|half| half.class_score));
        let how = format!("the same samples{more}; percent of samples in each class: {}", classes.join(" "));
        metrics.push(metric("class score", score, how));
    }
    let duplicates = evaluation.nearest_neighbours.as_ref().is_some_and(|copies| copies.near_duplicates == Some(true));
    let little = if duplicates { "; the set has variants of the same pictures, so this means little" } else { "" };
    type Share = (&'static str, fn(&Overlap) -> f64);
    let parts: [Share; 3] = [
        ("precision", |overlap| overlap.precision),
        ("recall", |overlap| overlap.recall),
        ("coverage", |overlap| overlap.coverage),
    ];
    metrics.extend(parts.map(|(name, of)| {
        // The distance and the class score have theirs by the samples themselves.
        let by = format!(" by the {} groups", samples.groups);
        let more = more(error.map(|error| of(&error.overlap)), &by, half.map(|half| of(&half.overlap)));
        metric(name, of(&samples.overlap), format!("the same samples{more}{little}"))
    }));
    metrics
}

fn likelihoods(found: &Likelihoods) -> Vec<Metric> {
    let Likelihoods { noise_level, largest_level, gradients, floor, sets, code, partition, .. } = found;
    let own = sets.iter().filter(|set| OWN.contains(&set.name.as_str()));
    let of_set = |set: &SetBits| {
        let how = format!(
            "at noise {noise_level}{}: noise of that level alone has {floor:.2}; at most, by denoising errors from there to noise \
             {largest_level}, {} bits a picture{} and {:.1} of the prior; {} pictures, {gradients} gradients each",
            set.bits_per_dim_standard_error.map_or_else(String::new, |error| format!(", standard error {error:.4}")),
            with_error(set.bits, set.bits_standard_error, 0),
            from_picture_to_picture(set.bits_spread),
            set.prior_bits,
            set.pictures
        );
        metric(format!("bits per dimension of {}", set.name), set.bits_per_dim, how)
    };
    let against = |set: &SetBits| {
        let how = format!("of {} pictures, at noise {noise_level}", set.pictures);
        set.auroc.map(|auroc| metric(format!("AUROC by bits against {}", set.name), auroc, how))
    };
    let how = format!(
        "of exp(-(sigma_0 / s)^2 E) at noise s = {:.3}, along the noise levels; by classification of the level {}; by this energy \
         noisy pictures take {} than by their denoising errors",
        partition.noise_level,
        with_error(partition.by_classification, partition.by_classification_standard_error, 0),
        more_or_fewer(partition.disagreement_bits)
    );
    let of_code = format!(
        "at most, by value of {} held-out pictures of 256 values{}; {:.3} of it tell values from those under noise of {noise_level}",
        code.pictures,
        code.standard_error.map_or_else(String::new, |error| format!(", standard error {error:.3}")),
        code.decoder_bits_per_dim
    );
    let coded = metric("code length in bits per dimension", code.bits_per_dim, of_code);
    let foreign = sets.iter().filter(|set| !OWN.contains(&set.name.as_str()));
    own.map(of_set)
        .chain(foreign.filter_map(against))
        .chain([metric("ln Z of the energy", partition.along_noise, how), coded])
        .collect()
}

/// The sets that are of the model's own data.
const OWN: [&str; 2] = ["training pictures", "held-out pictures"];

/// Only what enough chains stand for.
fn importance(density: &Density) -> Vec<Metric> {
    let Density { steps, chains, forward, backward, .. } = density;
    let of_set = |bits: &Bits| {
        let backward = (bits.pessimistic?, backward.effective_sample_size);
        let how = format!(
            "at most, by annealed importance sampling backward{}; {steps} densities, {chains} chains, effectively {:.1}",
            bits.optimistic.map_or(String::new(), |least| format!(
                "; forward, effectively {:.1} chains: at least {least:.2}",
                forward.effective_sample_size
            )),
            backward.1
        );
        Some(metric(format!("bits per dimension of {} by importance sampling", bits.name), backward.0, how))
    };
    density.bits_per_dimension.iter().filter_map(of_set).collect()
}
