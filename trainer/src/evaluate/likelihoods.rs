//! How likely sets of pictures are, by denoising errors.

use serde::Serialize;
use shared::{
    likelihood::{self, Decoder, Moments, Prior, Quadrature},
    model::{LikelihoodCard, LossPoint, PartitionCard},
};

use super::{foreign::Foreign, outliers::auroc, partition::partition, placed_model::PlacedModel};
use crate::{
    data::{DataSet, Images},
    error::{Error, Result},
    likelihood::{Likelihood, Mean, Plan, mean_curve, mean_excess, mean_of},
    output,
    pictures::Picture,
    validation::percentiles,
};

/// Bits of sets of pictures at one noise level. An excess is of a whole picture as the network sees it, above the noise's
/// own bits.
#[derive(Clone, Debug, Serialize)]
pub struct Likelihoods {
    /// The level that the density is of.
    pub noise_level: f32,
    /// The largest, from which on the prior counts.
    pub largest_level: f32,
    /// Energy gradients of each picture.
    pub gradients: usize,
    /// Bits of a value under noise of that level alone.
    pub floor: f64,
    /// Training, held-out and foreign pictures.
    pub sets: Vec<SetBits>,
    /// The left sum of held-out pictures, a true bound for each: what the integral is below it is the width of its steps.
    pub bound: Option<Bound>,
    /// The code of held-out pictures as they are, of 256 values.
    pub code: CodeLength,
    /// `L(s)` of held-out pictures.
    pub curve: Vec<LossPoint>,
    /// `ln Z` of the static energy.
    pub partition: PartitionCard,
}

/// The bits of a set.
#[derive(Clone, Debug, Serialize)]
pub struct SetBits {
    /// The set.
    pub name: String,
    /// Pictures that were measured.
    pub pictures: usize,
    /// The mean excess.
    pub bits: f64,
    /// Of the mean; null of a single picture, like all that follows from how pictures differ.
    pub bits_standard_error: Option<f64>,
    /// From picture to picture.
    pub bits_spread: Option<f64>,
    /// Of the excess, what lies in the frame around the pictures.
    pub frame_bits: f64,
    /// The mean of the prior.
    pub prior_bits: f64,
    /// Floor, excess and prior by value of a picture of the data's own size.
    pub bits_per_dim: f64,
    /// Its standard error.
    pub bits_per_dim_standard_error: Option<f64>,
    /// The probability that a picture of the set has more bits than a held-out one; null for held-out pictures themselves.
    pub auroc: Option<f64>,
}

/// An evidence lower bound, as bits.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Bound {
    /// Intervals of the sum.
    pub intervals: usize,
    /// Pictures.
    pub pictures: usize,
    /// The mean excess.
    pub bits: f64,
    /// Of the mean.
    pub bits_standard_error: Option<f64>,
    /// With floor and prior, by value of a picture.
    pub bits_per_dim: f64,
}

/// A code of 8-bit pictures: prior, excess, and what is left to be told of each value under the smallest noise.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct CodeLength {
    /// Pictures that were coded.
    pub pictures: usize,
    /// By value of a picture, at most, on average.
    pub bits_per_dim: f64,
    /// Its standard error.
    pub standard_error: Option<f64>,
    /// What of it is told of values under the smallest noise, by value.
    pub decoder_bits_per_dim: f64,
}

/// Pictures of a set that are measured.
const PICTURES: usize = 200;
/// Energy gradients of each: its bits are then known to a fraction of what pictures differ by.
const GRADIENTS: usize = 64;
/// The same for foreign pictures, which are only to be told apart.
const FOREIGN_GRADIENTS: usize = 16;
/// Intervals of the left sum, and pictures that it is measured on.
const INTERVALS: usize = 128;
const BOUNDED: usize = 50;

/// The prior of a model, or of training pictures where its file does not say.
pub fn prior(placed: &PlacedModel<'_>, data: &DataSet) -> Prior {
    match placed.model.manifest.as_ref().and_then(|manifest| manifest.moments.as_ref()) {
        Some(_) => placed.model.prior(),
        None => Prior::of(&moments(&data.train), data.train.channels, data.train.height),
    }
}

/// Mean and variance of a set's values.
pub fn moments(train: &Images) -> Moments {
    let picture = |index: usize| train.image(index).iter().map(|&byte| f32::from(byte) / 255.0);
    Moments::of(train.channels, train.height, (0..train.len()).map(picture))
}

/// Measures training, held-out and foreign pictures.
///
/// # Errors
/// The device fails, or the model was trained at one level alone.
pub fn likelihoods(
    placed: &PlacedModel<'_>,
    data: &DataSet,
    held_out: &Images,
    foreign: &[Foreign],
) -> Result<Likelihoods> {
    let prior = prior(placed, data);
    let noise = placed.model.noise;
    if noise.min == noise.max {
        return Err(Error::input("bits are an integral over noise levels, and the model was trained at one"));
    }
    let read = |images: &Images, gradients: usize| -> Result<(Plan, Vec<Likelihood>)> {
        let plan = Plan::integral(noise, gradients, 0);
        let read = plan.read(placed.model, &some(images, PICTURES), &prior, false, placed.device)?;
        Ok((plan, read))
    };
    let (plan, usual) = read(held_out, GRADIENTS)?;
    let curve = curve(&plan, &usual);
    let bits = |read: &[Likelihood]| read.iter().map(|read| read.excess.bits as f32).collect::<Vec<_>>();
    let held_out_bits = bits(&usual);
    let (training_plan, training) = read(&data.train, GRADIENTS)?;
    let mut sets = vec![
        set_bits("training pictures", &training_plan, &training, Some(auroc(&held_out_bits, &bits(&training)))),
        set_bits("held-out pictures", &plan, &usual, None),
    ];
    // Told apart under the same noise: then what it does to all of them alike counts for none.
    let (_, coarse) = read(held_out, FOREIGN_GRADIENTS)?;
    let coarse_bits = bits(&coarse);
    for other in foreign {
        let (plan, read) = read(&other.images, FOREIGN_GRADIENTS)?;
        sets.push(set_bits(&other.name, &plan, &read, Some(auroc(&coarse_bits, &bits(&read)))));
    }
    Ok(Likelihoods {
        noise_level: noise.min,
        largest_level: noise.max,
        gradients: GRADIENTS,
        floor: likelihood::floor(noise.min),
        sets,
        bound: Some(bound(placed, held_out, &prior)?),
        code: code(placed, &data.train.sample(PICTURES, 0), &held_out.sample(PICTURES, 0), (&plan, &usual))?,
        curve,
        partition: partition(placed, &prior, held_out)?,
    })
}

/// What a model's file is to say, by held-out pictures; nothing of a model that was trained at one noise level alone: bits
/// are an integral over levels.
///
/// # Errors
/// The device fails.
pub fn card(placed: &PlacedModel<'_>, moments: &Moments, held_out: &Images) -> Result<Option<LikelihoodCard>> {
    const MEASURED: usize = 300;
    if placed.model.noise.min == placed.model.noise.max {
        return Ok(None);
    }
    let prior = Prior::of(moments, held_out.channels, held_out.height);
    let plan = Plan::integral(placed.model.noise, GRADIENTS, 0);
    let read = plan.read(placed.model, &some(held_out, MEASURED), &prior, false, placed.device)?;
    let SetBits { pictures, bits, bits_standard_error, bits_spread, prior_bits, bits_per_dim, .. } =
        set_bits("held-out pictures", &plan, &read, None);
    Ok(Some(LikelihoodCard {
        noise_level: plan.noise.min,
        pictures,
        bits,
        bits_standard_error,
        bits_spread,
        bits_percentiles: percentiles(read.iter().map(|read| read.excess.bits as f32).collect()),
        prior_bits,
        bits_per_dim,
        curve: curve(&plan, &read),
        partition: Some(partition(placed, &prior, held_out)?),
    }))
}

fn some(images: &Images, count: usize) -> Vec<Picture> {
    let drawn = images.sample(count, 0);
    (0..drawn.len()).map(|index| drawn.picture(index)).collect()
}

fn curve(plan: &Plan, read: &[Likelihood]) -> Vec<LossPoint> {
    let point = |(node, loss): (&likelihood::Node, f64)| LossPoint { level: node.level, loss };
    plan.quadrature.nodes().iter().zip(mean_curve(read)).map(point).collect()
}

fn set_bits(name: &str, plan: &Plan, read: &[Likelihood], auroc: Option<f64>) -> SetBits {
    let Mean { mean, standard_error, spread } = mean_excess(plan, read);
    let average = |of: fn(&Likelihood) -> f64| read.iter().map(of).sum::<f64>() / read.len().max(1) as f64;
    let values = read.first().map_or(1, |read| read.values) as f64;
    let per_dim = mean_of(plan, read, read.iter().map(|read| read.bits_per_dim * values));
    SetBits {
        name: name.to_owned(),
        pictures: read.len(),
        bits: mean,
        bits_standard_error: standard_error,
        bits_spread: spread,
        frame_bits: average(|read| read.frame_bits),
        prior_bits: average(|read| read.prior_bits),
        bits_per_dim: average(|read| read.bits_per_dim),
        bits_per_dim_standard_error: per_dim.standard_error.map(|error| error / values),
        auroc,
    }
}

fn bound(placed: &PlacedModel<'_>, held_out: &Images, prior: &Prior) -> Result<Bound> {
    let noise = placed.model.noise;
    let plan = Plan { quadrature: Quadrature::bound(&noise, INTERVALS), noise, seed: 0, shared: true };
    let read = plan.read(placed.model, &some(held_out, BOUNDED), prior, false, placed.device)?;
    let SetBits { pictures, bits, bits_standard_error, bits_per_dim, .. } = set_bits("", &plan, &read, None);
    Ok(Bound { intervals: INTERVALS, pictures, bits, bits_standard_error, bits_per_dim })
}

/// Codes the pictures that `read` was read of, by errors of training pictures.
fn code(
    placed: &PlacedModel<'_>,
    train: &Images,
    held_out: &Images,
    (plan, read): (&Plan, &[Likelihood]),
) -> Result<CodeLength> {
    let level = placed.model.noise.min;
    let denoised = |images: &Images| -> Result<Vec<f32>> {
        let mut values = Vec::with_capacity(images.pixels.len());
        for (first, clean) in placed.batches(images) {
            values.extend(output::floats(placed.model.frame.remove(placed.jump(placed.noisy(first, clean, level))))?);
        }
        Ok(values)
    };
    let seen = denoised(train)?;
    let decoder = Decoder::fit(train.pixels.iter().copied().zip(seen));
    let values = held_out.image(0).len();
    let told: Vec<f64> = held_out.pixels.iter().zip(denoised(held_out)?).map(|(&x, d)| decoder.bits(x, d)).collect();
    let decoded: Vec<f64> = told.chunks(values).map(|picture| picture.iter().sum()).collect();
    let all = decoded.iter().zip(read).map(|(told, read)| told + read.excess.bits + read.prior_bits);
    let Mean { mean, standard_error, .. } = mean_of(plan, read, all);
    Ok(CodeLength {
        pictures: read.len(),
        bits_per_dim: mean / values as f64,
        standard_error: standard_error.map(|error| error / values as f64),
        decoder_bits_per_dim: decoded.iter().sum::<f64>() / decoded.len().max(1) as f64 / values as f64,
    })
}
