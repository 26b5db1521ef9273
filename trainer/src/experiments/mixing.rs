//! How fast chains at a fixed temperature forget where they were, with the Metropolis-adjusted Langevin algorithm.

use std::{fmt::Write as _, ops::Range};

use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};
use shared::{
    measures::hmc::{Hmc, State},
    network::Energy,
    sampling::{Draw, Noise, langevin},
    training::NoiseLevels,
};

use super::{
    command,
    numbers::{Experiment, keep, resume},
    subject::{Subject, claim},
};
use crate::{
    budget::{self, parts},
    chains::BATCH,
    cli::MixingArgs,
    error::{Error, Result},
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
    /// What was typed to measure all this.
    #[serde(default)]
    commands: Vec<String>,
    levels: Vec<Mixing>,
}

/// Levels where nobody says which.
const LEVELS: [f32; 5] = [0.1, 0.3, 0.5, 1.0, 2.0];

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
        commands: vec![command::of_process()],
        levels: Vec::new(),
    };
    let out = &args.subject.out;
    resume(out, &mut results)?;
    let starts = model.frame.add(to_tensor(&chosen, &(0..count).collect::<Vec<_>>(), &device));
    let mut wanted: Vec<f32> = match args.levels[..] {
        [] => usual_levels(&model.noise),
        _ => args.levels.iter().map(|&level| level as f32).collect(),
    };
    wanted.retain(|level| results.levels.iter().all(|mixing| mixing.noise_level != *level));
    let progress = Progress::new("chains, by steps", wanted.len() * args.steps * 2);
    for level in wanted {
        results.levels.push(run(&model, starts.clone(), level, args.steps, &device, &progress)?);
        keep(out, &mut results)?;
    }
    drop(progress);
    keep(out, &mut results)?;
    println!("{}", out.join("mixing.md").display());
    Ok(())
}

/// The usual ones that the model was trained between, or its largest where there is none.
fn usual_levels(noise: &NoiseLevels) -> Vec<f32> {
    let within: Vec<f32> = LEVELS.into_iter().filter(|level| (noise.min..=noise.max).contains(level)).collect();
    if within.is_empty() { vec![noise.max] } else { within }
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
    let at_once = budget::pictures(&model.network, model.config.image_size, BATCH);
    let density = Tempered { energy: &model.network, temperature: (level / sigma_0).powi(2), at_once };
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

/// `E / T`, of so many pictures at once.
struct Tempered<'a, E> {
    energy: &'a E,
    temperature: f32,
    at_once: usize,
}

impl<E: Energy> Energy for Tempered<'_, E> {
    fn energy_and_gradient(&self, x: Tensor<4>) -> (Tensor<1>, Tensor<4>) {
        let of_part = |part: Range<usize>| self.energy.energy_and_gradient(x.clone().slice([part]));
        let (energies, gradients) = parts(x.dims()[0], self.at_once).map(of_part).unzip::<_, _, Vec<_>, Vec<_>>();
        (Tensor::cat(energies, 0) / self.temperature, Tensor::cat(gradients, 0) / self.temperature)
    }
}

/// The correlation of pictures with others, around a mean.
fn similarity(a: &Tensor<4>, b: &Tensor<4>, mean: &Tensor<4>) -> Result<f64> {
    let (a, b) = (a.clone() - mean.clone(), b.clone() - mean.clone());
    let sum = |x: Tensor<4>| -> Result<f64> { Ok(output::floats(x)?.into_iter().map(f64::from).sum()) };
    let norms = sum(a.clone().square())? * sum(b.clone().square())?;
    Ok(sum(a * b)? / norms.sqrt().max(f64::MIN_POSITIVE))
}

impl Experiment for Results {
    type Written = Self;
    const NAME: &'static str = "mixing";

    fn is_of(&self, written: &Self) -> bool {
        self.subject == written.subject && (self.chains, self.steps) == (written.chains, written.steps)
    }

    fn is_empty(written: &Self) -> bool {
        written.levels.is_empty()
    }

    fn take(&mut self, written: Self) {
        command::put_before(&mut self.commands, written.commands);
        let is_new = |mixing: &Mixing| self.levels.iter().all(|own| own.noise_level != mixing.noise_level);
        let new: Vec<Mixing> = written.levels.into_iter().filter(is_new).collect();
        self.levels.extend(new);
    }

    fn shown(&self) -> Vec<(&'static str, Result<String>)> {
        vec![("mixing.svg", self.plot().svg()), ("mixing.md", Ok(self.text()))]
    }
}

impl Results {
    /// Those of the levels in rising order, whenever they were measured.
    fn rising(&self) -> Vec<&Mixing> {
        let mut levels: Vec<&Mixing> = self.levels.iter().collect();
        levels.sort_by(|a, b| a.noise_level.total_cmp(&b.noise_level));
        levels
    }

    fn plot(&self) -> Plot {
        let curve = |mixing: &Mixing| Curve {
            name: format!("noise {}", mixing.noise_level),
            points: mixing.correlation.iter().skip(1).map(|&(step, value)| (step as f64, value)).collect(),
        };
        Plot {
            title: "What is left of a chain's picture at a fixed temperature".to_owned(),
            x: Axis { name: "steps".to_owned(), logarithmic: true },
            y: Axis { name: "correlation with the start".to_owned(), logarithmic: false },
            curves: self.rising().into_iter().map(curve).collect(),
            levels: Vec::new(),
        }
    }

    fn text(&self) -> String {
        let steps = self.steps;
        let mut text = format!(
            "# Mixing\n\n{}.\n\n![What is left of a \
             chain's picture](mixing.svg)\n\n{} chains of the Metropolis-adjusted Langevin algorithm from held-out pictures, {steps} \
             steps to settle and {steps} that are measured. A step is the noise level's times the number given. Energies are those of \
             the network, before the temperature divides them.\n\n| temperature | noise level | step | accepted | correlation \
             after {steps} steps | energy at first | energy at last |\n| --- | --- | --- | --- | --- | --- | --- |\n",
            command::told(&self.commands),
            self.chains,
        );
        for mixing in self.rising() {
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use options::Spacing;

    use super::*;

    /// `|x|^2 / 2`, and how many pictures it was asked of at once.
    struct Counting(Cell<usize>);

    impl Energy for Counting {
        fn energy_and_gradient(&self, x: Tensor<4>) -> (Tensor<1>, Tensor<4>) {
            let shape = x.dims();
            self.0.set(self.0.get().max(shape[0]));
            (x.clone().square().flatten::<2>(1, 3).sum_dim(1).flatten::<1>(0, 1) * 0.5, x)
        }
    }

    #[test]
    fn many_chains_go_through_the_network_a_few_at_a_time() {
        let energy = Counting(Cell::new(0));
        let x = Noise::new(0).tensor(0, Draw::Start, [11, 1, 2, 2], &Device::flex());
        let (whole, gradient) = energy.energy_and_gradient(x.clone());
        energy.0.set(0);
        let (parts, slopes) = Tempered { energy: &energy, temperature: 2.0, at_once: 4 }.energy_and_gradient(x);
        assert_eq!(energy.0.get(), 4);
        assert_eq!(output::floats(parts).unwrap(), output::floats(whole / 2.0).unwrap());
        assert_eq!(output::floats(slopes).unwrap(), output::floats(gradient / 2.0).unwrap());
    }

    #[test]
    fn usual_levels_are_those_of_the_model() {
        let of = |min: f32, max: f32| usual_levels(&NoiseLevels { min, max, spacing: Spacing::Geometric });
        assert_eq!(of(0.05, 1.2), [0.1, 0.3, 0.5, 1.0]);
        assert_eq!(of(0.05, 2.0), LEVELS);
        assert_eq!(of(0.4, 0.4), [0.4]);
    }
}
