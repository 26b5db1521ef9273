//! `trainer score`.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use burn::tensor::Device;
use serde::Serialize;
use shared::{
    likelihood::{Prior, belongs},
    measures::OutlierScore,
    network::Energy,
    training::NoiseLevels,
};

use super::{lead::Lead, maps::Maps};
use crate::{
    cli::ScoreArgs,
    error::{Error, Result},
    likelihood::{Likelihood, Plan},
    model::{LoadedModel, named},
    output,
    pictures::{self, Picture},
    progress::Progress,
};

/// What one model says of one picture.
#[derive(Serialize)]
struct Score {
    /// The model, as given.
    model: String,
    energy: f32,
    /// Length of the denoising jump, `|sigma_0^2 grad E(x)|`, in pixel units.
    jump: f32,
    /// How unusual the picture is among held-out ones, 0..100, by its denoising errors; null for a model that was not
    /// exported.
    percentile: Option<f32>,
    /// The same by its energy alone, which finds flat pictures usual.
    energy_percentile: Option<f32>,
    /// The same by its bits: 0..100, 100 for a picture that is less likely than all held-out ones; null where the model's
    /// file does not say.
    bits_percentile: Option<f32>,
    /// Of the whole picture as the network sees it, above the noise's own bits, from the smallest to the largest level; this
    /// and what is made of it is null for a model of one level.
    bits: f64,
    bits_standard_error: f64,
    /// Of these, what lies in the frame around the picture.
    frame_bits: f64,
    /// What is still to be told under the largest noise: to all models by what is known of any pictures, where one of several
    /// does not say what it knows of its own.
    prior_bits: f64,
    /// Noise's own bits, excess and prior by value of the picture, of 256 steps.
    bits_per_dim: f64,
    /// The level that the density is of.
    noise_level: f32,
    /// Of the models that were given, how likely this is the one that the picture belongs to, by `bits + prior_bits`; 1 for
    /// one alone, null where their largest noise levels differ.
    probability: Option<f64>,
    /// The most bits of a value in the map; null without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    map_most_bits: Option<f32>,
}

/// A picture's scores: of the first model, and of each where there are several.
#[derive(Serialize)]
struct Scored {
    image: String,
    #[serde(flatten)]
    first: Score,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    others: Vec<Score>,
    /// The model under which the picture is likeliest, where there are several and it can be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    belongs_to: Option<String>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    lead: Option<Lead>,
}

/// Prints how likely each picture is and how unusual. One that cannot be read is named, and the others are scored.
pub fn score(args: ScoreArgs) -> Result<()> {
    let (device, _) = args.backend.device()?;
    let models = Models::open(&args, &device)?;
    let maps = args.map.as_deref().map(|folder| Maps::at(folder, &args.models, &args.images)).transpose()?;
    let (mut scored, mut failed) = (Vec::new(), None);
    let progress = models.progress(args.images.len());
    // The last is told where every error is.
    let mut fail = |error| {
        if let Some(earlier) = failed.replace(error) {
            progress.aside(|| eprintln!("error: {earlier}"));
        }
    };
    for (index, path) in args.images.iter().enumerate() {
        match models.score(path, maps.as_ref().map(|maps| (maps, index)), &progress, &device) {
            Ok((scores, unwritten)) => {
                match args.json {
                    true => scored.push(scores),
                    // Many take long: each is told when it is known.
                    false => progress.aside(|| scores.tell()),
                }
                unwritten.into_iter().for_each(&mut fail);
            }
            Err(error) => fail(error),
        }
    }
    drop(progress);
    if args.json {
        // Not by way of a `Value`, whose numbers have 64 bits: 0.05 would be 0.05000000074505806.
        let text = serde_json::to_string_pretty(&HashMap::from([("scores", &scored)]))
            .map_err(|error| Error::failed(error.to_string()))?;
        println!("{text}");
    }
    failed.map_or(Ok(()), Err)
}

impl Scored {
    fn tell(&self) {
        let Self { image, first, others, .. } = self;
        if others.is_empty() {
            println!("{image}: {}", told(first));
            return;
        }
        println!("{image}:{}", self.judgement());
        for score in std::iter::once(first).chain(others) {
            let probability = score.probability.map_or_else(String::new, |share| format!(", probability {share:.3}"));
            println!("  {}: {}{probability}", score.model, told(score));
        }
    }

    /// Which model the picture belongs to, as the end of a line; nothing where they cannot be compared.
    fn judgement(&self) -> String {
        let Some(lead) = &self.lead else { return String::new() };
        let model = |place: usize| match place {
            0 => &self.first.model,
            _ => &self.others[place - 1].model,
        };
        let [likeliest, next] = lead.places.map(model);
        let error =
            if lead.lead_standard_error.is_nan() { "?".to_owned() } else { format!("{:.1}", lead.lead_standard_error) };
        let fewer = format!("{:.1} ± {error} bits fewer than {next}", lead.lead_bits);
        match lead.tells() {
            true => format!(" belongs to {likeliest}, which has {fewer}"),
            false => format!(" cannot be told which model it belongs to: {likeliest} has {fewer}"),
        }
    }
}

fn told(score: &Score) -> String {
    let bits = score.bits_percentile.map(|percent| match among(percent) {
        Among::Below => ", likelier than all held-out pictures".to_owned(),
        Among::Within(percent) => format!(", less likely than {percent} % of held-out pictures"),
        Among::Above => ", less likely than all held-out pictures".to_owned(),
    });
    // A flat picture is likelier than all others, and unusual for that.
    let unusual = score.percentile.map(|percent| match among(percent) {
        Among::Below => ", its denoising errors as usual as any".to_owned(),
        Among::Within(percent) => {
            format!(", its denoising errors more unusual than those of {percent} % of held-out pictures")
        }
        Among::Above => ", its denoising errors more unusual than those of all held-out pictures".to_owned(),
    });
    let place = bits.into_iter().chain(unusual).collect::<String>();
    if score.bits.is_nan() {
        return format!(
            "energy {:.3}{place} (no bits: they are an integral over noise levels, and the model has one)",
            score.energy
        );
    }
    format!(
        "{:.0} ± {:.0} bits above noise of {} ({:.3} bits a value with it), energy {:.3}{place}",
        score.bits, score.bits_standard_error, score.noise_level, score.bits_per_dim, score.energy
    )
}

/// Where a number is among those of held-out pictures.
enum Among {
    Below,
    /// Whole per cent of them are below.
    Within(u8),
    Above,
}

fn among(percentile: f32) -> Among {
    match percentile {
        ..=0.0 => Among::Below,
        100.0.. => Among::Above,
        _ => Among::Within(percentile.round().clamp(1.0, 99.0) as u8),
    }
}

/// The models that pictures are scored by, and from which level on.
struct Models {
    models: Vec<Judge>,
    /// Whether bits of several say which of them a picture belongs to.
    comparable: bool,
}

/// One of them.
struct Judge {
    /// As it was given.
    path: PathBuf,
    model: LoadedModel,
    plan: Plan,
    prior: Prior,
}

impl Models {
    /// Opens them.
    ///
    /// # Errors
    /// One cannot be read, or they see different pictures, whose bits cannot be compared.
    fn open(args: &ScoreArgs, device: &Device) -> Result<Self> {
        let open = |path: &PathBuf| Ok((path.clone(), LoadedModel::open("--model", path, device)?));
        let opened: Vec<(PathBuf, LoadedModel)> = args.models.iter().map(open).collect::<Result<_>>()?;
        let shape = |model: &LoadedModel| (model.config.channels, model.data.size, model.config.image_size);
        let Some((first_path, first)) = opened.first() else {
            return Err(Error::input("--model: give a model"));
        };
        if let Some((path, other)) = opened.iter().find(|(_, model)| shape(model) != shape(first)) {
            let words = |model: &LoadedModel| {
                let colour = if model.config.channels == 1 { "grey" } else { "colour" };
                format!("{colour} pictures of {0}x{0} in {1}x{1}", model.data.size, model.config.image_size)
            };
            return Err(Error::input(format!(
                "{}: it sees {}, {} sees {}; bits of different pictures cannot be compared, so score with one at a time",
                named("--model", path),
                words(other),
                first_path.display(),
                words(first)
            )));
        }
        // Bits are compared at one level: the smallest that all were trained at.
        let least = opened.iter().map(|(_, model)| model.noise.min).fold(0.0, f32::max);
        if let Some((path, model)) = opened.iter().find(|(_, model)| model.noise.max <= least) {
            if opened.len() > 1 {
                return Err(Error::input(format!(
                    "{}: its noise levels end at {}, and bits of all models are an integral from {least} on, so they cannot be \
                     compared",
                    named("--model", path),
                    model.noise.max
                )));
            }
            if args.map.is_some() {
                return Err(Error::input(format!(
                    "--map: bits are an integral over noise levels, and {} was trained at one",
                    path.display()
                )));
            }
        }
        // A model that ends at another level leaves another part of a picture to its prior, and sees it under other noise.
        let largest = first.noise.max;
        let other = opened.iter().find(|(_, model)| (model.noise.max / largest - 1.0).abs() > 1e-4);
        if let Some((path, model)) = other {
            eprintln!(
                "warning: {}: its noise levels end at {}, those of {} at {largest}; so there is no probability for either",
                named("--model", path),
                model.noise.max,
                first_path.display()
            );
        }
        let comparable = other.is_none();
        // What only some of them know of their pictures would be some bits' head start, on no account of the picture.
        let all_know =
            opened.iter().all(|(_, model)| model.manifest.as_ref().is_some_and(|manifest| manifest.moments.is_some()));
        let prior = |model: &LoadedModel| match all_know || opened.len() == 1 {
            true => model.prior(),
            false => Prior::unknown(model.config.channels, model.data.size),
        };
        let priors: Vec<Prior> = opened.iter().map(|(_, model)| prior(model)).collect();
        let judge = |((path, model), prior): ((PathBuf, LoadedModel), Prior)| {
            let noise = NoiseLevels { min: least, ..model.noise };
            Judge { path, model, plan: Plan::integral(noise, args.samples, args.seed), prior }
        };
        Ok(Self { models: opened.into_iter().zip(priors).map(judge).collect(), comparable })
    }

    /// What shows how far so many pictures are.
    fn progress(&self, pictures: usize) -> Progress {
        Progress::new("scoring pictures", self.models.iter().map(|judge| judge.plan.steps(pictures)).sum())
    }

    /// The scores of a picture, and its maps if they are asked for: it is the one of this number. A map that could not be
    /// written costs no score.
    fn score(
        &self,
        path: &Path,
        maps: Option<(&Maps, usize)>,
        progress: &Progress,
        device: &Device,
    ) -> Result<(Scored, Vec<Error>)> {
        if path.is_dir() {
            let all = path.join("*.png");
            let text = format!("it is a folder; give the pictures in it: {}", all.display());
            return Err(Error::input(format!("{}: {text}", path.display())));
        }
        let Judge { model: first, plan: first_plan, .. } = &self.models[0];
        let picture = pictures::read(path, first.config.channels, first.data.size, first.data.size)?;
        let (mut scores, mut losses, mut unwritten) = (Vec::new(), Vec::new(), Vec::new());
        for (index, Judge { path: model_path, model, plan, prior }) in self.models.iter().enumerate() {
            let reads = (maps.is_some(), progress);
            let mut read = plan.read_among(model, std::slice::from_ref(&picture), prior, reads, device)?;
            let Some(likelihood) = read.pop() else { continue };
            if !likelihood.excess.bits.is_finite() {
                return Err(Error::failed(format!(
                    "{}: {} has no number for it, so its weights are damaged or its training diverged",
                    path.display(),
                    named("--model", model_path)
                )));
            }
            if let (Some((maps, picture)), Some(map)) = (maps, &likelihood.surprise) {
                unwritten.extend(maps.write(picture, index, map).err());
            }
            scores.push(score_of(model, model_path, &picture, &likelihood, plan, device)?);
            losses.push(likelihood.losses);
        }
        // A model alone has every picture, even where its bits are no number.
        let mut lead = None;
        if scores.len() > 1 {
            let totals: Vec<f64> = scores.iter().map(|score| score.bits + score.prior_bits).collect();
            let shares = if self.comparable {
                belongs(&totals).into_iter().map(Some).collect()
            } else {
                vec![None; scores.len()]
            };
            for (score, share) in scores.iter_mut().zip(shares) {
                score.probability = share;
            }
            lead = Lead::of(&totals, &losses, &first_plan.quadrature).filter(|_| self.comparable);
        }
        let told = lead.as_ref().filter(|lead| lead.tells());
        let belongs_to = told.map(|lead| scores[lead.places[0]].model.clone());
        let mut scores = scores.into_iter();
        let first = scores.next().ok_or_else(|| Error::failed("there is no model"))?;
        Ok((Scored { image: path.display().to_string(), first, others: scores.collect(), belongs_to, lead }, unwritten))
    }
}

fn score_of(
    model: &LoadedModel,
    model_path: &Path,
    picture: &Picture,
    likelihood: &Likelihood,
    plan: &Plan,
    device: &Device,
) -> Result<Score> {
    let x = model.frame.add(output::tensor(std::slice::from_ref(picture), device));
    let sigma_0 = model.config.sigma_0;
    let (energy, gradient) = model.network.energy_and_gradient(x.clone());
    let energy = output::floats(energy)?[0];
    let jump = output::floats(gradient.square().sum())?[0].sqrt() * sigma_0 * sigma_0;
    let readings = OutlierScore::readings(&model.network, sigma_0, &x).into_iter().map(output::floats);
    let description = OutlierScore::describe(&readings.collect::<Result<Vec<_>>>()?.concat());
    let manifest = model.manifest.as_ref();
    // What is no number has no place among numbers.
    let place = |percentile: f32| percentile.is_finite().then_some(percentile);
    let energy_percentile = manifest.and_then(|manifest| place(manifest.energy_percentile(energy)));
    let percentile = manifest.and_then(|manifest| match &manifest.outlier_score {
        Some(score) => place(score.percentile(score.score(&description))),
        None => energy_percentile,
    });
    // An integral over one level says nothing.
    let integral = |value: f64| if plan.noise.min < plan.noise.max { value } else { f64::NAN };
    let bits = integral(likelihood.excess.bits);
    let card = manifest.and_then(|manifest| manifest.likelihood.as_ref());
    // Among bits from the same level on.
    let card = card.filter(|card| card.noise_level == plan.noise.min);
    Ok(Score {
        model: model_path.display().to_string(),
        energy,
        jump,
        percentile,
        energy_percentile,
        bits_percentile: card.and_then(|card| place(card.percentile(bits))),
        bits,
        bits_standard_error: integral(likelihood.excess.standard_error),
        frame_bits: integral(likelihood.frame_bits),
        prior_bits: likelihood.prior_bits,
        bits_per_dim: integral(likelihood.bits_per_dim),
        noise_level: plan.noise.min,
        probability: Some(1.0),
        map_most_bits: likelihood.surprise.as_ref().map(|map| map.pixels.iter().copied().fold(0.0, f32::max)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_s_place_among_held_out_ones_is_told_the_right_way_round() {
        let score = |bits_percentile, percentile| Score {
            model: "models/x".into(),
            energy: 1.5,
            jump: 0.1,
            percentile,
            energy_percentile: None,
            bits_percentile,
            bits: 351.6,
            bits_standard_error: 6.6,
            frame_bits: 0.0,
            prior_bits: 20.0,
            bits_per_dim: 4.8512,
            noise_level: 0.05,
            probability: Some(1.0),
            map_most_bits: None,
        };
        let numbers = "352 ± 7 bits above noise of 0.05 (4.851 bits a value with it), energy 1.500";
        for (bits, errors, place) in [
            (None, None, ""),
            // Fewer bits than all: likelier than all.
            (Some(0.0), None, ", likelier than all held-out pictures"),
            (Some(100.0), None, ", less likely than all held-out pictures"),
            (Some(71.6), None, ", less likely than 72 % of held-out pictures"),
            (Some(99.9), None, ", less likely than 99 % of held-out pictures"),
            (None, Some(0.0), ", its denoising errors as usual as any"),
            (None, Some(30.0), ", its denoising errors more unusual than those of 30 % of held-out pictures"),
            (None, Some(100.0), ", its denoising errors more unusual than those of all held-out pictures"),
        ] {
            assert_eq!(told(&score(bits, errors)), format!("{numbers}{place}"));
        }
    }
}
