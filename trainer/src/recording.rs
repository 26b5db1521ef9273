//! A run of chains as a PNG file that the page plays.

use burn::tensor::Device;
use options::{RecordedMoment, Recording, Sampler};
use png::{BitDepth, ColorType, Compression, Encoder, EncodingError, Filter};
use shared::model::Manifest;

use crate::{
    chains::SamplingRun,
    error::{Error, Result},
    model::LoadedModel,
    output,
    pictures::Picture,
};

/// Moments of a recording: enough to see where it goes in two seconds, and the fewest.
const MOMENTS: usize = 14;
const FEWEST_MOMENTS: usize = 6;
/// Chains of a recording that goes with a model.
const CHAINS: usize = 16;
/// Values of a recording, about, at most: noise cannot be compressed, and a first screen does not wait for megabytes. As
/// many as 16 chains of 32x32 in colour have.
const VALUES: usize = MOMENTS * CHAINS * 32 * 32 * 3;

/// The run that goes with a model, by the sampler and the steps that the page has by default: its file.
///
/// # Errors
/// The device fails.
pub fn of_model(model: &LoadedModel, manifest: &Manifest, device: &Device) -> Result<Vec<u8>> {
    let sampler = Sampler::Consistent;
    let schedule = manifest.schedule(sampler, sampler.default_steps());
    let count = chains(manifest.data.size * manifest.data.size * manifest.network.channels);
    record(&SamplingRun { schedule, count, seed: 1, first: 0 }, sampler, model, device).map(|(file, _)| file)
}

/// How many chains are recorded for a model whose pictures have so many values.
fn chains(values: usize) -> usize {
    (2 * VALUES / (MOMENTS * values.max(1))).clamp(1, CHAINS)
}

/// How many moments of so many chains.
fn moments(chains: usize, values: usize) -> usize {
    (VALUES / (chains * values).max(1)).clamp(FEWEST_MOMENTS, MOMENTS)
}

/// Runs the chains of `run`, by this sampler: the file of their run, and the pictures that they became.
///
/// # Errors
/// The device fails.
pub fn record(
    run: &SamplingRun,
    sampler: Sampler,
    model: &LoadedModel,
    device: &Device,
) -> Result<(Vec<u8>, Vec<Picture>)> {
    let values = model.data.size * model.data.size * model.config.channels;
    let mut moments = run.record(model, moments(run.count, values), device)?;
    let last = moments.len() - 1;
    let rows: Vec<u8> = moments.iter().enumerate().flat_map(|(index, moment)| row(moment, index == last)).collect();
    let header = Recording {
        seed: run.seed,
        sampler,
        steps: run.schedule.steps(),
        count: run.count,
        moments: moments.iter().map(|(moment, _)| moment.clone()).collect(),
    };
    let file = write(&header, &rows, model.data.size, model.config.channels)
        .map_err(|error| Error::failed(format!("the recording cannot be written: {error}")))?;
    let (_, pictures) = moments.swap_remove(last);
    Ok((file, pictures))
}

/// The bytes of a moment's pictures side by side. Noise cannot be compressed and hides all that is finer than itself: so
/// its values are as coarse as it allows, but for those of the end.
fn row((moment, pictures): &(RecordedMoment, Vec<Picture>), is_last: bool) -> Vec<u8> {
    let greys: f32 = if is_last { 255.0 } else { (1.5 / moment.noise_level).clamp(3.0, 255.0).round() };
    let lines = pictures.iter().map(|picture| {
        let values: Vec<f32> = output::channels_last(picture).collect();
        (picture.width * picture.channels, values)
    });
    let lines: Vec<(usize, Vec<f32>)> = lines.collect();
    let height = pictures.first().map_or(0, |picture| picture.height);
    let values = (0..height).flat_map(|y| lines.iter().flat_map(move |(length, line)| &line[y * length..][..*length]));
    values.map(|&value| ((value * greys).round() / greys * 255.0).round() as u8).collect()
}

fn write(header: &Recording, rows: &[u8], side: usize, channels: usize) -> std::result::Result<Vec<u8>, EncodingError> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, (header.count * side) as u32, (header.moments.len() * side) as u32);
    encoder.set_color(if channels == 1 { ColorType::Grayscale } else { ColorType::Rgb });
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::High);
    encoder.set_filter(Filter::NoFilter);
    let text = serde_json::to_string(header).map_err(std::io::Error::from)?;
    encoder.add_itxt_chunk(Recording::KEYWORD.to_owned(), text)?;
    let mut writer = encoder.write_header()?;
    writer.write_image_data(rows)?;
    writer.finish()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn larger_pictures_have_fewer_chains_and_moments() {
        let plan = |values: usize| (chains(values), moments(chains(values), values));
        assert_eq!([28 * 28, 16 * 16 * 3, 32 * 32 * 3].map(plan), [(16, 14); 3]);
        assert_eq!([64 * 64 * 3, 128 * 128 * 3, 256 * 256 * 3].map(plan), [(8, 7), (2, 7), (1, 6)]);
    }

    #[test]
    fn pictures_of_a_moment_lie_side_by_side_and_only_noise_is_coarse() {
        let picture = |pixels: [f32; 4]| Picture { channels: 1, height: 2, width: 2, pixels: pixels.to_vec() };
        let moment = |noise_level| RecordedMoment { done: 1, temperature: 1.0, noise_level, energies: vec![0.0; 2] };
        let pictures = vec![picture([0.0, 0.1, 0.2, 0.3]), picture([0.4, 0.5, 0.6, 1.0])];
        let fine = row(&(moment(5.0), pictures.clone()), true);
        assert_eq!(fine, [0, 26, 102, 128, 51, 77, 153, 255]);
        let coarse = row(&(moment(5.0), pictures.clone()), false);
        let thirds = coarse.iter().map(|&value| f32::from(value) / 255.0 * 3.0);
        assert!(thirds.into_iter().all(|value| (value - value.round()).abs() < 0.02), "{coarse:?}");
        assert_eq!(row(&(moment(0.001), pictures), false), fine, "little noise hides nothing");
    }
}
