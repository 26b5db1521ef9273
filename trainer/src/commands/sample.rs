//! `trainer sample`.

use super::chains;
use crate::{cli::SampleArgs, error::Result, model::LoadedModel};

/// Turns noise into pictures.
pub fn sample(args: SampleArgs) -> Result<()> {
    let (device, _) = args.model.backend.device()?;
    let model = LoadedModel::open("--model", &args.model.model, &device)?.with_churn(&args.churn);
    let mut model = model.guided_by(&args.guide, &device)?;
    for other in &args.and {
        model.join(other, LoadedModel::open("--and", other, &device)?)?;
    }
    let images = chains::run(&args.chains, &model, None, &device)?;
    chains::write(&args.chains, &images)
}
