//! Where settings come from: a preset, over it a file, over it the command line.

use std::path::Path;

use figment::{
    Figment,
    providers::{Format, Serialized, Toml},
};
use serde::Serialize;

use super::config::{RunConfig, TrainingPreset};
use crate::error::{Error, Result};

impl RunConfig {
    /// The preset's settings, over them those of a file, over them those of the command line.
    ///
    /// # Errors
    /// The file cannot be read, has a setting that there is none of, or one is out of range.
    pub fn layered(preset: Option<TrainingPreset>, file: Option<&Path>, flags: &impl Serialize) -> Result<Self> {
        let given = Self::given(Figment::new(), file, flags)?;
        let preset = match preset {
            Some(preset) => preset,
            None if given.contains("preset") => given.extract_inner("preset").map_err(|error| wrong(&error))?,
            None => TrainingPreset::Unet4,
        };
        let layers = Figment::from(Serialized::defaults(preset.settings())).merge(given);
        let mut config: Self =
            layers.merge(Serialized::default("preset", preset)).extract().map_err(|error| wrong(&error))?;
        // What another run's data were, and where it was resumed, says nothing of this run.
        config.pictures = None;
        config.optimization.warm_up_from = 0;
        config.checked()
    }

    /// These settings, over them those of the command line: for a run that goes on at a step.
    ///
    /// # Errors
    /// As for [`layered`](Self::layered); the data and the network cannot change.
    pub fn resumed(
        &self,
        step: u64,
        preset: Option<TrainingPreset>,
        file: Option<&Path>,
        flags: &impl Serialize,
    ) -> Result<Self> {
        let layers = Self::given(Figment::from(Serialized::defaults(self)), file, flags)?;
        let changed = layers.extract::<Self>().map_err(|error| wrong(&error))?.checked()?;
        let mut changed = Self { pictures: self.pictures.clone(), preset: preset.unwrap_or(changed.preset), ..changed };
        if (&changed.data, changed.preset, &changed.network) != (&self.data, self.preset, &self.network) {
            return Err(Error::input(
                "--resume: a run's data, preset and network cannot change; train anew into another --out",
            ));
        }
        if changed.optimization.optimizer != self.optimization.optimizer {
            return Err(Error::input("--resume: a run's optimizer cannot change; train anew into another --out"));
        }
        if (changed.noise, &changed.optimization) != (self.noise, &self.optimization) {
            changed.optimization.warm_up_from = step;
        }
        Ok(changed)
    }

    /// These settings with a line of TOML over them, such as `network.width = 24`.
    ///
    /// # Errors
    /// It is no setting, or one that is out of range.
    pub fn with_change(&self, change: &str) -> Result<Self> {
        let layers = Figment::from(Serialized::defaults(self)).merge(Toml::string(change));
        layers
            .extract::<Self>()
            .map_err(|error| Error::input(format!("--change {change}: {}", one_line(&error))))?
            .checked()
    }

    fn given(layers: Figment, file: Option<&Path>, flags: &impl Serialize) -> Result<Figment> {
        let layers = match file {
            Some(file) if !file.is_file() => {
                return Err(Error::input(format!("--config {}: there is no such file", file.display())));
            }
            Some(file) => layers.merge(Toml::file_exact(file)),
            None => layers,
        };
        Ok(layers.merge(Serialized::defaults(flags)))
    }
}

fn wrong(error: &figment::Error) -> Error {
    Error::input(format!("settings: {}", one_line(error)))
}

/// figment's words name the key and the file that has it.
fn one_line(error: &figment::Error) -> String {
    error.to_string().lines().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use options::{Activation, Architecture, Optimizer};
    use serde_json::json;
    use shared::model::DataCard;

    use super::*;
    use crate::train::config::PicturesCard;

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
    fn a_record_is_a_config_that_gives_the_same_settings() {
        for preset in TrainingPreset::ALL {
            let mut config = RunConfig { data: "a folder".into(), ..preset.settings() };
            let card = DataCard { name: "x".into(), licence: "y".into(), size: 5, pixel_range: [0.0, 1.0] };
            config.pictures = Some(PicturesCard { channels: 3, card });
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
    fn a_run_goes_on_with_its_own_optimizer() {
        let record = TrainingPreset::Unet.settings().to_toml().unwrap();
        // Runs of before do not name it.
        let record: String =
            record.lines().filter(|line| !line.starts_with("optimizer")).fold(String::new(), |a, b| a + b + "\n");
        let run: RunConfig = toml::from_str(&record).unwrap();
        assert_eq!(run.optimization.optimizer, Optimizer::Adam);
        let longer = run.resumed(5, None, None, &json!({ "optimization": { "steps": 9 } })).unwrap();
        assert_eq!((longer.optimization.steps, longer.optimization.optimizer), (9, Optimizer::Adam));
        let error = run.resumed(5, None, None, &json!({ "optimization": { "optimizer": "muon" } })).unwrap_err();
        assert!(error.to_string().contains("optimizer") && error.exit_code() == 2, "{error}");
    }

    #[test]
    fn unknown_and_impossible_settings_are_named() {
        for (file, word) in [
            ("[network]\nwidht = 3", "widht"),
            ("[network]\nwidth = 0", "width"),
            ("[network]\nwidth = \"wide\"", "width"),
            ("[optimization]\nema_decay = 1.0", "ema_decay"),
            ("[noise]\nmin = 9.0", "--sigma-min 9"),
            ("preset = \"vgg\"", "preset"),
            ("= 3", "settings"),
        ] {
            let error = layered(file, json!({})).unwrap_err();
            assert!(error.to_string().contains(word) && error.exit_code() == 2, "{file}: {error}");
        }
    }
}
