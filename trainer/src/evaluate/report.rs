//! The evaluation as one self-contained page, and as JSON.

mod charts;

use std::path::Path;

use maud::{Markup, PreEscaped, html};

use super::{
    Evaluation, Quality,
    density::{Estimate, HONEST},
    evaluation::{Part, SampleQuality},
    groups::with_error,
    likelihoods::Likelihoods,
};
use crate::{
    error::Result,
    files,
    likelihood::more_or_fewer,
    page::{document, embedded},
};

/// Writes `evaluation.json` and `index.html` into a folder, which has the grids of what was measured.
///
/// # Errors
/// The folder cannot be written.
pub fn write(folder: &Path, evaluation: &Evaluation) -> Result<()> {
    files::write_atomically(&folder.join("evaluation.json"), |file| {
        Ok(serde_json::to_writer_pretty(file, evaluation)?)
    })?;
    let page = page(evaluation, folder)?.into_string();
    files::write_atomically(&folder.join("index.html"), |file| file.write_all(page.as_bytes()))
}

fn page(evaluation: &Evaluation, folder: &Path) -> Result<Markup> {
    let Evaluation { model, data, sampling, .. } = evaluation;
    // Some are still to come, and one that could not be written is missing for good.
    let grid = |name: &str, alt: &str| match embedded(&folder.join(name)) {
        Ok(source) => html! { img class="grid" alt=(alt) src=(source); },
        Err(_) => html! { p { (alt) ": not there." } },
    };
    let mut parts = Vec::new();
    for part in Part::ALL {
        let text = match evaluation.missing.get(&part) {
            Some(reason) => html! { p { "Not measured: " (reason) "." } },
            None => match part {
                Part::SampleQuality => quality(evaluation),
                Part::NearestNeighbours => {
                    neighbours(evaluation, &grid("neighbours.png", "Samples beside their nearest training pictures"))?
                }
                Part::Denoising => denoising(evaluation)?,
                Part::Inpainting => {
                    inpainting(evaluation, &grid("completions.png", "Completions of held-out pictures"))
                }
                Part::Interpolation => interpolation(
                    evaluation,
                    &grid("paths.png", "Straight lines and paths of low energy between pictures"),
                ),
                Part::Energies => energies(evaluation)?,
                Part::Outliers => outliers(evaluation),
                Part::Likelihood => likelihood(evaluation)?,
                Part::Density => density(evaluation),
            },
        };
        parts.push(html! { h2 { (part.title()) } (text) });
    }
    let body = html! {
        p { "On " (data) ", with pictures that the model was not trained on." (few(evaluation)) }
        @if !evaluation.finished { p { "This report is not finished: parts follow as they are measured." } }
        h2 { "Samples" }
        p { (sampling) ". The first:" }
        (grid("samples.png", "A grid of samples"))
        @for part in parts { (part) }
    };
    Ok(document(&format!("Evaluation of {model}"), &body))
}

/// A warning where there are few held-out pictures.
fn few(evaluation: &Evaluation) -> Markup {
    match evaluation.held_out {
        0 | 100.. => html! {},
        1 => html! { " There is one held-out picture: what is measured on it may be far from what it is on others." },
        count => html! {
            " There are " (count) " held-out pictures: what is measured on so few may be far from what it is on others."
        },
    }
}

fn neighbours(evaluation: &Evaluation, grid: &Markup) -> Result<Markup> {
    let Some(copies) = &evaluation.nearest_neighbours else { return Ok(html! {}) };
    let plot = charts::distances(copies)?;
    Ok(html! {
        p {
            "The samples that are nearest to a training picture or its mirror image, each followed by that picture. "
            @match copies.suspicious {
                Some(share) => {
                    (percent(share))
                    " of the samples are nearer to a training picture than 99 % of held-out pictures are; about 1 % would be so \
                     by chance."
                }
                None => { "How many of them are suspicious cannot be said of fewer than 100 held-out pictures." }
            }
        }
        (grid)
        (PreEscaped(plot))
        @if copies.near_duplicates == Some(true) { p { (NEAR_DUPLICATES) } }
    })
}

/// What near-duplicates mean for the numbers.
const NEAR_DUPLICATES: &str = "The training pictures are much nearer to each other than new pictures are to them: the set has \
    variants of the same pictures. Precision, density and coverage ask whether samples lie as near to a picture as its variants \
    do, and the second half has variants of the first: these numbers mean little here.";

fn quality(evaluation: &Evaluation) -> Markup {
    let Some(quality) = &evaluation.sample_quality else { return html! {} };
    let SampleQuality { features, compared_with, samples, held_out_half, pixel_gaussian, pixel_gaussian_size } =
        quality;
    let row = |name: &str, quality: &Quality| {
        let (overlap, error) = (&quality.overlap, quality.standard_error);
        let errors = error.map(|error| error.overlap);
        html! {
            tr {
                td { (name) }
                td { (quality.distance()) }
                td {
                    @if let Some(score) = quality.class_score {
                        (with_error(score, error.and_then(|error| error.class_score), 2))
                    }
                }
                td { (with_error(overlap.precision, errors.map(|error| error.precision), 2)) }
                td { (with_error(overlap.recall, errors.map(|error| error.recall), 2)) }
                td { (with_error(overlap.density, errors.map(|error| error.density), 2)) }
                td { (with_error(overlap.coverage, errors.map(|error| error.coverage), 2)) }
            }
        }
    };
    let duplicates = evaluation.nearest_neighbours.as_ref().is_some_and(|copies| copies.near_duplicates == Some(true));
    html! {
        table {
            tr { @for name in ["", "Frechet distance", "class score", "precision", "recall", "density", "coverage"] { th { (name) } } }
            (row("samples", samples))
            @if let Some(half) = held_out_half { (row("other held-out pictures", half)) }
            (row("Gaussian of pixels", pixel_gaussian))
        }
        p {
            "Against " (compared_with) " held-out pictures, on " (features) ". Means over "
            (samples.groups) @if samples.groups == 1 { " group" } @else { " groups" } " of " (samples.count / samples.groups.max(1))
            " samples"
            @if samples.standard_error.is_some() {
                ", with their standard errors (of the distance and the class score by what the samples differ by, of the others by \
                 what the " (samples.groups) " groups differ by)"
            }
            ": distances depend on the number of pictures, so compare them only with those of as many."
            @if held_out_half.is_some() {
                " The other held-out pictures are in groups of the same size: no model can beat them but by chance."
            } @else {
                " There are too few held-out pictures for two halves, so it is not known what a perfect model would have."
            }
            @if let Some((height, width)) = pixel_gaussian_size {
                " The Gaussian is that of pictures averaged down to " (width) "x" (height) "; what is drawn of it is enlarged again."
            }
        }
        @if duplicates { p { (NEAR_DUPLICATES) } }
        @if !samples.classes.is_empty() {
            table {
                tr { th { "class" } th { "samples" } @if held_out_half.is_some() { th { "other held-out pictures" } } }
                @for (class, share) in samples.classes.iter().enumerate() {
                    tr {
                        td { (class) }
                        td { (percent(*share)) }
                        @if let Some(half) = held_out_half { td { (percent(half.classes.get(class).copied().unwrap_or(0.0))) } }
                    }
                }
            }
        }
    }
}

fn denoising(evaluation: &Evaluation) -> Result<Markup> {
    let plot = charts::ratios(evaluation)?;
    let pictures = evaluation.denoising.first().map_or(0, |row| row.pictures);
    Ok(html! {
        p {
            "Peak signal-to-noise ratio in dB of " (pictures) " held-out pictures after one jump, beside a Gaussian filter of the \
             width that does best on training pictures."
        }
        table {
            tr { @for name in ["noise level", "noisy", "one jump", "Gaussian filter"] { th { (name) } } }
            @for row in &evaluation.denoising {
                tr {
                    td { (row.level) }
                    @for value in [row.noisy, row.jump, row.gaussian] { td { (format!("{value:.1}")) } }
                }
            }
        }
        (PreEscaped(plot))
    })
}

fn inpainting(evaluation: &Evaluation, grid: &Markup) -> Markup {
    html! {
        p {
            "Root mean squared error of the unknown pixels of held-out pictures. One completion may be another picture, as \
             good as the true one; the mean of several is the best guess. Shown: the picture, what is known, completions."
        }
        table {
            tr { @for name in ["unknown", "one completion", "mean of completions", "mean picture", "smoothest fill"] { th { (name) } } }
            @for row in &evaluation.inpainting {
                tr {
                    td { (row.region) }
                    @for value in [row.completion, row.mean_of_completions, row.mean_picture, row.diffusion] {
                        td { (format!("{value:.3}")) }
                    }
                }
            }
        }
        (grid)
    }
}

fn interpolation(evaluation: &Evaluation, grid: &Markup) -> Markup {
    let Some(paths) = &evaluation.interpolation else { return html! {} };
    html! {
        p {
            "Straight lines between held-out pictures, each above the path of low energy. The highest energy on the way is "
            (format!("{:.1}", paths.straight)) " on a line and " (format!("{:.1}", paths.relaxed))
            " on a path; the pictures themselves have " (format!("{:.1}", paths.ends)) " (means over " (paths.pairs)
            @if paths.pairs == 1 { " pair)." } @else { " pairs)." }
        }
        (grid)
    }
}

fn energies(evaluation: &Evaluation) -> Result<Markup> {
    let Some(energies) = &evaluation.energies else { return Ok(html! {}) };
    let plot = charts::histograms(energies)?;
    Ok(html! {
        p {
            "A held-out picture's energy is above a training picture's with probability "
            (format!("{:.3}", energies.held_out_above_training)) ": 0.5 would be a model that has learnt nothing by heart."
        }
        (PreEscaped(plot))
    })
}

fn likelihood(evaluation: &Evaluation) -> Result<Markup> {
    let Some(found) = &evaluation.likelihood else { return Ok(html! {}) };
    let Likelihoods { noise_level, largest_level, gradients, floor, sets, bound, code, partition, .. } = found;
    let (curve, calibration) = (charts::loss_curve(found)?, charts::calibration(partition)?);
    Ok(html! {
        p {
            "Bits of pictures under noise of " (noise_level) ", by the errors of the denoiser at levels from there to " (largest_level)
            ": an upper bound on average, of " (gradients) " energy gradients for each picture (a quarter of that for foreign ones). Noise of "
            (noise_level) " alone has " (format!("{floor:.2}")) " bits a value: no density under such noise has fewer, and numbers of models \
             of clean pictures are no comparison."
        }
        table {
            tr {
                @for name in
                    ["", "pictures", "bits a picture above the noise", "from picture to picture", "of it in the frame", "prior",
                     "bits per dimension", "AUROC"]
                { th { (name) } }
            }
            @for set in sets {
                tr {
                    td { (set.name) }
                    td { (set.pictures) }
                    td { (with_error(set.bits, set.bits_standard_error, 0)) }
                    td { @if let Some(spread) = set.bits_spread { (format!("{spread:.0}")) } }
                    td { (format!("{:.1}", set.frame_bits)) }
                    td { (format!("{:.1}", set.prior_bits)) }
                    td { (with_error(set.bits_per_dim, set.bits_per_dim_standard_error, 3)) }
                    td { @if let Some(auroc) = set.auroc { (format!("{auroc:.3}")) } }
                }
            }
        }
        p { "AUROC: the probability that a picture of the set has more bits than a held-out one." }
        @if let Some(bound) = bound {
            p {
                "The left sum over " (bound.intervals) " levels, which is a bound for every picture and not only on average, has "
                (with_error(bound.bits, bound.bits_standard_error, 0)) " bits above the noise for " (bound.pictures)
                " held-out pictures, " (format!("{:.3}", bound.bits_per_dim)) " bits per dimension."
            }
        }
        p {
            "As a code of pictures of 256 values, with what is left to be told of each value under noise of " (noise_level) ": at most "
            (with_error(code.bits_per_dim, code.standard_error, 3)) " bits per dimension, of which "
            (format!("{:.3}", code.decoder_bits_per_dim)) " tell values from noisy ones. This may stand beside numbers of other models of \
             such pictures, which are bounds too, most of them with a smallest noise far below this."
        }
        (PreEscaped(curve))
        p {
            "The energy as a density, exp(-(sigma_0 / s)^2 E) / Z at noise s = " (format!("{:.3}", partition.noise_level)) ": ln Z is "
            (format!("{:.1}", partition.along_noise)) " along the noise levels and "
            (with_error(partition.by_classification, partition.by_classification_standard_error, 1))
            " by classification of the level. By the first, noisy held-out pictures have "
            (more_or_fewer(partition.disagreement_bits)) " than by the denoiser's errors; a perfect denoiser's energy would \
             have as many. Below: how often the true level of a noisy picture lies where the energy says; on the line it is a density."
        }
        (PreEscaped(calibration))
    })
}

fn density(evaluation: &Evaluation) -> Markup {
    let Some(density) = &evaluation.density else { return html! {} };
    let row = |name: &str, estimate: &Estimate| {
        html! {
            tr {
                td { (name) }
                td {
                    @match (estimate.log_partition, estimate.standard_error) {
                        (Some(log), Some(error)) => { (format!("{log:.1} ± {error:.1}")) }
                        _ => { "too few chains" }
                    }
                }
                td { (format!("{:.1}", estimate.effective_sample_size)) }
                td { @if let Some(share) = estimate.acceptance { (percent(share)) } }
            }
        }
    };
    let bits = |bits: Option<f64>| bits.map_or_else(|| "too few chains".to_owned(), |bits| format!("{bits:.3}"));
    html! {
        p {
            "A check, by annealed importance sampling over " (density.steps) " densities with Hamiltonian transitions of " (density.leaps)
            " steps, " (density.chains) " chains in each direction. Where the weights amount to fewer than " (HONEST)
            " chains, there is no number: it would be that of one lucky chain. The density is that of pictures with noise of about \
             sigma_0, whose floor is " (format!("{:.2}", density.floor)) " bits. The backward estimate counts as far as the samples it starts \
             from are exact."
        }
        table {
            tr { th { "" } th { "ln Z" } th { "effective chains" } th { "accepted" } }
            (row("forward: too small on average", &density.forward))
            (row("backward: too large on average", &density.backward))
        }
        table {
            tr { th { "bits per dimension" } th { "optimistic" } th { "pessimistic" } }
            @for set in &density.bits_per_dimension {
                tr { td { (set.name) } td { (bits(set.optimistic)) } td { (bits(set.pessimistic)) } }
            }
        }
    }
}

fn outliers(evaluation: &Evaluation) -> Markup {
    html! {
        p {
            "Area under the ROC curve: the probability that a foreign picture scores above a held-out one. Below 0.5 \
             the score takes the foreign pictures for the more usual ones."
        }
        table {
            tr { @for name in ["foreign pictures", "energy", "gradient norm", "denoising errors by level"] { th { (name) } } }
            @for row in &evaluation.outliers {
                tr {
                    td { (row.name) }
                    @for value in [row.energy, row.gradient, row.multi_level] { td { (format!("{value:.3}")) } }
                }
            }
        }
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}
