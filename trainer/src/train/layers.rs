//! Where settings come from: a preset, over it a file, over it the command line.

use std::path::{Path, PathBuf};

use figment::{
    Figment,
    providers::{Format, Serialized, Toml},
};
use serde::Serialize;

use super::{
    config::{NetworkSettings, RunConfig, TrainingPreset},
    wrong_settings::{in_words, wrong},
};
use crate::error::{Error, Result};

impl RunConfig {
    /// The preset's settings, over them those of a file, over them those of the command line. The network of a run that
    /// starts from a model's weights is the model's, and so is the preset where none is given.
    ///
    /// # Errors
    /// The file or the model cannot be read, there is no such setting, or one is out of range or contradicts the model.
    pub fn layered(preset: Option<TrainingPreset>, file: Option<&Path>, flags: &impl Serialize) -> Result<Self> {
        let given = given(Figment::new(), file, flags)?;
        let from = match given.contains("from") {
            true => Some(given.extract_inner::<PathBuf>("from").map_err(|error| wrong(file, &error))?),
            false => None,
        };
        let model = from.as_deref().map(NetworkSettings::of_model).transpose()?;
        let preset = match (preset, &model) {
            (Some(preset), _) => preset,
            _ if given.contains("preset") => given.extract_inner("preset").map_err(|error| wrong(file, &error))?,
            (None, Some(network)) => TrainingPreset::of(network.shape),
            (None, None) => TrainingPreset::Unet4,
        };
        let mut base = preset.settings();
        if let Some(network) = &model {
            base.network = NetworkSettings { shape: base.network.shape, ..network.clone() };
        }
        let (follows, chosen) = (base.noise_follows_size, given.contains("noise.max"));
        let layers = Figment::from(Serialized::defaults(base)).merge(given);
        let mut config: Self =
            layers.merge(Serialized::default("preset", preset)).extract().map_err(|error| wrong(file, &error))?;
        if let (Some(from), Some(network)) = (from, model) {
            if config.network != network {
                let NetworkSettings { shape, width, activation, .. } = network;
                return Err(Error::input(format!(
                    "--from {}: its network is {shape} of width {width} with {activation}; leave out --preset, --width and \
                     --activation, or train without --from",
                    from.display(),
                )));
            }
            // It must be found again from elsewhere.
            config.from = Some(std::path::absolute(&from).unwrap_or(from));
        }
        // Where a file says that its data lie says nothing of others.
        let of_file = file.and_then(|file| Figment::from(Toml::file_exact(file)).extract_inner::<String>("data").ok());
        if of_file.is_some_and(|data| data != config.data) {
            config.data_dir = None;
        }
        config.noise_follows_size = follows && !chosen;
        // What another run's data were, and where it was resumed, says nothing of this run.
        config.pictures = None;
        config.optimization.warm_up_from = 0;
        checked(config, file)
    }

    /// Whether a file of settings says into how many slices a batch is split.
    pub fn has_slices(file: &Path) -> bool {
        Figment::from(Toml::file_exact(file)).contains(SLICES)
    }

    /// These settings with a line of TOML over them, such as `network.width = 24`.
    ///
    /// # Errors
    /// It is no setting, or one that is out of range.
    pub fn with_change(&self, change: &str) -> Result<Self> {
        let named = |what: &str| Error::input(format!("--change {change}: {what}"));
        if change.trim().is_empty() {
            return Err(named("give a setting, such as network.width = 24"));
        }
        let given = Figment::from(Toml::string(change));
        if given.contains("preset") {
            return Err(named(
                "a preset stands for many settings; change single ones, such as network.shape = \"res6\"",
            ));
        }
        if let Some(key) = WITHOUT_EFFECT.into_iter().find(|key| given.contains(key)) {
            return Err(named(&format!("{key} changes nothing that is compared here")));
        }
        let noise_follows_size = self.noise_follows_size && !given.contains("noise.max");
        let layers = Figment::from(Serialized::defaults(self)).merge(given);
        let changed = layers.extract::<Self>().map_err(|error| named(&in_words(&error)))?;
        Self { noise_follows_size, ..changed }.checked().map_err(|error| named(&error.to_string()))
    }
}

/// The setting that says into how many parts a batch is split.
pub(super) const SLICES: &str = "optimization.slices";

/// What a file and flags say, over what was there.
pub(super) fn given(layers: Figment, file: Option<&Path>, flags: &impl Serialize) -> Result<Figment> {
    let layers = match file {
        Some(file) if file.is_dir() => {
            return Err(Error::input(format!("--config {}: it is a folder; give a file", file.display())));
        }
        Some(file) if !file.is_file() => {
            let what = if file.exists() { "it is not a regular file" } else { "there is no such file" };
            return Err(Error::input(format!("--config {}: {what}", file.display())));
        }
        Some(file) => layers.merge(Toml::file_exact(file)),
        None => layers,
    };
    Ok(layers.merge(Serialized::defaults(flags)))
}

/// Settings that make no other training: where its files are, and what is kept of it.
const WITHOUT_EFFECT: [&str; 4] = ["data_dir", "pictures", "record", "optimization.warm_up_from"];

/// Settings that are in range. The flags have been checked where they were read, so that a file has a part in what is not.
pub(super) fn checked(config: RunConfig, file: Option<&Path>) -> Result<RunConfig> {
    match file {
        Some(file) => config.checked().map_err(|error| Error::input(format!("--config {}: {error}", file.display()))),
        None => config.checked(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use options::{Activation, Architecture};
    use serde_json::json;
    use shared::model::DataCard;

    use super::*;
    use crate::{
        data::{DataSet, Images},
        train::config::PicturesCard,
    };

    fn layered(file: &str, flags: serde_json::Value) -> Result<RunConfig> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        fs::write(&path, file).unwrap();
        RunConfig::layered(None, Some(&path), &flags)
    }

    #[test]
    fn flags_go_over_the_file_and_the_file_over_the_preset() {
        let file = "preset = \"res12\"\n[network]\nwidth = 24\n[optimization]\nsteps = 7\nbatch = 3\n";
        let config = layered(file, json!({ "optimization": { "steps": 9 } })).unwrap();
        assert_eq!((config.optimization.steps, config.optimization.batch, config.network.width), (9, 3, 24));
        assert_eq!((config.preset, config.network.shape), (TrainingPreset::Res12, Architecture::Res12));
        assert_eq!(config.network.activation, Activation::Elu);
    }

    #[test]
    fn a_file_as_windows_saves_it_is_read() {
        let config = layered("\u{feff}[optimization]\r\nsteps = 7\r\n", json!({})).unwrap();
        assert_eq!(config.optimization.steps, 7);
    }

    #[test]
    fn a_larger_picture_has_more_noise_unless_somebody_chose_it() {
        let largest = |config: &RunConfig, side: usize| {
            let pixels = vec![0; 10 * side * side];
            let images = Images { channels: 1, height: side, width: side, pixels, labels: Vec::new() };
            config.clone().with_pictures(&DataSet::of(images)).unwrap().noise.max
        };
        let ours = layered("", json!({})).unwrap();
        assert_eq!([16, 28, 32, 64, 128].map(|side| largest(&ours, side)), [5.0, 5.0, 5.0, 10.0, 20.0]);
        let changed = ours.with_change("network.width = 8").unwrap();
        assert_eq!(largest(&changed, 64), 10.0);
        let chosen = [
            layered("", json!({ "noise": { "max": 5.0 } })).unwrap(),
            layered("[noise]\nmax = 5.0", json!({})).unwrap(),
            ours.with_change("noise.max = 5.0").unwrap(),
            layered("", json!({ "preset": "paper-mnist", "noise": { "min": 0.05 } })).unwrap(),
        ];
        assert_eq!(chosen.map(|config| largest(&config, 64)), [5.0, 5.0, 5.0, 3.0]);
    }

    #[test]
    fn a_record_is_a_config_that_gives_the_same_settings() {
        for preset in TrainingPreset::ALL {
            let mut config = RunConfig { data: "a folder".into(), ..preset.settings() };
            let card = DataCard {
                name: "x".into(),
                licence: "y".into(),
                size: 5,
                pixel_range: [0.0, 1.0],
                fingerprint: Some("0f".into()),
            };
            config.pictures = Some(PicturesCard { channels: 3, changed: false, count: None, card });
            config.image_size = Some(48);
            config.noise_follows_size = false;
            config.optimization.warm_up_from = 9;
            let record = config.to_toml().unwrap();
            assert!(record.contains("sigma_0 = 0.1\n"), "{record}");
            assert_eq!(toml::from_str::<RunConfig>(&record).unwrap(), config);
            let again = layered(&record, json!({})).unwrap();
            // But for what was that run's own.
            config.pictures = None;
            config.optimization.warm_up_from = 0;
            assert_eq!(again, config);
        }
    }

    #[test]
    fn a_file_may_leave_the_slices_to_the_machines() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.toml");
        for (text, has) in [("[optimization]\nlearning_rate = 1e-3\n", false), ("[optimization]\nslices = 2\n", true)] {
            fs::write(&file, text).unwrap();
            assert_eq!(RunConfig::has_slices(&file), has, "{text}");
        }
    }
}
