//! The evaluation as one self-contained page, and as JSON.

use std::path::Path;

use maud::{Markup, PreEscaped, html};

use super::{
    Evaluation, Quality, Shown, density::Estimate, energies::SetEnergies, inpainting::COLUMNS, interpolation::LENGTH,
};
use crate::{
    error::Result,
    files,
    page::{document, embedded},
    pictures,
    plots::{Axis, Curve, Plot},
};

/// Writes `evaluation.json`, `index.html` and the grids into a folder.
///
/// # Errors
/// The folder cannot be written.
pub fn write(folder: &Path, evaluation: &Evaluation, shown: &Shown) -> Result<()> {
    let grids = [
        ("samples.png", &shown.samples, None),
        ("neighbours.png", &shown.neighbours, Some(8)),
        ("completions.png", &shown.completions, Some(2 * COLUMNS)),
        ("paths.png", &shown.paths, Some(LENGTH)),
    ];
    for (name, grid, columns) in grids {
        pictures::write_grid(&folder.join(name), grid, columns)?;
    }
    files::write_atomically(&folder.join("evaluation.json"), |file| {
        Ok(serde_json::to_writer_pretty(file, evaluation)?)
    })?;
    let page = page(evaluation, folder)?.into_string();
    files::write_atomically(&folder.join("index.html"), |file| file.write_all(page.as_bytes()))
}

fn page(evaluation: &Evaluation, folder: &Path) -> Result<Markup> {
    let grid = |name: &str| embedded(&folder.join(name));
    let Evaluation { model, data, sampling, .. } = evaluation;
    let body = html! {
                p { "On " (data) ", with pictures that the model was not trained on." }
                h2 { "Samples" }
                p { (sampling) ". The first:" }
                img class="grid" alt="A grid of samples" src=(grid("samples.png")?);
                (quality(evaluation))
                h2 { "Nearest training pictures" }
                p {
                    "The samples that are nearest to a training picture, each followed by that picture. "
                    (percent(evaluation.nearest_neighbours.suspicious))
                    " of the samples are nearer to a training picture than 99 % of held-out pictures are; about 1 % would be \
                     so by chance."
                }
                img class="grid" alt="Samples beside their nearest training pictures" src=(grid("neighbours.png")?);
                (PreEscaped(distances(evaluation)?))
                h2 { "Denoising" }
                p { "Peak signal-to-noise ratio in dB of held-out pictures after one jump, beside classical filters." }
                (denoising(evaluation))
                (PreEscaped(ratios(evaluation)?))
                h2 { "Completing pictures" }
                p {
                    "Root mean squared error of the unknown pixels of held-out pictures. One completion may be another picture, as \
                     good as the true one; the mean of several is the best guess. Shown: the picture, what is known, completions."
                }
                (inpainting(evaluation))
                img class="grid" alt="Completions of held-out pictures" src=(grid("completions.png")?);
                h2 { "Between pictures" }
                p {
                    "Straight lines between held-out pictures, each above the path of low energy. The highest energy on the way is "
                    (format!("{:.1}", evaluation.interpolation.straight)) " on a line and "
                    (format!("{:.1}", evaluation.interpolation.relaxed)) " on a path; the pictures themselves have "
                    (format!("{:.1}", evaluation.interpolation.ends)) " (means over " (evaluation.interpolation.pairs) " pairs)."
                }
                img class="grid" alt="Straight lines and paths of low energy between pictures" src=(grid("paths.png")?);
                h2 { "Likelihood" }
                (density(evaluation))
                h2 { "Energies" }
                p {
                    "A held-out picture's energy is above a training picture's with probability "
                    (format!("{:.3}", evaluation.energies.held_out_above_training))
                    ": 0.5 would be a model that has learnt nothing by heart."
                }
                (PreEscaped(histograms(evaluation)?))
                h2 { "Outliers" }
                p {
                    "Area under the ROC curve: the probability that a foreign picture scores above a held-out one. Below 0.5 \
                     the score takes the foreign pictures for the more usual ones."
                }
                (outliers(evaluation))
    };
    Ok(document(&format!("Evaluation of {model}"), &body))
}

fn quality(evaluation: &Evaluation) -> Markup {
    let Some(quality) = &evaluation.sample_quality else {
        return html! { p { "Sample quality was not measured: there was nothing to measure such pictures with." } };
    };
    let row = |name: &str, quality: &Quality| {
        let overlap = &quality.overlap;
        html! {
            tr {
                td { (name) }
                td { (format!("{:.2}", quality.frechet_distance)) }
                td { @if let Some(score) = quality.class_score { (format!("{score:.2}")) } }
                @for value in [overlap.precision, overlap.recall, overlap.density, overlap.coverage] {
                    td { (format!("{value:.2}")) }
                }
            }
        }
    };
    let classes = quality.samples.classes.iter().zip(&quality.training_pictures.classes).enumerate();
    html! {
        table {
            tr { @for name in ["", "Frechet distance", "class score", "precision", "recall", "density", "coverage"] { th { (name) } } }
            (row("samples", &quality.samples))
            (row("training pictures", &quality.training_pictures))
            (row("Gaussian of pixels", &quality.pixel_gaussian))
        }
        p {
            "Against the held-out pictures, on " (quality.features) "."
        }
        @if !quality.samples.classes.is_empty() {
            table {
                tr { th { "class" } th { "samples" } th { "training pictures" } }
                @for (class, (samples, training)) in classes {
                    tr { td { (class) } td { (percent(*samples)) } td { (percent(*training)) } }
                }
            }
        }
    }
}

fn denoising(evaluation: &Evaluation) -> Markup {
    html! {
        table {
            tr { @for name in ["noise level", "noisy", "one jump", "Gaussian filter", "BM3D"] { th { (name) } } }
            @for row in &evaluation.denoising {
                tr {
                    td { (row.level) }
                    @for value in [row.noisy, row.jump, row.gaussian, row.bm3d] { td { (format!("{value:.1}")) } }
                }
            }
        }
    }
}

fn inpainting(evaluation: &Evaluation) -> Markup {
    html! {
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
    }
}

fn density(evaluation: &Evaluation) -> Markup {
    let Some(density) = &evaluation.density else { return html! { p { "Not asked for." } } };
    let row = |name: &str, estimate: &Estimate| {
        html! {
            tr {
                td { (name) }
                td { (format!("{:.1} ± {:.1}", estimate.log_partition, estimate.standard_error)) }
                td { (format!("{:.1}", estimate.effective_sample_size)) }
                td { (percent(estimate.acceptance)) }
            }
        }
    };
    html! {
        p {
            "Annealed importance sampling over " (density.steps) " densities with Hamiltonian transitions of " (density.leaps)
            " steps, " (density.chains) " chains in each direction. The density is that of pictures with noise of about sigma_0: "
            (format!("{:.2}", density.floor)) " bits are its floor, and numbers of models of clean pictures are no comparison. \
             The backward estimate counts as far as the samples it starts from are exact."
        }
        table {
            tr { th { "" } th { "ln Z" } th { "effective chains" } th { "accepted" } }
            (row("forward: too small on average", &density.forward))
            (row("backward: too large on average", &density.backward))
        }
        table {
            tr { th { "bits per dimension" } th { "optimistic" } th { "pessimistic" } }
            @for set in &density.bits_per_dimension {
                tr { td { (set.name) } td { (format!("{:.3}", set.optimistic)) } td { (format!("{:.3}", set.pessimistic)) } }
            }
        }
    }
}

fn outliers(evaluation: &Evaluation) -> Markup {
    html! {
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

fn ratios(evaluation: &Evaluation) -> Result<String> {
    let curve = |name: &str, value: fn(&super::Denoising) -> f64| Curve {
        name: name.to_owned(),
        points: evaluation.denoising.iter().map(|row| (f64::from(row.level), value(row))).collect(),
    };
    Plot {
        title: "Denoising".to_owned(),
        x: Axis { name: "noise level".to_owned(), logarithmic: true },
        y: Axis { name: "PSNR in dB".to_owned(), logarithmic: false },
        curves: vec![
            curve("one jump", |row| row.jump),
            curve("BM3D", |row| row.bm3d),
            curve("Gaussian filter", |row| row.gaussian),
            curve("noisy", |row| row.noisy),
        ],
        levels: Vec::new(),
    }
    .svg()
}

fn histograms(evaluation: &Evaluation) -> Result<String> {
    let sets = &evaluation.energies.sets;
    // Over what most pictures have: one set far away would leave a peak of all others.
    let mut all: Vec<f32> = sets.iter().flat_map(|set| set.energies.iter().copied()).collect();
    all.sort_by(f32::total_cmp);
    let at = |share: f64| all[((all.len() - 1) as f64 * share) as usize];
    let curve =
        |set: &SetEnergies| Curve { name: set.name.clone(), points: histogram(&set.energies, at(0.0), at(0.9)) };
    frequencies("Energies", "energy", sets.iter().map(curve).collect())
}

fn distances(evaluation: &Evaluation) -> Result<String> {
    let copies = &evaluation.nearest_neighbours;
    let most = copies.samples.iter().chain(&copies.held_out).copied().fold(0.0, f32::max);
    let curve = |name: &str, values: &[f32]| Curve { name: name.to_owned(), points: histogram(values, 0.0, most) };
    let curves = vec![curve("samples", &copies.samples), curve("held-out pictures", &copies.held_out)];
    frequencies("Distance to the nearest training picture", "root mean squared difference of a pixel", curves)
}

fn frequencies(title: &str, of: &str, curves: Vec<Curve>) -> Result<String> {
    Plot {
        title: title.to_owned(),
        x: Axis { name: of.to_owned(), logarithmic: false },
        y: Axis { name: "share of the pictures".to_owned(), logarithmic: false },
        curves,
        levels: Vec::new(),
    }
    .svg()
}

/// The share of the values in each of 40 equal parts of a range, at the middle of the part.
fn histogram(values: &[f32], low: f32, high: f32) -> Vec<(f64, f64)> {
    const PARTS: usize = 40;
    let width = f64::from(high - low).max(f64::MIN_POSITIVE) / PARTS as f64;
    let mut shares = vec![0.0; PARTS];
    for &value in values.iter().filter(|value| (low..=high).contains(*value)) {
        let part = (f64::from(value - low) / width) as usize;
        shares[part.min(PARTS - 1)] += 1.0 / values.len() as f64;
    }
    shares.into_iter().enumerate().map(|(part, share)| (f64::from(low) + (part as f64 + 0.5) * width, share)).collect()
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_counts_every_value_of_its_range_once() {
        let bars = histogram(&[0.0, 0.1, 1.0, 5.0], 0.0, 1.0);
        assert!((bars.iter().map(|bar| bar.1).sum::<f64>() - 0.75).abs() < 1e-9);
        assert!((bars[39].1 - 0.25).abs() < 1e-9 && (bars[0].0 - 0.0125).abs() < 1e-6);
    }
}
