//! What sees the features that sets of pictures are compared by.

use burn::tensor::{Device, Tensor};

use super::{classifier::Classifier, features::Features, mobilenet::MobileNet};
use crate::{
    data::{DataSet, Images},
    error::Result,
    features::FeatureChoice,
    output,
    pictures::Picture,
    progress::Progress,
    train::to_tensor,
};

/// What sees features in pictures.
pub enum FeatureExtractor {
    /// For pictures with labels: a classifier of their own.
    Classifier(Box<Classifier>),
    /// For colour pictures: a network that knows photographs.
    MobileNet(Box<MobileNet>),
}

impl FeatureExtractor {
    /// Pictures at a time.
    const BATCH: usize = 100;

    /// Trains the classifier of the set, if no run before has; or fetches the network.
    ///
    /// # Errors
    /// The pictures are not for it, or the network's weights cannot be fetched.
    pub fn of(data: &DataSet, choice: FeatureChoice) -> Result<Self> {
        match choice.on(data)? {
            FeatureChoice::MobileNetV2 => MobileNet::open().map(|network| Self::MobileNet(Box::new(network))),
            _ => Classifier::of(&data.name, &data.train).map(|classifier| Self::Classifier(Box::new(classifier))),
        }
    }

    /// Held-out pictures that are seen, at most: MobileNetV2 takes its time.
    pub fn most(&self) -> usize {
        match self {
            Self::Classifier(_) => usize::MAX,
            Self::MobileNet(_) => 2000,
        }
    }

    /// The classifier, if it is one.
    pub fn classifier(&self) -> Option<&Classifier> {
        match self {
            Self::Classifier(classifier) => Some(classifier),
            Self::MobileNet(_) => None,
        }
    }

    /// The features of the chosen ones of these pictures.
    ///
    /// # Errors
    /// The device fails.
    pub fn features_of(&self, images: &Images, chosen: &[usize]) -> Result<Features> {
        self.of_batches(chosen.chunks(Self::BATCH).map(|batch| to_tensor(images, batch, &Device::flex())))
    }

    /// The features of samples.
    ///
    /// # Errors
    /// The device fails.
    pub fn features_of_samples(&self, samples: &[Picture]) -> Result<Features> {
        self.of_batches(samples.chunks(Self::BATCH).map(|batch| output::tensor(batch, &Device::flex())))
    }

    /// The features of all batches, each `[N, C, H, W]`, values 0..1.
    fn of_batches(&self, batches: impl ExactSizeIterator<Item = Tensor<4>>) -> Result<Features> {
        let progress = Progress::new("looking at pictures, by batches", batches.len());
        let features = |pictures| match self {
            Self::Classifier(classifier) => classifier.features(pictures),
            Self::MobileNet(network) => network.features(pictures),
        };
        let seen: Vec<_> = batches.map(features).inspect(|_| progress.step()).collect::<Result<_>>()?;
        let size = seen.first().map_or(1, |batch| batch.size);
        Ok(Features { size, values: seen.into_iter().flat_map(|batch| batch.values).collect() })
    }
}
