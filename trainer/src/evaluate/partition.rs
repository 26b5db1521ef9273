//! `ln Z` of the static energy without importance sampling: along the noise levels, and by classifying them.

use rand::RngExt;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use rayon::prelude::*;
use shared::{
    likelihood::{Node, Prior, Quadrature, partition::along_noise},
    model::{CalibrationPoint, PartitionCard},
};

use super::{banded::Banded, placed_model::PlacedModel};
use crate::{
    data::Images,
    error::{Error, Result},
    likelihood::{Likelihood, Plan, mean_curve},
};

/// Held-out pictures that are read at every level, at most.
const PICTURES: usize = 64;
/// Levels of all pictures together, at most: large pictures need more levels, and so fewer of them are read. Colour pictures
/// of 64x64 have 418 levels, of 256x256 they have 2,100.
const READINGS: usize = 28_000;
/// Pictures that are read in any case: they tell the standard error.
const FEWEST: usize = 4;
/// Times that pictures are drawn again for a standard error.
const AGAIN: usize = 20;
/// Probabilities of the intervals that a calibration asks for.
const SAID: [f64; 9] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

/// Reads held-out pictures under noise of levels that overlap.
///
/// # Errors
/// The device fails, or the energies are no numbers.
pub fn partition(placed: &PlacedModel<'_>, prior: &Prior, held_out: &Images) -> Result<PartitionCard> {
    let model = placed.model;
    let dimensions: usize = model.config.batch_shape(1).iter().product();
    let plan = Plan {
        quadrature: Quadrature::overlapping(&model.noise, dimensions),
        noise: model.noise,
        seed: 0,
        // Classes are told apart by energies: alike noise would make those of a level alike.
        shared: false,
    };
    let count = (READINGS / plan.quadrature.nodes().len()).clamp(FEWEST, PICTURES);
    let drawn = held_out.sample(count, 1);
    let pictures: Vec<_> = (0..drawn.len()).map(|index| drawn.picture(index)).collect();
    let read = plan.read(model, &pictures, prior, false, placed.device)?;
    let nodes = plan.quadrature.nodes();
    let Some(last) = nodes.last() else { return Err(Error::failed("there is no noise level")) };
    // The frame's values are zeros, whose density is the noise's alone.
    let framed = dimensions - pictures.first().map_or(0, |picture| picture.pixels.len());
    let largest = pictures.iter().map(|picture| expected(prior, &picture.pixels, last.level)).sum::<f64>()
        / pictures.len().max(1) as f64
        + entropy(last.level, framed);
    let sigma_0 = model.config.sigma_0;
    let along = along_noise(nodes, &mean_energies(&read, nodes, sigma_0, dimensions), sigma_0, largest);

    // Where the temperature is 1, or as near to it as levels are.
    let near = |node: &Node| (f64::from(node.level) / f64::from(sigma_0)).ln().abs();
    let place = (0..nodes.len()).min_by(|&a, &b| near(&nodes[a]).total_cmp(&near(&nodes[b]))).unwrap_or(0);
    let levels = Levels::new(nodes, sigma_0, &along.log_partitions);
    let everyone: Vec<usize> = (0..read.len()).collect();
    let classified = levels.classify(&read, &everyone)?;
    let mut random = ChaCha8Rng::seed_from_u64(0);
    // One picture would be drawn again and again, and never differ.
    let again = (0..if read.len() > 1 { AGAIN } else { 0 })
        .map(|_| {
            let drawn: Vec<usize> = everyone.iter().map(|_| random.random_range(0..read.len())).collect();
            levels.classify_from(&found(&read, &drawn), classified.clone()).map(|again| again[place])
        })
        .collect::<Result<Vec<f64>>>()?;

    let bound =
        entropy(nodes[place].level, dimensions) + excess(&nodes[place..], &mean_curve(&read)[place..]) + largest
            - entropy(last.level, dimensions);
    Ok(PartitionCard {
        noise_level: nodes[place].level,
        along_noise: along.log_partitions[place],
        by_classification: classified[place],
        by_classification_standard_error: (!again.is_empty()).then(|| deviation(&again)),
        disagreement_bits: (along.surprises[place] - bound) / std::f64::consts::LN_2,
        calibration: levels.calibration(&read, &classified),
    })
}

/// The mean of `-ln` of a Gaussian's density at a picture under noise, in nats.
fn expected(prior: &Prior, picture: &[f32], level: f32) -> f64 {
    prior.bits(picture, level) * std::f64::consts::LN_2 + entropy(level, picture.len())
}

/// Of noise of this level on so many values, in nats.
fn entropy(level: f32, values: usize) -> f64 {
    0.5 * values as f64 * (std::f64::consts::TAU * std::f64::consts::E * f64::from(level).powi(2)).ln()
}

/// `int L dln s` between the nodes, by trapezoids.
fn excess(nodes: &[Node], losses: &[f64]) -> f64 {
    let part = |(nodes, losses): (&[Node], &[f64])| {
        0.5 * (losses[0] + losses[1]) * f64::from(nodes[1].level / nodes[0].level).ln()
    };
    nodes.windows(2).zip(losses.windows(2)).map(part).sum()
}

/// Mean energies under the noise of each level. `beta E` goes with half the noise's square, whose mean is known.
fn mean_energies(read: &[Likelihood], nodes: &[Node], sigma_0: f32, dimensions: usize) -> Vec<f64> {
    let of_node = |(place, node): (usize, &Node)| {
        let beta = f64::from(sigma_0 / node.level).powi(2);
        let energy = |picture: &Likelihood| {
            let [one, other] = picture.energies[place].map(f64::from);
            0.5 * (one + other) - 0.5 * (f64::from(picture.noise_squares[place]) - dimensions as f64) / beta
        };
        read.iter().map(energy).sum::<f64>() / read.len().max(1) as f64
    };
    nodes.iter().enumerate().map(of_node).collect()
}

fn deviation(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len().saturating_sub(1).max(1) as f64)
        .sqrt()
}

/// The levels as classes of noisy pictures: `p(k | y)` in proportion to `exp(-beta_k E(y) - c_k)`.
struct Levels {
    betas: Vec<f64>,
    /// `ln Z` that the search starts from; that of the last level stays.
    start: Vec<f64>,
}

impl Levels {
    fn new(nodes: &[Node], sigma_0: f32, start: &[f64]) -> Self {
        let betas = nodes.iter().map(|node| f64::from(sigma_0 / node.level).powi(2)).collect();
        Self { betas, start: start.to_vec() }
    }

    /// The `c` of the largest likelihood, a convex problem: the multistate Bennett acceptance ratio (Shirts and Chodera 2008),
    /// and the density ratios of a classifier whose energy is given.
    ///
    /// # Errors
    /// The energies are no numbers, or the search does not come to an end.
    fn classify(&self, read: &[Likelihood], pictures: &[usize]) -> Result<Vec<f64>> {
        let found = found(read, pictures);
        self.classify_from(&found, self.by_neighbours(&found)?)
    }

    /// The same from near the answer, by Newton's steps. A step that makes the likelihood less was too far, and is tried again
    /// with a larger ridge in the curvature (Marquardt 1963): the energy of a model that has learnt little tells levels apart by
    /// something else than their noise, and the answer is then thousands of nats away.
    fn classify_from(&self, found: &[(usize, f64)], mut c: Vec<f64>) -> Result<Vec<f64>> {
        const STEPS: usize = 2000;
        // Pictures that are taken for a level too often, at the end.
        const STILL: f64 = 1e-7;
        // Nats that rounding may make of a large sum.
        const ROUNDING: f64 = 1e-7;
        // Without any, levels that nothing is taken for would have no curvature.
        const LEAST: f64 = 1e-9;
        const MOST: f64 = 1e12;
        let (mut ridge, mut surprise) = (LEAST, self.surprise(found, &c));
        for _ in 0..STEPS {
            let (gradient, curvature) = self.slopes(found, &c);
            if gradient.iter().all(|slope| slope.abs() < STILL) {
                return Ok(c);
            }
            loop {
                let step = curvature.clone().solve(gradient.clone(), ridge).ok_or_else(not_finite)?;
                // The last level stays.
                let next: Vec<f64> = c.iter().zip(step.iter().chain([&0.0])).map(|(c, step)| c - step).collect();
                let then = self.surprise(found, &next);
                if then <= surprise + ROUNDING {
                    (c, surprise) = (next, then);
                    ridge = (ridge / 4.0).max(LEAST);
                    break;
                }
                ridge *= 8.0;
                if ridge > MOST {
                    return Err(no_end());
                }
            }
        }
        Err(no_end())
    }

    /// How little the levels of pictures of these energies were to be expected, in nats.
    fn surprise(&self, found: &[(usize, f64)], c: &[f64]) -> f64 {
        let of_one = |&(level, energy): &(usize, f64)| {
            let logit = |(beta, c): (&f64, &f64)| -beta * energy - c;
            let logits = || self.betas.iter().zip(c).map(logit);
            let most = logits().fold(f64::NEG_INFINITY, f64::max);
            most + logits().map(|logit| (logit - most).exp()).sum::<f64>().ln() - logit((&self.betas[level], &c[level]))
        };
        // On all processors, and summed in one order.
        found.par_iter().map(of_one).collect::<Vec<f64>>().into_iter().sum()
    }

    /// How the surprise falls with each `c`, and its curvature.
    fn slopes(&self, found: &[(usize, f64)], c: &[f64]) -> (Vec<f64>, Banded) {
        let free = c.len() - 1;
        let mut gradient = vec![0.0; free];
        let shares: Vec<Vec<(usize, f64)>> = found.par_iter().map(|&(_, energy)| self.shares(energy, c)).collect();
        // The levels of a picture's shares are neighbours, and so are all that are together in the curvature.
        let reach = |shares: &Vec<(usize, f64)>| match (shares.first(), shares.last()) {
            (Some((first, _)), Some((last, _))) => last - first,
            _ => 0,
        };
        let mut curvature = Banded::zeros(free, shares.iter().map(reach).max().unwrap_or(0));
        for (&(level, _), shares) in found.iter().zip(&shares) {
            if level < free {
                gradient[level] += 1.0;
            }
            for &(j, share) in shares.iter().filter(|(j, _)| *j < free) {
                gradient[j] -= share;
                curvature.add(j, j, share);
                for &(k, other) in shares.iter().filter(|(k, _)| *k <= j) {
                    curvature.add(j, k, -share * other);
                }
            }
        }
        (gradient, curvature)
    }

    /// What the search starts from: each level told from the next alone, whatever `start` says of all but the last.
    fn by_neighbours(&self, found: &[(usize, f64)]) -> Result<Vec<f64>> {
        let mut by_level = vec![Vec::new(); self.betas.len()];
        for &(level, energy) in found {
            if !energy.is_finite() {
                return Err(not_finite());
            }
            by_level[level].push(energy);
        }
        let mut c = self.start.clone();
        for level in (0..c.len() - 1).rev() {
            let warmer = self.betas[level] - self.betas[level + 1];
            let between = difference(warmer, &by_level[level], &by_level[level + 1]);
            // Without a picture at either there is nothing better than the start.
            c[level] = c[level + 1] + between.unwrap_or(self.start[level] - self.start[level + 1]);
        }
        Ok(c)
    }

    /// The levels that a picture of this energy may be of, with their shares; far ones left out.
    fn shares(&self, energy: f64, c: &[f64]) -> Vec<(usize, f64)> {
        const LEAST: f64 = -25.0;
        let logits = self.betas.iter().zip(c).map(|(beta, c)| -beta * energy - c);
        let logits: Vec<f64> = logits.collect();
        let most = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let near = logits.iter().enumerate().filter(|(_, logit)| *logit - most > LEAST);
        let mut shares: Vec<(usize, f64)> = near.map(|(level, logit)| (level, (logit - most).exp())).collect();
        let sum: f64 = shares.iter().map(|share| share.1).sum();
        shares.iter_mut().for_each(|share| share.1 /= sum);
        shares
    }

    /// Of the middle intervals of these probabilities, how many have the true level. A level takes up as much of 0..1 as
    /// it has of the probability, and counts by the part of that which is within the interval.
    fn calibration(&self, read: &[Likelihood], c: &[f64]) -> Vec<CalibrationPoint> {
        let place = |(level, energy): (usize, f64)| {
            let shares = self.shares(energy, c);
            let below: f64 = shares.iter().filter(|(j, _)| *j < level).map(|share| share.1).sum();
            let own: f64 = shares.iter().filter(|(j, _)| *j == level).map(|share| share.1).sum();
            (below, below + own)
        };
        let places: Vec<(f64, f64)> = read.iter().flat_map(energies).map(place).collect();
        let within = |said: f64| {
            let (low, high) = (0.5 - 0.5 * said, 0.5 + 0.5 * said);
            let part = |&(from, to): &(f64, f64)| match to - from {
                own if own > 0.0 => (to.min(high) - from.max(low)).max(0.0) / own,
                _ => f64::from(u8::from((low..high).contains(&from))),
            };
            places.iter().map(part).sum::<f64>()
        };
        SAID.map(|said| CalibrationPoint { said, found: within(said) / places.len().max(1) as f64 }).to_vec()
    }
}

fn no_end() -> Error {
    Error::failed("the classification of the noise levels did not converge, so it gives no ln Z")
}

fn not_finite() -> Error {
    Error::failed("some energies are not finite numbers")
}

/// `c_1 - c_2` of two levels whose inverse temperatures differ by `beta`, where as many pictures are taken for the first as there
/// are (Bennett 1976): what is taken for it falls as `c_1` grows, so halving an interval finds it. None where either has none.
fn difference(beta: f64, first: &[f64], second: &[f64]) -> Option<f64> {
    const HALVINGS: usize = 60;
    if first.is_empty() || second.is_empty() {
        return None;
    }
    let logits: Vec<f64> = first.iter().chain(second).map(|energy| -beta * energy).collect();
    let taken = |c: f64| logits.iter().map(|logit| 1.0 / (1.0 + (c - logit).exp())).sum::<f64>();
    // As all are far to one side of either end, there all or none are taken.
    let far = 50.0 + (logits.len() as f64).ln();
    let mut low = logits.iter().copied().fold(f64::INFINITY, f64::min) - far;
    let mut high = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max) + far;
    for _ in 0..HALVINGS {
        let middle = 0.5 * (low + high);
        if taken(middle) > first.len() as f64 { low = middle } else { high = middle }
    }
    Some(0.5 * (low + high))
}

/// The same of pictures of these numbers.
fn found(read: &[Likelihood], pictures: &[usize]) -> Vec<(usize, f64)> {
    pictures.iter().flat_map(|&picture| energies(&read[picture])).collect()
}

/// Each level with the energies of a picture under its noise.
fn energies(picture: &Likelihood) -> impl Iterator<Item = (usize, f64)> + '_ {
    picture.energies.iter().enumerate().flat_map(|(level, pair)| pair.map(|energy| (level, f64::from(energy))))
}

#[cfg(test)]
mod tests {
    use options::Spacing;
    use shared::{
        likelihood::Excess,
        sampling::{Draw, Noise},
        training::NoiseLevels,
    };

    use super::*;

    /// `E = |y|^2 / (2 sigma_0^2)` is a density at every level: that of noise around one point.
    fn one_point(pictures: u64) -> (Vec<Node>, Vec<Likelihood>) {
        let noise = NoiseLevels { min: 0.05, max: 1.0, spacing: Spacing::Geometric };
        let nodes = Quadrature::overlapping(&noise, 64).nodes().to_vec();
        let picture = |chain: u64| {
            let z = Noise::new(3).normal(chain, Draw::Start, 2 * 64 * nodes.len());
            let square = |place: usize| z[64 * place..64 * (place + 1)].iter().map(|z| z * z).sum::<f32>();
            let energy = |place: usize, node: &Node| square(place) * node.level.powi(2) / (2.0 * 0.01);
            let pair = |(place, node): (usize, &Node)| [energy(2 * place, node), energy(2 * place + 1, node)];
            Likelihood {
                excess: Excess { bits: 0.0, standard_error: 0.0 },
                frame_bits: 0.0,
                prior_bits: 0.0,
                bits_per_dim: 0.0,
                values: 64,
                losses: vec![0.0; nodes.len()],
                energies: nodes.iter().enumerate().map(pair).collect(),
                noise_squares: (0..nodes.len())
                    .map(|place| 0.5 * (square(2 * place) + square(2 * place + 1)))
                    .collect(),
                surprise: None,
            }
        };
        let read = (0..pictures).map(picture).collect();
        (nodes, read)
    }

    #[test]
    fn levels_of_a_density_are_classified_to_its_partition_function_and_calibrated() {
        let (nodes, read) = one_point(60);
        let truth: Vec<f64> =
            nodes.iter().map(|node| 32.0 * (std::f64::consts::TAU * f64::from(node.level).powi(2)).ln()).collect();
        // From a start that is wrong all the way, but for the last.
        let last = nodes.len() - 1;
        let start: Vec<f64> = truth.iter().enumerate().map(|(place, c)| c + (last - place) as f64 * 0.2).collect();
        let levels = Levels::new(&nodes, 0.1, &start);
        let found = levels.classify(&read, &(0..read.len()).collect::<Vec<_>>()).unwrap();
        for (found, truth) in found.iter().zip(&truth) {
            assert!((found - truth).abs() < 2.0, "{found}, truth {truth}");
        }
        for CalibrationPoint { said, found } in levels.calibration(&read, &truth) {
            assert!((said - found).abs() < 0.05, "{found} where {said} was said");
        }
    }

    /// Newton's steps alone, each of one at most, would not come that far.
    #[test]
    fn a_start_that_is_far_off_makes_no_difference() {
        let (nodes, read) = one_point(20);
        let everyone: Vec<usize> = (0..read.len()).collect();
        let truth: Vec<f64> =
            nodes.iter().map(|node| 32.0 * (std::f64::consts::TAU * f64::from(node.level).powi(2)).ln()).collect();
        let found = |shift: f64| {
            let last = nodes.len() - 1;
            let start: Vec<f64> =
                truth.iter().enumerate().map(|(place, c)| if place < last { c + shift } else { *c }).collect();
            Levels::new(&nodes, 0.1, &start).classify(&read, &everyone).unwrap()
        };
        for ((near, above), below) in found(0.0).into_iter().zip(found(200.0)).zip(found(-200.0)) {
            assert!((near - above).abs() < 1e-4 && (near - below).abs() < 1e-4, "{near}, {above}, {below}");
        }
    }

    /// Energies of models that have learnt little: of brightness rather than of noise, of nothing at all, the wrong way round.
    #[test]
    fn levels_have_numbers_whatever_the_energy_is() {
        let (nodes, read) = one_point(4);
        let everyone: Vec<usize> = (0..read.len()).collect();
        let levels = Levels::new(&nodes, 0.1, &vec![0.0; nodes.len()]);
        let changes: [fn(usize, f32) -> f32; 3] =
            [|picture, energy| energy + 400.0 * picture as f32, |_, _| 7.0, |_, energy| -energy];
        for change in changes {
            let mut read = read.clone();
            for (picture, of_picture) in read.iter_mut().enumerate() {
                of_picture.energies.iter_mut().flatten().for_each(|energy| *energy = change(picture, *energy));
            }
            let c = levels.classify(&read, &everyone).unwrap();
            let (gradient, _) = levels.slopes(&found(&read, &everyone), &c);
            assert!(gradient.iter().all(|slope| slope.abs() < 1e-6), "{gradient:?}");
        }
    }

    #[test]
    fn what_is_no_number_is_classified_to_nothing() {
        let (nodes, mut read) = one_point(3);
        read[1].energies[0][0] = f32::NAN;
        let levels = Levels::new(&nodes, 0.1, &vec![0.0; nodes.len()]);
        assert!(levels.classify(&read, &[0, 1, 2]).unwrap_err().to_string().contains("not finite"));
    }

    #[test]
    fn the_mean_energy_is_exact_where_the_noise_is_all_of_it() {
        let (nodes, read) = one_point(2);
        for (node, energy) in nodes.iter().zip(mean_energies(&read, &nodes, 0.1, 64)) {
            let wanted = 32.0 * f64::from(node.level).powi(2) / 0.01;
            assert!((energy / wanted - 1.0).abs() < 1e-4, "{energy}, theory {wanted}");
        }
    }
}
