//! One noise level against many: the central claim of the paper, with pictures and in the plane.

use std::{fmt::Write as _, path::Path};

use burn::tensor::Device;
use options::{Sampler, Spacing, ToyShape};
use serde::{Deserialize, Serialize};
use shared::{
    sampling::Schedule,
    toy::{Found, ToyTraining, ToyWalk, points},
    training::NoiseLevels,
};

use super::{
    OTHER_HALF, of_others,
    subject::{claim, earlier, hash},
    trial::{self, TrialSampling},
};
use crate::{
    cli::NoiseLevelsArgs,
    data::{self, DataSet},
    error::{Error, Result},
    evaluate::{Purpose, Quality, QualityMeasure},
    features::FeatureChoice,
    files, folders, overwriting, pictures,
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
    let measure = QualityMeasure::new(&data, Purpose::Choice, args.count, FeatureChoice::Auto)?;
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
        plane: Vec::new(),
    };
    let is_same = |earlier: &Results| earlier.plan == results.plan && earlier.features == results.features;
    if let Some(earlier) = earlier(&args.out.join("noise-levels.json"), is_same)? {
        results.pictures = earlier.pictures;
    }
    for &(level, noise) in &settings {
        if results.pictures.iter().any(|trained| trained.level == level) {
            continue;
        }
        eprintln!("training with {}", name(level));
        match trained(&args, &data, &measure, (level, noise), many, &device) {
            Ok(quality) => results.pictures.push(Trained { level, quality }),
            // A loss that runs away says something of this level, and nothing of the next.
            Err(Error::Failed(reason)) => {
                eprintln!("warning: {}: {reason}", name(level));
                results.failures.push(Failure { level, reason });
            }
            Err(error) => return Err(error),
        }
        results.write_numbers(&args)?;
    }
    let many_in_plane = NoiseLevels { max: largest_in_plane(&args), ..many };
    let plane = settings.iter().flat_map(|&(level, noise)| {
        let noise = if level.is_some() { noise } else { many_in_plane };
        SHAPES.map(|shape| walked(level, noise, shape))
    });
    results.plane = plane.collect();
    results.write(&args)?;
    match results.failures.first() {
        None => Ok(()),
        Some(Failure { level, reason }) => Err(Error::failed(format!("{}: {reason}", name(*level)))),
    }
}

fn largest_in_plane(args: &NoiseLevelsArgs) -> f32 {
    (args.sigma_max as f32).min(PLANE_LARGEST.max(args.sigma_min as f32))
}

fn trained(
    args: &NoiseLevelsArgs,
    data: &DataSet,
    measure: &QualityMeasure<'_>,
    (level, noise): (Option<f32>, NoiseLevels),
    many: NoiseLevels,
    device: &Device,
) -> Result<Quality> {
    let mut config =
        RunConfig { data: args.data.clone(), noise, noise_follows_size: false, ..TrainingPreset::Unet4.settings() };
    config.network.width = args.width;
    config.optimization.steps = args.steps.into();
    // The same for all, which is not what each model's own sampler would be: that begins at its largest level.
    let schedule = Schedule::of(Sampler::Annealed, args.sampler_steps, config.network.sigma_0, &many);
    let sampling = TrialSampling { schedule, count: args.count };
    let (outcome, samples) = trial::run(config, data, measure, sampling, device)?;
    let shown = &samples[..samples.len().min(SHOWN)];
    pictures::write_grid(&args.out.join(grid(level)), shown, Some(COLUMNS))?;
    Ok(outcome.quality)
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

impl Results {
    fn write_numbers(&self, args: &NoiseLevelsArgs) -> Result<()> {
        let path = args.out.join("noise-levels.json");
        files::write_atomically(&path, |file| Ok(serde_json::to_writer_pretty(file, self)?))
    }

    fn write(&self, args: &NoiseLevelsArgs) -> Result<()> {
        let out = &args.out;
        self.write_numbers(args)?;
        write_plot(out, PICTURES_PLOT, &self.of_pictures())?;
        write_plot(out, PLANE_PLOT, &self.of_plane())?;
        let text = self.text(args);
        files::write_atomically(&out.join(TABLE), |file| file.write_all(text.as_bytes()))?;
        println!("{}", out.join(TABLE).display());
        Ok(())
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
            name: format!("{shape:?}").to_lowercase(),
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

    fn text(&self, args: &NoiseLevelsArgs) -> String {
        let levels: Vec<String> = args.levels.iter().map(f64::to_string).collect();
        let mut text = format!(
            "# One noise level, or many\n\nWritten by `trainer experiment noise-levels --data {} --levels {} --sigma-min {} --sigma-max {} \
             --steps {} --width {} --count {} --sampler-steps {} --out {}`.\n\n## Pictures\n\nThe same network and training, {} \
             steps, and the same sampler, annealed Langevin dynamics of {} steps from noise of {}; the levels alone differ. {} samples each; Frechet distance to \
             held-out pictures, others than `trainer evaluate` compares with, on {}{}.\n\n![Samples after training with one level]({PICTURES_PLOT})\n\n",
            args.data,
            levels.join(","),
            args.sigma_min,
            args.sigma_max,
            args.steps,
            args.width,
            args.count,
            args.sampler_steps,
            args.out.display(),
            args.steps,
            args.sampler_steps,
            args.sigma_max,
            args.count,
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
            largest_in_plane(args),
        );
        for Walked { level, shape, near, covered } in &self.plane {
            let shape = format!("{shape:?}").to_lowercase();
            let _ = writeln!(text, "| {} | {shape} | {near:.2} | {covered:.2} |", name(*level));
        }
        text
    }
}

fn write_plot(out: &Path, name: &str, plot: &Plot) -> Result<()> {
    let svg = plot.svg()?;
    files::write_atomically(&out.join(name), |file| file.write_all(svg.as_bytes()))
}
