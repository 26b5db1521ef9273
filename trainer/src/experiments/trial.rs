//! A small training whose samples are judged: what experiments on training are made of.

use std::time::Instant;

use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use shared::sampling::Schedule;

use crate::{
    chains::SamplingRun,
    data::DataSet,
    error::{Error, Result},
    evaluate::{Quality, QualityMeasure},
    files,
    model::LoadedModel,
    pictures::Picture,
    ranks::Ranks,
    train::{self, Hold, RunConfig, RunFolder, Start},
};

/// What a training came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// Parameters of the network.
    pub parameters: usize,
    /// Of training, on this machine and whatever else it had to do.
    pub seconds: f64,
    /// The training loss of the averaged weights on held-out pictures.
    pub held_out_loss: f64,
    /// Of the samples.
    pub quality: Quality,
}

/// How samples are made.
pub struct TrialSampling {
    /// The sampler and its steps.
    pub schedule: Schedule,
    /// Samples.
    pub count: usize,
}

/// Trains in a folder that is deleted again, samples and judges; gives the samples too.
///
/// # Errors
/// The training fails.
pub fn run(
    mut config: RunConfig,
    data: &DataSet,
    measure: &QualityMeasure<'_>,
    sampling: TrialSampling,
    device: &Device,
) -> Result<(Outcome, Vec<Picture>)> {
    let place = tempfile::tempdir()
        .map_err(|error| Error::failed(format!("no temporary folder: {}", files::reason(&error))))?;
    let folder = RunFolder::at(place.path());
    config.record.checkpoint_every = config.optimization.steps;
    config.record.grid = 0;
    let config = config.with_pictures(data)?;
    folder.save_config(&config)?;
    let begun = Instant::now();
    let mut hold = Hold::of(&folder)?;
    let start = Start::of(&config)?;
    let trained = train::train(&config, data, &mut hold, start, std::slice::from_ref(device), &Ranks::alone());
    trained.map_err(|error| match error {
        Error::Interrupted(_) => {
            Error::Interrupted("interrupted; what was measured before is kept, this training is not".to_owned())
        }
        error => error,
    })?;
    let seconds = begun.elapsed().as_secs_f64();

    let model = LoadedModel::open("--model", place.path(), device)?;
    let TrialSampling { schedule, count } = sampling;
    let samples = SamplingRun { schedule, count, seed: 1, first: 0 }.run(&model, None, device)?;
    let parameters = model.network.parameters().iter().map(|p| p.shape.iter().product::<usize>()).sum();
    let held_out_loss = train::held_out_loss(&folder)?.unwrap_or(f64::NAN);
    Ok((Outcome { parameters, seconds, held_out_loss, quality: measure.samples(&samples)? }, samples))
}
