//! How much a setting helps: trainings of the same length that differ in it alone.

use std::fmt::Write as _;

use options::Sampler;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::sampling::Schedule;

use super::{
    command,
    numbers::{Experiment, keep, resume},
    of_others,
    subject::{claim, hash},
    trial::{self, Outcome, TrialSampling},
};
use crate::{
    cli::SettingsTrialArgs,
    data,
    error::{Error, Result},
    evaluate::{Counted, Purpose, Quality, QualityMeasure},
    features::FeatureChoice,
    folders, overwriting,
    train::{RunConfig, Start},
};

/// A training.
#[derive(Serialize, Deserialize)]
struct Trial {
    /// What differs from the first; empty for the first.
    change: String,
    #[serde(flatten)]
    outcome: Outcome,
}

/// A training that came to nothing.
#[derive(Serialize, Deserialize)]
struct Failure {
    change: String,
    reason: String,
}

#[derive(Serialize)]
struct Results {
    base: RunConfig,
    /// SHA-256 of the pictures.
    pictures: String,
    /// Samples of each training, and the sampler's steps.
    count: usize,
    sampler_steps: usize,
    features: String,
    /// The other half of the held-out pictures in place of samples; null where there are too few for two halves.
    floor: Option<Quality>,
    /// What was typed to measure all this.
    commands: Vec<String>,
    trials: Vec<Trial>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failures: Vec<Failure>,
}

/// What an earlier run of the same experiment wrote. Its settings are compared as they are written: a limit that is infinite is
/// null there.
#[derive(Deserialize)]
struct Earlier {
    base: Value,
    pictures: String,
    count: usize,
    sampler_steps: usize,
    features: String,
    #[serde(default)]
    commands: Vec<String>,
    trials: Vec<Trial>,
    #[serde(default)]
    failures: Vec<Failure>,
}

impl Earlier {
    fn is_of(&self, now: &Results) -> bool {
        let base = serde_json::to_string(&now.base).and_then(|text| serde_json::from_str::<Value>(&text));
        base.is_ok_and(|base| base == self.base)
            && (self.count, self.sampler_steps) == (now.count, now.sampler_steps)
            && (&self.pictures, &self.features) == (&now.pictures, &now.features)
    }
}

/// Trains with the settings and then with each change of them, and writes numbers and a table after each.
///
/// # Errors
/// A setting is wrong, the data cannot be read or judged, or the folder cannot be written.
pub fn settings(args: SettingsTrialArgs) -> Result<()> {
    if let Some(flag) = args.layers.settings.record.given() {
        return Err(Error::input(format!(
            "{flag}: these trainings leave no checkpoints and no pictures; leave it out"
        )));
    }
    folders::check("--out", &args.out)?;
    let base = RunConfig::layered(args.layers.preset, args.layers.config.as_deref(), &args.layers.settings)?;
    // All of them first: a mistake in the last should not be found out after hours.
    let changed = args.changes.iter().map(|change| base.with_change(change)).collect::<Result<Vec<_>>>()?;
    let (device, _) = args.backend.device()?;
    let data = data::open_told(&base.data, base.files_in(args.data_dir.as_deref()), base.image_size)?;
    if changed.iter().any(|config| config.data != base.data) {
        return Err(Error::input("--change: the data must stay the same, or the outcomes cannot be compared"));
    }
    // What follows from the pictures is settled before anything is said of the settings.
    let asked = base.data.clone();
    let base = base.with_pictures(&data)?;
    let changed = changed.into_iter().map(|config| config.with_pictures(&data)).collect::<Result<Vec<_>>>()?;
    for config in std::iter::once(&base).chain(&changed).filter(|config| config.from.is_some()) {
        Start::of(config)?;
    }
    let measure = QualityMeasure::new(&data, Purpose::Choice, Counted::by_flag(args.count), FeatureChoice::Auto)?;
    overwriting::not_among(&args.out, &data)?;
    claim(&args.out, "settings", &["settings.md"])?;
    let floor = measure.floor(args.count)?;
    // What was asked for, not where it lies here.
    let told = RunConfig { data: asked, pictures: None, ..base.clone() };
    let mut results = Results {
        base: told,
        pictures: hash(&data),
        count: args.count,
        sampler_steps: args.sampler_steps,
        features: measure.features()?,
        floor,
        commands: vec![command::of_process()],
        trials: Vec::new(),
        failures: Vec::new(),
    };
    resume(&args.out, &mut results)?;
    let mut failed = None;
    let changes = std::iter::once((String::new(), base)).chain(args.changes.iter().cloned().zip(changed));
    for (change, config) in changes {
        if results.trials.iter().any(|trial| trial.change == change) {
            continue;
        }
        eprintln!("training {}", if change.is_empty() { "as given" } else { &change });
        let schedule = Schedule::of(Sampler::Consistent, args.sampler_steps, config.network.sigma_0, &config.noise);
        let sampling = TrialSampling { schedule, count: args.count };
        match trial::run(config, &data, &measure, sampling, &device) {
            Ok((outcome, _)) => results.trials.push(Trial { change, outcome }),
            // A loss that runs away says something of this change, and nothing of the next.
            Err(Error::Failed(reason)) => {
                eprintln!("warning: {}: {reason}", named(&change));
                failed = failed.or_else(|| Some(format!("{}: {reason}", named(&change))));
                results.failures.retain(|failure| failure.change != change);
                results.failures.push(Failure { change, reason });
            }
            Err(error) => return Err(error),
        }
        keep(&args.out, &mut results)?;
    }
    keep(&args.out, &mut results)?;
    println!("{}", args.out.join("settings.md").display());
    failed.map_or(Ok(()), |failed| Err(Error::failed(failed)))
}

/// A change as it stands in a table: one of several settings is several lines, a row of a table is one.
fn named(change: &str) -> String {
    if change.is_empty() { "none".to_owned() } else { format!("`{}`", change.replace('\n', "; ")) }
}

impl Experiment for Results {
    type Written = Earlier;
    const NAME: &'static str = "settings";

    fn is_of(&self, written: &Earlier) -> bool {
        written.is_of(self)
    }

    fn is_empty(written: &Earlier) -> bool {
        written.trials.is_empty()
    }

    fn take(&mut self, written: Earlier) {
        command::put_before(&mut self.commands, written.commands);
        let is_new = |trial: &Trial| self.trials.iter().all(|own| own.change != trial.change);
        let new: Vec<Trial> = written.trials.into_iter().filter(is_new).collect();
        self.trials.extend(new);
        let is_new = |failure: &Failure| self.failures.iter().all(|own| own.change != failure.change);
        let new: Vec<Failure> = written.failures.into_iter().filter(is_new).collect();
        self.failures.extend(new);
        // One that failed before may have come to something now.
        self.failures.retain(|failure| self.trials.iter().all(|own| own.change != failure.change));
    }

    fn shown(&self) -> Vec<(&'static str, Result<String>)> {
        vec![("settings.md", self.text())]
    }
}

impl Results {
    fn text(&self) -> Result<String> {
        let steps = self.base.optimization.steps;
        let mut text = format!(
            "# How much each setting helps\n\n{}: trainings on {} of {steps} steps that differ in \
             one setting from the first. {} samples each, {} steps of consistent annealed sampling; Frechet distance to \
             held-out pictures, others than `trainer evaluate` compares with, on {}{}. The \
             errors are of the samples alone: trainings with other seeds differ too. Seconds are those of this machine, with whatever else it had to do.\n\n| change | Frechet distance \
             | precision | coverage | held-out loss | parameters | seconds |\n| --- | --- | --- | --- | --- | --- | --- |\n",
            command::told(&self.commands),
            self.base.data,
            self.count,
            self.sampler_steps,
            self.features,
            of_others(self.floor.as_ref()),
        );
        for Trial { change, outcome } in &self.trials {
            let Outcome { parameters, seconds, held_out_loss, quality } = outcome;
            let _ = writeln!(
                text,
                "| {} | {} | {:.2} | {:.2} | {held_out_loss:.2} | {parameters} | {seconds:.0} |",
                named(change),
                quality.distance(),
                quality.overlap.precision,
                quality.overlap.coverage,
            );
        }
        for Failure { change, reason } in &self.failures {
            let _ = writeln!(text, "| {} | – | – | – | {reason} | – | – |", named(change));
        }
        let _ = write!(text, "\nThe settings without a change:\n\n```toml\n{}```\n", self.base.to_toml()?);
        Ok(text)
    }
}
