//! Which features sets of pictures are compared by.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::{
    data::{DataSet, Images},
    error::{Error, Result},
};

/// A value of `--features`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum FeatureChoice {
    /// The classifier where pictures have labels, else MobileNetV2.
    Auto,
    /// Those of a small classifier, trained on the labelled pictures of the set.
    Classifier,
    /// Those of a network that knows photographs; for colour pictures.
    #[value(name = "mobilenet-v2")]
    #[serde(rename = "mobilenet-v2")]
    MobileNetV2,
}

impl FeatureChoice {
    /// Training pictures that a classifier learns enough from.
    const TAUGHT: usize = 1000;

    /// What it comes to on a data set.
    ///
    /// # Errors
    /// The pictures are not for it.
    pub fn on(self, data: &DataSet) -> Result<Self> {
        let Images { channels, labels, .. } = &data.train;
        match self {
            Self::Auto if *channels == 3 && (labels.is_empty() || data.train.len() < Self::TAUGHT) => {
                Ok(Self::MobileNetV2)
            }
            // Grey pictures without labels are refused later, in words.
            Self::Auto => Ok(Self::Classifier),
            Self::MobileNetV2 if *channels != 3 => Err(Error::input(format!(
                "--features mobilenet-v2: it sees colour pictures, and those of {} are grey",
                data.name
            ))),
            Self::Classifier if labels.is_empty() => Err(Error::input(format!(
                "--features classifier: it learns from labels, and the pictures of {} have none",
                data.name
            ))),
            chosen => Ok(chosen),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(channels: usize, count: usize, labelled: bool) -> DataSet {
        let pixels = vec![0; count * channels * 64];
        let labels = if labelled { vec![0; count] } else { Vec::new() };
        let train = Images { channels, height: 8, width: 8, pixels, labels };
        DataSet::of(train)
    }

    #[test]
    fn features_suit_the_pictures_unless_others_are_asked_for() {
        let on = |choice: FeatureChoice, set: &DataSet| choice.on(set).map_err(|error| error.to_string());
        let [auto, classifier, network] = [FeatureChoice::Auto, FeatureChoice::Classifier, FeatureChoice::MobileNetV2];
        assert_eq!(on(auto, &set(3, 1000, true)), Ok(classifier));
        assert_eq!(on(auto, &set(3, 999, true)), Ok(network), "too few to learn from");
        assert_eq!(on(auto, &set(3, 2000, false)), Ok(network));
        assert_eq!(on(auto, &set(1, 10, true)), Ok(classifier));
        assert_eq!(on(network, &set(3, 2000, true)), Ok(network));
        assert_eq!(on(classifier, &set(3, 10, true)), Ok(classifier));
        let refused = on(classifier, &set(3, 10, false)).unwrap_err();
        assert!(refused.contains("--features classifier") && refused.contains("none"), "{refused}");
        let refused = on(network, &set(1, 10, true)).unwrap_err();
        assert!(refused.contains("--features mobilenet-v2") && refused.contains("grey"), "{refused}");
    }
}
