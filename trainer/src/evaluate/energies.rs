//! Energies of pictures that the model has and has not seen.

use serde::Serialize;

use super::{
    foreign::Foreign,
    outliers::auroc,
    placed_model::{PlacedModel, Reading},
};
use crate::{data::Images, error::Result};

/// Energies of sets of pictures.
#[derive(Clone, Debug, Serialize)]
pub struct Energies {
    /// Each set.
    pub sets: Vec<SetEnergies>,
    /// The probability that a held-out picture's energy is above a training picture's: 0.5 where the model has not
    /// learnt the training pictures by heart.
    pub held_out_above_training: f64,
}

/// Energies of one set.
#[derive(Clone, Debug, Serialize)]
pub struct SetEnergies {
    /// The set.
    pub name: String,
    /// Its pictures' mean energy.
    pub mean: f64,
    /// One for each picture.
    pub energies: Vec<f32>,
}

/// Training pictures that are measured.
const COUNT: usize = 1000;

/// Measures training, held-out and foreign pictures.
///
/// # Errors
/// The device fails.
pub fn energies(placed: &PlacedModel<'_>, train: &Images, held_out: &Images, foreign: &[Foreign]) -> Result<Energies> {
    let set = |name: &str, images: &Images| -> Result<SetEnergies> {
        let energies: Vec<f32> = placed.read(images)?.iter().map(|reading: &Reading| reading.energy).collect();
        let mean = energies.iter().map(|&energy| f64::from(energy)).sum::<f64>() / energies.len() as f64;
        Ok(SetEnergies { name: name.to_owned(), mean, energies })
    };
    let mut sets = vec![set("training pictures", &train.sample(COUNT, 0))?, set("held-out pictures", held_out)?];
    let held_out_above_training = auroc(&sets[0].energies, &sets[1].energies);
    for other in foreign {
        sets.push(set(&other.name, &other.images)?);
    }
    Ok(Energies { sets, held_out_above_training })
}
