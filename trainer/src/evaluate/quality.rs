//! How good samples are, beside held-out pictures.

use rand::seq::SliceRandom;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use rayon::prelude::*;

use super::{
    classifier::{Classifier, most_likely},
    extractor::FeatureExtractor,
    features::{Features, Rows},
    gaussian::Gaussian,
    groups::{Estimate, GroupErrors, Quality},
    mobilenet::MobileNet,
    neighbours::Overlap,
    pixel_gaussian::PixelGaussian,
};
use crate::{
    budget::parts,
    data::DataSet,
    error::{Error, Result},
    features::FeatureChoice,
    pictures::Picture,
};

/// What the samples are measured for. What is chosen by looking at samples looks better than it is on the pictures that
/// it was chosen by: so those are one half of the held-out pictures, and reports are against the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To choose settings.
    Choice,
    /// To report what a model is worth.
    Report,
}

/// How many samples are to be measured, and what the user knows that number by.
pub struct Counted {
    /// The number.
    pub count: usize,
    /// As the beginning of a line.
    pub named: String,
}

impl Counted {
    /// Of `--count`.
    pub fn by_flag(count: usize) -> Self {
        Self { count, named: format!("--count {count}") }
    }
}

/// Measures pictures against one half of the held-out ones of a data set, or of those that the features are made of.
pub struct QualityMeasure<'a> {
    data: &'a DataSet,
    extractor: FeatureExtractor,
    /// Of the half that is compared with.
    reference: Features,
    gaussian: Gaussian,
    /// The other half, as places among the held-out pictures; empty where there are too few for two.
    others: Vec<usize>,
    /// What the user knows the number of samples by.
    named: String,
}

impl<'a> QualityMeasure<'a> {
    /// Fewest pictures of either side that a distance between sets is told of: of fewer it says how few they are.
    pub const LEAST: usize = 64;
    /// Seed of the cut into halves.
    const SEED: u64 = 0;
    /// Groups of samples, at most.
    const MOST_GROUPS: usize = 10;

    /// Checks that there is enough to measure so many samples, before minutes of work.
    ///
    /// # Errors
    /// There are too few samples or held-out pictures.
    fn check(data: &DataSet, counted: &Counted) -> Result<()> {
        group(counted.count, usize::MAX, &counted.named)?;
        let held_out = data.held_out.len();
        if held_out >= Self::LEAST {
            return Ok(());
        }
        Err(Error::input(format!(
            "distances between sets of fewer than {} pictures say nothing, and {} has {held_out} held-out {}",
            Self::LEAST,
            data.name,
            if held_out == 1 { "picture" } else { "pictures" }
        )))
    }

    /// To measure so many samples at a time. Trains the classifier of the set, if no run before has; or fetches the network
    /// that judges colour pictures without labels.
    ///
    /// # Errors
    /// There are too few samples or held-out pictures, the features are not for such pictures, or the network's weights
    /// cannot be fetched.
    pub fn new(data: &'a DataSet, purpose: Purpose, counted: Counted, by: FeatureChoice) -> Result<Self> {
        Self::check(data, &counted)?;
        let extractor = FeatureExtractor::of(data, by)?;
        let (reference, others) = halves(data.held_out.len(), extractor.most(), purpose);
        let reference = extractor.features_of(&data.held_out, &reference)?;
        let gaussian = Gaussian::fit(&reference);
        Ok(Self { data, extractor, reference, gaussian, others, named: counted.named })
    }

    /// The set that samples are compared with.
    pub const fn data(&self) -> &DataSet {
        self.data
    }

    /// How many held-out pictures samples are compared with.
    pub fn compared_with(&self) -> usize {
        self.reference.count()
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

    /// The half of the held-out pictures that samples are not compared with, as places among them.
    ///
    /// # Errors
    /// There are too few for two halves.
    pub fn others(&self) -> Result<&[usize]> {
        if self.others.is_empty() {
            return Err(Error::input(format!(
                "{} has {} held-out pictures: two halves need {}",
                self.data.name,
                self.data.held_out.len(),
                2 * Self::LEAST
            )));
        }
        Ok(&self.others)
    }

    /// Samples are measured in groups of this size: two at least where that leaves enough in each, so that the groups
    /// tell the error of their mean, and no more than the held-out pictures that they are to be compared with.
    ///
    /// # Errors
    /// There are too few samples.
    pub fn group(&self, count: usize) -> Result<usize> {
        let most = if self.others.is_empty() { self.reference.count() } else { self.others.len() };
        group(count, most, &self.named)
    }

    /// How good samples are.
    ///
    /// # Errors
    /// There are too few, or the device fails.
    pub fn samples(&self, samples: &[Picture]) -> Result<Quality> {
        let group = self.group(samples.len())?;
        let lost = samples.iter().filter(|sample| sample.pixels.iter().any(|value| !value.is_finite())).count();
        if lost > 0 {
            let text = "are not finite numbers: their chains diverged, so there is no distance";
            return Err(Error::failed(format!("{lost} of {} samples {text}", samples.len())));
        }
        self.in_groups(&samples[..samples.len().min(Self::MOST_GROUPS * group)], group)
    }

    /// The other half of the held-out pictures in place of so many samples, in groups of the same size: what no model
    /// can be expected to beat by more than chance. None where there are too few for two halves.
    ///
    /// # Errors
    /// There are too few samples, or the device fails.
    pub fn floor(&self, count: usize) -> Result<Option<Quality>> {
        let group = self.group(count)?;
        let most = group * (count / group).min(Self::MOST_GROUPS);
        let chosen = &self.others[..self.others.len().min(most)];
        if chosen.is_empty() {
            return Ok(None);
        }
        self.quality(&self.extractor.features_of(&self.data.held_out, chosen)?, group).map(Some)
    }

    /// Draws from the Gaussian with the training pixels' mean and covariance, clamped to 0..1: what a model must beat.
    /// As many as so many samples are of two groups.
    ///
    /// # Errors
    /// There are too few samples, or the device fails.
    pub fn pixel_gaussian(&self, count: usize) -> Result<Quality> {
        let group = self.group(count)?;
        let draws = PixelGaussian::fit(&self.data.train).draw(group * (count / group).min(2))?;
        self.in_groups(&draws, group)
    }

    fn in_groups(&self, pictures: &[Picture], group: usize) -> Result<Quality> {
        self.quality(&self.extractor.features_of_samples(pictures)?, group)
    }

    /// In groups of this size; what is left over is not measured.
    fn quality(&self, features: &Features, group: usize) -> Result<Quality> {
        let whole = features.count() / group * group;
        let groups: Vec<Features> = parts(whole, group).map(|rows| features.part(rows)).collect();
        let distances = distances(&self.gaussian, &groups);
        let groups = groups.iter().zip(distances).map(|(group, distance)| self.of_group(group, distance));
        Ok(Quality::mean(&groups.collect::<Result<Vec<_>>>()?))
    }

    fn of_group(&self, features: &Features, distance: Estimate) -> Result<(Quality, GroupErrors)> {
        let probabilities = match self.extractor.classifier() {
            Some(classifier) => classifier.probabilities(features)?,
            None => Vec::new(),
        };
        let classes = probabilities.first().map_or(0, Vec::len);
        let mut counts = vec![0.0; classes];
        for row in &probabilities {
            counts[most_likely(row)] += 1.0 / probabilities.len() as f64;
        }
        let score = (!probabilities.is_empty()).then(|| class_score(&probabilities));
        let errors = GroupErrors {
            frechet_distance: distance.standard_error,
            class_score: score.map(|score| score.standard_error),
        };
        let quality = Quality {
            count: features.count(),
            groups: 1,
            frechet_distance: distance.value,
            class_score: score.map(|score| score.value),
            classes: counts,
            overlap: Overlap::of(features, &self.reference)?,
            standard_error: None,
        };
        Ok((quality, errors))
    }
}

/// Places of the pictures that are compared with, of `most` of `count` at most, and of the others.
fn halves(count: usize, most: usize, purpose: Purpose) -> (Vec<usize>, Vec<usize>) {
    let mut order: Vec<usize> = (0..count).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(QualityMeasure::SEED));
    order.truncate(most);
    if order.len() < 2 * QualityMeasure::LEAST {
        return (order, Vec::new());
    }
    let second = order.split_off(order.len() / 2);
    match purpose {
        Purpose::Report => (order, second),
        Purpose::Choice => (second, order),
    }
}

fn group(count: usize, most: usize, named: &str) -> Result<usize> {
    const LEAST: usize = QualityMeasure::LEAST;
    let size = [count / 2, count].map(|size| size.min(most)).into_iter().find(|&size| size >= LEAST);
    size.ok_or_else(|| {
        Error::input(format!("{named}: distances between sets of fewer than {LEAST} pictures say nothing"))
    })
}

/// The Frechet distance of each group, and how far chance takes it: by what it is when a tenth of the group is left out, for
/// each tenth (the jackknife). Two groups alone would tell that by one difference. Of groups that are as good as the data, whose
/// distance is nothing but chance, it is up to half too large.
fn distances(gaussian: &Gaussian, groups: &[Features]) -> Vec<Estimate> {
    const TENTHS: usize = 10;
    // A task for each group as it is, and for each tenth that it may lack.
    let tasks: Vec<(usize, Option<usize>)> = (0..groups.len())
        .flat_map(|group| std::iter::once(None).chain((0..TENTHS).map(Some)).map(move |lacking| (group, lacking)))
        .collect();
    gaussian.prepare(groups.first().map_or(0, Rows::count));
    let distance = |&(group, lacking): &(usize, Option<usize>)| match lacking {
        None => gaussian.frechet_distance_of(&groups[group]),
        Some(tenth) => gaussian.frechet_distance_of(&groups[group].without_every(TENTHS, tenth)),
    };
    let found: Vec<f64> = tasks.par_iter().map(distance).collect();
    found
        .chunks(1 + TENTHS)
        .map(|of_group| Estimate { value: of_group[0], standard_error: jackknife(&of_group[1..]) })
        .collect()
}

/// The standard error of what has these values where one part of as many is left out.
fn jackknife(values: &[f64]) -> f64 {
    let parts = values.len() as f64;
    let mean = values.iter().sum::<f64>() / parts;
    ((parts - 1.0) / parts * values.iter().map(|value| (value - mean).powi(2)).sum::<f64>()).sqrt()
}

/// The score of Salimans and others 2016, with this classifier in place of Inception.
fn class_score(probabilities: &[Vec<f32>]) -> Estimate {
    let count = probabilities.len() as f64;
    let classes = probabilities.first().map_or(0, Vec::len);
    let mean: Vec<f64> =
        (0..classes).map(|class| probabilities.iter().map(|row| f64::from(row[class])).sum::<f64>() / count).collect();
    let divergence = |row: &Vec<f32>| -> f64 {
        let terms = row.iter().zip(&mean).filter(|(p, _)| **p > 0.0);
        terms.map(|(&p, mean)| f64::from(p) * (f64::from(p) / mean).ln()).sum()
    };
    let divergences: Vec<f64> = probabilities.iter().map(divergence).collect();
    let middle = divergences.iter().sum::<f64>() / count;
    // To first order a picture's part in the mean changes nothing: its divergence from the mean has no slope there.
    let squares = divergences.iter().map(|one| (one - middle).powi(2)).sum::<f64>();
    let standard_error = (squares / (count - 1.0).max(1.0) / count).sqrt();
    Estimate { value: middle.exp(), standard_error: middle.exp() * standard_error }
}

#[cfg(test)]
mod tests {
    use shared::sampling::{Draw, Noise};

    use super::*;

    #[test]
    fn the_class_score_counts_sure_classes() {
        let one_hot = |class: usize| (0..4).map(|c| if c == class { 1.0 } else { 0.0 }).collect::<Vec<f32>>();
        let all: Vec<_> = (0..4).map(one_hot).collect();
        let score = |rows: &[Vec<f32>]| class_score(rows).value;
        assert!((score(&all) - 4.0).abs() < 1e-9);
        assert!((score(&vec![one_hot(2); 5]) - 1.0).abs() < 1e-9, "no variety");
        assert!((score(&vec![vec![0.25; 4]; 5]) - 1.0).abs() < 1e-9, "unsure");
    }

    /// Rows around a point, of which later numbers vary less, as those of networks do.
    fn rows(seed: u64, count: usize, size: usize, width: f32) -> Features {
        let noise = Noise::new(seed).normal(0, Draw::Start, count * size);
        let scale = |place: usize| 0.9_f32.powf((place % size) as f32);
        Features { size, values: noise.iter().enumerate().map(|(place, z)| scale(place) * (0.3 + width * z)).collect() }
    }

    /// Of many groups each, with more rows than numbers and with fewer, which go other ways.
    #[test]
    fn a_group_s_standard_error_is_what_groups_differ_by() {
        // Groups that are no data, and such that are, as far as 60 groups tell their spread.
        for (width, (least, most)) in [(1.6, (0.7, 1.35)), (1.0, (0.7, 1.8))] {
            for (count, size) in [(90, 16), (40, 60)] {
                let real = Gaussian::fit(&rows(0, 1000, size, 1.0));
                let groups: Vec<Features> = (1..=60).map(|seed| rows(seed, count, size, width)).collect();
                let found = distances(&real, &groups);
                let mean = |of: &dyn Fn(&Estimate) -> f64| found.iter().map(of).sum::<f64>() / found.len() as f64;
                let middle = mean(&|one| one.value);
                let spread = mean(&|one| (one.value - middle).powi(2)).sqrt();
                let told = mean(&|one| one.standard_error);
                let ratio = told / spread;
                assert!((least..most).contains(&ratio), "{count} of {size}: {told}, groups differ by {spread}");
            }
        }
    }

    #[test]
    fn a_class_score_s_standard_error_is_what_samples_differ_by() {
        let sure = |seed: u64| -> Vec<Vec<f32>> {
            let numbers = Noise::new(seed).uniform(0, Draw::Start, 200);
            numbers.into_iter().map(|p| vec![p, 1.0 - p]).collect()
        };
        let found: Vec<Estimate> = (0..60).map(|seed| class_score(&sure(seed))).collect();
        let mean = |of: &dyn Fn(&Estimate) -> f64| found.iter().map(of).sum::<f64>() / found.len() as f64;
        let middle = mean(&|one| one.value);
        let spread = mean(&|one| (one.value - middle).powi(2)).sqrt();
        assert!((mean(&|one| one.standard_error) / spread - 1.0).abs() < 0.35, "{spread}");
    }

    #[test]
    fn what_is_chosen_by_one_half_is_reported_on_the_other() {
        let (reported, others) = halves(1000, usize::MAX, Purpose::Report);
        let (chosen, of_choice) = halves(1000, usize::MAX, Purpose::Choice);
        assert_eq!((&chosen, &of_choice), (&others, &reported));
        let mut all = [&reported[..], &others[..]].concat();
        all.sort_unstable();
        assert_eq!(all, (0..1000).collect::<Vec<_>>(), "every picture is in one half");
        // Of a set that is sorted by class, either half has every class.
        for class in 0..10 {
            let of_class = reported.iter().filter(|&&place| place / 100 == class).count();
            assert!((30..=70).contains(&of_class), "{of_class} of class {class}");
        }
        assert_eq!(halves(1000, 200, Purpose::Report).0.len(), 100);
        assert_eq!(halves(100, usize::MAX, Purpose::Report).1, [0_usize; 0], "too few for two");
    }

    #[test]
    fn samples_are_measured_in_groups_of_the_size_of_what_they_are_compared_with() {
        let size = |count, most| group(count, most, "--count").ok();
        assert_eq!(size(1000, 5000), Some(500));
        assert_eq!(size(1000, 88), Some(88));
        assert_eq!(size(128, 5000), Some(64));
        assert_eq!(size(100, 5000), Some(100), "one group, without a standard error");
        assert_eq!(size(63, 5000), None);
        for named in ["--count 8", "--samples few.npy (8 samples)"] {
            let refused = group(8, 5000, named).unwrap_err();
            assert!(refused.to_string().starts_with(&format!("{named}: ")) && refused.exit_code() == 2, "{refused}");
        }
    }
}
