//! What a model is worth: the experiments of the paper, against pictures that it has not seen.

mod banded;
mod classifier;
mod copies;
mod denoising;
mod density;
mod energies;
mod evaluation;
mod extractor;
mod features;
mod foreign;
mod gaussian;
mod groups;
mod inpainting;
mod interpolation;
pub mod likelihoods;
mod mobilenet;
mod neighbours;
pub mod outliers;
mod partition;
mod pixel_gaussian;
mod placed_model;
mod quality;
mod record;
mod report;
mod summary;

use std::path::Path;

use burn::tensor::Device;
use shared::model::Weights;

use crate::{
    budget,
    chains::SamplingRun,
    data::{DataSet, Images},
    error::{Error, Result},
    features::FeatureChoice,
    files,
    model::LoadedModel,
    pictures::Picture,
};
use energies::SetReadings;
use evaluation::Part;
pub use evaluation::{Evaluation, SampleQuality, Sampling};
pub use groups::{Quality, from_picture_to_picture, with_error};
pub use inpainting::{average, diffused};
pub use placed_model::PlacedModel;
pub use quality::{Counted, Purpose, QualityMeasure};
use record::Record;
pub use summary::Summary;

/// How much work importance sampling may be.
#[derive(Clone, Copy)]
pub struct DensityPlan {
    /// Densities on the way; 0 for none of it.
    pub steps: u32,
    /// Chains in each direction.
    pub chains: usize,
}

/// Samples that were drawn before.
pub struct Given {
    /// The samples.
    pub samples: Vec<Picture>,
    /// What the user knows them by, as the beginning of a line.
    pub named: String,
}

/// Held-out pictures that energies and outlier scores are measured on, at most.
const HELD_OUT: usize = 2000;
/// Samples that the report shows.
const SHOWN: usize = 100;

/// What the weights are known by.
///
/// # Errors
/// They cannot be written as a file.
pub fn fingerprint(weights: &Weights) -> Result<String> {
    let bytes = weights.to_safetensors(false).map_err(|error| Error::failed(error.to_string()))?;
    Ok(files::sha256(&bytes))
}

/// Measures a model, by samples of these chains or those that they gave before, into a folder: every part is written there when it is measured.
///
/// # Errors
/// Nothing can be sampled, a part failed, or the folder cannot be written. What was measured is there all the same.
pub fn evaluate(
    model: &LoadedModel,
    name: String,
    data: &DataSet,
    (chains, given): (&SamplingRun, Option<Given>),
    features: FeatureChoice,
    plan: DensityPlan,
    (device, folder): (&Device, &Path),
) -> Result<Evaluation> {
    let placed = PlacedModel { model, device };
    let held_out = data.held_out.sample(HELD_OUT.min(budget::at_a_time(2 * data.held_out.image(0).len())), 0);
    let mut record = Record::new(
        folder,
        Evaluation {
            fingerprint: data.fingerprint.clone(),
            ..Evaluation::begun(
                (name, fingerprint(&Weights::of(&model.network))?),
                data.name.clone(),
                [data.train.len(), held_out.len()],
                Sampling::of(chains, given.is_some(), model),
            )
        },
    )?;

    // Without a network to judge them by, samples are not judged; the rest of the report is as good. It is asked for
    // before they are drawn: whoever stops while a classifier learns loses none.
    let counted = given.as_ref().map_or_else(
        || Counted::by_flag(chains.count),
        |Given { samples, named }| Counted {
            count: samples.len(),
            named: format!("{named} ({} samples)", samples.len()),
        },
    );
    let measure = QualityMeasure::new(data, Purpose::Report, counted, features);
    let measure = measure.map_err(|error| {
        eprintln!("samples will not be judged: {error}");
        Error::input(error.to_string())
    });
    let samples = match given {
        Some(Given { samples, .. }) => samples,
        None => {
            eprintln!("sampling {} pictures", chains.count);
            chains.run(model, None, device)?
        }
    };
    record.show("samples.png", &samples[..samples.len().min(SHOWN)], None);

    eprintln!("looking for copies of training pictures");
    let copies = copies::copies(&samples, &data.train, &data.held_out).inspect(|copies| {
        let pairs = copies.nearest.iter();
        let pairs = pairs.flat_map(|&(sample, training)| [samples[sample].clone(), data.train.picture(training)]);
        record.show("neighbours.png", &pairs.collect::<Vec<_>>(), Some(8));
    });
    record.take(Part::NearestNeighbours, copies, |all, copies| all.nearest_neighbours = Some(copies))?;
    let quality = measure.and_then(|measure| sample_quality(&measure, &samples));
    record.take(Part::SampleQuality, quality, |all, quality| {
        all.sample_quality = Some(quality);
    })?;
    drop(samples);

    eprintln!("denoising");
    let rows = denoising::denoising(&placed, &data.train, &held_out);
    record.take(Part::Denoising, rows, |all, rows| all.denoising = rows)?;

    eprintln!("completing pictures");
    let rows = inpainting::inpainting(&placed, &data.train, &held_out, chains).map(|(rows, completions)| {
        record.show("completions.png", &completions, Some(2 * inpainting::COLUMNS));
        rows
    });
    record.take(Part::Inpainting, rows, |all, rows| all.inpainting = rows)?;
    let paths = interpolation::interpolation(&placed, &held_out).map(|(interpolation, paths)| {
        record.show("paths.png", &paths, Some(interpolation::LENGTH));
        interpolation
    });
    record.take(Part::Interpolation, paths, |all, paths| all.interpolation = Some(paths))?;

    eprintln!("energies and outliers");
    let foreign = foreign::foreign_sets(&data.name, &held_out);
    // Both parts are of these.
    let readings = SetReadings::of(&placed, &data.train, &held_out, &foreign);
    let again = |error: &Error| Error::failed(error.to_string());
    let energies = readings.as_ref().map(|readings| energies::energies(readings, &foreign)).map_err(again);
    record.take(Part::Energies, energies, |all, energies| all.energies = Some(energies))?;
    let outliers = readings.as_ref().map_err(again);
    let outliers =
        outliers.and_then(|readings| outliers::outliers(&placed, &data.train, &held_out, &foreign, readings));
    record.take(Part::Outliers, outliers, |all, outliers| all.outliers = outliers)?;

    eprintln!("likelihoods");
    let likelihoods = likelihoods::likelihoods(&placed, data, &held_out, &foreign);
    record.take(Part::Likelihood, likelihoods, |all, found| all.likelihood = Some(found))?;

    if plan.steps == 0 {
        record.skip(Part::Density, "it was not asked for (--density-steps)");
    } else {
        let density = importance(&placed, data, &held_out, chains, plan);
        record.take(Part::Density, density, |all, density| all.density = Some(density))?;
    }
    record.finish()
}

fn sample_quality(measure: &QualityMeasure<'_>, samples: &[Picture]) -> Result<SampleQuality> {
    let train = &measure.data().train;
    Ok(SampleQuality {
        features: measure.features()?,
        compared_with: measure.compared_with(),
        samples: measure.samples(samples)?,
        held_out_half: measure.floor(samples.len())?,
        pixel_gaussian: measure.pixel_gaussian(samples.len())?,
        pixel_gaussian_size: pixel_gaussian::averaged(train.height, train.width),
    })
}

fn importance(
    placed: &PlacedModel<'_>,
    data: &DataSet,
    held_out: &Images,
    chains: &SamplingRun,
    plan: DensityPlan,
) -> Result<density::Density> {
    eprintln!("estimating the partition function");
    let sigma_0 = placed.model.config.sigma_0;
    let train = placed.energies_under(&data.train.sample(held_out.len(), 0), sigma_0)?;
    let held_out = placed.energies_under(held_out, sigma_0)?;
    let sets = [("training pictures", &train[..]), ("held-out pictures", &held_out[..])];
    // Not the earlier ones: a guide changes what is likely.
    let unguided = SamplingRun { schedule: chains.schedule.clone(), count: plan.chains, seed: chains.seed, first: 0 };
    let samples = unguided.run_unguided(placed.model, placed.device)?;
    density::density(placed, &samples, &sets, plan.steps, plan.chains)
}
