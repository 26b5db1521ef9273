//! `model.json`.

use std::io;

use options::{Sampler, percentile};
use serde::{Deserialize, Serialize};
use serde_json::{
    Serializer, Value,
    ser::{Formatter, PrettyFormatter},
};

use super::{LikelihoodCard, ModelError, SelfTest};
use crate::{
    likelihood::{Moments, Prior},
    measures::OutlierScore,
    network::NetworkConfig,
    sampling::{Churn, GaussianStart, PrincipalComponents, Schedule},
    training::NoiseLevels,
};

/// What `model.json` says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(expecting = "a JSON object")]
pub struct Manifest {
    /// The model's name: that of its folder.
    pub name: String,
    /// The network.
    #[serde(flatten)]
    pub network: NetworkConfig,
    /// What it was trained on.
    pub data: DataCard,
    /// How it was trained.
    pub training: TrainingCard,
    /// The noise levels it was trained at.
    pub noise: NoiseLevels,
    /// The churn of its samples; the usual one for models that were written before there was a choice.
    #[serde(flatten)]
    pub churn: Churn,
    /// The weaker model that samples keep away from; most models have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guide: Option<GuideCard>,
    /// Numbers measured on the model, each with how.
    pub metrics: Vec<Metric>,
    /// Energies of held-out pictures at percentiles 0, 1, ..., 100, for outlier scores.
    pub energy_percentiles: Vec<f32>,
    /// How unusual a picture is, better than by its energy; older models have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outlier_score: Option<OutlierScore>,
    /// Mean and variance of the training pictures' pixels, for likelihoods; older models have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moments: Option<Moments>,
    /// The training pictures as a Gaussian, which chains start in; those of older models start around the middle grey.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal_components: Option<PrincipalComponents>,
    /// How likely held-out pictures are; older models do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub likelihood: Option<LikelihoodCard>,
    /// The start-up self-test.
    pub probe: SelfTest,
    /// The weights file.
    pub weights: WeightsCard,
    /// How many held-out pictures `held-out.png` has, side by side.
    pub held_out_pictures: usize,
    /// The licence of these, if they are not the data set's but other pictures that the model has not seen either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pictures_licence: Option<String>,
}

/// JSON with a line for each entry of an object, and lists of numbers in one line each: a line for each number would be
/// most of the file.
#[derive(Default)]
struct ListsInLines(PrettyFormatter<'static>);

impl Formatter for ListsInLines {
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

/// The data of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataCard {
    /// The data set's name.
    pub name: String,
    /// Its licence.
    pub licence: String,
    /// Side of its square pictures in pixels; the network may see them framed by zeros.
    pub size: usize,
    /// Smallest and largest pixel value.
    pub pixel_range: [f32; 2],
    /// What tells the pictures of a folder from others, whatever the folder is called; known sets and older models have
    /// none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
}

/// The training of a model.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrainingCard {
    /// Optimizer steps.
    pub steps: u64,
    /// Images seen, repeats included.
    pub images_seen: u64,
    /// Wall-clock seconds of training.
    pub seconds: f64,
    /// The seed.
    pub seed: u64,
    /// Decay of the exponential moving average of the weights, which are the ones exported.
    pub ema_decay: f64,
}

/// The guide of a model ([`crate::sampling::Guided`]). Its weights are in the model's file, their names behind
/// [`GuideCard::PREFIX`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GuideCard {
    /// Its network.
    #[serde(flatten)]
    pub network: NetworkConfig,
    /// How much samples keep away from it: `w` in `E + w (E - G)`.
    pub weight: f32,
    /// How it was trained, on the model's data.
    pub training: TrainingCard,
    /// Its start-up self-test.
    pub probe: SelfTest,
}

/// A measured number.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Metric {
    /// What was measured.
    pub name: String,
    /// The number.
    pub value: f64,
    /// How it was measured.
    pub how: String,
}

/// The weights file of a model.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WeightsCard {
    /// Its name, in the same folder.
    pub file: String,
    /// Its SHA-256 in hexadecimal digits.
    pub sha256: String,
    /// Its length.
    pub bytes: u64,
}

impl DataCard {
    /// Whether data of this name and fingerprint are these. Data without a fingerprint are what their name stands for, unless
    /// they are of a version that took none: then only the name tells.
    #[must_use]
    pub fn is_of(&self, name: &str, fingerprint: Option<&str>) -> bool {
        match (self.fingerprint.as_deref(), fingerprint) {
            (Some(own), Some(other)) => own == other,
            (Some(_), None) => false,
            (None, _) => self.name == name,
        }
    }
}

impl Manifest {
    /// A manifest has about a hundred kilobytes; anything near this is not one.
    pub const LIMIT: usize = 1 << 20;

    /// Reads and checks `model.json`, with a byte order mark or without.
    ///
    /// # Errors
    /// Too large, a Git LFS pointer, no JSON, a missing field, a number that cannot be, an impossible network, a name or a weights
    /// file that would leave the folder.
    pub fn parse(json: &[u8]) -> Result<Self, ModelError> {
        if json.len() > Self::LIMIT {
            let (found, limit) = (json.len() as u64, Self::LIMIT as u64);
            return Err(ModelError::TooLarge { what: "manifest", found, limit });
        }
        if user_files::is_pointer(json) {
            return Err(ModelError::Pointer("the manifest"));
        }
        let json = user_files::text(json).map_err(|problem| ModelError::Manifest(problem.to_owned()))?;
        let manifest: Self = serde_json::from_str(json).map_err(|error| ModelError::Manifest(error.to_string()))?;
        manifest.check()?;
        Ok(manifest)
    }

    /// `model.json`: what [`Manifest::parse`] reads.
    ///
    /// # Errors
    /// A number that is not finite, which JSON cannot hold, or anything else that would be refused when it is read.
    pub fn to_json(&self) -> Result<Vec<u8>, ModelError> {
        let failed = |error: serde_json::Error| ModelError::Manifest(error.to_string());
        if let Some(place) = first_null(&serde_json::to_value(self).map_err(failed)?, "") {
            return Err(ModelError::Manifest(format!("{place} is not a finite number")));
        }
        self.check()?;
        let mut json = Vec::new();
        let mut writer = Serializer::with_formatter(&mut json, ListsInLines::default());
        self.serialize(&mut writer).map_err(failed)?;
        Ok(json)
    }

    fn check(&self) -> Result<(), ModelError> {
        self.network.validate()?;
        let wrong = |text: String| Err(ModelError::Manifest(text));
        for (field, text) in [("name", &self.name), ("weights.file", &self.weights.file)] {
            if !Self::is_name(text) {
                return wrong(format!("{field} `{text}` is no plain name of letters, digits, `-`, `_` and `.`"));
            }
        }
        let size = self.data.size;
        if size == 0 || size > self.network.image_size {
            return wrong(format!("data.size {size} does not fit into image_size {}", self.network.image_size));
        }
        let (least, most) = (self.noise.min, self.noise.max);
        let possible = NoiseLevels::POSSIBLE;
        if !(possible.contains(&least) && possible.contains(&most) && least <= most) {
            let (first, last) = possible.into_inner();
            return wrong(format!(
                "noise levels from {least} to {most} are not from {first} to {last} in rising order"
            ));
        }
        if !are_percentiles(&self.energy_percentiles) {
            return wrong("energy_percentiles must be 101 finite numbers in rising order".to_owned());
        }
        if let Some(guide) = &self.guide {
            guide.check(&self.network)?;
        }
        if let Some(score) = &self.outlier_score {
            score.validate().map_err(ModelError::Manifest)?;
        }
        if let Some(moments) = &self.moments {
            moments.validate(self.network.channels, size).map_err(ModelError::Manifest)?;
        }
        if let Some(components) = &self.principal_components {
            components.validate(self.network.channels, size).map_err(ModelError::Manifest)?;
        }
        if let Some(card) = &self.likelihood {
            card.validate().map_err(ModelError::Manifest)?;
        }
        self.probe.validate().map_err(ModelError::Manifest)
    }

    /// The Gaussian behind the largest noise level, for pictures of the data's own size.
    pub fn prior(&self) -> Prior {
        let (channels, size) = (self.network.channels, self.data.size);
        match &self.moments {
            Some(moments) => Prior::of(moments, channels, size),
            None => Prior::unknown(channels, size),
        }
    }

    /// The schedule of this many steps of a sampler.
    pub fn schedule(&self, sampler: Sampler, steps: usize) -> Schedule {
        Schedule::of(sampler, steps, self.network.sigma_0, &self.noise).with_churn(self.churn).starting_in(self.start())
    }

    /// The Gaussian that chains start in, if it is known.
    pub fn start(&self) -> Option<GaussianStart> {
        let components = self.principal_components.as_ref()?;
        Some(components.placed(self.network.channels, self.data.size, self.network.image_size))
    }

    /// Whether this can name a model or one of its files: it cannot leave the folder, nor does it need escaping in a
    /// URL.
    pub fn is_name(text: &str) -> bool {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        !text.is_empty() && text.len() <= 100 && !text.starts_with('.') && text.chars().all(plain)
    }

    /// The percentile, 0..100, of an energy among those of held-out pictures: near 100 is an outlier. That of NaN is NaN.
    pub fn energy_percentile(&self, energy: f32) -> f32 {
        percentile(&self.energy_percentiles, energy)
    }
}

impl GuideCard {
    /// What the names of its weights begin with.
    pub const PREFIX: &str = "guide.";

    fn check(&self, guided: &NetworkConfig) -> Result<(), ModelError> {
        self.network.validate()?;
        let sees = |config: &NetworkConfig| (config.channels, config.image_size, config.sigma_0);
        if sees(&self.network) != sees(guided) {
            return Err(ModelError::Manifest(
                "guide must have the model's channels, image_size and sigma_0".to_owned(),
            ));
        }
        if !(self.weight > 0.0 && self.weight.is_finite()) {
            return Err(ModelError::Manifest("guide.weight must be a positive number".to_owned()));
        }
        self.probe.validate().map_err(|problem| ModelError::Manifest(format!("guide.{problem}")))
    }
}

/// Whether these can be values at percentiles 0, 1, ..., 100.
pub(crate) fn are_percentiles(values: &[f32]) -> bool {
    values.len() == 101 && values.is_sorted() && values.iter().all(|value| value.is_finite())
}

/// Where the first null is: every field that may be missing is left out, so it stands for a number that JSON cannot hold.
fn first_null(value: &Value, place: &str) -> Option<String> {
    match value {
        Value::Null => Some(place.to_owned()),
        Value::Array(list) => {
            list.iter().enumerate().find_map(|(index, value)| first_null(value, &format!("{place}[{index}]")))
        }
        Value::Object(fields) => fields.iter().find_map(|(name, value)| {
            let dot = if place.is_empty() { "" } else { "." };
            first_null(value, &format!("{place}{dot}{name}"))
        }),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_the_folder() {
        assert!(Manifest::is_name("model.safetensors"));
        for bad in ["", "../x", "a/b", "a\\b", ".hidden", "a b"] {
            assert!(!Manifest::is_name(bad), "{bad}");
        }
    }
}
