//! How good samples are, beside held-out pictures.

use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};
use shared::sampling::{Draw, Noise};

use super::{
    classifier::{Classifier, most_likely},
    features::Features,
    gaussian::Gaussian,
    mobilenet::MobileNet,
    neighbours::Overlap,
};
use crate::{
    data::{DataSet, Images},
    error::Result,
    output,
    pictures::Picture,
    train::to_tensor,
};

/// What a classifier and its features say of pictures.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Quality {
    /// Pictures that were measured.
    pub count: usize,
    /// Frechet distance to the held-out pictures on the features; less is better.
    pub frechet_distance: f64,
    /// `exp E KL(p(class | picture) | p(class))`, from 1 to the number of classes: sure and various. Null without a
    /// classifier.
    pub class_score: Option<f64>,
    /// The share of pictures in each class; empty without a classifier.
    pub classes: Vec<f64>,
    /// Precision, recall, density and coverage.
    #[serde(flatten)]
    pub overlap: Overlap,
}

impl Quality {
    /// The cells of a table's row: FD, class score, precision, recall, density and coverage.
    pub fn cells(&self) -> String {
        let overlap = &self.overlap;
        format!(
            "{:.2} | {} | {:.2} | {:.2} | {:.2} | {:.2}",
            self.frechet_distance,
            self.class_score.map_or_else(|| "–".to_owned(), |score| format!("{score:.2}")),
            overlap.precision,
            overlap.recall,
            overlap.density,
            overlap.coverage
        )
    }
}

/// Measures pictures against the held-out ones of a data set.
pub struct QualityMeasure<'a> {
    data: &'a DataSet,
    extractor: FeatureExtractor,
    held_out: Features,
    gaussian: Gaussian,
}

/// What sees features in pictures.
enum FeatureExtractor {
    /// For pictures with labels: a classifier of their own.
    Classifier(Box<Classifier>),
    /// For colour pictures: a network that knows photographs.
    MobileNet(Box<MobileNet>),
}

impl FeatureExtractor {
    /// Held-out pictures that are seen, at most: MobileNetV2 takes its time.
    const SLOW: usize = 2000;

    fn of(data: &DataSet) -> Result<Self> {
        match (data.train.labels.is_empty(), data.train.channels) {
            (true, 3) => MobileNet::open().map(|network| Self::MobileNet(Box::new(network))),
            // Grey pictures without labels are refused there, in words.
            _ => Classifier::of(&data.name, &data.train).map(|classifier| Self::Classifier(Box::new(classifier))),
        }
    }

    fn features(&self, pictures: Tensor<4>) -> Result<Features> {
        match self {
            Self::Classifier(classifier) => classifier.features(pictures),
            Self::MobileNet(network) => network.features(pictures),
        }
    }

    fn features_of(&self, images: &Images) -> Result<Features> {
        let all: Vec<usize> = (0..images.len()).collect();
        let batches = all.chunks(BATCH).map(|batch| self.features(to_tensor(images, batch, &Device::flex())));
        joined(batches)
    }

    fn classifier(&self) -> Option<&Classifier> {
        match self {
            Self::Classifier(classifier) => Some(classifier),
            Self::MobileNet(_) => None,
        }
    }
}

/// Pictures at a time.
const BATCH: usize = 100;

fn joined(batches: impl Iterator<Item = Result<Features>>) -> Result<Features> {
    let batches = batches.collect::<Result<Vec<_>>>()?;
    let size = batches.first().map_or(1, |batch| batch.size);
    Ok(Features { size, values: batches.into_iter().flat_map(|batch| batch.values).collect() })
}

impl<'a> QualityMeasure<'a> {
    /// Trains the classifier of the set, if no run before has; or fetches the network that judges colour pictures
    /// without labels.
    ///
    /// # Errors
    /// The set is grey and has no labels, or the network's weights cannot be fetched.
    pub fn new(data: &'a DataSet) -> Result<Self> {
        let extractor = FeatureExtractor::of(data)?;
        let held_out = match &extractor {
            FeatureExtractor::Classifier(_) => extractor.features_of(&data.held_out)?,
            FeatureExtractor::MobileNet(_) => extractor.features_of(&data.held_out.first(FeatureExtractor::SLOW))?,
        };
        let gaussian = Gaussian::fit(&held_out);
        Ok(Self { data, extractor, held_out, gaussian })
    }

    /// What the features are, as the end of a sentence.
    ///
    /// # Errors
    /// The device fails.
    pub fn features(&self) -> Result<String> {
        Ok(match self.extractor.classifier() {
            Some(classifier) => format!(
                "{} features of a small classifier (which is right on {:.1} % of held-out pictures)",
                Classifier::FEATURES,
                100.0 * classifier.accuracy(&self.data.held_out)?
            ),
            None => format!("the {} features of MobileNetV2 (so this is no FID)", MobileNet::FEATURES),
        })
    }

    /// How good samples are.
    ///
    /// # Errors
    /// The device fails.
    pub fn samples(&self, samples: &[Picture]) -> Result<Quality> {
        let batches =
            samples.chunks(BATCH).map(|batch| self.extractor.features(output::tensor(batch, &Device::flex())));
        self.quality(&joined(batches)?)
    }

    /// As many training pictures, which nothing can be expected to beat by much.
    ///
    /// # Errors
    /// The device fails.
    pub fn floor(&self, count: usize) -> Result<Quality> {
        let train = &self.data.train;
        // Spread over the set: some are sorted.
        let stride = (train.len() / count).max(1);
        let chosen = (0..train.len()).step_by(stride).take(count);
        let pixels = chosen.flat_map(|index| train.image(index).iter().copied()).collect();
        let images =
            Images { channels: train.channels, height: train.height, width: train.width, pixels, labels: Vec::new() };
        self.quality(&self.extractor.features_of(&images)?)
    }

    /// As many draws from the Gaussian with the training pixels' mean and covariance, clamped to 0..1: what a model
    /// must beat.
    ///
    /// # Errors
    /// The device fails, or the pictures are not finite.
    pub fn pixel_gaussian(&self, count: usize) -> Result<Quality> {
        let train = &self.data.train;
        let size = train.image(0).len();
        let fit = Gaussian::fit(&Features { size, values: train.floats() });
        let normal = (0..count as u64).flat_map(|row| Noise::new(0).normal(row, Draw::Start, size)).collect();
        let draws = fit.rows(&Features { size, values: normal })?;
        let picture = |row: &[f32]| Picture {
            channels: train.channels,
            height: train.height,
            width: train.width,
            pixels: row.iter().map(|value| value.clamp(0.0, 1.0)).collect(),
        };
        self.samples(&draws.rows().map(picture).collect::<Vec<_>>())
    }

    fn quality(&self, features: &Features) -> Result<Quality> {
        let probabilities = match self.extractor.classifier() {
            Some(classifier) => classifier.probabilities(features)?,
            None => Vec::new(),
        };
        let classes = probabilities.first().map_or(0, Vec::len);
        let mut counts = vec![0.0; classes];
        for row in &probabilities {
            counts[most_likely(row)] += 1.0 / probabilities.len() as f64;
        }
        Ok(Quality {
            count: features.count(),
            frechet_distance: Gaussian::fit(features).frechet_distance(&self.gaussian),
            class_score: (!probabilities.is_empty()).then(|| class_score(&probabilities)),
            classes: counts,
            overlap: Overlap::of(features, &self.held_out)?,
        })
    }
}

/// The score of Salimans and others 2016, with this classifier in place of Inception.
fn class_score(probabilities: &[Vec<f32>]) -> f64 {
    let count = probabilities.len() as f64;
    let classes = probabilities.first().map_or(0, Vec::len);
    let mean: Vec<f64> =
        (0..classes).map(|class| probabilities.iter().map(|row| f64::from(row[class])).sum::<f64>() / count).collect();
    let divergence = |row: &Vec<f32>| -> f64 {
        let terms = row.iter().zip(&mean).filter(|(p, _)| **p > 0.0);
        terms.map(|(&p, mean)| f64::from(p) * (f64::from(p) / mean).ln()).sum()
    };
    (probabilities.iter().map(divergence).sum::<f64>() / count).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_class_score_counts_sure_classes() {
        let one_hot = |class: usize| (0..4).map(|c| if c == class { 1.0 } else { 0.0 }).collect::<Vec<f32>>();
        let all: Vec<_> = (0..4).map(one_hot).collect();
        assert!((class_score(&all) - 4.0).abs() < 1e-9);
        assert!((class_score(&vec![one_hot(2); 5]) - 1.0).abs() < 1e-9, "no variety");
        assert!((class_score(&vec![vec![0.25; 4]; 5]) - 1.0).abs() < 1e-9, "unsure");
    }
}
