//! One noise level against many: the central claim of the paper, with pictures and in the plane.

use std::fmt::Write as _;

use burn::tensor::Device;
use options::{Sampler, Spacing, ToyShape, Words};
use serde::{Deserialize, Serialize};
use shared::{
    sampling::Schedule,
    toy::{Found, ToyTraining, ToyWalk, points},
    training::NoiseLevels,
};

use super::{
    OTHER_HALF, command,
    numbers::{Experiment, keep, or_warned, resume},
    of_others,
    subject::{claim, hash},
    trial::{self, TrialSampling},
};
use crate::{
    cli::NoiseLevelsArgs,
    data::{self, DataSet},
    error::{Error, Result},
    evaluate::{Counted, Purpose, Quality, QualityMeasure},
    features::FeatureChoice,
    folders, overwriting,
    pictures::{self, Picture},
    plots::{Axis, Curve, Plot},
    train::{RunConfig, TrainingPreset},
};

/// Models of pictures that differ in their noise levels alone.
#[derive(Serialize, Deserialize)]
struct Trained {
    /// The one level, or null for many.
    level: Option<f32>,
    quality: Quality,
}

/// A training of pictures that came to nothing.
#[derive(Serialize, Deserialize)]
struct Failure {
    level: Option<f32>,
    reason: String,
}

/// Energies of the plane that differ in their noise levels alone.
#[derive(Serialize, Deserialize)]
struct Walked {
    level: Option<f32>,
    shape: ToyShape,
    /// The share of the chains that ended at the data.
    near: f32,
    /// The share of the data that has a chain near it.
    covered: f32,
}

#[derive(Serialize, Deserialize)]
struct Results {
    data: String,
    plan: Plan,
    features: String,
    /// The other half of the held-out pictures in place of samples; null where there are too few for two halves.
    floor: Option<Quality>,
    pictures: Vec<Trained>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    failures: Vec<Failure>,
    /// What was typed to measure all this.
    #[serde(default)]
    commands: Vec<String>,
    plane: Vec<Walked>,
}

/// What all trainings have: results of another plan are not those of this one.
#[derive(PartialEq, Serialize, Deserialize)]
struct Plan {
    /// SHA-256 of the pictures.
    pictures: String,
    sigma_min: f64,
    sigma_max: f64,
    width: usize,
    steps: u64,
    /// Samples of each, and the sampler's steps.
    count: usize,
    sampler_steps: usize,
}

/// Training steps and batch of the plane, and the sampler's chains and steps.
const PLANE: (usize, usize, usize, usize) = (1500, 128, 200, 270);
/// The files, beside the numbers and the grids.
const TABLE: &str = "noise-levels.md";
const PICTURES_PLOT: &str = "noise-levels-pictures.svg";
const PLANE_PLOT: &str = "noise-levels-plane.svg";
/// Largest of many levels there, as in the page: the points lie within about 1.5 of the middle.
const PLANE_LARGEST: f32 = 1.5;
const SHAPES: [ToyShape; 4] = [ToyShape::Moons, ToyShape::Rings, ToyShape::Grid, ToyShape::Spiral];

/// Trains with one level and with many, samples all by annealed Langevin dynamics, and writes numbers, plots, grids and
/// a table.
///
/// # Errors
/// The data cannot be read or has nothing to measure samples with, or the folder cannot be written.
pub fn noise_levels(args: NoiseLevelsArgs) -> Result<()> {
    folders::check("--out", &args.out)?;
    let (device, _) = args.backend.device()?;
    let data = data::open_told(&args.data, args.data_dir.as_deref(), None)?;
    let many = NoiseLevels { min: args.sigma_min as f32, max: args.sigma_max as f32, spacing: Spacing::Geometric };
    if many.min > many.max {
        return Err(Error::input(format!("--sigma-min {} is above --sigma-max {}", many.min, many.max)));
    }
    let measure = QualityMeasure::new(&data, Purpose::Choice, Counted::by_flag(args.count), FeatureChoice::Auto)?;
    overwriting::not_among(&args.out, &data)?;
    let grids = args.levels.iter().map(|&level| grid(Some(level as f32))).chain([grid(None)]);
    let others: Vec<String> = grids.chain([TABLE, PICTURES_PLOT, PLANE_PLOT].map(str::to_owned)).collect();
    claim(&args.out, "noise-levels", &others)?;
    let one = args.levels.iter().map(|&level| level as f32);
    let settings: Vec<(Option<f32>, NoiseLevels)> = one
        .map(|level| (Some(level), NoiseLevels { min: level, max: level, spacing: Spacing::Geometric }))
        .chain([(None, many)])
        .collect();

    let mut results = Results {
        data: data.name.clone(),
        plan: Plan {
            pictures: hash(&data),
            sigma_min: args.sigma_min,
            sigma_max: args.sigma_max,
            width: args.width,
            steps: args.steps.into(),
            count: args.count,
            sampler_steps: args.sampler_steps,
        },
        features: measure.features()?,
        floor: measure.floor(args.count)?,
        pictures: Vec::new(),
        failures: Vec::new(),
        commands: vec![command::of_process()],
        plane: Vec::new(),
    };
    resume(&args.out, &mut results)?;
    // Before the first grid: by it a folder is known as one that was written here.
    keep(&args.out, &mut results)?;
    let mut failed = None;
    for &(level, noise) in &settings {
        if results.pictures.iter().any(|trained| trained.level == level) {
            continue;
        }
        eprintln!("training with {}", name(level));
        match trained(&args, &data, &measure, noise, many, &device) {
            Ok((quality, samples)) => {
                // What cannot be written costs no number, and the numbers come last: whoever is stopped in between trains
                // this one again.
                let shown = &samples[..samples.len().min(SHOWN)];
                or_warned(pictures::write_grid(&args.out.join(grid(level)), shown, Some(COLUMNS)));
                results.pictures.push(Trained { level, quality });
            }
            // A loss that runs away says something of this level, and nothing of the next.
            Err(Error::Failed(reason)) => {
                eprintln!("warning: {}: {reason}", name(level));
                failed = failed.or_else(|| Some(format!("{}: {reason}", name(level))));
                results.failures.retain(|failure| failure.level != level);
                results.failures.push(Failure { level, reason });
            }
            Err(error) => return Err(error),
        }
        keep(&args.out, &mut results)?;
    }
    let many_in_plane = NoiseLevels { max: results.plan.largest_in_plane(), ..many };
    for (&(level, noise), shape) in settings.iter().flat_map(|setting| SHAPES.map(|shape| (setting, shape))) {
        if results.plane.iter().any(|walked| walked.is_of(level, shape)) {
            continue;
        }
        let noise = if level.is_some() { noise } else { many_in_plane };
        results.plane.push(walked(level, noise, shape));
    }
    keep(&args.out, &mut results)?;
    println!("{}", args.out.join(TABLE).display());
    failed.map_or(Ok(()), |failed| Err(Error::failed(failed)))
}

impl Plan {
    /// Of many levels.
    fn largest_in_plane(&self) -> f32 {
        (self.sigma_max as f32).min(PLANE_LARGEST.max(self.sigma_min as f32))
    }
}

impl Walked {
    fn is_of(&self, level: Option<f32>, shape: ToyShape) -> bool {
        (self.level, self.shape) == (level, shape)
    }
}

fn trained(
    args: &NoiseLevelsArgs,
    data: &DataSet,
    measure: &QualityMeasure<'_>,
    noise: NoiseLevels,
    many: NoiseLevels,
    device: &Device,
) -> Result<(Quality, Vec<Picture>)> {
    let mut config =
        RunConfig { data: args.data.clone(), noise, noise_follows_size: false, ..TrainingPreset::Unet4.settings() };
    config.network.width = args.width;
    config.optimization.steps = args.steps.into();
    // The same for all, which is not what each model's own sampler would be: that begins at its largest level.
    let schedule = Schedule::of(Sampler::Annealed, args.sampler_steps, config.network.sigma_0, &many);
    let sampling = TrialSampling { schedule, count: args.count };
    let (outcome, samples) = trial::run(config, data, measure, sampling, device)?;
    Ok((outcome.quality, samples))
}

/// Samples in a grid, and in its row.
const SHOWN: usize = 24;
const COLUMNS: usize = 12;

fn grid(level: Option<f32>) -> String {
    format!("noise-levels-{}.png", level.map_or_else(|| "many".to_owned(), |level| level.to_string()))
}

fn name(level: Option<f32>) -> String {
    level.map_or_else(|| "many levels".to_owned(), |level| format!("the level {level} alone"))
}

fn walked(level: Option<f32>, noise: NoiseLevels, shape: ToyShape) -> Walked {
    let (steps, batch, chains, walk_steps) = PLANE;
    let points = points(shape, 512);
    let mut training = ToyTraining::new(2, points.clone(), noise.levels(batch), steps);
    while training.step().is_some() {}
    let mut walk = ToyWalk::new(2, chains, walk_steps);
    while walk.step(&training.energy) {}
    let Found { near, covered } = walk.found(&points);
    Walked { level, shape, near, covered }
}

impl Experiment for Results {
    type Written = Self;
    const NAME: &'static str = "noise-levels";

    fn is_of(&self, written: &Self) -> bool {
        self.plan == written.plan && self.features == written.features
    }

    fn is_empty(written: &Self) -> bool {
        written.pictures.is_empty()
    }

    fn take(&mut self, written: Self) {
        command::put_before(&mut self.commands, written.commands);
        let is_new = |trained: &Trained| self.pictures.iter().all(|own| own.level != trained.level);
        let new: Vec<Trained> = written.pictures.into_iter().filter(is_new).collect();
        self.pictures.extend(new);
        let is_new = |walked: &Walked| self.plane.iter().all(|own| !own.is_of(walked.level, walked.shape));
        let new: Vec<Walked> = written.plane.into_iter().filter(is_new).collect();
        self.plane.extend(new);
        let is_new = |failure: &Failure| self.failures.iter().all(|own| own.level != failure.level);
        let new: Vec<Failure> = written.failures.into_iter().filter(is_new).collect();
        self.failures.extend(new);
        // One that failed before may have come to something now.
        self.failures.retain(|failure| self.pictures.iter().all(|own| own.level != failure.level));
        self.sort();
    }

    fn shown(&self) -> Vec<(&'static str, Result<String>)> {
        // The plane has its turn when all trainings are done.
        let plane = (!self.plane.is_empty()).then(|| (PLANE_PLOT, self.of_plane().svg()));
        let pictures = (!self.pictures.is_empty()).then(|| (PICTURES_PLOT, self.of_pictures().svg()));
        let table = plane.is_some().then(|| (TABLE, Ok(self.text())));
        pictures.into_iter().chain(plane).chain(table).collect()
    }
}

impl Results {
    /// Levels in rising order, and then many, whenever they were measured.
    fn sort(&mut self) {
        let place = |level: Option<f32>| level.unwrap_or(f32::INFINITY);
        self.pictures.sort_by(|a, b| place(a.level).total_cmp(&place(b.level)));
        self.plane.sort_by(|a, b| place(a.level).total_cmp(&place(b.level)));
        self.failures.sort_by(|a, b| place(a.level).total_cmp(&place(b.level)));
    }

    fn of_pictures(&self) -> Plot {
        let distance = |trained: &Trained| trained.quality.frechet_distance;
        let many = self.pictures.iter().find(|trained| trained.level.is_none()).map(distance);
        Plot {
            title: format!("Samples of {} after training with one noise level", self.data),
            x: Axis { name: "the one level".to_owned(), logarithmic: true },
            y: Axis { name: "Frechet distance".to_owned(), logarithmic: true },
            curves: vec![Curve {
                name: "one level".to_owned(),
                points: self.pictures.iter().filter_map(|t| Some((f64::from(t.level?), distance(t)))).collect(),
            }],
            levels: (many.into_iter().map(|many| (many, "many levels".to_owned())))
                .chain(self.floor.iter().map(|floor| (floor.frechet_distance, OTHER_HALF.to_owned())))
                .collect(),
        }
    }

    fn of_plane(&self) -> Plot {
        let curve = |shape: ToyShape| Curve {
            name: shape.word().to_owned(),
            points: (self.plane.iter())
                .filter(|walked| walked.shape == shape)
                .filter_map(|walked| Some((f64::from(walked.level?), f64::from(walked.near.min(walked.covered)))))
                .collect(),
        };
        let many = self.plane.iter().filter(|walked| walked.level.is_none());
        let worst = many.map(|walked| f64::from(walked.near.min(walked.covered))).fold(1.0, f64::min);
        Plot {
            title: "Points of the plane after training with one noise level".to_owned(),
            x: Axis { name: "the one level".to_owned(), logarithmic: true },
            y: Axis { name: "share of chains at the data, and of data found".to_owned(), logarithmic: false },
            curves: SHAPES.map(curve).into(),
            levels: vec![(worst, "many levels, the worst shape".to_owned())],
        }
    }

    fn text(&self) -> String {
        let Plan { steps, sampler_steps, sigma_max, count, .. } = &self.plan;
        let mut text = format!(
            "# One noise level, or many\n\n{}.\n\n## Pictures\n\nThe same network and training, {steps} \
             steps, and the same sampler, annealed Langevin dynamics of {sampler_steps} steps from noise of {sigma_max}; the levels alone differ. {count} samples each; Frechet distance to \
             held-out pictures, others than `trainer evaluate` compares with, on {}{}.\n\n![Samples after training with one level]({PICTURES_PLOT})\n\n",
            command::told(&self.commands),
            self.features,
            of_others(self.floor.as_ref()),
        );
        text.push_str(
            "| levels | Frechet distance | precision | coverage | samples |\n| --- | --- | --- | --- | --- |\n",
        );
        for Trained { level, quality } in &self.pictures {
            let _ = writeln!(
                text,
                "| {} | {} | {:.2} | {:.2} | ![]({}) |",
                name(*level),
                quality.distance(),
                quality.overlap.precision,
                quality.overlap.coverage,
                grid(*level)
            );
        }
        for Failure { level, reason } in &self.failures {
            let _ = writeln!(text, "| {} | – | – | – | {reason} |", name(*level));
        }
        let _ = write!(
            text,
            "\n## The plane\n\nThe same in two dimensions, where noise of one level does not lie on a thin shell, with many levels up \
             to {}: how many chains end at the data, and how much of the data has a chain near it.\n\n![Points after training with one level]({PLANE_PLOT})\n\n\
             | levels | shape | chains at the data | data found |\n| --- | --- | --- | --- |\n",
            self.plan.largest_in_plane(),
        );
        for Walked { level, shape, near, covered } in &self.plane {
            let shape = shape.word();
            let _ = writeln!(text, "| {} | {shape} | {near:.2} | {covered:.2} |", name(*level));
        }
        text
    }
}
