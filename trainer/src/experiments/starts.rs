//! At which noise level a model errs: chains begin at held-out pictures with noise of a level on them, where the chains
//! of a perfect model would be, and fall from there. Their pictures are as good as the data until the level from which
//! the model leads them astray.

use std::{fmt::Write as _, ops::Range};

use serde::{Deserialize, Serialize};
use shared::{
    sampling::{Draw, Noise, Schedule},
    training::NoiseLevels,
};

use super::{
    command,
    numbers::{Experiment, keep, resume},
    subject::{Subject, claim},
};
use crate::{
    chains::SamplingRun,
    cli::StartsArgs,
    error::{Error, Result},
    evaluate::{Counted, Purpose, Quality, QualityMeasure},
    model::LoadedModel,
    plots::{Axis, Curve, Plot},
    train::to_tensor,
};

/// Chains from one level.
#[derive(Serialize, Deserialize)]
struct Start {
    /// Standard deviation of the noise that they begin under. In single precision, as the model has its own: in a file and in
    /// a table that is as short as it was typed.
    level: f32,
    quality: Quality,
}

#[derive(Serialize, Deserialize)]
struct Results {
    #[serde(flatten)]
    subject: Subject,
    /// The model, as it was given.
    model: String,
    seed: u64,
    features: String,
    /// Of consistent annealed sampling.
    steps: usize,
    /// What its chains exchange of their noise.
    churn: f32,
    /// Chains.
    count: usize,
    /// The pictures that chains begin at, in place of samples.
    floor: Option<Quality>,
    /// What was typed to measure all this.
    #[serde(default)]
    commands: Vec<String>,
    starts: Vec<Start>,
}

/// Levels that chains begin at where nobody says which, with the model's largest.
const LEVELS: [f32; 6] = [0.1, 0.2, 0.4, 0.8, 1.5, 3.0];

/// Runs the chains, and writes the numbers, a plot and a table.
///
/// # Errors
/// The model or the data cannot be read, or the folder cannot be written.
pub fn starts(args: StartsArgs) -> Result<()> {
    let measurement = &args.measurement;
    let (model, data, device) = LoadedModel::subject(&measurement.subject)?;
    claim(&measurement.subject.out, "starts", &["starts.md", "starts.svg"])?;
    let measure = QualityMeasure::new(
        &data,
        Purpose::Choice,
        Counted::by_flag(measurement.count),
        measurement.features.features,
    )?;
    // Not the pictures that samples are compared with: chains from little noise would be those again.
    let others = measure.others()?;
    let chosen = &others[..measurement.count.min(others.len())];
    let count = chosen.len();
    let noise = Noise::new(measurement.seed);
    let under = |level: f32, chains: Range<usize>| {
        let clean = model.frame.add(to_tensor(&data.held_out, &chosen[chains.clone()], &device));
        let z = noise.tensor(chains.start as u64, Draw::Start, clean.dims(), &device);
        clean + z * level
    };
    let mut results = Results {
        subject: Subject::of(&model, &data)?,
        model: measurement.subject.model.model.display().to_string(),
        seed: measurement.seed,
        features: measure.features()?,
        steps: args.steps,
        churn: model.churn().value(),
        count,
        floor: measure.floor(count)?,
        commands: vec![command::of_process()],
        starts: Vec::new(),
    };
    let out = &measurement.subject.out;
    resume(out, &mut results)?;
    let levels: Vec<f32> = match args.levels[..] {
        [] => usual_levels(&model.noise),
        _ => args.levels.iter().map(|&level| level as f32).collect(),
    };
    let mut failures = Vec::new();
    for level in levels {
        if results.starts.iter().any(|start| start.level == level) {
            continue;
        }
        let schedule =
            Schedule::falling(args.steps, model.config.sigma_0, level, &model.noise).with_churn(model.churn());
        let chains = SamplingRun { schedule, count, seed: measurement.seed, first: 0 };
        let pictures = chains.run_from(&model, |chains| under(level, chains), &device)?;
        let quality = match measure.samples(&pictures) {
            Ok(quality) => quality,
            // Chains that diverge say something of this level, and nothing of the next.
            Err(Error::Failed(reason)) => {
                eprintln!("warning: from level {level}: {reason}");
                failures.push(format!("from level {level}: {reason}"));
                continue;
            }
            Err(error) => return Err(error),
        };
        eprintln!("{}", row(&level.to_string(), &quality));
        results.starts.push(Start { level, quality });
        results.starts.sort_by(|a, b| a.level.total_cmp(&b.level));
        keep(out, &mut results)?;
    }
    keep(out, &mut results)?;
    println!("{}", out.join("starts.md").display());
    failures.into_iter().next().map_or(Ok(()), |failure| Err(Error::failed(failure)))
}

/// The usual ones that the model was trained between, and its largest.
fn usual_levels(noise: &NoiseLevels) -> Vec<f32> {
    let within = |level: &f32| (noise.min..noise.max).contains(level);
    LEVELS.into_iter().filter(within).chain([noise.max]).collect()
}

impl Experiment for Results {
    type Written = Self;
    const NAME: &'static str = "starts";

    fn is_of(&self, written: &Self) -> bool {
        let of = |results: &Self| (results.steps, results.churn, results.count, results.seed);
        self.subject == written.subject && self.features == written.features && of(self) == of(written)
    }

    fn is_empty(written: &Self) -> bool {
        written.starts.is_empty()
    }

    fn take(&mut self, written: Self) {
        command::put_before(&mut self.commands, written.commands);
        let is_new = |start: &Start| self.starts.iter().all(|own| own.level != start.level);
        let new: Vec<Start> = written.starts.into_iter().filter(is_new).collect();
        self.starts.extend(new);
        self.starts.sort_by(|a, b| a.level.total_cmp(&b.level));
    }

    fn shown(&self) -> Vec<(&'static str, Result<String>)> {
        vec![("starts.svg", self.plot().svg()), ("starts.md", Ok(self.text()))]
    }
}

impl Results {
    fn plot(&self) -> Plot {
        let point = |start: &Start| (f64::from(start.level), start.quality.frechet_distance);
        Plot {
            title: "Samples from pictures under noise".to_owned(),
            x: Axis { name: "noise level at the start".to_owned(), logarithmic: true },
            y: Axis { name: "Frechet distance to held-out pictures".to_owned(), logarithmic: true },
            curves: vec![Curve { name: self.model.clone(), points: self.starts.iter().map(point).collect() }],
            levels: self.floor.iter().map(|floor| (floor.frechet_distance, "where chains begin".to_owned())).collect(),
        }
    }

    fn text(&self) -> String {
        let mut text = format!(
            "# Where a model errs\n\n{}.\n\n![Samples from pictures under noise](starts.svg)\n\nChains begin at {} held-out pictures, with noise of a \
             level on them, and fall from there in {} steps of consistent annealed sampling with churn {}. A perfect model brings them back to \
             pictures as good as the data from any level; from the level where the distance rises, this one does not. FD: Frechet \
             distance to other held-out pictures on {}.\n\n| level | FD | class score | precision | recall | density | coverage |\n| --- | --- | --- | --- | --- | --- | --- |\n",
            command::told(&self.commands),
            self.count,
            self.steps,
            self.churn,
            self.features,
        );
        for start in &self.starts {
            let _ = writeln!(text, "{}", row(&start.level.to_string(), &start.quality));
        }
        if let Some(floor) = &self.floor {
            let _ = writeln!(text, "{}", row("the pictures that chains begin at", floor));
        }
        text
    }
}

fn row(name: &str, quality: &Quality) -> String {
    format!("| {name} | {} |", quality.cells())
}

#[cfg(test)]
mod tests {
    use options::Spacing;

    use super::*;

    #[test]
    fn chains_begin_no_higher_than_the_model_was_trained() {
        let of = |min: f32, max: f32| usual_levels(&NoiseLevels { min, max, spacing: Spacing::Geometric });
        assert_eq!(of(0.05, 1.2), [0.1, 0.2, 0.4, 0.8, 1.2]);
        assert_eq!(of(0.3, 3.0), [0.4, 0.8, 1.5, 3.0]);
        assert_eq!(of(0.5, 0.5), [0.5]);
    }

    #[test]
    fn a_level_is_written_as_it_was_typed_and_known_again() {
        let old: f32 = serde_json::from_str("1.2000000476837158").unwrap();
        assert_eq!((serde_json::to_string(&1.2_f32).unwrap(), old), ("1.2".to_owned(), 1.2));
    }
}
