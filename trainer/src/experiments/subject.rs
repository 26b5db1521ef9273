//! What an experiment measures, so that one that was stopped goes on with what it has, and never with another's.

use std::path::Path;

use serde::{Deserialize, Serialize};
use shared::model::Weights;

use crate::{data::DataSet, error::Result, evaluate::fingerprint, files, folders, model::LoadedModel, overwriting};

/// A model and its pictures. Models are known by their weights, wherever they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subject {
    /// SHA-256 of the model's weights.
    pub weights: String,
    /// The data set's name.
    pub data: String,
    /// SHA-256 of its held-out pictures, for folders may have the same name.
    pub held_out: String,
}

impl Subject {
    /// What they are known by.
    ///
    /// # Errors
    /// The weights cannot be written as a file.
    pub fn of(model: &LoadedModel, data: &DataSet) -> Result<Self> {
        Ok(Self {
            weights: fingerprint(&Weights::of(&model.network))?,
            data: data.name.clone(),
            held_out: files::sha256(&data.held_out.pixels),
        })
    }
}

/// The SHA-256 of a set's pictures, those to learn from and those held out.
pub fn hash(data: &DataSet) -> String {
    files::sha256_of_parts([&data.train.pixels, &data.held_out.pixels])
}

/// Makes the folder of an experiment, whose numbers go to `NAME.json` in it: before the work, which may take hours.
///
/// # Errors
/// It cannot be written, or one of `others` would be replaced that no experiment has written.
pub fn claim(folder: &Path, name: &str, others: &[impl AsRef<str>]) -> Result<()> {
    let numbers = format!("{name}.json");
    let others: Vec<&str> = others.iter().map(AsRef::as_ref).collect();
    overwriting::ours(folder, &numbers, &others)?;
    folders::create(folder)?;
    files::check_writable(&folder.join(numbers))
}
