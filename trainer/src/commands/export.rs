//! `trainer export`.

use std::path::Path;

use options::Sampler;
use shared::{
    measures::OutlierScore,
    model::{DataCard, GuideCard, Manifest, Metric, ModelError, SelfTest, Weights, WeightsCard},
    network::EnergyNetwork,
    training::NoiseLevels,
};

use super::run_pictures::{Place, run_pictures};
use crate::{
    chains::SamplingRun,
    cli::ExportArgs,
    data::{self, DataSet, principal_components},
    error::{Error, Result},
    evaluate::{PlacedModel, Summary, fingerprint, likelihoods, outliers},
    export::{
        AT_EXPORT, CHOSEN, Contents, ModelFolder, Probes, WEIGHTS, card, check_unseen, held_out_strip, of_folder,
    },
    model::{Guide, LoadedModel, named},
    overwriting, recording,
    train::{RunConfig, RunFolder},
    validation::{Validation, percentiles},
};

/// Seed of the draws of pictures.
const DRAW_SEED: u64 = 0;
/// Held-out pictures that are measured.
const MEASURED: usize = 1000;
/// Levels at which the one-jump denoiser is measured.
const LEVELS: [f32; 3] = [0.1, 0.4, 1.0];
/// Pictures in the model card.
const SAMPLES: usize = 64;

/// Writes the model folder of a run, from its averaged weights in half precision.
pub fn export(args: ExportArgs) -> Result<()> {
    let name = model_name(&args.out)?;
    let to = ModelFolder::at(&args.out);
    to.replaces()?;
    if let Some(guide) = args.guide.guide.as_deref() {
        overwriting::apart(&[("--guide", guide)], &[("--out", &args.out)])?;
    }
    let folder = RunFolder::at(&args.run);
    let config = folder.load_config()?;
    let checkpoint = if args.best { folder.best()? } else { folder.newest()? };
    let (config, history) = folder.made_with(config, checkpoint.progress.step)?;
    let place = Place {
        data: args.data.as_deref().map(|data| (data, format!("--data {data}"))),
        dir: args.data_dir.as_deref(),
        keep: true,
        otherwise: "give its own pictures, as they were then",
    };
    let data = run_pictures(&config, &args.run, &place)?;
    data.tell();
    let config = config.with_pictures(&data)?;
    let (shown, flag) = match &args.pictures {
        Some(folder) => {
            let shown = of_folder(folder, &data.held_out)?;
            check_unseen(folder, &shown, &data)?;
            (shown, format!("--pictures {}", folder.display()))
        }
        None => (data.held_out.sample(args.held_out, DRAW_SEED), format!("--held-out {}", args.held_out)),
    };
    let strip = held_out_strip(&shown, &flag)?;
    let (device, backend) = args.backend.device()?;

    let shape = config.network();
    let named = named("--run", &args.run);
    let input = |error: ModelError| Error::input(format!("{named}: {error}"));
    config.check(&data.held_out)?;
    let training = config.training(&checkpoint.progress);
    let trained = checkpoint.ema.clone().into_network(&shape, &device).map_err(input)?;
    let trained = LoadedModel::new(&named, shape.clone(), config.card(), config.noise, training.clone(), trained)?
        .with_churn(&args.churn)
        .guided_by(&args.guide, &device)?;
    let weights_of = (fingerprint(&checkpoint.ema)?, format!("the weights of step {}", checkpoint.progress.step));
    let evaluated = args.evaluation.as_deref().map(|path| Summary::of(path, &trained, &weights_of)).transpose()?;
    // A mistake makes no folder; and what cannot be written is told before minutes of work.
    to.check()?;
    let bytes = weights(&trained).to_safetensors(true).map_err(input)?;
    // Everything below is measured on what is shipped: the rounded weights.
    let model = trained.with_weights(Weights::parse(&bytes).map_err(input)?, &device).map_err(input)?;
    let on_cpu = Probes::on_cpu(&model, &bytes).map_err(input)?;
    if backend != "flex" {
        on_cpu.check(&Probes::of(&model, &device).map_err(input)?, backend)?;
    }
    let Probes { probe, of_guide } = on_cpu;
    let guide = model.guide().zip(of_guide).map(|(guide, probe)| guide_card(guide, probe));
    let measured = data.held_out.sample(MEASURED, DRAW_SEED);
    let held_out = Validation::new(&measured, shape.sigma_0, model.frame, &device);
    let placed = PlacedModel { model: &model, device: &device };
    let outlier_score = outlier_score(&placed, &data)?;
    let moments = likelihoods::moments(&data.train);
    let likelihood = likelihoods::card(&placed, &moments, &data.held_out)?;

    let mut numbers = metrics(&held_out, measured.len(), args.best, &model.network, &config.noise)?;
    let evaluated_samples = evaluated.as_ref().map(|summary| summary.sampling);
    numbers.extend(evaluated.map(|summary| summary.card).unwrap_or_default());
    let manifest = Manifest {
        name,
        network: shape,
        data: args.licence.map_or(config.card(), |licence| DataCard { licence, ..config.card() }),
        training,
        noise: config.noise,
        churn: model.churn(),
        guide,
        metrics: numbers,
        energy_percentiles: percentiles(held_out.energies(&model.network)?),
        outlier_score: Some(outlier_score),
        moments: Some(moments),
        principal_components: Some(principal_components(&data.train)),
        likelihood,
        probe,
        weights: WeightsCard::of(WEIGHTS, &bytes),
        held_out_pictures: shown.len(),
        pictures_licence: args.pictures_licence,
    };
    let sampler = Sampler::Consistent;
    let steps = sampler.default_steps();
    let schedule = manifest.schedule(sampler, steps);
    let samples = SamplingRun { schedule, count: SAMPLES, seed: 1, first: 0 }.run(&model, None, &device)?;
    let recording = recording::of_model(&model, &manifest, &device)?;
    let sampling = format!(
        "trainer sample --model models/{} --count {SAMPLES} --seed 1 --sampler consistent --steps {steps} --out samples.png",
        manifest.name
    );
    let card =
        card(&manifest, &published(config), &history, args.note.as_deref(), &sampling, evaluated_samples.as_ref());
    let contents = Contents {
        manifest: &manifest,
        weights: &bytes,
        held_out: strip.as_deref(),
        samples: &samples,
        recording: &recording,
        card: &card,
    };
    let replaces = to.write(&contents)?;
    for metric in &manifest.metrics {
        println!("{:.4}  {}", metric.value, metric.name);
    }
    let what = if replaces { "in place of the model that was there" } else { "new" };
    println!("{} ({} bytes of weights, {what})", args.out.display(), bytes.len());
    Ok(())
}

/// The settings as they are published: where the pictures lie is nobody else's business.
fn published(config: RunConfig) -> RunConfig {
    let data = if data::is_named(&config.data) { config.data } else { "FOLDER".to_owned() };
    RunConfig { data, data_dir: None, ..config }
}

/// The weights of a model and of its guide.
fn weights(model: &LoadedModel) -> Weights {
    let mut weights = Weights::of(&model.network);
    if let Some(guide) = model.guide() {
        weights.insert_guide(Weights::of(&guide.model.network));
    }
    weights
}

fn guide_card(Guide { model, weight }: &Guide, probe: SelfTest) -> GuideCard {
    GuideCard { network: model.config.clone(), weight: *weight, training: model.training.clone(), probe }
}

/// The training loss and the error of the one-jump denoiser, on so many pictures.
fn metrics(
    pictures: &Validation,
    count: usize,
    best: bool,
    network: &EnergyNetwork,
    noise: &NoiseLevels,
) -> Result<Vec<Metric>> {
    let chosen = if best { CHOSEN } else { "" };
    let how = |what: &str| format!("{what}; measured on {count} held-out pictures{chosen} {AT_EXPORT}");
    let loss = "summed over all values of the network's input, averaged over pictures and the trained noise levels; a constant energy \
                would score the number of values";
    let mut metrics =
        vec![Metric { name: "MDSM loss".to_owned(), value: pictures.loss(network, noise)?, how: how(loss) }];
    for level in LEVELS {
        metrics.push(Metric {
            name: format!("denoising RMSE at noise {level}"),
            value: pictures.denoising_error(network, level)?,
            how: how("root mean squared error per pixel after one jump"),
        });
    }
    Ok(metrics)
}

/// Fitted to training pictures, with the percentiles of held-out ones.
fn outlier_score(subject: &PlacedModel<'_>, data: &DataSet) -> Result<OutlierScore> {
    let score = outliers::fit(subject, &data.train)?;
    let held_out = outliers::scores(&score, subject, &data.held_out.sample(MEASURED, DRAW_SEED))?;
    Ok(score.with_percentiles(percentiles(held_out)))
}

/// A model has the name of its folder.
fn model_name(out: &Path) -> Result<String> {
    let name = out.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if Manifest::is_name(name) {
        return Ok(name.to_owned());
    }
    if out.file_name().is_none() {
        let text =
            "the model is called as the last part of the path; give one that ends in a name, such as models/mine";
        return Err(Error::input(format!("--out {}: {text}", out.display())));
    }
    Err(Error::input(format!(
        "--out {}: `{name}` cannot name a model; use up to 100 letters, digits, `-`, `_` and `.`",
        out.display()
    )))
}
