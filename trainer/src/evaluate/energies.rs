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

/// What the energy says of every picture.
pub struct SetReadings {
    training: Vec<Reading>,
    /// Held-out pictures.
    pub held_out: Vec<Reading>,
    /// Each foreign set.
    pub foreign: Vec<Vec<Reading>>,
}

impl SetReadings {
    /// Of training, held-out and foreign pictures.
    ///
    /// # Errors
    /// The device fails.
    pub fn of(placed: &PlacedModel<'_>, train: &Images, held_out: &Images, foreign: &[Foreign]) -> Result<Self> {
        Ok(Self {
            training: placed.read(&train.sample(COUNT, 0))?,
            held_out: placed.read(held_out)?,
            foreign: foreign.iter().map(|set| placed.read(&set.images)).collect::<Result<_>>()?,
        })
    }
}

/// The energies of these sets.
pub fn energies(readings: &SetReadings, foreign: &[Foreign]) -> Energies {
    let set = |name: &str, readings: &[Reading]| {
        let energies: Vec<f32> = readings.iter().map(|reading| reading.energy).collect();
        let mean = energies.iter().map(|&energy| f64::from(energy)).sum::<f64>() / energies.len() as f64;
        SetEnergies { name: name.to_owned(), mean, energies }
    };
    let mut sets = vec![set("training pictures", &readings.training), set("held-out pictures", &readings.held_out)];
    let held_out_above_training = auroc(&sets[0].energies, &sets[1].energies);
    sets.extend(foreign.iter().zip(&readings.foreign).map(|(other, readings)| set(&other.name, readings)));
    Energies { sets, held_out_above_training }
}
