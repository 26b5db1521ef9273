//! Whether samples are copies of training pictures: how far each is from the nearest one, beside held-out pictures; and
//! how near training pictures are to each other.

use serde::Serialize;

use super::{
    features::Rows,
    neighbours::{Neighbour, nearest},
};
use crate::{
    budget,
    data::Images,
    error::{Error, Result},
    pictures::Picture,
};

/// Distances to the nearest training picture, or to its mirror image, which a network may have seen as often: as root mean
/// squared differences of a pixel, in rising order.
#[derive(Clone, Debug, Serialize)]
pub struct Copies {
    /// Of samples.
    pub samples: Vec<f32>,
    /// Of held-out pictures, which cannot be copies.
    pub held_out: Vec<f32>,
    /// Of training pictures, to the nearest other one, not mirrored; empty where there is one training picture.
    pub training: Vec<f32>,
    /// The share of samples that are nearer than 99 in 100 held-out pictures are; near 0.01 where nothing is copied.
    /// Null where there are fewer than 100 held-out pictures.
    pub suspicious: Option<f64>,
    /// Whether the set has groups of pictures that are nearly the same; null where there are too few to tell.
    pub near_duplicates: Option<bool>,
    /// The samples that are nearest to a training picture, with that picture's place in the set.
    #[serde(skip)]
    pub nearest: Vec<(usize, usize)>,
}

/// Samples that are shown beside their nearest training picture.
const SHOWN: usize = 16;
/// Held-out pictures, and training pictures, that are measured.
const MEASURED: usize = 1000;
/// Fewest held-out pictures of which one in a hundred is one.
const HUNDRED: usize = 100;
/// Fewest pictures of either kind whose median says something.
const FEW: usize = 32;
/// A set has near-duplicates where training pictures are nearer to each other than held-out pictures are to them, by
/// this factor: the emoji, which are held out with all their variants, have 0.69; Fashion-MNIST, CIFAR-10 and the faces
/// have 0.97 to 1.02.
const GROUPED: f32 = 0.8;
/// Or where the nearest is much nearer than any other picture, by this factor: then variants are on both sides. Of the
/// same sets the smallest is 0.31.
const TWINS: f32 = 0.1;

/// Searches all training pictures.
///
/// # Errors
/// The device fails.
pub fn copies(samples: &[Picture], train: &Images, held_out: &Images) -> Result<Copies> {
    let (size, seed) = (train.size(), 0);
    let measured = MEASURED.min(budget::at_a_time(size));
    let rms = |squared: f32| (squared / size as f32).sqrt();
    let of_samples = nearest_either_way(samples, train)?;
    let mut order: Vec<usize> = (0..of_samples.len()).collect();
    order.sort_by(|&a, &b| of_samples[a].squared_distance.total_cmp(&of_samples[b].squared_distance));

    let held_out = held_out.sample(measured, seed);
    let to_them = nearest(&held_out, train, 1)?;
    let to_them = rising(to_them.iter().filter_map(|row| row.first()).map(|n| rms(n.squared_distance)));
    let held_out: Vec<Picture> = (0..held_out.len()).map(|number| held_out.picture(number)).collect();
    let held_out = rising(nearest_either_way(&held_out, train)?.iter().map(|n| rms(n.squared_distance)));
    let some = train.sample(measured, seed);
    // The nearest is the picture itself, or one that is equal to it.
    let training = nearest(&some, train, 2)?;
    let training = rising(training.iter().filter_map(|row| row.get(1)).map(|n| rms(n.squared_distance)));

    let limit = (held_out.len() >= HUNDRED).then(|| held_out[held_out.len() / HUNDRED]);
    let nearer = |limit: f32| of_samples.iter().filter(|n| rms(n.squared_distance) < limit).count();
    let enough = training.len() >= FEW && held_out.len() >= FEW;
    Ok(Copies {
        samples: order.iter().map(|&sample| rms(of_samples[sample].squared_distance)).collect(),
        suspicious: limit.map(|limit| nearer(limit) as f64 / of_samples.len().max(1) as f64),
        near_duplicates: enough.then(|| {
            let (each_other, to_them, any) = (median(&training), median(&to_them), median(&apart(&some)));
            each_other < GROUPED * to_them || each_other < TWINS * any
        }),
        held_out,
        training,
        nearest: order.into_iter().take(SHOWN).map(|sample| (sample, of_samples[sample].index)).collect(),
    })
}

/// The training picture that each picture, or its mirror image, is nearest to.
fn nearest_either_way(pictures: &[Picture], train: &Images) -> Result<Vec<Neighbour>> {
    nearest_by(pictures, train, budget::at_a_time(size_of::<f32>() * train.size()))
}

/// The same, with so many mirror images at a time.
fn nearest_by(pictures: &[Picture], train: &Images, at_once: usize) -> Result<Vec<Neighbour>> {
    let one = |pictures: &[Picture]| Ok::<_, Error>(nearest(pictures, train, 1)?.into_iter().flatten());
    let mut all = Vec::with_capacity(pictures.len());
    for part in budget::parts(pictures.len(), at_once) {
        let mirrored: Vec<Picture> = pictures[part.clone()].iter().map(Picture::mirrored).collect();
        let both = one(&pictures[part])?.zip(one(&mirrored)?);
        all.extend(both.map(|(one, other)| if other.squared_distance < one.squared_distance { other } else { one }));
    }
    Ok(all)
}

/// How far pictures of a set are from others, in rising order: each of the first half from one of the second, for sets
/// are often sorted; not from the one at the same place, which may be its variant.
fn apart(images: &Images) -> Vec<f32> {
    let half = images.len() / 2;
    let distance = |index: usize| {
        let other = half + (index + half / 3 + 1) % half;
        let pairs = images.image(index).iter().zip(images.image(other));
        let squares = pairs.map(|(&a, &b)| ((f32::from(a) - f32::from(b)) / 255.0).powi(2));
        (squares.sum::<f32>() / images.size() as f32).sqrt()
    };
    rising((0..half).map(distance))
}

fn rising(values: impl Iterator<Item = f32>) -> Vec<f32> {
    let mut values: Vec<f32> = values.collect();
    values.sort_by(f32::total_cmp);
    values
}

/// Of sorted values.
fn median(values: &[f32]) -> f32 {
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Grey pictures of 4x4 around middle grey, drawn at random.
    fn random(seed: u64, count: usize) -> Images {
        let random = shared::sampling::Noise::new(seed).normal(0, shared::sampling::Draw::Start, count * 16);
        let pixels = random.iter().map(|z| (128.0 + 40.0 * z).clamp(0.0, 255.0) as u8).collect();
        Images { channels: 1, height: 4, width: 4, pixels, labels: Vec::new() }
    }

    #[test]
    fn a_copy_is_found_and_suspected() {
        let (train, held_out) = (random(0, 200), random(1, 100));
        let samples = [held_out.picture(0), train.picture(7)];
        let found = copies(&samples, &train, &held_out).unwrap();
        assert_eq!(found.nearest[0], (1, 7));
        assert!(found.samples[0] < 1e-3 && found.samples[1] > 0.05, "{:?}", found.samples);
        assert_eq!((found.suspicious, found.near_duplicates), (Some(0.5), Some(false)));
        assert!(found.training[0] > 0.05, "no picture is its own neighbour: {:?}", &found.training[..5]);
    }

    #[test]
    fn a_mirrored_copy_is_one() {
        let (train, held_out) = (random(0, 200), random(1, 100));
        let found = copies(&[train.picture(7).mirrored()], &train, &held_out).unwrap();
        assert_eq!((found.nearest[0], found.suspicious), ((0, 7), Some(1.0)));
        // Its own mirror image makes no picture a twin of itself.
        assert!(found.training[0] > 0.05 && found.near_duplicates == Some(false), "{:?}", &found.training[..5]);
    }

    #[test]
    fn mirror_images_of_many_samples_are_made_a_few_at_a_time() {
        let (train, samples) = (random(0, 50), random(1, 9));
        let samples: Vec<Picture> = (0..samples.len()).map(|number| samples.picture(number)).collect();
        let whole = nearest_either_way(&samples, &train).unwrap();
        for at_once in [1, 4, 9] {
            let found = nearest_by(&samples, &train, at_once).unwrap();
            let places = |all: &[Neighbour]| all.iter().map(|one| one.index).collect::<Vec<_>>();
            assert_eq!(places(&found), places(&whole), "{at_once}");
        }
    }

    #[test]
    fn few_pictures_are_measured_but_not_judged() {
        let found = copies(&[random(2, 1).picture(0)], &random(0, 1), &random(1, 1)).unwrap();
        assert_eq!((found.samples.len(), found.held_out.len(), found.training.len()), (1, 1, 0));
        assert_eq!((found.suspicious, found.near_duplicates), (None, None));
    }

    #[test]
    fn variants_of_a_few_pictures_are_noticed_whichever_side_they_are_on() {
        let variants = |originals: &Images, change: u8| {
            let pixels = originals.pixels.iter().map(|&pixel| pixel.saturating_add(change)).collect();
            Images { pixels, ..originals.like() }
        };
        let both = |a: &Images, b: &Images| Images { pixels: [&a.pixels[..], &b.pixels[..]].concat(), ..a.like() };
        let (originals, others) = (random(0, 100), random(1, 100));
        let train = both(&originals, &variants(&originals, 3));
        let samples = [others.picture(0)];
        let held_out_whole = copies(&samples, &train, &others).unwrap();
        assert_eq!(held_out_whole.near_duplicates, Some(true));
        let on_both_sides = copies(&samples, &train, &variants(&originals, 5)).unwrap();
        assert_eq!(on_both_sides.near_duplicates, Some(true));
    }
}
