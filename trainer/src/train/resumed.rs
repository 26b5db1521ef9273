//! The settings of a run that goes on: its own, with what may change on the way.

use std::path::Path;

use figment::{Figment, providers::Serialized};
use serde::Serialize;

use super::{
    config::{RunConfig, TrainingPreset},
    layers::{SLICES, checked, given},
    memory,
    optimization::Optimization,
    wrong_settings::wrong,
};
use crate::error::{Error, Result};

impl RunConfig {
    /// These settings, over them those of the command line: for a run that goes on at a step. Where its pictures are may
    /// change, not what they are, which whoever opens them has to see to.
    ///
    /// # Errors
    /// As for [`layered`](Self::layered); what the run is made of, or has done already, cannot change.
    pub fn resumed(
        &self,
        step: u64,
        preset: Option<TrainingPreset>,
        file: Option<&Path>,
        flags: &impl Serialize,
    ) -> Result<Self> {
        let given = given(Figment::new(), file, flags)?;
        let slices_given = given.contains(SLICES);
        let layers = Figment::from(Serialized::defaults(self)).merge(given);
        let mut changed = layers.extract::<Self>().map_err(|error| wrong(file, &error))?;
        // Into how many parts one batch was split says nothing of another.
        let splits_anew = !slices_given && changed.optimization.batch != self.optimization.batch;
        if splits_anew {
            changed.optimization.slices = None;
        }
        let changed = checked(changed, file)?;
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
        self.check_denoiser_steps(step, changed.optimization.denoiser_steps)?;
        // What the same flags came to when the run began; and another run's file says nothing of where this one warmed up.
        let (asked, own) = (changed.optimization.references, self.optimization.references);
        changed.optimization.references = memory::references(&changed).max(own).min(asked);
        changed.optimization.warm_up_from = self.optimization.warm_up_from;
        if splits_anew {
            changed.optimization.slices = Some(memory::slices(&changed)?);
        }
        // Slices change nothing but rounding.
        let own = Optimization { slices: changed.optimization.slices, ..self.optimization.clone() };
        if (changed.noise, &changed.optimization) != (self.noise, &own) {
            changed.optimization.warm_up_from = step;
        }
        Ok(changed)
    }

    /// The first steps, as many as the settings say, train the U-Net as a denoiser. No other number may be said of a run that
    /// is past them: what it was trained by could not be told any more.
    fn check_denoiser_steps(&self, step: u64, asked: u64) -> Result<()> {
        let own = self.optimization.denoiser_steps;
        if asked == own || step <= own.min(asked) {
            return Ok(());
        }
        let text = match own {
            0 => format!(
                "the run began without them and is at step {step}; leave it out, or train anew into another --out"
            ),
            _ if step <= own => format!("{step} such steps are done; give at least {step}"),
            _ => format!("they are past: the first {own} of the {step} steps that are done; leave it out"),
        };
        Err(Error::input(format!("denoiser_steps {asked} (--denoiser-steps): {text}")))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use options::Optimizer;
    use serde_json::json;

    use super::*;
    use crate::data::{DataSet, Images};

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
    fn another_batch_is_split_anew_unless_somebody_says_how() {
        let train =
            Images { channels: 3, height: 64, width: 64, pixels: vec![0; 20 * 3 * 64 * 64], labels: Vec::new() };
        let data = DataSet::of(train);
        let begun = |optimization: serde_json::Value| {
            let flags = json!({ "data": "pictures", "optimization": optimization });
            RunConfig::layered(None, None, &flags).unwrap().with_pictures(&data).unwrap()
        };
        let slices = |run: &RunConfig, file: Option<&Path>, optimization: serde_json::Value| {
            let resumed = run.resumed(40, None, file, &json!({ "optimization": optimization })).unwrap();
            resumed.with_pictures(&data).unwrap().optimization.slices.unwrap()
        };
        let (small, large) = (begun(json!({ "batch": 8 })), begun(json!({ "batch": 4096 })));
        let many = large.optimization.slices.unwrap();
        assert!(many > 8 && small.optimization.slices == Some(1), "{many}");
        assert_eq!(slices(&small, None, json!({ "batch": 4096 })), many);
        assert_eq!(slices(&large, None, json!({ "batch": 8 })), 1);
        // The batch that it had, and what somebody says.
        assert_eq!(slices(&large, None, json!({ "batch": 4096, "steps": 90 })), many);
        assert_eq!(slices(&begun(json!({ "slices": 4 })), None, json!({})), 4);
        assert_eq!(slices(&small, None, json!({ "batch": 16, "slices": 4 })), 4);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.toml");
        fs::write(&file, "[optimization]\nslices = 2\n").unwrap();
        assert_eq!(slices(&small, Some(&file), json!({ "batch": 16 })), 2);
    }

    #[test]
    fn denoiser_steps_change_only_while_the_record_stays_true() {
        let go_on = |own: u64, step: u64, asked: u64| {
            let mut run = TrainingPreset::Unet.settings();
            run.optimization.denoiser_steps = own;
            run.resumed(step, None, None, &json!({ "optimization": { "denoiser_steps": asked } }))
        };
        // As `checkpoints/cifar10` was.
        assert_eq!(go_on(12, 9, 10).unwrap().optimization.denoiser_steps, 10);
        for (own, step, asked) in [(0, 0, 5), (5, 5, 7), (5, 5, 5), (5, 9, 5), (0, 9, 0), (7, 5, 5)] {
            go_on(own, step, asked).unwrap();
        }
        for ((own, step, asked), why) in [
            ((0, 4, 3), "denoiser_steps 3 (--denoiser-steps): the run began without them and is at step 4"),
            ((0, 4, 9), "the run began without them"),
            ((5, 9, 0), "they are past: the first 5 of the 9 steps"),
            ((5, 9, 20), "they are past"),
            ((7, 5, 3), "5 such steps are done; give at least 5"),
        ] {
            let error = go_on(own, step, asked).unwrap_err();
            assert!(error.to_string().contains(why) && error.exit_code() == 2, "{own} {step} {asked}: {error}");
        }
    }
}
