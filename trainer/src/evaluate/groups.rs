//! What is measured of samples, and how sure it is: means over groups of them with their standard errors.

use serde::{Deserialize, Serialize};

use super::neighbours::Overlap;

/// What a network's features say of pictures.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Quality {
    /// Pictures that were measured.
    pub count: usize,
    /// Groups of equal size that they were measured in; the numbers below are means over them.
    #[serde(default = "one")]
    pub groups: usize,
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
    /// Of the means; null where there is one group, which is too few pictures for two.
    #[serde(default)]
    pub standard_error: Option<StandardError>,
}

/// A number and its standard error.
#[derive(Clone, Copy, Debug)]
pub struct Estimate {
    /// The number.
    pub value: f64,
    /// How far chance takes it.
    pub standard_error: f64,
}

/// The standard errors of one group's numbers, where its own samples tell them.
#[derive(Clone, Copy, Debug)]
pub struct GroupErrors {
    /// Of the Frechet distance.
    pub frechet_distance: f64,
    /// Of the class score; none without a classifier.
    pub class_score: Option<f64>,
}

/// Standard errors of means over groups: of the distance and the class score by what their own samples differ by, of the
/// others by the groups' spread, which of two groups is a rough one.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct StandardError {
    /// Of the Frechet distance.
    pub frechet_distance: f64,
    /// Of the class score; null without a classifier.
    pub class_score: Option<f64>,
    /// Of precision, recall, density and coverage.
    #[serde(flatten)]
    pub overlap: Overlap,
}

/// A number of an [`Overlap`].
type Share = fn(&Overlap) -> f64;

impl Overlap {
    /// One number of it after the other, made by `of`.
    fn each(of: impl Fn(Share) -> f64) -> Self {
        Self {
            precision: of(|all| all.precision),
            recall: of(|all| all.recall),
            density: of(|all| all.density),
            coverage: of(|all| all.coverage),
        }
    }
}

fn one() -> usize {
    1
}

impl Quality {
    /// The mean over groups of equal size, of at least one, with their own standard errors.
    pub fn mean(groups: &[(Self, GroupErrors)]) -> Self {
        let (groups, errors): (Vec<&Self>, Vec<GroupErrors>) =
            groups.iter().map(|(group, errors)| (group, *errors)).unzip();
        let of_mean = |error: &dyn Fn(&GroupErrors) -> f64| {
            errors.iter().map(|errors| error(errors).powi(2)).sum::<f64>().sqrt() / errors.len().max(1) as f64
        };
        let all = |of: &dyn Fn(&Self) -> f64| mean(groups.iter().map(|group| of(group)));
        let error = |of: &dyn Fn(&Self) -> f64| standard_error(groups.iter().map(|group| of(group)));
        let scored = groups.iter().all(|group| group.class_score.is_some());
        let score = |group: &Self| group.class_score.unwrap_or_default();
        let classes = groups.first().map_or(0, |group| group.classes.len());
        Self {
            count: groups.iter().map(|group| group.count).sum(),
            groups: groups.len(),
            frechet_distance: all(&|group| group.frechet_distance),
            class_score: scored.then(|| all(&score)),
            classes: (0..classes).map(|class| all(&|group| group.classes[class])).collect(),
            overlap: Overlap::each(|share| all(&|group| share(&group.overlap))),
            standard_error: (groups.len() > 1).then(|| StandardError {
                frechet_distance: of_mean(&|errors| errors.frechet_distance),
                class_score: scored.then(|| of_mean(&|errors| errors.class_score.unwrap_or_default())),
                overlap: Overlap::each(|share| error(&|group| share(&group.overlap))),
            }),
        }
    }

    /// The Frechet distance with its standard error, if it has one.
    pub fn distance(&self) -> String {
        with_error(self.frechet_distance, self.standard_error.map(|error| error.frechet_distance), 2)
    }

    /// The cells of a table's row: FD, class score, precision, recall, density and coverage.
    pub fn cells(&self) -> String {
        let overlap = &self.overlap;
        format!(
            "{} | {} | {:.2} | {:.2} | {:.2} | {:.2}",
            self.distance(),
            self.class_score.map_or_else(|| "–".to_owned(), |score| format!("{score:.2}")),
            overlap.precision,
            overlap.recall,
            overlap.density,
            overlap.coverage
        )
    }
}

/// A number with its standard error, if it has one, each with so many decimals.
pub fn with_error(value: f64, error: Option<f64>, decimals: usize) -> String {
    error.map_or_else(|| format!("{value:.decimals$}"), |error| format!("{value:.decimals$} ± {error:.decimals$}"))
}

/// How much pictures differ, if there are several, as a part of a sentence.
pub fn from_picture_to_picture(spread: Option<f64>) -> String {
    spread.map_or_else(String::new, |spread| format!(" (from picture to picture {spread:.0})"))
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len().max(1) as f64;
    values.sum::<f64>() / count
}

/// `s / sqrt(n)`, with `s` of the sample, of at least two values.
fn standard_error(values: impl ExactSizeIterator<Item = f64> + Clone) -> f64 {
    let count = values.len() as f64;
    let middle = mean(values.clone());
    let squares: f64 = values.map(|value| (value - middle).powi(2)).sum();
    (squares / (count - 1.0) / count).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quality(distance: f64, precision: f64) -> (Quality, GroupErrors) {
        let overlap = Overlap { precision, recall: 0.5, density: 1.0, coverage: 0.25 };
        let quality = Quality {
            count: 100,
            groups: 1,
            frechet_distance: distance,
            class_score: Some(distance / 2.0),
            classes: vec![1.0 - precision, precision],
            overlap,
            standard_error: None,
        };
        (quality, GroupErrors { frechet_distance: distance / 10.0, class_score: Some(0.3) })
    }

    #[test]
    fn groups_have_a_mean_and_its_standard_error() {
        let all = Quality::mean(&[quality(4.0, 0.5), quality(6.0, 0.7), quality(8.0, 0.9)]);
        assert_eq!((all.count, all.groups, all.frechet_distance, all.class_score), (300, 3, 6.0, Some(3.0)));
        assert!((all.classes[1] - 0.7).abs() < 1e-12 && (all.overlap.precision - 0.7).abs() < 1e-12);
        // Of independent groups variances add up, whatever the groups differ by.
        let error = all.standard_error.unwrap();
        assert!((error.frechet_distance - (0.16_f64 + 0.36 + 0.64).sqrt() / 3.0).abs() < 1e-12);
        assert!((error.class_score.unwrap() - 0.3 / 3.0_f64.sqrt()).abs() < 1e-12);
        // Of 0.5, 0.7 and 0.9: the deviation is 0.2, so the error 0.2 / sqrt(3).
        assert!((error.overlap.precision - 0.2 / 3.0_f64.sqrt()).abs() < 1e-12 && error.overlap.recall == 0.0);
        assert_eq!(all.distance(), "6.00 ± 0.36");
        let alone = Quality::mean(&[quality(4.0, 0.5)]);
        assert!(alone.standard_error.is_none() && alone.distance() == "4.00");
    }

    #[test]
    fn a_measurement_of_before_is_of_one_group() {
        let text = r#"{"count": 500, "frechet_distance": 4.5, "class_score": null, "classes": [], "precision": 0.9,
            "recall": 0.8, "density": 1.0, "coverage": 0.7}"#;
        let old: Quality = serde_json::from_str(text).unwrap();
        assert!(old.groups == 1 && old.standard_error.is_none() && old.overlap.coverage == 0.7);
    }
}
