//! Sample quality against energy gradients, for every sampler.

use std::{fmt::Write as _, fs, path::PathBuf, time::Instant};

use burn::tensor::Device;
use options::Sampler;
use serde::{Deserialize, Serialize};
use shared::sampling::Churn;

use crate::{
    chains::SamplingRun,
    cli::{MeasurementArgs, SamplersArgs},
    error::{Error, Result},
    evaluate::{Quality, QualityMeasure},
    files,
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

/// Everything that was measured, and what it is to be compared with.
#[derive(Serialize, Deserialize)]
struct Results {
    model: PathBuf,
    data: String,
    seed: u64,
    /// The guide, if it is not the model's own.
    #[serde(default)]
    guide: Option<PathBuf>,
    /// Its weight, if there is one.
    #[serde(default)]
    guidance: Option<f32>,
    /// What the features are that the distances are measured on.
    features: String,
    /// Training pictures in place of samples.
    floor: Quality,
    /// Draws from a Gaussian with the training pixels' mean and covariance.
    pixel_gaussian: Quality,
    points: Vec<Point>,
}

/// Measures what is not in `samplers.json` of the folder yet, and writes the numbers, a plot and a table there.
///
/// # Errors
/// The model or the data cannot be read, the data has no labels, or the folder cannot be written.
pub fn samplers(args: SamplersArgs) -> Result<()> {
    let measurement = &args.measurement;
    let (model, data, device) = LoadedModel::subject(&measurement.subject)?;
    let model = model.guided_by(&args.guide, &device)?;
    let measure = QualityMeasure::new(&data)?;
    let guidance = model.guide().map(|guide| guide.weight);
    let mut results = Results::start(measurement, (args.guide.guide.clone(), guidance), &measure)?;
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
    for (sampler, steps, churn) in plan {
        if results.points.iter().any(|p| (p.sampler, p.steps, p.churn) == (sampler, steps, churn.map(Churn::value))) {
            continue;
        }
        let point = measured(measurement, &model, &measure, &device, (sampler, steps, churn))?;
        eprintln!("{}", row(&point));
        results.points.push(point);
        results.write(measurement)?;
    }
    results.write(measurement)
}

fn measured(
    args: &MeasurementArgs,
    model: &LoadedModel,
    measure: &QualityMeasure,
    device: &Device,
    (sampler, steps, churn): (Sampler, usize, Option<Churn>),
) -> Result<Point> {
    let schedule = model.schedule(sampler, steps).with_churn(churn.unwrap_or(Churn::USUAL));
    let begun = Instant::now();
    let pictures = SamplingRun { schedule, count: args.count, seed: args.seed }.run(model, None, device)?;
    Ok(Point {
        sampler,
        steps,
        churn: churn.map(Churn::value),
        seconds: begun.elapsed().as_secs_f64(),
        quality: measure.samples(&pictures)?,
    })
}

impl Results {
    /// What an earlier run of the same measurement has left, or nothing but the comparisons.
    fn start(
        args: &MeasurementArgs,
        (guide, guidance): (Option<PathBuf>, Option<f32>),
        measure: &QualityMeasure,
    ) -> Result<Self> {
        let path = args.subject.out.join("samplers.json");
        let (model, data, seed) = (args.subject.model.model.clone(), args.subject.data.clone(), args.seed);
        if let Ok(text) = fs::read(&path) {
            let earlier: Self = serde_json::from_slice(&text).map_err(|error| {
                Error::input(format!("{}: not an earlier measurement of samplers: {error}", path.display()))
            })?;
            let guided = (&earlier.guide, earlier.guidance) == (&guide, guidance);
            let same = (&earlier.model, &earlier.data, earlier.seed, earlier.floor.count);
            if guided && same == (&model, &data, seed, args.count) {
                return Ok(earlier);
            }
            let text = "it measures another model, data set, seed, guide or count; choose another folder";
            return Err(Error::input(format!("{}: {text}", path.display())));
        }
        Ok(Self {
            model,
            data,
            seed,
            guide,
            guidance,
            features: measure.features()?,
            floor: measure.floor(args.count)?,
            pixel_gaussian: measure.pixel_gaussian(args.count)?,
            points: Vec::new(),
        })
    }

    fn write(&self, args: &MeasurementArgs) -> Result<()> {
        files::write_atomically(&args.subject.out.join("samplers.json"), |file| {
            Ok(serde_json::to_writer_pretty(file, self)?)
        })?;
        let curve = |sampler: Sampler, name: &str| {
            let of_method = self
                .points
                .iter()
                .filter(|p| p.sampler == sampler && p.churn.is_none_or(|churn| churn == Churn::USUAL.value()));
            let mut points: Vec<_> = of_method.map(|p| (p.steps as f64, p.quality.frechet_distance)).collect();
            points.sort_by(|a, b| a.0.total_cmp(&b.0));
            Curve { name: name.to_owned(), points }
        };
        let plot = Plot {
            title: "Sample quality against energy gradients".to_owned(),
            x: Axis { name: "energy gradients for each picture".to_owned(), logarithmic: true },
            y: Axis { name: "Frechet distance to held-out pictures".to_owned(), logarithmic: true },
            curves: vec![
                curve(Sampler::Annealed, "annealed (the paper's)"),
                curve(Sampler::Consistent, "consistent"),
                curve(Sampler::Ode, "ode"),
            ],
            levels: vec![(self.floor.frechet_distance, "training pictures".to_owned())],
        };
        let svg = plot.svg()?;
        files::write_atomically(&args.subject.out.join("samplers.svg"), |file| file.write_all(svg.as_bytes()))?;
        files::write_atomically(&args.subject.out.join("samplers.md"), |file| {
            file.write_all(self.text(args).as_bytes())
        })
    }

    /// What says the guide on the command line.
    fn guide_flags(&self) -> String {
        let guide = self.guide.as_ref().map_or_else(String::new, |guide| format!(" --guide {}", guide.display()));
        format!("{guide} --guidance {}", self.guidance.unwrap_or(0.0))
    }

    fn text(&self, args: &MeasurementArgs) -> String {
        let (model, data, count) = (self.model.display(), &self.data, args.count);
        let mut text = format!(
            "# Samplers\n\nWritten by `trainer experiment samplers --model {model} --data {data} --count {count} --seed {}{} --out \
             {}`.\n\n![Sample quality against energy gradients](samplers.svg)\n\n{count} pictures each, against the {data} \
             pictures held out{}. FD: Frechet distance on {}. Churn: how much more of the residual a step of consistent annealed sampling removes than \
             the fall of the level needs.\n\n| sampler | energy gradients | churn | FD | class score | precision | recall | \
             density | coverage |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
            self.seed,
            self.guide_flags(),
            args.subject.out.display(),
            self.guidance.map_or_else(String::new, |weight| format!(", away from the model's guide by {weight}")),
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
        for (name, quality) in [("training pictures", &self.floor), ("Gaussian of pixels", &self.pixel_gaussian)] {
            let _ = writeln!(text, "| {name} | – | – | {} |", quality.cells());
        }
        text
    }
}

fn row(point: &Point) -> String {
    let sampler = match point.sampler {
        Sampler::Annealed => "annealed",
        Sampler::Consistent => "consistent",
        Sampler::Ode => "ode",
    };
    let churn = point.churn.map_or_else(|| "–".to_owned(), |churn| churn.to_string());
    format!("| {sampler} | {} | {churn} | {} |", point.steps, point.quality.cells())
}
