//! The model card: a README.md that says what a model is, where it comes from and what it is not.

use std::fmt::Write as _;

use options::Words;
use shared::{
    model::{GuideCard, LikelihoodCard, Manifest, Metric, TrainingCard},
    network::NetworkConfig,
    training::formula,
};

use super::{
    history::{changes, denoiser_steps},
    shown::HELD_OUT,
};
use crate::{
    evaluate::{Sampling, from_picture_to_picture, with_error},
    likelihood::more_or_fewer,
    progress::in_words,
    train::{Optimization, PicturesCard, RunConfig, Settings, optimizer_title},
};

/// Name of the sample grid beside the card.
pub const SAMPLES: &str = "samples.png";

/// Hours with a decimal: half an hour more or less is much of a few.
fn duration(seconds: f64) -> String {
    let hours = seconds / 3600.0;
    if hours < 1.5 { in_words(seconds).to_string() } else { format!("{hours:.1} hours") }
}

/// A network in words.
fn network_line(network: &NetworkConfig) -> String {
    let NetworkConfig { preset, width, activation, .. } = network;
    // Those of small pictures go without saying.
    let scales = network.scales.filter(|_| network.scales != NetworkConfig::scales_for(*preset, 32));
    let scales = scales.map_or_else(String::new, |scales| format!(" with {scales} scales"));
    format!("{preset:?}{scales}, width {width}, {activation:?}").to_lowercase()
}

/// How many steps there were, of how many pictures.
fn steps_line(training: &TrainingCard, plan: &Optimization, history: &[Settings]) -> String {
    let TrainingCard { steps, images_seen, .. } = training;
    let batch = plan.batch;
    let batches = if history.iter().any(|settings| settings.optimization.batch != batch) {
        format!("{steps}, the last ones of {batch} images each")
    } else {
        format!("{steps} of {batch} images")
    };
    let denoiser = match denoiser_steps(history, plan, *steps) {
        0 => String::new(),
        count if count == plan.denoiser_steps.min(*steps) => {
            format!("; the first {count} trained the U-Net inside the energy as a denoiser by itself")
        }
        count => format!("; {count} of them trained the U-Net inside the energy as a denoiser by itself"),
    };
    format!("{batches}; {images_seen} images seen{denoiser}")
}

/// What the model has seen of the held-out pictures.
fn unseen(config: &RunConfig) -> &'static str {
    match (&config.pictures, &config.from) {
        (Some(PicturesCard { changed: true, .. }), _) => {
            "The pictures were changed after the training had begun: the model may have seen some of the held-out ones that its \
             numbers are measured on."
        }
        (_, Some(_)) => {
            "This training did not use the held-out pictures that the numbers are measured on; it began with the weights of another \
             model, which may have seen some of them."
        }
        _ => "The model has not seen the held-out pictures that its numbers are measured on.",
    }
}

/// The card as Markdown. `history` are the settings that the run had, `note` is what its maker says about the pictures,
/// `sampling` is the command that draws the grid again.
pub fn card(
    manifest: &Manifest,
    config: &RunConfig,
    history: &[Settings],
    note: Option<&str>,
    sampling: &str,
    evaluated: Option<&Sampling>,
) -> String {
    let Manifest { name, network, data, training, noise, .. } = manifest;
    let colour = if network.channels == 1 { "grey" } else { "colour" };
    let (size, optimization) = (data.size, &config.optimization);
    let note = note.map_or_else(String::new, |note| format!("{}\n\n", note.trim()));
    let others = manifest.pictures_licence.as_ref().map_or_else(String::new, |licence| {
        format!(
            "The pictures that the page offers (`{HELD_OUT}`) are not from this data, and {}. Source and licence: {}.\n\n",
            if config.from.is_some() { "this training did not use them" } else { "the model has never seen them" },
            licence.trim()
        )
    });
    let mut text = format!(
        "# {name}\n\nAn energy-based model of {colour} {size}x{size} pictures, trained on {} by multi-scale denoising score \
         matching (Li, Chen and Sommer 2019): a network that gives each picture one number, its energy.\n\n![Samples]({SAMPLES})\n\n\
         Drawn by `{sampling}`: the first ones of seed 1, none picked out.\n\n## Data\n\n{}, licence: {}. {}\n\n{others}{note}## Network and \
         training\n\n",
        data.name,
        data.name,
        data.licence,
        unseen(config)
    );
    let clip = if optimization.clip.is_finite() {
        format!(", gradients limited to {}", optimization.clip)
    } else {
        String::new()
    };
    let rows = [
        ("network", network_line(network)),
        ("sigma_0", network.sigma_0.to_string()),
        ("noise levels", format!("{} to {}, {:?}", noise.min, noise.max, noise.spacing).to_lowercase()),
        ("steps", steps_line(training, optimization, history)),
        (
            "optimizer",
            format!(
                "{}, learning rate {} after {} steps of warm-up, cosine decay over {} steps{clip}",
                optimizer_title(optimization.optimizer),
                optimization.learning_rate,
                optimization.warm_up_steps(),
                optimization.steps
            ),
        ),
        ("weight of a noise level", formula(optimization.weighting)),
        (
            "target of a noisy picture",
            match optimization.references {
                0 => "the picture that it was made from".to_owned(),
                count => format!(
                    "the mean of up to {count} training pictures, each weighted by how likely the noisy picture was made from it"
                ),
            },
        ),
        ("average of the weights", format!("decay {}", training.ema_decay)),
        ("compute", duration(training.seconds)),
        ("seed", training.seed.to_string()),
        ("weights", format!("{} bytes, half precision, SHA-256 `{}`", manifest.weights.bytes, manifest.weights.sha256)),
    ];
    text.push_str("| | |\n| --- | --- |\n");
    for (what, value) in rows {
        let _ = writeln!(text, "| {what} | {value} |");
    }
    if let Some(GuideCard { network, weight, training, .. }) = &manifest.guide {
        let guide = network_line(network);
        let _ = write!(
            text,
            "\nNew pictures keep away from a weaker model's errors (autoguidance, Karras and others 2024): they go down E + {weight} (E - \
             G), where G is the energy of another network ({guide}), trained on the same data for {} steps, {} images. Its weights are \
             in the same file. Completions, denoising and scores are the model's alone.\n",
            training.steps, training.images_seen
        );
    }
    text.push_str(&changes(history));
    let _ = write!(text, "\n{}", measured(manifest));
    let _ = write!(
        text,
        "\n{}\n\n## Limits\n\n\
         - The energy is not conditioned on noise and not normalised: energies of different models cannot be compared, bits can.\n\
         - It knows only pictures of this size that are like its training pictures, and turns anything else into such pictures.\n\
         - Flat and smooth pictures have a low energy although they are nothing like the data. `trainer score` judges by denoising errors \
         instead, which is better but not infallible.\n\
         - Samples may resemble training pictures; `trainer evaluate` shows the nearest ones.\n",
        more(&format!("trainer evaluate --model models/{name} --data {}", config.data), manifest, evaluated)
    );
    text
}

/// What follows the numbers that an export measures; the others are an evaluation's.
pub const AT_EXPORT: &str = "at export";
/// Of numbers that the choice of the checkpoint (`--best`) makes too good.
pub const CHOSEN: &str = " (by some of which this checkpoint was chosen)";
/// The line that the part of a card with numbers begins with, and how the line after it begins.
pub const MEASURED: &str = "## Measured";
const MORE: &str = "More by";

/// The line with the command that evaluates a model of some data again: whoever gives it is to find the same numbers.
fn more(command: &str, manifest: &Manifest, evaluated: Option<&Sampling>) -> String {
    let by = |what: &str| manifest.metrics.iter().any(|metric| metric.how.contains(what));
    // Of grey pictures there are no others.
    let features = match manifest.network.channels {
        _ if by("MobileNetV2") => " --features mobilenet-v2",
        3 if by("features of a small classifier") => " --features classifier",
        _ => "",
    };
    let samples = evaluated.filter(|sampling| !sampling.from_files).map_or_else(String::new, |sampling| {
        let Sampling { sampler, steps, seed, count, initial_temperature, .. } = sampling;
        let usual = || manifest.schedule(*sampler, *steps).temperature(0);
        let initial = initial_temperature.filter(|initial| *initial != usual());
        let initial = initial.map_or_else(String::new, |initial| format!(" --initial-temperature {initial}"));
        format!(" --sampler {}{initial} --steps {steps} --seed {seed} --count {count}", sampler.word())
    });
    format!("{MORE} `{command}{features}{samples}{} --out report`.", density(manifest))
}

/// The flags of the importance sampling that numbers come from, which say how much of it there was.
fn density(manifest: &Manifest) -> String {
    let mut parts = manifest.metrics.iter().flat_map(|metric| metric.how.split("; ")).map(|part| part.split(", "));
    let flags = parts.find_map(|mut parts| {
        let steps: u32 = parts.next()?.strip_suffix(" densities")?.parse().ok()?;
        let chains: usize = parts.next()?.strip_suffix(" chains")?.parse().ok()?;
        Some(format!(" --density-steps {steps} --density-chains {chains}"))
    });
    flags.unwrap_or_default()
}

/// A card with the numbers that its manifest has now, with the line ends that it had; none where it is no card of ours.
/// `evaluated` is how the samples of a new evaluation were made.
pub fn measured_again(card: &str, manifest: &Manifest, evaluated: Option<&Sampling>) -> Option<String> {
    let lines: Vec<&str> = card.lines().collect();
    let begin = lines.iter().position(|line| line.trim_end() == MEASURED)?;
    let end = begin + lines[begin..].iter().position(|line| line.starts_with(MORE))?;
    let numbers = measured(manifest);
    let more = match evaluated {
        Some(_) => more(command_of(lines[end])?, manifest, evaluated),
        None => lines[end].to_owned(),
    };
    let rest = lines[end + 1..].iter().copied();
    let all = lines[..begin].iter().copied().chain(numbers.lines()).chain(["", &more]).chain(rest);
    let line_end = if card.contains("\r\n") { "\r\n" } else { "\n" };
    Some(all.flat_map(|line| [line, line_end]).collect())
}

/// The model and the data in such a line, without the flags that follow.
fn command_of(line: &str) -> Option<&str> {
    let command = line.strip_prefix(MORE)?.trim_start().strip_prefix('`')?;
    let flags = [" --features ", " --sampler ", " --density-steps ", " --out "];
    let ends = flags.into_iter().filter_map(|flag| command.find(flag));
    Some(&command[..ends.min()?])
}

/// The part with numbers.
fn measured(manifest: &Manifest) -> String {
    let mut text = format!("{MEASURED}\n\n| what | value | how |\n| --- | --- | --- |\n");
    // An evaluation measures likelihoods as well; the page shows those of the manifest.
    let likelihood = likelihood(manifest);
    let others = manifest.metrics.iter().filter(|metric| likelihood.iter().all(|other| other.name != metric.name));
    for metric in others.chain(&likelihood) {
        let decimals = decimals(metric);
        let _ = writeln!(text, "| {} | {:.decimals$} | {} |", metric.name, metric.value, metric.how);
    }
    text
}

/// Decimals of a number: down to the first digit of its standard error, and at least one, where `how` states an error;
/// else for four digits in all.
fn decimals(Metric { value, how, .. }: &Metric) -> usize {
    let stated = how.split_once("standard error ").and_then(|(_, rest)| {
        let error = rest.split(|letter: char| letter != '.' && !letter.is_ascii_digit()).next()?;
        error.split_once('.')
    });
    match stated {
        Some(("0", digits)) => digits.find(|digit| digit != '0').map_or(digits.len(), |zeros| zeros + 1),
        Some(_) => 1,
        None => [1000.0, 100.0, 10.0, 1.0].iter().position(|least| value.abs() >= *least).unwrap_or(4),
    }
}

/// What the manifest says of likelihoods, as numbers among the others.
fn likelihood(manifest: &Manifest) -> Vec<Metric> {
    let Some(card) = &manifest.likelihood else { return Vec::new() };
    let LikelihoodCard { noise_level, pictures, prior_bits, .. } = card;
    // The same errors as those of the loss.
    let chosen = if manifest.metrics.iter().any(|metric| metric.how.contains(CHOSEN)) { CHOSEN } else { "" };
    let how = format!(
        "pictures under noise of {noise_level}, which alone has {:.2}; at most, by denoising errors up to noise {}: {} bits \
         a picture{} and {prior_bits:.1} of the prior; on {pictures} pictures{chosen}",
        shared::likelihood::floor(*noise_level),
        manifest.noise.max,
        with_error(card.bits, card.bits_standard_error, 0),
        from_picture_to_picture(card.bits_spread)
    );
    let mut rows =
        vec![Metric { name: "bits per dimension of held-out pictures".to_owned(), value: card.bits_per_dim, how }];
    if let Some(partition) = &card.partition {
        let furthest = partition.calibration.iter().map(|point| (point.found - point.said).abs()).fold(0.0, f64::max);
        let how = format!(
            "of exp(-(sigma_0 / s)^2 E) at noise s = {:.3}, along the noise levels; by classification of the level {}; by this energy \
             noisy pictures take {} than by their denoising errors; the classifier's probabilities are off by up to {:.0} \
             percentage points",
            partition.noise_level,
            with_error(partition.by_classification, partition.by_classification_standard_error, 0),
            more_or_fewer(partition.disagreement_bits),
            100.0 * furthest
        );
        rows.push(Metric { name: "ln Z of the energy".to_owned(), value: partition.along_noise, how });
    }
    rows
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use options::Sampler;
    use shared::sampling::Churn;

    use super::*;

    #[test]
    fn the_command_has_all_that_its_numbers_depend_on() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/digits/model.json");
        let mut manifest = Manifest::parse(&std::fs::read(path).unwrap()).unwrap();
        manifest.metrics.clear();
        let mut sampling = Sampling {
            sampler: Sampler::Annealed,
            steps: 10,
            initial_temperature: Some(100.0),
            churn: Churn::USUAL,
            guidance: None,
            seed: 1,
            count: 64,
            from_files: false,
        };
        let line = |manifest: &Manifest, sampling: &Sampling| {
            let line = more("trainer evaluate", manifest, Some(sampling));
            assert_eq!(command_of(&line), Some("trainer evaluate"), "{line}");
            let flags = line.strip_prefix("More by `trainer evaluate").unwrap();
            flags.strip_suffix(" --out report`.").unwrap().to_owned()
        };
        let drawn = " --steps 10 --seed 1 --count 64";
        let paper = format!(" --sampler annealed --initial-temperature 100{drawn}");
        assert_eq!(line(&manifest, &sampling), paper);
        sampling.initial_temperature = Some(manifest.schedule(Sampler::Annealed, 10).temperature(0));
        assert_eq!(line(&manifest, &sampling), format!(" --sampler annealed{drawn}"));
        let metric = |how: &str| Metric { name: "x".to_owned(), value: 1.0, how: how.to_owned() };
        let density = "at most, by annealed importance sampling backward; forward, effectively 9.0 chains: at least 2.10; 800 \
                       densities, 32 chains, effectively 9.1";
        manifest.metrics.push(metric(density));
        sampling.from_files = true;
        assert_eq!(line(&manifest, &sampling), " --density-steps 800 --density-chains 32");
        // Of grey pictures no other features could be meant; of colour ones it depends on how many have labels.
        manifest.metrics =
            vec![metric("on 64 features of a small classifier (which is right on 90.0 % of held-out pictures)")];
        assert_eq!(line(&manifest, &sampling), "");
        manifest.network.channels = 3;
        assert_eq!(line(&manifest, &sampling), " --features classifier");
        manifest.metrics.push(metric("the 1280 features of MobileNetV2 (so this is no FID)"));
        assert_eq!(line(&manifest, &sampling), " --features mobilenet-v2");
    }

    #[test]
    fn a_number_has_the_digits_that_its_standard_error_bears() {
        let shown = |value: f64, how: &str| {
            let decimals = decimals(&Metric { name: String::new(), value, how: how.to_owned() });
            format!("{value:.decimals$}")
        };
        let of_error = |value, error: &str| shown(value, &format!("the same; standard error {error}; others: 0.9"));
        assert_eq!(of_error(74.4749, "1.23"), "74.5");
        assert_eq!(of_error(40.839, "0.98"), "40.8");
        assert_eq!(of_error(5.6033, "0.03"), "5.60");
        assert_eq!(of_error(240.6441, "12.35"), "240.6");
        assert_eq!(of_error(0.816, "0.00"), "0.82");
        assert_eq!(shown(6.2138, "at noise 0.05, standard error 0.0201: at most"), "6.21");
        // Without an error.
        assert_eq!(shown(56.3099, "measured at export"), "56.31");
        assert_eq!(shown(-1288.5855, "along the noise levels"), "-1289");
        assert_eq!([shown(0.9999, ""), shown(1.0, ""), shown(0.0, "")], ["0.9999", "1.000", "0.0000"]);
    }
}
