//! `trainer inpaint`.

use burn::tensor::{Bool, Tensor, TensorData};
use shared::Known;

use super::chains;
use crate::{cli::InpaintArgs, error::Result, model::LoadedModel, output, pictures};

/// Fills in the unknown part of a picture, several times over.
pub fn inpaint(args: InpaintArgs) -> Result<()> {
    let (device, _) = args.model.backend.backend.device()?;
    let model = LoadedModel::open(&args.model.model, &device)?;
    let size = model.data.size;
    let channels = model.config.channels;
    let picture = pictures::read(&args.image, channels, size, size)?;
    let mask = pictures::read_mask(&args.mask, size, size)?;

    // The frame of zeros around small pictures is known too.
    let unknown: Vec<f32> = mask.iter().map(|&unknown| f32::from(u8::from(unknown))).collect();
    let unknown = Tensor::<4>::from_data(TensorData::new(unknown, [1, 1, size, size]), &device);
    let unknown: Tensor<4, Bool> = model.frame.add(unknown).greater_elem(0.5);
    let pixels = model.frame.add(output::tensor(&[picture], &device));
    let unknown = unknown.expand(pixels.dims());

    let images = chains::run(&args.chains, &model, Some(&Known { pixels, unknown }), &device)?;
    chains::write(&args.chains, &images)
}
