//! Sample quality against energy gradients, for every sampler.

use std::{fmt::Write as _, time::Instant};

use burn::tensor::Device;
use options::{Sampler, Words};
use serde::{Deserialize, Serialize};
use shared::{model::Weights, sampling::Churn};

use super::{
    OTHER_HALF, command,
    numbers::{Experiment, earlier, keep},
    subject::{self, claim},
};
use crate::{
    chains::SamplingRun,
    cli::{MeasurementArgs, SamplersArgs},
    error::{Error, Result},
    evaluate::{Counted, Purpose, Quality, QualityMeasure, fingerprint},
    features::FeatureChoice,
    model::LoadedModel,
    plots::{Axis, Curve, Plot},
};

/// One measurement.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Point {
    sampler: Sampler,
    /// Energy gradients of a picture, without the final jump's.
    steps: usize,
    /// Of consistent annealed sampling.
    churn: Option<f32>,
    seconds: f64,
    quality: Quality,
}

impl Point {
    /// What was measured.
    fn method(&self) -> (Sampler, usize, Option<f32>) {
        (self.sampler, self.steps, self.churn)
    }
}

/// Everything that was measured, and what it is to be compared with.
#[derive(Serialize, Deserialize)]
struct Results {
    #[serde(flatten)]
    subject: Subject,
    /// The model, as it was given.
    model: String,
    /// The guide, as it was given, if it is not the model's own.
    #[serde(default)]
    guide: Option<String>,
    /// What the features are that the distances are measured on.
    features: String,
    /// The other half of the held-out pictures in place of samples; null where there are too few for two halves.
    floor: Option<Quality>,
    /// Draws from a Gaussian with the training pixels' mean and covariance.
    pixel_gaussian: Quality,
    /// What was typed to measure all this.
    #[serde(default)]
    commands: Vec<String>,
    points: Vec<Point>,
}

/// What is measured: points of another subject are no points of this one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Subject {
    #[serde(flatten)]
    model: subject::Subject,
    /// SHA-256 of the guide's; null without one.
    guide_weights: Option<String>,
    /// The guide's weight in the energy that chains go down; null without one.
    guidance: Option<f32>,
    seed: u64,
    /// Samples of each point.
    count: usize,
    /// What they are judged by.
    judge: FeatureChoice,
}

/// Measures what is not in `samplers.json` of the folder yet, and writes the numbers, a plot and a table there.
///
/// # Errors
/// The model or the data cannot be read, the data has no labels, or the folder cannot be written.
pub fn samplers(args: SamplersArgs) -> Result<()> {
    let measurement = &args.measurement;
    let (model, data, device) = LoadedModel::subject(&measurement.subject)?;
    claim(&measurement.subject.out, "samplers", &["samplers.md", "samplers.svg"])?;
    let model = model.guided_by(&args.guide, &device)?;
    let guide = model.guide();
    let subject = Subject {
        model: subject::Subject::of(&model, &data)?,
        guide_weights: guide.map(|guide| fingerprint(&Weights::of(&guide.model.network))).transpose()?,
        guidance: guide.map(|guide| guide.weight),
        seed: measurement.seed,
        count: measurement.count,
        judge: measurement.features.features.on(&data)?,
    };
    let out = &measurement.subject.out;
    let earlier = earlier::<Results>(out, |earlier| earlier.subject == subject)?;
    let measure = QualityMeasure::new(&data, Purpose::Choice, Counted::by_flag(measurement.count), subject.judge)?;
    let mut results = match earlier {
        Some(earlier) => earlier,
        None => Results {
            subject,
            model: measurement.subject.model.model.display().to_string(),
            guide: args.guide.guide.as_ref().map(|guide| guide.display().to_string()),
            features: measure.features()?,
            floor: measure.floor(measurement.count)?,
            pixel_gaussian: measure.pixel_gaussian(measurement.count)?,
            commands: Vec::new(),
            points: Vec::new(),
        },
    };
    let earlier = std::mem::replace(&mut results.commands, vec![command::of_process()]);
    command::put_before(&mut results.commands, earlier);
    let wanted = [
        (Sampler::Annealed, &args.annealed, None),
        (Sampler::Consistent, &args.consistent, Some(Churn::USUAL)),
        (Sampler::Ode, &args.ode, None),
    ];
    let mut plan: Vec<_> =
        wanted
            .into_iter()
            .flat_map(|(sampler, steps, churn)| steps.iter().map(move |&steps| (sampler, steps, churn)))
            .chain(args.churns.iter().flat_map(|&churn| {
                args.churn_steps.iter().map(move |&steps| (Sampler::Consistent, steps, Some(churn)))
            }))
            .collect();
    plan.sort_by_key(|(_, steps, _)| *steps);
    let mut failures = Vec::new();
    for (sampler, steps, churn) in plan {
        if results.points.iter().any(|point| point.method() == (sampler, steps, churn.map(Churn::value))) {
            continue;
        }
        match measured(measurement, &model, &measure, &device, (sampler, steps, churn)) {
            Ok(point) => {
                eprintln!("{}", row(&point));
                results.points.push(point);
                keep(out, &mut results)?;
            }
            // Chains that diverge say something of these steps, and nothing of the next.
            Err(Error::Failed(reason)) => {
                let churn = churn.map_or_else(String::new, |churn| format!(" with churn {}", churn.value()));
                let failure = format!("{} of {steps} steps{churn}: {reason}", sampler.word());
                eprintln!("warning: {failure}");
                failures.push(failure);
            }
            Err(error) => return Err(error),
        }
    }
    keep(out, &mut results)?;
    failures.into_iter().next().map_or(Ok(()), |failure| Err(Error::failed(failure)))
}

fn measured(
    args: &MeasurementArgs,
    model: &LoadedModel,
    measure: &QualityMeasure<'_>,
    device: &Device,
    (sampler, steps, churn): (Sampler, usize, Option<Churn>),
) -> Result<Point> {
    let schedule = model.schedule(sampler, steps).with_churn(churn.unwrap_or(Churn::USUAL));
    let begun = Instant::now();
    let pictures = SamplingRun { schedule, count: args.count, seed: args.seed, first: 0 }.run(model, None, device)?;
    Ok(Point {
        sampler,
        steps,
        churn: churn.map(Churn::value),
        seconds: begun.elapsed().as_secs_f64(),
        quality: measure.samples(&pictures)?,
    })
}

impl Experiment for Results {
    type Written = Self;
    const NAME: &'static str = "samplers";

    fn is_of(&self, written: &Self) -> bool {
        self.subject == written.subject
    }

    fn is_empty(written: &Self) -> bool {
        written.points.is_empty()
    }

    fn take(&mut self, written: Self) {
        command::put_before(&mut self.commands, written.commands);
        let is_new = |point: &Point| self.points.iter().all(|own| own.method() != point.method());
        let new: Vec<Point> = written.points.into_iter().filter(is_new).collect();
        self.points.extend(new);
    }

    fn shown(&self) -> Vec<(&'static str, Result<String>)> {
        vec![("samplers.svg", self.plot().svg()), ("samplers.md", Ok(self.text()))]
    }
}

impl Results {
    fn plot(&self) -> Plot {
        let curve = |sampler: Sampler, name: &str| {
            let of_method = self
                .points
                .iter()
                .filter(|p| p.sampler == sampler && p.churn.is_none_or(|churn| churn == Churn::USUAL.value()));
            let mut points: Vec<_> = of_method.map(|p| (p.steps as f64, p.quality.frechet_distance)).collect();
            points.sort_by(|a, b| a.0.total_cmp(&b.0));
            Curve { name: name.to_owned(), points }
        };
        Plot {
            title: "Sample quality against energy gradients".to_owned(),
            x: Axis { name: "energy gradients for each picture".to_owned(), logarithmic: true },
            y: Axis { name: "Frechet distance to held-out pictures".to_owned(), logarithmic: true },
            curves: vec![
                curve(Sampler::Annealed, "annealed (the paper's)"),
                curve(Sampler::Consistent, "consistent"),
                curve(Sampler::Ode, "ode"),
            ],
            levels: self.floor.iter().map(|floor| (floor.frechet_distance, OTHER_HALF.to_owned())).collect(),
        }
    }

    fn text(&self) -> String {
        let (data, count) = (&self.subject.model.data, self.subject.count);
        let mut text = format!(
            "# Samplers\n\n{}.\n\n![Sample quality against energy gradients](samplers.svg)\n\n{count} pictures each{}, against held-out \
             pictures of {data}, others than `trainer evaluate` compares with. FD: Frechet distance on {}. With churn, a step of consistent annealed sampling keeps the part \
             `(next / level)^(1 + churn)` of the noise, and new noise takes the place of the rest.\n\n| sampler | energy gradients | churn | FD | class score | precision | recall | \
             density | coverage |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
            command::told(&self.commands),
            self.subject.guidance.map_or_else(String::new, |weight| format!(", with guidance {weight}")),
            self.features,
        );
        let mut points: Vec<_> = self.points.iter().collect();
        points.sort_by(|a, b| {
            let key = |p: &Point| (p.sampler as usize, p.steps);
            key(a).cmp(&key(b)).then(a.churn.partial_cmp(&b.churn).unwrap_or(std::cmp::Ordering::Equal))
        });
        for point in points {
            text.push_str(&row(point));
            text.push('\n');
        }
        let floor = self.floor.iter().map(|floor| (OTHER_HALF, floor));
        for (name, quality) in floor.chain([("Gaussian of pixels", &self.pixel_gaussian)]) {
            let _ = writeln!(text, "| {name} | – | – | {} |", quality.cells());
        }
        text
    }
}

fn row(point: &Point) -> String {
    let sampler = point.sampler.word();
    let churn = point.churn.map_or_else(|| "–".to_owned(), |churn| churn.to_string());
    format!("| {sampler} | {} | {churn} | {} |", point.steps, point.quality.cells())
}
