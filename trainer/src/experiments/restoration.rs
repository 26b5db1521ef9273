//! How good restorations are: held-out pictures of which a part is kept, restored and compared with what they were.

use std::{fmt::Write as _, sync::Arc};

use burn::tensor::Device;
use image::{
    ImageBuffer, Luma,
    imageops::{FilterType, resize},
};
use options::{Region, Sampler, Words};
use serde::{Deserialize, Serialize};
use shared::{
    restoration::{Blocks, Grey, gaussian_blur},
    sampling::Given,
};

use super::{
    command,
    numbers::{Experiment, keep, or_warned, resume},
    subject::{Subject, claim},
};
use crate::{
    chains::SamplingRun,
    cli::RestorationArgs,
    error::Result,
    evaluate::{average, diffused, with_error},
    likelihood::Plan,
    model::LoadedModel,
    npy, output,
    pictures::{self, Picture},
    restoration::{self, Blur},
};

/// A way to spoil a picture.
enum Task {
    /// All but the means of blocks of this side is lost.
    Blocks(usize),
    /// Its colours are lost.
    Grey,
    /// It is blurred by a Gaussian of this standard deviation.
    Blur(f64),
    /// Pixels are lost.
    Pixels(Region),
}

/// What was measured of one task.
#[derive(Serialize, Deserialize)]
struct Row {
    task: String,
    /// Peak signal-to-noise ratios in dB, means over pictures, with their standard errors.
    one: Ratio,
    mean: Ratio,
    /// What restores without a model.
    baseline_name: String,
    baseline: Ratio,
    /// How far from the true pictures one answer, the mean and the baseline are, as the model sees them.
    /// Null for a model of one noise level: they are an integral over levels.
    distances: Option<[f64; 3]>,
    /// The largest difference of a value to what is known.
    known_error: f32,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Ratio {
    decibels: f64,
    standard_error: Option<f64>,
}

#[derive(Serialize, Deserialize)]
struct Results {
    #[serde(flatten)]
    subject: Subject,
    /// The model, as it was given.
    model: String,
    pictures: usize,
    answers: usize,
    steps: usize,
    seed: u64,
    /// What was typed to measure all this.
    #[serde(default)]
    commands: Vec<String>,
    rows: Vec<Row>,
}

/// Energy gradients of each picture for a distance.
const GRADIENTS: usize = 32;

/// Pictures of a task that the folder gets to look at, and answers of each.
const SHOWN: (usize, usize) = (6, 4);

/// Spoils and restores, and writes the numbers, a table and grids.
///
/// # Errors
/// The model or the data cannot be read, or the folder cannot be written.
pub fn restoration(args: RestorationArgs) -> Result<()> {
    let (model, data, device) = LoadedModel::subject(&args.subject)?;
    let drawn = data.held_out.sample(args.pictures, args.seed);
    let truths: Vec<Picture> = (0..drawn.len()).map(|index| drawn.picture(index)).collect();
    let mut tasks: Vec<Task> = [2, 4, 8].map(Task::Blocks).into();
    if model.config.channels == 3 {
        tasks.push(Task::Grey);
    }
    tasks.extend([1.0, 2.0].map(Task::Blur));
    tasks.extend([Region::Right, Region::Stripes, Region::Random].map(Task::Pixels));
    let files = tasks.iter().flat_map(|task| [task.grid(), task.known()]);
    let others: Vec<String> = files.chain(["restoration.md", "truths.npy"].map(str::to_owned)).collect();
    claim(&args.subject.out, "restoration", &others)?;
    let mut results = Results {
        subject: Subject::of(&model, &data)?,
        model: args.subject.model.model.display().to_string(),
        pictures: truths.len(),
        answers: args.answers,
        steps: args.steps,
        seed: args.seed,
        commands: vec![command::of_process()],
        rows: Vec::new(),
    };
    let out = &args.subject.out;
    resume(out, &mut results)?;
    // Before the first grid: by it a folder is known as one that was written here.
    keep(out, &mut results)?;
    // For other programs (`xtask/peers/restoration.py`), as is what is known of them.
    or_warned(npy::write_pictures(&out.join("truths.npy"), &truths).map(drop));
    for task in tasks {
        if results.rows.iter().any(|row| row.task == task.name()) {
            continue;
        }
        let Measured { row, known, shown } = task.measure(&model, &truths, &args, &device)?;
        eprintln!("{}", row.line());
        // What cannot be written costs no number, and the numbers come last: whoever is stopped in between measures this
        // task again.
        if !known.is_empty() {
            or_warned(npy::write_pictures(&out.join(task.known()), &known).map(drop));
        }
        or_warned(pictures::write_grid(&out.join(task.grid()), &shown, Some(2 + SHOWN.1.min(args.answers))));
        results.rows.push(row);
        keep(out, &mut results)?;
    }
    println!("{}", out.join("restoration.md").display());
    Ok(())
}

/// What was measured of a task, with pictures.
struct Measured {
    row: Row,
    /// What is known of each picture, where there are other programs that do the task.
    known: Vec<Picture>,
    /// Pictures to look at: true ones, each with what is made of it without a model and answers.
    shown: Vec<Picture>,
}

impl Task {
    fn name(&self) -> String {
        match self {
            Self::Blocks(side) => format!("enlarge {side} times"),
            Self::Grey => "colour".to_owned(),
            Self::Blur(deviation) => format!("sharpen a blur of {deviation}"),
            Self::Pixels(region) => format!("fill in {}", region.word()),
        }
    }

    /// What its files are called.
    fn file(&self) -> String {
        self.name().replace([' ', '.'], "-")
    }

    /// The file of pictures to look at.
    fn grid(&self) -> String {
        format!("{}.png", self.file())
    }

    /// The file of what is known of the pictures.
    fn known(&self) -> String {
        format!("known-{}.npy", self.file())
    }

    fn measure(
        &self,
        model: &LoadedModel,
        truths: &[Picture],
        args: &RestorationArgs,
        device: &Device,
    ) -> Result<Measured> {
        let (mut one, mut mean, mut without) = (Vec::new(), Vec::new(), Vec::new());
        let (mut known_error, mut shown, mut known) = (0.0f32, Vec::new(), Vec::new());
        let plan = Plan::integral(model.noise, GRADIENTS, args.seed);
        let mut distances = [0.0; 3];
        for (number, truth) in truths.iter().enumerate() {
            let Spoilt { given, known: kept, baseline } = self.spoilt(model, truth, device)?;
            known.extend(kept);
            let chains = SamplingRun {
                schedule: model.schedule(Sampler::Consistent, args.steps),
                count: args.answers,
                seed: args.seed.wrapping_add(number as u64),
                first: 0,
            };
            let answers = chains.run(model, Some(&given), device)?;
            let x = model.frame.add(output::tensor(&answers, device));
            known_error = known_error.max(output::floats((given.keep(x.clone()) - x).abs().max())?[0]);
            let each: Vec<f64> = answers.iter().map(|answer| error(truth, answer)).collect();
            one.push(each.iter().sum::<f64>() / each.len() as f64);
            let best = average(&answers);
            mean.push(error(truth, &best));
            without.push(error(truth, &baseline));
            let others = [&best, &baseline].into_iter().chain(&answers);
            let pairs: Vec<[Picture; 2]> = others.map(|other| [truth.clone(), other.clone()]).collect();
            let found = plan.distances(model, &pairs, device)?;
            let (of_best, of_baseline) = (found[0], found[1]);
            let of_one = found[2..].iter().sum::<f64>() / answers.len() as f64;
            for (sum, distance) in distances.iter_mut().zip([of_one, of_best, of_baseline]) {
                *sum += distance / truths.len() as f64;
            }
            if number < SHOWN.0 {
                shown.extend([truth.clone(), baseline]);
                shown.extend(answers.into_iter().take(SHOWN.1));
            }
        }
        let baseline_name = match self {
            Self::Blocks(_) => "bicubic",
            Self::Grey => "as grey",
            Self::Blur(_) => "as blurred",
            Self::Pixels(_) => "smoothest fill",
        };
        let row = Row {
            task: self.name(),
            one: Ratio::of(&one),
            mean: Ratio::of(&mean),
            baseline_name: baseline_name.to_owned(),
            baseline: Ratio::of(&without),
            distances: (model.noise.max > model.noise.min).then_some(distances),
            known_error,
        };
        Ok(Measured { row, known, shown })
    }

    /// What is known of a picture, and what would be made of it without a model.
    fn spoilt(&self, model: &LoadedModel, truth: &Picture, device: &Device) -> Result<Spoilt> {
        let tensor = || output::tensor(std::slice::from_ref(truth), device);
        Ok(match *self {
            Self::Blocks(side) => {
                let small = output::pictures(Blocks { side }.means(tensor()))?.pop();
                let enlarged = small.as_ref().map(|small| enlarged(small, side, (truth.height, truth.width)));
                Spoilt {
                    given: restoration::blocks(model, truth, side, 0.0, device),
                    known: small,
                    baseline: enlarged.unwrap_or_else(|| truth.clone()),
                }
            }
            Self::Grey => {
                let shade = Grey::of_colours().brightness(tensor());
                let grey = output::pictures(shade.repeat_dim(1, truth.channels))?.pop();
                Spoilt {
                    given: restoration::grey(model, truth, 0.0, device),
                    known: None,
                    baseline: grey.unwrap_or_else(|| truth.clone()),
                }
            }
            Self::Blur(deviation) => {
                // As a camera would give it: of 256 values.
                let mut given =
                    Picture { pixels: output::floats(gaussian_blur(tensor(), deviation))?, ..truth.clone() };
                given.pixels.iter_mut().for_each(|value| *value = (*value * 255.0).round() / 255.0);
                let blur = Blur::Gaussian(deviation);
                Spoilt {
                    given: restoration::blurred(model, &given, &blur, 0.0, device)?,
                    known: Some(given.clone()),
                    baseline: given,
                }
            }
            Self::Pixels(region) => {
                let places = (0..truth.height).flat_map(|y| (0..truth.width).map(move |x| (y, x)));
                let unknown: Vec<bool> = places.map(|at| region.contains(at, (truth.height, truth.width))).collect();
                let mut known = truth.clone();
                let lost = unknown.iter().cycle();
                known.pixels.iter_mut().zip(lost).filter(|(_, lost)| **lost).for_each(|(value, _)| *value = f32::NAN);
                Spoilt {
                    given: restoration::pixels(model, truth, &unknown, 0.0, device),
                    known: Some(known),
                    baseline: diffused(truth, &unknown),
                }
            }
        })
    }
}

/// A spoilt picture.
struct Spoilt {
    /// What the chains know of it.
    given: Arc<dyn Given>,
    /// The same as a picture for other programs, lost pixels not a number, where there are such that do the task.
    known: Option<Picture>,
    /// What would be made of it without a model.
    baseline: Picture,
}

/// Every plane as another.
fn planes(picture: &Picture, change: impl Fn(ImageBuffer<Luma<f32>, Vec<f32>>) -> Vec<f32>) -> Vec<f32> {
    let (height, width) = (picture.height as u32, picture.width as u32);
    let planes = picture.pixels.chunks(picture.height * picture.width);
    planes.filter_map(|plane| ImageBuffer::from_raw(width, height, plane.to_vec())).flat_map(change).collect()
}

/// Means of blocks of this side, enlarged to a picture of this height and width. The last blocks may reach beyond it.
fn enlarged(means: &Picture, side: usize, (height, width): (usize, usize)) -> Picture {
    let whole = resized(means, means.height * side, means.width * side);
    let rows = whole.pixels.chunks(whole.width).enumerate().filter(|(row, _)| row % whole.height < height);
    let pixels = rows.flat_map(|(_, row)| &row[..width]).copied().collect();
    Picture { height, width, pixels, ..whole }
}

fn resized(picture: &Picture, height: usize, width: usize) -> Picture {
    let change = |plane| resize(&plane, width as u32, height as u32, FilterType::CatmullRom).into_raw();
    let pixels = planes(picture, change).into_iter().map(|value| value.clamp(0.0, 1.0)).collect();
    Picture { channels: picture.channels, height, width, pixels }
}

/// The mean squared error of a value.
fn error(truth: &Picture, other: &Picture) -> f64 {
    let squares = truth.pixels.iter().zip(&other.pixels).map(|(a, b)| f64::from(a - b).powi(2));
    squares.sum::<f64>() / truth.pixels.len().max(1) as f64
}

impl Ratio {
    /// Of the mean over pictures of their mean squared errors.
    fn of(errors: &[f64]) -> Self {
        let n = errors.len().max(1) as f64;
        let mean = errors.iter().sum::<f64>() / n;
        let squares = errors.iter().map(|error| (error - mean).powi(2)).sum::<f64>();
        // The logarithm's slope carries the error of the mean over to decibels.
        let of_mean = |error: f64| 10.0 / std::f64::consts::LN_10 * error / mean.max(f64::MIN_POSITIVE);
        let standard_error = (errors.len() > 1).then(|| of_mean((squares / (n - 1.0) / n).sqrt()));
        Self { decibels: -10.0 * mean.max(1e-12).log10(), standard_error }
    }
}

impl std::fmt::Display for Ratio {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&with_error(self.decibels, self.standard_error, 1))
    }
}

impl Row {
    fn line(&self) -> String {
        let Self { task, one, mean, baseline_name, baseline, distances, known_error } = self;
        let distances = distances.map_or_else(
            || "–".to_owned(),
            |[near_one, near_mean, near_baseline]| format!("{near_one:.0} / {near_mean:.0} / {near_baseline:.0}"),
        );
        format!("| {task} | {one} | {mean} | {baseline} ({baseline_name}) | {distances} | {known_error:.0e} |")
    }
}

impl Experiment for Results {
    type Written = Self;
    const NAME: &'static str = "restoration";

    fn is_of(&self, written: &Self) -> bool {
        let of = |results: &Self| (results.pictures, results.answers, results.steps, results.seed);
        self.subject == written.subject && of(self) == of(written)
    }

    fn is_empty(written: &Self) -> bool {
        written.rows.is_empty()
    }

    fn take(&mut self, written: Self) {
        command::put_before(&mut self.commands, written.commands);
        let is_new = |row: &Row| self.rows.iter().all(|own| own.task != row.task);
        let new: Vec<Row> = written.rows.into_iter().filter(is_new).collect();
        self.rows.extend(new);
    }

    fn shown(&self) -> Vec<(&'static str, Result<String>)> {
        vec![("restoration.md", Ok(self.text()))]
    }
}

impl Results {
    fn text(&self) -> String {
        let mut text = format!(
            "# Restorations\n\n{}.\n\nPeak signal-to-noise ratios in dB of {} held-out pictures, with their standard errors. One answer may be \
             another picture, as good as the true one; the mean of {} is the best guess. Distances to the true pictures are the \
             information-estimation metric by this model: of one answer, of the mean, and without a model. The last column is the \
             largest difference of a value to what is known.\n\n| task | one answer | mean of answers | without a model | distances | \
             known part |\n| --- | --- | --- | --- | --- | --- |\n",
            command::told(&self.commands),
            self.pictures,
            self.answers
        );
        for row in &self.rows {
            let _ = writeln!(text, "{}", row.line());
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_of_blocks_that_reach_beyond_the_picture_are_enlarged_in_their_places() {
        // A ramp of 28 columns: means of blocks of 8 are those of their middles, and the last block has half of its columns.
        let means = |from: usize, to: usize| (from..to).map(|x| x as f32 / 28.0).sum::<f32>() / (to - from) as f32;
        let row = [means(0, 8), means(8, 16), means(16, 24), means(24, 28)];
        let blocks = Picture { channels: 1, height: 4, width: 4, pixels: row.repeat(4) };
        let picture = enlarged(&blocks, 8, (28, 28));
        assert_eq!((picture.height, picture.width, picture.pixels.len()), (28, 28, 28 * 28));
        for x in 12..16 {
            let (found, expected) = (picture.pixels[5 * 28 + x], x as f32 / 28.0);
            assert!((found - expected).abs() < 0.01, "column {x}: {found}, not {expected}");
        }
    }
}
