//! A run as one self-contained page: its curves, its samples, its settings.

use maud::{Markup, PreEscaped, html};

use super::{
    RunConfig, RunFolder,
    metrics::{Metrics, Probed, Training},
};
use crate::{
    error::Result,
    files,
    page::{document, embedded},
    plots::{Axis, Curve, Plot},
};

/// Grids of samples over time.
const GRIDS: usize = 6;
/// Points of a curve: more than a screen shows would only make the page heavy.
const POINTS: usize = 400;

/// Writes `report.html`.
///
/// # Errors
/// The page cannot be written.
pub fn write(folder: &RunFolder, config: &RunConfig, metrics: &Metrics) -> Result<()> {
    let page = page(folder, config, metrics)?.into_string();
    files::write_atomically(&folder.report(), |file| file.write_all(page.as_bytes()))
}

fn page(folder: &RunFolder, config: &RunConfig, metrics: &Metrics) -> Result<Markup> {
    let settings = config.to_toml()?;
    let step = metrics.training().last().map_or(0, |entry| entry.step);
    let best = metrics.best(|_| true);
    let probed: Vec<&Probed> = metrics.checkpoints().collect();
    let body = html! {
                p {
                    "Step " (step) " of " (config.optimization.steps) "."
                    @if let Some(best) = best {
                        " The smallest loss on held-out pictures, " (format!("{:.1}", best.held_out_loss)) ", was at step " (best.step) "."
                    }
                }
                h2 { "Samples" }
                (samples(folder, &probed))
                h2 { "Curves" }
                (PreEscaped(losses(metrics)?))
                (PreEscaped(denoising(&probed)?))
                (PreEscaped(energies(&probed)?))
                (PreEscaped(training(metrics, "Gradient", "norm before it is limited", true, |entry| entry.gradient_norm)?))
                (PreEscaped(training(metrics, "Speed", "images/s", false, |entry| entry.images_per_second)?))
                h2 { "Settings" }
                pre { (settings) }
    };
    Ok(document(&format!("Training on {}", config.data), &body))
}

/// The averaged weights over time, and at last beside the weights themselves.
fn samples(folder: &RunFolder, probed: &[&Probed]) -> Markup {
    let drawn: Vec<u64> =
        probed.iter().map(|probed| probed.step).filter(|&step| folder.samples(step, true).is_file()).collect();
    let Some(&last) = drawn.last() else { return html! { p { "None were asked for." } } };
    let count = GRIDS.min(drawn.len());
    let chosen = (1..=count).map(|part| drawn[(part * drawn.len()).div_ceil(count) - 1]);
    let grids = chosen.map(|step| (format!("step {step}"), folder.samples(step, true)));
    let raw = (format!("step {last}, without averaging the weights"), folder.samples(last, false));
    html! {
        div class="grids" {
            @for (caption, path) in grids.chain([raw]) {
                @if let Ok(image) = embedded(&path) {
                    figure { img class="grid" alt=(format!("Samples, {caption}")) src=(image); figcaption { (caption) } }
                }
            }
        }
    }
}

fn losses(metrics: &Metrics) -> Result<String> {
    let held_out = metrics.checkpoints().map(|entry| (entry.step as f64, entry.held_out_loss)).collect();
    let curves = vec![
        Curve { name: "training".to_owned(), points: thinned(metrics, |entry| entry.loss) },
        Curve { name: "held-out pictures, averaged weights".to_owned(), points: held_out },
    ];
    over_steps("Loss", "loss of an image", true, curves)
}

fn denoising(probed: &[&Probed]) -> Result<String> {
    let levels = probed.last().map_or(0, |entry| entry.denoising.len());
    let curve = |place: usize| Curve {
        name: probed.last().map_or(String::new(), |entry| format!("noise {:.2}", entry.denoising[place].level)),
        // The levels of a run may change when it is resumed.
        points: (probed.iter())
            .filter_map(|entry| Some((entry.step as f64, entry.denoising.get(place)?.share_left)))
            .collect(),
    };
    over_steps("Denoising of held-out pictures", "share of the noise left", true, (0..levels).map(curve).collect())
}

fn energies(probed: &[&Probed]) -> Result<String> {
    let curve = |name: &str, value: fn(&Probed) -> f64| Curve {
        name: name.to_owned(),
        points: probed.iter().map(|entry| (entry.step as f64, value(entry))).collect(),
    };
    let curves = vec![
        curve("training pictures", |entry| entry.training_energy),
        curve("held-out pictures", |entry| entry.held_out_energy),
    ];
    over_steps("Energies", "mean energy", false, curves)
}

fn training(
    metrics: &Metrics,
    title: &str,
    of: &str,
    logarithmic: bool,
    value: fn(&Training) -> f64,
) -> Result<String> {
    let points = thinned(metrics, value);
    over_steps(title, of, logarithmic, vec![Curve { name: "training".to_owned(), points }])
}

/// Means of equal parts of the entries.
fn thinned(metrics: &Metrics, value: fn(&Training) -> f64) -> Vec<(f64, f64)> {
    let entries: Vec<&Training> = metrics.training().collect();
    let part = entries.len().div_ceil(POINTS).max(1);
    let mean = |part: &[&Training]| {
        let sum: f64 = part.iter().map(|entry| value(entry)).sum();
        (part[part.len() - 1].step as f64, sum / part.len() as f64)
    };
    entries.chunks(part).map(mean).collect()
}

fn over_steps(title: &str, of: &str, logarithmic: bool, curves: Vec<Curve>) -> Result<String> {
    Plot {
        title: title.to_owned(),
        x: Axis { name: "step".to_owned(), logarithmic: false },
        y: Axis { name: of.to_owned(), logarithmic },
        curves,
        levels: Vec::new(),
    }
    .svg()
}
