//! What a training needs of memory, and what keeps it within bounds.

use burn::tensor::Device;
use shared::network::EnergyNetwork;

use super::RunConfig;
use crate::error::{Error, Result};

/// Bytes that the activations of a part of a batch may need.
const ACTIVATIONS: u64 = 1 << 30;
/// Bytes that the pictures may need over which targets are means, as floats.
const REFERENCES: u64 = 64 << 20;
/// Numbers that a training step keeps for each that the convolutions of a forward pass give: the energy's gradient is
/// differentiated once more, so nearly every intermediate result is needed again. Measured (`trainer bench`,
/// less the program itself): 3.9 to 4.9.
const KEPT: u64 = 5;

/// Settles what follows from the size of the pictures: how many parts a batch is computed in, and how many pictures
/// targets are means of: `pictures` are there.
///
/// # Errors
/// The network is impossible.
pub fn fit(config: &mut RunConfig, pictures: usize) -> Result<()> {
    let plan = &config.optimization;
    let (slices, references) = (slices(config)?, references(config));
    if references < plan.references.min(pictures) {
        eprintln!("targets are means of {references} pictures, not {}: that many fill 64 MiB", plan.references);
    }
    config.optimization.slices = Some(slices);
    config.optimization.references = references;
    Ok(())
}

/// How many parts a batch is computed in: as many as are asked for, or the fewest whose activations fit into the budget.
///
/// # Errors
/// The network is impossible.
pub fn slices(config: &RunConfig) -> Result<usize> {
    let plan = &config.optimization;
    let fewest = |bytes: u64| (bytes.div_ceil(ACTIVATIONS) as usize).clamp(1, plan.batch);
    plan.slices.map_or_else(|| activations(config, plan.batch).map(fewest), Ok)
}

/// Bytes of memory at the height of a training, about: with `pictures` bytes of pictures read, which took `decoding` bytes
/// beside them before it began.
///
/// # Errors
/// The network is impossible.
pub fn estimate(config: &RunConfig, pictures: u64, decoding: u64) -> Result<u64> {
    /// The program itself, with its code, threads and work space.
    const PROGRAM: u64 = 100 << 20;
    let plan = &config.optimization;
    let slice = plan.batch.div_ceil(plan.slices.unwrap_or(1));
    let parameters: usize =
        network(config)?.parameters().iter().map(|parameter| parameter.shape.iter().product::<usize>()).sum();
    // Weights, their average, two moments, gradients and their sum, and a copy of each that is being made.
    let weights = 4 * 8 * parameters as u64;
    let [_, channels, height, width] = config.network().batch_shape(1);
    let numbers = (channels * height * width) as u64;
    // Waiting batches have bytes for pictures and floats for noise; one is made of floats altogether.
    let references = plan.batch.max(plan.references) as u64 * numbers;
    let batches = 3 * (references + 4 * numbers * plan.batch as u64) + 3 * 4 * references;
    let training = activations(config, slice)? + weights + batches;
    Ok(PROGRAM + pictures + training.max(decoding))
}

/// Over how many pictures targets can be means: as many as are asked for, or as fit into the budget, but at least a batch.
pub fn references(config: &RunConfig) -> usize {
    let plan = &config.optimization;
    plan.references.min(most_references(config).max(plan.batch))
}

/// Pictures that fit into the budget for references.
fn most_references(config: &RunConfig) -> usize {
    let (channels, size) = (config.network().channels as u64, config.card().size as u64);
    (REFERENCES / (4 * channels * size * size).max(1)) as usize
}

/// Bytes of the activations of a training step on so many images.
fn activations(config: &RunConfig, images: usize) -> Result<u64> {
    let values = network(config)?.forward_values(config.network().image_size) as u64;
    Ok(4 * KEPT * values * images as u64)
}

/// The network, whose weights are not drawn before they are used.
fn network(config: &RunConfig) -> Result<EnergyNetwork> {
    EnergyNetwork::new(&config.network(), &Device::flex()).map_err(|error| Error::input(error.to_string()))
}

#[cfg(test)]
mod tests {
    use shared::model::DataCard;

    use super::*;
    use crate::train::{TrainingPreset, config::PicturesCard};

    fn of_size(size: usize) -> RunConfig {
        let card = DataCard { name: "x".into(), licence: "y".into(), size, pixel_range: [0.0, 1.0], fingerprint: None };
        let pictures = Some(PicturesCard { channels: 3, changed: false, count: None, card });
        let mut config = RunConfig { pictures, ..TrainingPreset::Unet4.settings() };
        fit(&mut config, usize::MAX).unwrap();
        config
    }

    #[test]
    fn large_pictures_are_computed_in_parts_and_averaged_over_fewer() {
        let plans = [32, 64, 128].map(|size| of_size(size).optimization);
        assert_eq!(plans.clone().map(|plan| plan.references), [4096, 1365, 341]);
        let slices = plans.map(|plan| plan.slices.unwrap());
        assert_eq!(slices, [1, 1, 4]);
        // 200,000 pictures of 64x64 and 20,000 of 128x128 in 4 GB.
        for (size, pictures) in [(64, 200_000u64), (128, 20_000)] {
            let bytes = estimate(&of_size(size), pictures * 3 * size as u64 * size as u64, 0).unwrap();
            assert!(bytes < 4_000_000_000, "{size}: {bytes}");
            // What decoding takes is free again when the training begins.
            let decoding = |bytes| estimate(&of_size(size), 0, bytes).unwrap();
            assert!(decoding(1000) == decoding(0) && decoding(8 << 30) > 8 << 30);
        }
    }

    #[test]
    fn what_was_asked_for_stays() {
        let mut config = of_size(64);
        config.optimization.slices = Some(64);
        config.optimization.references = 0;
        fit(&mut config, usize::MAX).unwrap();
        assert_eq!((config.optimization.slices, config.optimization.references), (Some(64), 0));
    }
}
