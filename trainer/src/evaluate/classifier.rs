//! A small classifier of a labelled data set, whose features say how alike two sets of pictures are.

use std::path::{Path, PathBuf};

use burn::{
    module::Module,
    nn::{Linear, LinearConfig, loss::CrossEntropyLossConfig},
    optim::{AdamConfig, GradientsParams},
    tensor::{
        Device, Int, Tensor, TensorData,
        activation::{relu, silu},
    },
};
use sha2::{Digest, Sha256};
use shared::network::{
    Frame,
    layers::{Convolution, mean_pool},
};

use super::features::{Features, Rows};
use crate::{
    data::{Images, network_size},
    error::{Error, Result},
    files, folders, output,
    progress::Progress,
    train::{Batches, to_tensor},
};

/// Three convolutions with pooling, the energy networks' own, which are fast, and two linear layers; its features are
/// what the last layer sees.
#[derive(Module, Debug)]
pub struct Classifier {
    conv1: Convolution,
    conv2: Convolution,
    conv3: Convolution,
    features: Linear,
    classes: Linear,
}

impl Classifier {
    /// Numbers that describe a picture.
    pub const FEATURES: usize = 128;
    const CHANNELS: [usize; 3] = [32, 64, 64];
    const EPOCHS: usize = 4;
    /// Small sets are seen more often.
    const LEAST_STEPS: usize = 300;
    const BATCH: usize = 128;
    const LEARNING_RATE: f64 = 2e-3;
    const SEED: u64 = 0;
    /// Part of the cache's key: another network or training is another classifier.
    const VERSION: u8 = 4;

    /// The classifier of a data set: out of the cache, or trained on its labelled pictures (a few minutes) and cached.
    ///
    /// # Errors
    /// The set has no labels.
    pub fn of(name: &str, train: &Images) -> Result<Self> {
        if train.labels.is_empty() {
            return Err(Error::input(format!(
                "{name}: the pictures have no labels, and a classifier of them is what sample quality is measured with"
            )));
        }
        let device = Device::flex();
        let cached = cache(name, train);
        if let Some(path) = cached.as_ref().filter(|path| path.is_file()) {
            match Self::new(train, &device).try_load_file(path) {
                Ok(classifier) => return Ok(classifier),
                Err(error) => eprintln!("warning: {}: {error}; training the classifier again", path.display()),
            }
        }
        let classifier = Self::train(name, train)?;
        // What it cost minutes to learn serves once at least.
        if let Some(Err(error)) = cached.map(|path| classifier.keep(&path)) {
            eprintln!("warning: {error}; the classifier is not kept for the next time");
        }
        Ok(classifier)
    }

    /// The features of pictures `[N, C, H, W]`, values 0..1.
    pub fn features(&self, pictures: Tensor<4>) -> Result<Features> {
        Ok(Features { size: Self::FEATURES, values: output::floats(self.describe(pictures))? })
    }

    /// The probability of each class from features, `[count][classes]`.
    pub fn probabilities(&self, features: &Features) -> Result<Vec<Vec<f32>>> {
        let data = TensorData::new(features.values.clone(), [features.count(), features.size]);
        let scores = self.classes.forward(Tensor::<2>::from_data(data, &Device::flex()));
        let classes = scores.dims()[1];
        let probabilities = output::floats(burn::tensor::activation::softmax(scores, 1))?;
        Ok(probabilities.chunks(classes).map(<[f32]>::to_vec).collect())
    }

    /// The share of pictures that are given their own label.
    pub fn accuracy(&self, images: &Images) -> Result<f64> {
        let all: Vec<usize> = (0..images.len()).collect();
        let mut right = 0;
        for batch in all.chunks(Self::BATCH) {
            let features = self.features(to_tensor(images, batch, &Device::flex()))?;
            let probabilities = self.probabilities(&features)?;
            let pairs = probabilities.iter().zip(batch.iter().map(|&index| images.labels[index]));
            right += pairs.filter(|(p, label)| most_likely(p) == usize::from(*label)).count();
        }
        Ok(right as f64 / images.len() as f64)
    }

    fn new(train: &Images, device: &Device) -> Self {
        let [a, b, c] = Self::CHANNELS;
        let classes = train.labels.iter().max().map_or(0, |&most| usize::from(most) + 1);
        let side = Sides::of(train.height, train.width).seen / 8;
        let flat = c * side * side;
        Self {
            conv1: Convolution::new(train.channels, a, 3, true, device),
            conv2: Convolution::new(a, b, 3, true, device),
            conv3: Convolution::new(b, c, 3, true, device),
            features: LinearConfig::new(flat, Self::FEATURES).init(device),
            classes: LinearConfig::new(Self::FEATURES, classes).init(device),
        }
    }

    fn describe(&self, pictures: Tensor<4>) -> Tensor<2> {
        let [_, _, height, width] = pictures.dims();
        let sides = Sides::of(height, width);
        let framed = match Frame::new(height.max(width), sides.framed) {
            Some(frame) => frame.add(pictures),
            None => pictures,
        };
        let framed = (0..sides.halvings).fold(framed, |pictures, _| mean_pool(pictures));
        let x = mean_pool(silu(self.conv1.forward(framed, None, None)));
        let x = mean_pool(silu(self.conv2.forward(x, None, None)));
        let x = mean_pool(silu(self.conv3.forward(x, None, None)));
        relu(self.features.forward(x.flatten::<2>(1, 3)))
    }

    fn train(name: &str, train: &Images) -> Result<Self> {
        let device = Device::flex().autodiff();
        device.seed(Self::SEED);
        let mut classifier = Self::new(train, &device);
        let mut optimizer = AdamConfig::new().init();
        let batch = Self::BATCH.min(train.len());
        let steps = (Self::EPOCHS * train.len() / batch).max(Self::LEAST_STEPS);
        let mut batches = Batches::new(Self::SEED, train.len(), batch);
        eprintln!("training a classifier of {name} once, to measure sample quality with");
        let progress = Progress::new(format!("training a classifier of {name}"), steps);
        for step in 0..steps {
            let batch = batches.at(step as u64);
            let labels: Vec<i32> = batch.iter().map(|&index| i32::from(train.labels[index])).collect();
            let labels = Tensor::<1, Int>::from_ints(labels.as_slice(), &device);
            let scores = classifier.classes.forward(classifier.describe(to_tensor(train, &batch, &device)));
            let loss = CrossEntropyLossConfig::new().init(&device).forward(scores, labels);
            let gradients = GradientsParams::from_grads(loss.backward(), &classifier);
            let rate = Self::LEARNING_RATE * (1.0 - step as f64 / steps as f64);
            classifier = optimizer.step(rate, classifier, gradients);
            progress.step();
        }
        Ok(classifier.valid())
    }

    fn keep(&self, path: &Path) -> Result<()> {
        let bytes = self
            .clone()
            .into_record()
            .into_bytes()
            .map_err(|error| Error::failed(format!("{}: {error}", path.display())))?;
        if let Some(folder) = path.parent() {
            folders::create(folder)?;
        }
        files::write_atomically(path, |file| file.write_all(&bytes))
    }
}

/// The sides of the squares that pictures pass through before the convolutions.
struct Sides {
    /// With a frame of zeros, so that what is seen can be halved three times.
    framed: usize,
    /// Times that large pictures are averaged down to half before: what class they are of shows in small ones too, and a
    /// batch of large ones would take gigabytes.
    halvings: u32,
    /// After that.
    seen: usize,
}

impl Sides {
    const MOST: usize = 64;

    fn of(height: usize, width: usize) -> Self {
        let side = network_size(height, width);
        let halvings = side.div_ceil(Self::MOST).next_power_of_two().ilog2();
        let framed = side.next_multiple_of(8 << halvings);
        Self { framed, halvings, seen: framed >> halvings }
    }
}

/// The class of the highest probability.
pub fn most_likely(probabilities: &[f32]) -> usize {
    probabilities.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(class, _)| class)
}

/// Where the classifier of these pictures is kept; none where the system has no cache folder.
fn cache(name: &str, train: &Images) -> Option<PathBuf> {
    let mut hasher = Sha256::new();
    hasher.update([Classifier::VERSION]);
    hasher.update(&train.pixels);
    hasher.update(&train.labels);
    let hash = hex::encode(&hasher.finalize()[..8]);
    Some(crate::cache::folder()?.join("classifiers").join(format!("{name}-{hash}.bpk")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_pictures_are_seen_small_and_small_ones_as_they_are() {
        for (side, framed, seen) in
            [(6, 8, 8), (28, 32, 32), (64, 64, 64), (72, 80, 40), (128, 128, 64), (256, 256, 64)]
        {
            let sides = Sides::of(side, side - 1);
            assert_eq!((sides.framed, sides.seen), (framed, seen), "{side}");
            assert!(sides.seen.is_multiple_of(8) && sides.seen <= Sides::MOST);
        }
    }
}
