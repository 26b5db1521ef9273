//! A reference file: a random network, inputs, and float64-computed answers, in one safetensors file.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
};

use burn::tensor::TensorData;
use options::{Activation, Architecture};
use safetensors::SafeTensors;
use serde::{Deserialize, de::value::MapDeserializer};
use shared::{
    model::{ModelError, Weights},
    network::NetworkConfig,
};
use user_files::{POINTER, is_pointer};

use crate::{
    error::{Error, Result},
    files,
};

/// The contents, checked for shape; all values are finite.
pub struct Reference {
    /// The network's description, from the header.
    pub config: NetworkConfig,
    /// The Langevin step size, from the header.
    pub step_size: f32,
    /// The network's weights.
    pub weights: Weights,
    /// `[N, C, H, W]`
    pub x: TensorData,
    /// Clean images, noise `[N, C, H, W]` and levels `[N]` of the training loss.
    pub train: [TensorData; 3],
    /// Start `[N, C, H, W]`, noise `[steps, N, C, H, W]` and temperatures `[steps]` of the chains.
    pub langevin: [TensorData; 3],
    /// Known pixels, mask (1 = unknown) `[N, C, H, W]` and noise `[steps + 1, N, C, H, W]` of the inpainting.
    pub inpaint: [TensorData; 3],
    /// The answers, by name without `expect.`.
    pub expect: Weights,
}

/// The scales of a U-Net, counted in its weights: the header does not tell them. `None` where there are none. A scale has
/// most of the tensors that others have, so that one which is missing or unknown is named and not another.
fn scales(tensors: &Weights) -> Option<usize> {
    let mut sizes = BTreeMap::<&str, usize>::new();
    for (scale, _) in tensors.names().filter_map(|name| name.strip_prefix("down.")?.split_once('.')) {
        *sizes.entry(scale).or_default() += 1;
    }
    let whole = sizes.values().copied().max()?;
    Some(sizes.values().filter(|&&size| 2 * size > whole).count())
}

/// Header fields are strings.
#[derive(Deserialize)]
struct Header {
    preset: Architecture,
    activation: Activation,
    width: String,
    channels: String,
    image_size: String,
    sigma_0: String,
    step_size: String,
}

impl Reference {
    /// Reads a file.
    ///
    /// # Errors
    /// A missing or unreadable file, or a missing, misshapen or non-finite tensor, by name. Tensors that are unknown
    /// show when the network takes its weights.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path)
            .map_err(|error| Error::input(format!("--reference {}: {}", path.display(), files::reason(&error))))?;
        Self::parse(&bytes).map_err(|problem| Error::input(format!("--reference {}: {problem}", path.display())))
    }

    fn parse(bytes: &[u8]) -> std::result::Result<Self, String> {
        if is_pointer(bytes) {
            return Err(POINTER.to_owned());
        }
        let mut tensors = Weights::parse(bytes).map_err(|error| error.to_string())?;
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
        let header = header(metadata.metadata().clone().unwrap_or_default())?;
        let config = NetworkConfig {
            preset: header.preset,
            scales: scales(&tensors),
            width: number("width", &header.width)?,
            channels: number("channels", &header.channels)?,
            image_size: number("image_size", &header.image_size)?,
            activation: header.activation,
            sigma_0: number("sigma_0", &header.sigma_0)?,
        };
        config.validate().map_err(|error| error.to_string())?;
        let step_size: f32 = number("step_size", &header.step_size)?;
        if !(step_size > 0.0 && step_size.is_finite()) {
            return Err(format!("step_size {step_size} is not a positive number"));
        }

        let [_, c, h, w] = config.batch_shape(1);
        let mut take =
            |name: &str, wanted: &[Size]| take(&mut tensors, name, wanted).map_err(|error| error.to_string());
        use Size::{Any, Exactly};
        let image = |count| [count, Exactly(c), Exactly(h), Exactly(w)];
        let images = |steps, count| [steps, count, Exactly(c), Exactly(h), Exactly(w)];
        let count = |data: &TensorData| Exactly(data.shape()[0]);

        let x = take("input.x", &image(Any))?;
        let clean = take("train.clean", &image(Any))?;
        let train_noise = take("train.noise", &image(count(&clean)))?;
        let sigma = take("train.sigma", &[count(&clean)])?;
        check("train.sigma", &sigma, |level| level > 0.0, "a positive number")?;
        let x0 = take("langevin.x0", &image(Any))?;
        let temperature = take("langevin.temperature", &[Any])?;
        check("langevin.temperature", &temperature, |temperature| temperature >= 0.0, "a number of at least 0")?;
        let steps = temperature.shape()[0];
        let langevin_noise = take("langevin.noise", &images(Exactly(steps), count(&x0)))?;
        let known = take("inpaint.known", &image(count(&x0)))?;
        let mask = take("inpaint.mask", &image(count(&x0)))?;
        check("inpaint.mask", &mask, |unknown| unknown == 0.0 || unknown == 1.0, "0 or 1")?;
        let known_noise = take("inpaint.known_noise", &images(Exactly(steps + 1), count(&x0)))?;
        Ok(Self {
            config,
            step_size,
            x,
            train: [clean, train_noise, sigma],
            langevin: [x0, langevin_noise, temperature],
            inpaint: [known, mask, known_noise],
            expect: tensors.take_prefix("expect."),
            weights: tensors,
        })
    }
}

fn header(fields: HashMap<String, String>) -> std::result::Result<Header, String> {
    let deserializer = MapDeserializer::<_, serde::de::value::Error>::new(fields.into_iter());
    Header::deserialize(deserializer).map_err(|error| format!("the header is not a reference file's: {error}"))
}

fn number<T: std::str::FromStr>(field: &str, text: &str) -> std::result::Result<T, String> {
    text.parse().map_err(|_| format!("the header's {field} `{text}` is not a number of the right kind"))
}

/// Checks that the computation is one with these values.
fn check(
    name: &str,
    data: &TensorData,
    allowed: impl Fn(f32) -> bool,
    wanted: &str,
) -> std::result::Result<(), String> {
    data.iter::<f32>().find(|&value| !allowed(value)).map_or(Ok(()), |value| {
        let problem = format!("has the value {value} where {wanted} is needed");
        Err(ModelError::Tensor { name: name.to_owned(), problem }.to_string())
    })
}

/// What one dimension of a tensor may be.
#[derive(Clone, Copy)]
enum Size {
    /// At least one.
    Any,
    Exactly(usize),
}

fn take(tensors: &mut Weights, name: &str, wanted: &[Size]) -> std::result::Result<TensorData, ModelError> {
    let data = tensors.take(name)?;
    let fits = data.shape().len() == wanted.len()
        && data.shape().iter().zip(wanted).all(|(&size, wanted)| match *wanted {
            Size::Any => size > 0,
            Size::Exactly(exact) => size == exact,
        });
    if fits {
        return Ok(data);
    }
    let wanted: Vec<String> = wanted
        .iter()
        .map(|size| match size {
            Size::Any => "any".to_owned(),
            Size::Exactly(exact) => exact.to_string(),
        })
        .collect();
    Err(ModelError::Tensor {
        name: name.to_owned(),
        problem: format!("has shape {:?} where [{}] is needed", &data.shape()[..], wanted.join(", ")),
    })
}
