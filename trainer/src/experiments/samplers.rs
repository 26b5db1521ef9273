//! Sample quality against energy gradients, for every sampler.

use std::{fmt::Write as _, fs, path::PathBuf, time::Instant};

use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use shared::{Method, consistent::SHARE};

use crate::{
    chains::Chains,
    cli::{MeasurementArgs, SamplersArgs},
    error::{Error, Result},
    evaluate::{Judge, Quality},
    files,
    model::LoadedModel,
    plots::{Axis, Curve, Plot},
};

/// One measurement.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Point {
    sampler: Method,
    /// Energy gradients of a picture, without the final jump's.
    steps: usize,
    /// Of consistent annealed sampling.
    share: Option<f32>,
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
    let judge = Judge::new(&data)?;
    let guidance = model.guide().map(|guide| guide.weight);
    let mut results = Results::start(measurement, (args.guide.guide.clone(), guidance), &judge)?;
    let wanted = [
        (Method::Annealed, &args.annealed, None),
        (Method::Consistent, &args.consistent, Some(SHARE)),
        (Method::Ode, &args.ode, None),
    ];
    let mut plan: Vec<_> = wanted
        .into_iter()
        .flat_map(|(method, steps, share)| steps.iter().map(move |&steps| (method, steps, share)))
        .chain(args.shares.iter().flat_map(|&share| {
            args.share_steps.iter().map(move |&steps| (Method::Consistent, steps, Some(share as f32)))
        }))
        .collect();
    plan.sort_by_key(|(_, steps, _)| *steps);
    for (method, steps, share) in plan {
        if results.points.iter().any(|p| (p.sampler, p.steps, p.share) == (method, steps, share)) {
            continue;
        }
        let point = measure(measurement, &model, &judge, &device, (method, steps, share))?;
        eprintln!("{}", row(&point));
        results.points.push(point);
        results.write(measurement)?;
    }
    results.write(measurement)
}

fn measure(
    args: &MeasurementArgs,
    model: &LoadedModel,
    judge: &Judge,
    device: &Device,
    (sampler, steps, share): (Method, usize, Option<f32>),
) -> Result<Point> {
    let schedule = model.schedule(sampler, steps).with_share(share.unwrap_or(SHARE));
    let begun = Instant::now();
    let pictures = Chains { schedule, count: args.count, seed: args.seed }.run(model, None, device)?;
    Ok(Point { sampler, steps, share, seconds: begun.elapsed().as_secs_f64(), quality: judge.samples(&pictures)? })
}

impl Results {
    /// What an earlier run of the same measurement has left, or nothing but the comparisons.
    fn start(args: &MeasurementArgs, (guide, guidance): (Option<PathBuf>, Option<f32>), judge: &Judge) -> Result<Self> {
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
            features: judge.features()?,
            floor: judge.floor(args.count)?,
            pixel_gaussian: judge.pixel_gaussian(args.count)?,
            points: Vec::new(),
        })
    }

    fn write(&self, args: &MeasurementArgs) -> Result<()> {
        files::write_atomically(&args.subject.out.join("samplers.json"), |file| {
            Ok(serde_json::to_writer_pretty(file, self)?)
        })?;
        let curve = |method: Method, name: &str| {
            let of_method = self.points.iter().filter(|p| p.sampler == method && p.share.is_none_or(|s| s == SHARE));
            let mut points: Vec<_> = of_method.map(|p| (p.steps as f64, p.quality.frechet_distance)).collect();
            points.sort_by(|a, b| a.0.total_cmp(&b.0));
            Curve { name: name.to_owned(), points }
        };
        let plot = Plot {
            title: "Sample quality against energy gradients".to_owned(),
            x: Axis { name: "energy gradients for each picture".to_owned(), logarithmic: true },
            y: Axis { name: "Frechet distance to held-out pictures".to_owned(), logarithmic: true },
            curves: vec![
                curve(Method::Annealed, "annealed (the paper's)"),
                curve(Method::Consistent, "consistent"),
                curve(Method::Ode, "ode"),
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
             pictures held out{}. FD: Frechet distance on {}. Share: how much more of the residual a step of consistent annealed sampling removes than \
             the fall of the level needs.\n\n| sampler | energy gradients | share | FD | class score | precision | recall | \
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
            key(a).cmp(&key(b)).then(a.share.partial_cmp(&b.share).unwrap_or(std::cmp::Ordering::Equal))
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
        Method::Annealed => "annealed",
        Method::Consistent => "consistent",
        Method::Ode => "ode",
    };
    let share = point.share.map_or_else(|| "–".to_owned(), |share| share.to_string());
    format!("| {sampler} | {} | {share} | {} |", point.steps, point.quality.cells())
}
