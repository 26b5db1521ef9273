//! How fast chains at a fixed temperature forget where they were, with the Metropolis-adjusted Langevin algorithm.

use std::fmt::Write as _;

use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};
use shared::{
    measures::hmc::{Hmc, State},
    network::{Energy, EnergyNetwork},
    sampling::{Draw, Noise, langevin},
};

use super::subject::{Subject, claim, earlier};
use crate::{
    cli::MixingArgs,
    error::{Error, Result},
    files,
    model::LoadedModel,
    output,
    plots::{Axis, Curve, Plot},
    progress::Progress,
    train::to_tensor,
};

/// Chains at one temperature.
#[derive(Serialize, Deserialize)]
struct Mixing {
    /// The temperature.
    temperature: f32,
    /// The noise level that it stands for, in pixel units.
    noise_level: f32,
    /// Length of a step, in pixel units, as it was found to be accepted about as often as is best.
    step_size: f32,
    /// The share of accepted steps.
    acceptance: f64,
    /// After so many steps, how much of a chain's denoised picture is still that of its start: their correlation
    /// around the mean of all starts, 1 at first and 0 when it is forgotten.
    correlation: Vec<(usize, f64)>,
    /// Mean energy of the chains after so many steps.
    energy: Vec<(usize, f64)>,
}

#[derive(Serialize, Deserialize)]
struct Results {
    #[serde(flatten)]
    subject: Subject,
    /// The model, as it was given.
    model: String,
    chains: usize,
    steps: usize,
    levels: Vec<Mixing>,
}

/// Acceptance at which a Langevin step explores fastest (Roberts and Rosenthal 1998).
const BEST_ACCEPTANCE: f64 = 0.574;

/// Runs chains from held-out pictures, and writes the numbers, plots and a table.
///
/// # Errors
/// The model or the data cannot be read, or the folder cannot be written.
pub fn mixing(args: MixingArgs) -> Result<()> {
    let (model, data, device) = LoadedModel::subject(&args.subject)?;
    claim(&args.subject.out, "mixing", &["mixing.md", "mixing.svg"])?;
    let chosen = data.held_out.sample(args.chains, 0);
    let count = chosen.len();
    if count < 2 {
        return Err(Error::input(format!(
            "--chains {}: correlations are around the mean of the chains, of which there must be two at least; {} pictures are \
             held out here",
            args.chains,
            data.held_out.len()
        )));
    }
    let mut results = Results {
        subject: Subject::of(&model, &data)?,
        model: args.subject.model.model.display().to_string(),
        chains: count,
        steps: args.steps,
        levels: Vec::new(),
    };
    let is_same = |earlier: &Results| {
        earlier.subject == results.subject && (earlier.chains, earlier.steps) == (results.chains, results.steps)
    };
    if let Some(earlier) = earlier(&args.subject.out.join("mixing.json"), is_same)? {
        results.levels = earlier.levels;
    }
    let starts = model.frame.add(to_tensor(&chosen, &(0..count).collect::<Vec<_>>(), &device));
    let mut wanted: Vec<f32> = args.levels.iter().map(|&level| level as f32).collect();
    wanted.retain(|level| results.levels.iter().all(|mixing| mixing.noise_level != *level));
    let progress = Progress::new("chains, by steps", wanted.len() * args.steps * 2);
    for level in wanted {
        results.levels.push(run(&model, starts.clone(), level, args.steps, &device, &progress)?);
        results.write(&args)?;
    }
    drop(progress);
    results.write(&args)?;
    println!("{}", args.subject.out.join("mixing.md").display());
    Ok(())
}

fn run(
    model: &LoadedModel,
    starts: Tensor<4>,
    level: f32,
    steps: usize,
    device: &Device,
    progress: &Progress,
) -> Result<Mixing> {
    let sigma_0 = model.config.sigma_0;
    let density = Tempered { network: &model.network, temperature: (level / sigma_0).powi(2) };
    let noise = Noise::new(1);
    let x = starts.clone() + noise.tensor(0, Draw::Start, starts.dims(), device) * level;
    let mut state = State::at(x, &density);
    // The step is found on the way to the temperature's own distribution; from there on it is fixed.
    let mut step_size = 0.3 * level;
    for draw in 0..steps as u32 {
        let (next, accepted) = Hmc { leaps: 1, step_size }.transition(&density, state, &noise, 0, draw);
        state = next;
        let rate = f64::from(accepted.mean().into_scalar::<f32>());
        step_size *= (0.1 * (rate - BEST_ACCEPTANCE)).exp() as f32;
        progress.step();
    }
    let denoised = |state: &State| {
        let gradient = state.gradient.clone() * density.temperature;
        langevin::denoise(state.x.clone(), gradient, sigma_0)
    };
    let first = denoised(&state);
    let mean = first.clone().mean_dim(0);
    let (mut acceptance, mut correlation, mut energy) = (0.0, vec![(0, 1.0)], Vec::new());
    let mut next_reading = 1;
    for step in 1..=steps {
        let (next, accepted) =
            Hmc { leaps: 1, step_size }.transition(&density, state, &noise, 0, (steps + step) as u32);
        state = next;
        acceptance += f64::from(accepted.mean().into_scalar::<f32>());
        if step == next_reading || step == steps {
            correlation.push((step, similarity(&first, &denoised(&state), &mean)?));
            let energies = output::floats(state.energy.clone() * density.temperature)?;
            energy.push((step, energies.iter().copied().map(f64::from).sum::<f64>() / energies.len() as f64));
            next_reading = (next_reading * 3 / 2).max(step + 1);
        }
        progress.step();
    }
    Ok(Mixing {
        temperature: density.temperature,
        noise_level: level,
        step_size,
        acceptance: acceptance / steps as f64,
        correlation,
        energy,
    })
}

/// `E / T`
struct Tempered<'a> {
    network: &'a EnergyNetwork,
    temperature: f32,
}

impl Energy for Tempered<'_> {
    fn energy_and_gradient(&self, x: Tensor<4>) -> (Tensor<1>, Tensor<4>) {
        let (energy, gradient) = self.network.energy_and_gradient(x);
        (energy / self.temperature, gradient / self.temperature)
    }
}

/// The correlation of pictures with others, around a mean.
fn similarity(a: &Tensor<4>, b: &Tensor<4>, mean: &Tensor<4>) -> Result<f64> {
    let (a, b) = (a.clone() - mean.clone(), b.clone() - mean.clone());
    let sum = |x: Tensor<4>| -> Result<f64> { Ok(output::floats(x)?.into_iter().map(f64::from).sum()) };
    let norms = sum(a.clone().square())? * sum(b.clone().square())?;
    Ok(sum(a * b)? / norms.sqrt().max(f64::MIN_POSITIVE))
}

impl Results {
    fn write(&self, args: &MixingArgs) -> Result<()> {
        let out = &args.subject.out;
        files::write_atomically(&out.join("mixing.json"), |file| Ok(serde_json::to_writer_pretty(file, self)?))?;
        let curve = |mixing: &Mixing| Curve {
            name: format!("noise {}", mixing.noise_level),
            points: mixing.correlation.iter().skip(1).map(|&(step, value)| (step as f64, value)).collect(),
        };
        let plot = Plot {
            title: "What is left of a chain's picture at a fixed temperature".to_owned(),
            x: Axis { name: "steps".to_owned(), logarithmic: true },
            y: Axis { name: "correlation with the start".to_owned(), logarithmic: false },
            curves: self.levels.iter().map(curve).collect(),
            levels: Vec::new(),
        };
        let svg = plot.svg()?;
        files::write_atomically(&out.join("mixing.svg"), |file| file.write_all(svg.as_bytes()))?;
        let text = self.text(args);
        files::write_atomically(&out.join("mixing.md"), |file| file.write_all(text.as_bytes()))
    }

    fn text(&self, args: &MixingArgs) -> String {
        let steps = args.steps;
        let mut text = format!(
            "# Mixing\n\nWritten by `trainer experiment mixing --model {} --data {} --steps {steps} --out {}`.\n\n![What is left of a \
             chain's picture](mixing.svg)\n\n{} chains of the Metropolis-adjusted Langevin algorithm from held-out pictures, {steps} \
             steps to settle and {steps} that are measured. A step is the noise level's times the number given. Energies are those of \
             the network, before the temperature divides them.\n\n| temperature | noise level | step | accepted | correlation \
             after {steps} steps | energy at first | energy at last |\n| --- | --- | --- | --- | --- | --- | --- |\n",
            self.model,
            args.subject.data,
            args.subject.out.display(),
            self.chains,
        );
        for mixing in &self.levels {
            let last = |values: &[(usize, f64)]| values.last().map_or(f64::NAN, |value| value.1);
            let _ = writeln!(
                text,
                "| {:.1} | {} | {:.3} | {:.2} | {:.3} | {:.1} | {:.1} |",
                mixing.temperature,
                mixing.noise_level,
                mixing.step_size / mixing.noise_level,
                mixing.acceptance,
                last(&mixing.correlation),
                mixing.energy.first().map_or(f64::NAN, |value| value.1),
                last(&mixing.energy)
            );
        }
        text
    }
}
