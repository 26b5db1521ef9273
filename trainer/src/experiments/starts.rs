//! At which noise level a model errs: chains begin at held-out pictures with noise of a level on them, where the chains
//! of a perfect model would be, and fall from there. Their pictures are as good as the data until the level from which
//! the model leads them astray.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use shared::sampling::{Draw, Noise, Schedule};

use super::subject::{Subject, claim, earlier};
use crate::{
    chains::SamplingRun,
    cli::StartsArgs,
    error::{Error, Result},
    evaluate::{Purpose, Quality, QualityMeasure},
    files,
    model::LoadedModel,
    plots::{Axis, Curve, Plot},
    train::to_tensor,
};

/// Chains from one level.
#[derive(Serialize, Deserialize)]
struct Start {
    /// Standard deviation of the noise that they begin under.
    level: f64,
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
    starts: Vec<Start>,
}

/// Runs the chains, and writes the numbers, a plot and a table.
///
/// # Errors
/// The model or the data cannot be read, or the folder cannot be written.
pub fn starts(args: StartsArgs) -> Result<()> {
    let measurement = &args.measurement;
    let (model, data, device) = LoadedModel::subject(&measurement.subject)?;
    claim(&measurement.subject.out, "starts", &["starts.md", "starts.svg"])?;
    let measure = QualityMeasure::new(&data, Purpose::Choice, measurement.count, measurement.features.features)?;
    // Not the pictures that samples are compared with: chains from little noise would be those again.
    let others = measure.others()?;
    let chosen = &others[..measurement.count.min(others.len())];
    let count = chosen.len();
    let clean = model.frame.add(to_tensor(&data.held_out, chosen, &device));
    let noise = Noise::new(measurement.seed);
    let z = noise.tensor(0, Draw::Start, clean.dims(), &device);
    let mut results = Results {
        subject: Subject::of(&model, &data)?,
        model: measurement.subject.model.model.display().to_string(),
        seed: measurement.seed,
        features: measure.features()?,
        steps: args.steps,
        churn: model.churn().value(),
        count,
        floor: measure.floor(count)?,
        starts: Vec::new(),
    };
    let path = measurement.subject.out.join("starts.json");
    let is_same = |earlier: &Results| {
        let of = |results: &Results| (results.steps, results.churn, results.count, results.seed);
        earlier.subject == results.subject && earlier.features == results.features && of(earlier) == of(&results)
    };
    if let Some(earlier) = earlier(&path, is_same)? {
        results.starts = earlier.starts;
    }
    let usual = [0.1, 0.2, 0.4, 0.8, 1.5, 3.0].into_iter().chain([f64::from(model.noise.max)]);
    let levels: Vec<f64> = if args.levels.is_empty() { usual.collect() } else { args.levels.clone() };
    let mut failures = Vec::new();
    for level in levels {
        if results.starts.iter().any(|start| start.level == level) {
            continue;
        }
        let schedule =
            Schedule::falling(args.steps, model.config.sigma_0, level as f32, &model.noise).with_churn(model.churn());
        let chains = SamplingRun { schedule, count, seed: measurement.seed, first: 0 };
        let pictures = chains.run_from(&model, &(clean.clone() + z.clone() * level), &device)?;
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
        results.write(&args)?;
    }
    results.write(&args)?;
    println!("{}", measurement.subject.out.join("starts.md").display());
    failures.into_iter().next().map_or(Ok(()), |failure| Err(Error::failed(failure)))
}

impl Results {
    fn write(&self, args: &StartsArgs) -> Result<()> {
        let out = &args.measurement.subject.out;
        files::write_atomically(&out.join("starts.json"), |file| Ok(serde_json::to_writer_pretty(file, self)?))?;
        let points = self.starts.iter().map(|start| (start.level, start.quality.frechet_distance)).collect();
        let plot = Plot {
            title: "Samples from pictures under noise".to_owned(),
            x: Axis { name: "noise level at the start".to_owned(), logarithmic: true },
            y: Axis { name: "Frechet distance to held-out pictures".to_owned(), logarithmic: true },
            curves: vec![Curve { name: self.model.clone(), points }],
            levels: self.floor.iter().map(|floor| (floor.frechet_distance, "where chains begin".to_owned())).collect(),
        };
        let svg = plot.svg()?;
        files::write_atomically(&out.join("starts.svg"), |file| file.write_all(svg.as_bytes()))?;
        let text = self.text(args);
        files::write_atomically(&out.join("starts.md"), |file| file.write_all(text.as_bytes()))
    }

    fn text(&self, args: &StartsArgs) -> String {
        let measurement = &args.measurement;
        let mut text = format!(
            "# Where a model errs\n\nWritten by `trainer experiment starts --model {} --data {} --count {} --seed {} --steps {} \
             --out {}`.\n\n![Samples from pictures under noise](starts.svg)\n\nChains begin at {} held-out pictures, with noise of a \
             level on them, and fall from there in {} steps of consistent annealed sampling with churn {}. A perfect model brings them back to \
             pictures as good as the data from any level; from the level where the distance rises, this one does not. FD: Frechet \
             distance to other held-out pictures on {}.\n\n| level | FD | class score | precision | recall | density | coverage |\n| --- | --- | --- | --- | --- | --- | --- |\n",
            self.model,
            measurement.subject.data,
            measurement.count,
            measurement.seed,
            self.steps,
            measurement.subject.out.display(),
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
