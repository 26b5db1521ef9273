//! What sampling and inpainting share: running chains in batches and writing what they became.

use burn::tensor::{Device, Tensor};
use indicatif::ProgressBar;
use shared::{Known, Method, Noise, Sampler};

use crate::{
    cli::ChainArgs,
    error::Result,
    files,
    model::LoadedModel,
    npy, output,
    pictures::{self, Picture},
};

/// Chains at a time: bounds the memory; the pictures do not depend on it.
const BATCH: usize = 64;

/// Runs the chains that `args` ask for, around `known` (for one picture, `[1, C, S, S]`) if given.
pub fn run(args: &ChainArgs, model: &LoadedModel, known: Option<&Known>, device: &Device) -> Result<Vec<Picture>> {
    for path in std::iter::once(&args.out).chain(&args.npy) {
        files::check_writable(path)?;
    }
    let method = Method::from(args.sampler);
    let steps = args.steps.unwrap_or(method.default_steps());
    let schedule = method.schedule(steps, model.config.sigma_0, &model.noise);
    let bar = ProgressBar::new((args.count.div_ceil(BATCH) * steps) as u64);
    let mut images = Vec::new();
    for first in (0..args.count).step_by(BATCH) {
        let count = BATCH.min(args.count - first);
        let mut sampler = Sampler::new(
            schedule.clone(),
            model.config.sigma_0,
            Noise::new(args.seed),
            first as u64,
            model.config.batch_shape(count),
            device,
        );
        if let Some(known) = known {
            sampler = sampler.around(repeat(known, count));
        }
        while sampler.step(&model.network).is_some() {
            bar.inc(1);
        }
        let (batch, _) = sampler.finish(&model.network);
        images.extend(output::pictures(model.frame.remove(batch))?);
    }
    bar.finish_and_clear();
    for pixel in images.iter_mut().flat_map(|image| &mut image.pixels) {
        *pixel = pixel.clamp(0.0, 1.0);
    }
    Ok(images)
}

/// Writes the grid, and the numbers if asked for.
pub fn write(args: &ChainArgs, images: &[Picture]) -> Result<()> {
    pictures::write_grid(&args.out, images, None)?;
    if let (Some(path), Some(first)) = (&args.npy, images.first()) {
        let shape = [images.len(), first.height, first.width, first.channels];
        let values: Vec<f32> = images.iter().flat_map(output::channels_last).collect();
        npy::write(path, &shape, &values)?;
    }
    Ok(())
}

fn repeat(known: &Known, count: usize) -> Known {
    let shape = |tensor: [usize; 4]| [count, tensor[1], tensor[2], tensor[3]];
    let pixels: Tensor<4> = known.pixels.clone();
    let dims = shape(pixels.dims());
    Known { pixels: pixels.expand(dims), unknown: known.unknown.clone().expand(dims) }
}
