//! The charts of a report, as SVG.

use shared::model::{CalibrationPoint, PartitionCard};

use crate::{
    error::Result,
    evaluate::{
        Evaluation,
        copies::Copies,
        denoising::Denoising,
        energies::{Energies, SetEnergies},
        likelihoods::Likelihoods,
    },
    plots::{Axis, Curve, Plot},
};

/// How well noise of each level is taken away.
pub fn ratios(evaluation: &Evaluation) -> Result<String> {
    let curve = |name: &str, value: fn(&Denoising) -> f64| Curve {
        name: name.to_owned(),
        points: evaluation.denoising.iter().map(|row| (f64::from(row.level), value(row))).collect(),
    };
    Plot {
        title: "Denoising".to_owned(),
        x: Axis { name: "noise level".to_owned(), logarithmic: true },
        y: Axis { name: "PSNR in dB".to_owned(), logarithmic: false },
        curves: vec![
            curve("one jump", |row| row.jump),
            curve("Gaussian filter", |row| row.gaussian),
            curve("noisy", |row| row.noisy),
        ],
        levels: Vec::new(),
    }
    .svg()
}

/// The energies of each set.
pub fn histograms(energies: &Energies) -> Result<String> {
    let sets = &energies.sets;
    // Over what most pictures have: one set far away would leave a peak of all others.
    let mut all: Vec<f32> = sets.iter().flat_map(|set| set.energies.iter().copied()).collect();
    all.sort_by(f32::total_cmp);
    let at = |share: f64| all.get((all.len().saturating_sub(1) as f64 * share) as usize).copied().unwrap_or(0.0);
    let curve =
        |set: &SetEnergies| Curve { name: set.name.clone(), points: histogram(&set.energies, at(0.0), at(0.9)) };
    frequencies("Energies", "energy", sets.iter().map(curve).collect())
}

/// How far pictures are from the nearest training picture.
pub fn distances(copies: &Copies) -> Result<String> {
    let all = copies.samples.iter().chain(&copies.held_out).chain(&copies.training);
    let most = all.copied().fold(0.0, f32::max);
    let curve = |name: &str, values: &[f32]| Curve { name: name.to_owned(), points: histogram(values, 0.0, most) };
    let curves = vec![
        curve("samples", &copies.samples),
        curve("held-out pictures", &copies.held_out),
        curve("training pictures, to another", &copies.training),
    ];
    frequencies("Distance to the nearest training picture", "root mean squared difference of a pixel", curves)
}

/// What each noise level has of the bits.
pub fn loss_curve(found: &Likelihoods) -> Result<String> {
    let points = found.curve.iter().map(|point| (f64::from(point.level), point.loss)).collect();
    Plot {
        title: "Where the bits are".to_owned(),
        x: Axis { name: "noise level".to_owned(), logarithmic: true },
        y: Axis { name: "L(s): its integral over ln s is the excess in nats".to_owned(), logarithmic: false },
        curves: vec![Curve { name: "held-out pictures".to_owned(), points }],
        levels: Vec::new(),
    }
    .svg()
}

/// How often the energy is right about the level of a noisy picture.
pub fn calibration(partition: &PartitionCard) -> Result<String> {
    let points = |of: fn(&CalibrationPoint) -> f64| {
        partition.calibration.iter().map(|point| (point.said, of(point))).collect::<Vec<_>>()
    };
    Plot {
        title: "Calibration of the energy".to_owned(),
        x: Axis { name: "probability of the interval of levels".to_owned(), logarithmic: false },
        y: Axis { name: "share of pictures whose level lies in it".to_owned(), logarithmic: false },
        curves: vec![
            Curve { name: "found".to_owned(), points: points(|point| point.found) },
            Curve { name: "as it should be".to_owned(), points: points(|point| point.said) },
        ],
        levels: Vec::new(),
    }
    .svg()
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
