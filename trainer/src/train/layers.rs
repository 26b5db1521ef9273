//! Where settings come from: a preset, over it a file, over it the command line.

use std::path::{Path, PathBuf};

use figment::{
    Figment,
    error::Kind,
    providers::{Format, Serialized, Toml},
};
use serde::Serialize;

use super::{
    config::{NetworkSettings, RunConfig, TrainingPreset},
    memory,
    optimization::Optimization,
};
use crate::{
    data::nearest,
    error::{Error, Result},
};

impl RunConfig {
    /// The preset's settings, over them those of a file, over them those of the command line. The network of a run that
    /// starts from a model's weights is the model's, and so is the preset where none is given.
    ///
    /// # Errors
    /// The file or the model cannot be read, there is no such setting, or one is out of range or contradicts the model.
    pub fn layered(preset: Option<TrainingPreset>, file: Option<&Path>, flags: &impl Serialize) -> Result<Self> {
        let given = Self::given(Figment::new(), file, flags)?;
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

    /// These settings, over them those of the command line: for a run that goes on at a step. Where its pictures are may
    /// change, not what they are, which whoever opens them has to see to.
    ///
    /// # Errors
    /// As for [`layered`](Self::layered); the network and the size of the pictures cannot change.
    pub fn resumed(
        &self,
        step: u64,
        preset: Option<TrainingPreset>,
        file: Option<&Path>,
        flags: &impl Serialize,
    ) -> Result<Self> {
        let layers = Self::given(Figment::from(Serialized::defaults(self)), file, flags)?;
        let changed = checked(layers.extract::<Self>().map_err(|error| wrong(file, &error))?, file)?;
        let mut changed = Self { pictures: self.pictures.clone(), preset: preset.unwrap_or(changed.preset), ..changed };
        if (changed.preset, &changed.network) != (self.preset, &self.network) {
            return Err(Error::input(
                "--resume: a run's preset and network cannot change; train anew into another --out",
            ));
        }
        // As a run keeps it.
        changed.from = changed.from.map(|from| std::path::absolute(&from).unwrap_or(from));
        if changed.from != self.from {
            return Err(Error::input("--resume: where a run has started from cannot change; leave out --from"));
        }
        if changed.optimization.steps < step {
            let steps = changed.optimization.steps;
            return Err(Error::input(format!("{steps} steps (--steps): the run is at step {step} already; give more")));
        }
        let size = self.card().size;
        if let Some(side) = changed.image_size.filter(|&side| side != size) {
            return Err(Error::input(format!(
                "--image-size {side}: the run's pictures are {size}x{size}, which cannot change; train anew into another --out"
            )));
        }
        changed.image_size = self.image_size;
        if changed.optimization.optimizer != self.optimization.optimizer {
            return Err(Error::input("--resume: a run's optimizer cannot change; train anew into another --out"));
        }
        // What the same flags came to when the run began; and another run's file says nothing of where this one warmed up.
        let (asked, own) = (changed.optimization.references, self.optimization.references);
        changed.optimization.references = memory::references(&changed).max(own).min(asked);
        changed.optimization.warm_up_from = self.optimization.warm_up_from;
        // Slices change nothing but rounding.
        let own = Optimization { slices: changed.optimization.slices, ..self.optimization.clone() };
        if (changed.noise, &changed.optimization) != (self.noise, &own) {
            changed.optimization.warm_up_from = step;
        }
        Ok(changed)
    }

    /// Whether a file of settings says into how many slices a batch is split.
    pub fn has_slices(file: &Path) -> bool {
        Figment::from(Toml::file_exact(file)).contains("optimization.slices")
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

    fn given(layers: Figment, file: Option<&Path>, flags: &impl Serialize) -> Result<Figment> {
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
}

/// Settings that make no other training: where its files are, and what is kept of it.
const WITHOUT_EFFECT: [&str; 4] = ["data_dir", "pictures", "record", "optimization.warm_up_from"];

/// Settings that are in range. The flags have been checked where they were read, so that a file has a part in what is not.
fn checked(config: RunConfig, file: Option<&Path>) -> Result<RunConfig> {
    match file {
        Some(file) => config.checked().map_err(|error| Error::input(format!("--config {}: {error}", file.display()))),
        None => config.checked(),
    }
}

/// A mistake in a file; flags have been checked where they were read.
fn wrong(file: Option<&Path>, error: &figment::Error) -> Error {
    let named = file.map_or_else(|| "settings".to_owned(), |file| format!("--config {}", file.display()));
    Error::input(format!("{named}: {}", in_words(error)))
}

/// What is wrong with a setting, in a line.
fn in_words(error: &figment::Error) -> String {
    let key = error.path.join(".");
    match &error.kind {
        Kind::UnknownField(name, known) => {
            let table = error.path.iter().filter(|part| *part != name).cloned().collect::<Vec<_>>().join(".");
            let place = if table.is_empty() { String::new() } else { format!(" in [{table}]") };
            let meant = match nearest(name, known) {
                Some(meant) => format!("did you mean {meant}?"),
                None => format!("there are {}", known.join(", ")),
            };
            format!("there is no setting {name}{place}; {meant}")
        }
        Kind::UnknownVariant(name, known) => format!("{key} cannot be {name}; it is one of {}", known.join(", ")),
        Kind::MissingField(name) => format!("{name} is missing"),
        Kind::InvalidType(found, wanted) | Kind::InvalidValue(found, wanted) => {
            format!("{key} must be {}, not {}", plainly(wanted), plainly(&found.to_string()))
        }
        // Such as a file that is no TOML: without the drawing of the place, which takes several lines.
        _ => {
            let text = error.kind.to_string();
            let drawing = |line: &&str| !line.is_empty() && !line.contains('|');
            text.lines().map(str::trim).filter(drawing).collect::<Vec<_>>().join(": ")
        }
    }
}

/// Without a programming language's names of kinds.
fn plainly(kind: &str) -> String {
    const WORDS: [(&str, &str); 9] = [
        ("unsigned int", "the number"),
        ("signed int", "the number"),
        ("float", "the number"),
        ("usize", "a whole number"),
        ("u64", "a whole number"),
        ("u32", "a whole number"),
        ("f64", "a number"),
        ("f32", "a number"),
        ("`", ""),
    ];
    WORDS.iter().fold(kind.to_owned(), |text, (word, plain)| text.replace(word, plain))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use options::{Activation, Architecture, Optimizer};
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
            config.pictures = Some(PicturesCard { channels: 3, changed: false, card });
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
    fn a_run_goes_on_with_its_own_optimizer() {
        let record = TrainingPreset::Unet.settings().to_toml().unwrap();
        // Runs of before do not name it.
        let record: String =
            record.lines().filter(|line| !line.starts_with("optimizer")).fold(String::new(), |a, b| a + b + "\n");
        let run: RunConfig = toml::from_str(&record).unwrap();
        assert_eq!(run.optimization.optimizer, Optimizer::Adam);
        let longer = run.resumed(5, None, None, &json!({ "optimization": { "steps": 9 } })).unwrap();
        assert_eq!((longer.optimization.steps, longer.optimization.optimizer), (9, Optimizer::Adam));
        let error = run.resumed(5, None, None, &json!({ "image_size": 64 })).unwrap_err();
        assert!(error.to_string().starts_with("--image-size 64") && error.exit_code() == 2, "{error}");
        let error = run.resumed(5, None, None, &json!({ "optimization": { "optimizer": "muon" } })).unwrap_err();
        assert!(error.to_string().contains("optimizer") && error.exit_code() == 2, "{error}");
    }

    #[test]
    fn the_same_settings_change_nothing_of_a_run() {
        let pixels = vec![0; 9000 * 3 * 64 * 64];
        let train = Images { channels: 3, height: 64, width: 64, pixels, labels: Vec::new() };
        let data = DataSet::of(train);
        let flags = json!({ "data": "pictures", "optimization": { "references": 4096, "steps": 90 } });
        // Another run's settings, which was resumed.
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.toml");
        fs::write(&file, "[optimization]\nwarm_up_from = 300\n").unwrap();
        let run = RunConfig::layered(None, Some(&file), &flags).unwrap().with_pictures(&data).unwrap();
        assert_eq!((run.optimization.references, run.optimization.warm_up_from), (1365, 0));
        let resumed = |flags: &serde_json::Value| {
            let resumed = run.resumed(40, None, Some(&file), flags).unwrap();
            resumed.with_pictures(&data).unwrap()
        };
        assert_eq!(resumed(&flags), run);
        let longer = resumed(&json!({ "optimization": { "references": 4096, "steps": 100 } })).optimization;
        assert_eq!((longer.references, longer.steps, longer.warm_up_from), (1365, 100, 40));
        let fewer = resumed(&json!({ "optimization": { "references": 500 } })).optimization;
        assert_eq!((fewer.references, fewer.warm_up_from), (500, 40));
        // Nor does how a batch is split, which more machines may need.
        let split = resumed(&json!({ "optimization": { "slices": 4 } })).optimization;
        assert_eq!((split.slices, split.warm_up_from), (Some(4), 0));
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

    #[test]
    fn unknown_and_impossible_settings_are_named() {
        for (file, word) in [
            ("[network]\nwidht = 3", "widht"),
            ("[network]\nwidth = 0", "width"),
            ("[network]\nwidth = \"wide\"", "width"),
            ("[optimization]\nema_decay = 1.0", "ema_decay"),
            ("[noise]\nmin = 9.0", "noise.min 9"),
            ("[noise]\nmaxx = 9.0", "there is no setting maxx in [noise]; did you mean max?"),
            ("image_size = 7", "image_size (--image-size) must be from 8 to 256"),
            ("[optimization]\nsteps = 1.5", "optimization.steps must be a whole number, not the number 1.5"),
            ("image_size = 257", "image_size"),
            ("preset = \"vgg\"", "preset cannot be vgg; it is one of unet, unet4"),
            ("stpes = 3", "there is no setting stpes; there are data"),
            ("[optimization]\nstpes = 3", "there is no setting stpes in [optimization]; did you mean steps?"),
            ("[optimization]\nsteps = \"many\"", "optimization.steps must be"),
            ("= 3", "a.toml"),
        ] {
            let error = layered(file, json!({})).unwrap_err();
            let text = error.to_string();
            assert!(text.contains(word) && error.exit_code() == 2, "{file}: {error}");
            assert!(text.lines().count() == 1 && !text.contains('`') && !text.contains("default."), "{error}");
        }
        let preset = TrainingPreset::Unet.settings();
        for change in ["noise.maxx = 3", "noise.min = 9", "network.width = 0", "stpes = 3"] {
            let text = preset.with_change(change).unwrap_err().to_string();
            assert!(text.starts_with(&format!("--change {change}: ")), "{text}");
        }
    }
}
