//! `trainer inpaint`.

use std::path::Path;

use super::chains;
use crate::{chains::around, cli::InpaintArgs, error::Result, model::LoadedModel, pictures};

/// Fills in the unknown part of a picture, several times over.
pub fn inpaint(args: InpaintArgs) -> Result<()> {
    chains::check_outputs(&args.chains, &[("--image", &args.image), ("--mask", Path::new(&args.mask))], &[])?;
    let (device, _) = args.model.backend.device()?;
    let model = LoadedModel::open("--model", &args.model.model, &device)?;
    let size = model.data.size;
    let channels = model.config.channels;
    let (picture, mask) = pictures::read_masked(&args.image, &args.mask, channels, size, size)?;
    let known = around(&model, &picture, &mask, &device);
    let images = chains::run(&args.chains, &model, Some(&known), 0, &device)?;
    chains::write(&args.chains, &images)
}
