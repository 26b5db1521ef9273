//! How the settings of a run changed on its way, for the model card.

use options::Words;
use shared::training::formula;

use crate::train::{Optimization, Settings};

/// What a column of the table shows.
type Column = (&'static str, fn(&Settings) -> String);

/// All that may change on the way and bears on the result.
const COLUMNS: [Column; 10] = [
    ("batch", |settings| settings.optimization.batch.to_string()),
    ("learning rate, cosine over", |settings| {
        format!("{}, {} steps", settings.optimization.learning_rate, settings.optimization.steps)
    }),
    ("steps of warm-up", |settings| settings.optimization.warm_up_steps().to_string()),
    ("noise levels", |settings| {
        let noise = settings.noise;
        format!("{} to {}, {}", noise.min, noise.max, noise.spacing.word())
    }),
    ("weight of a level", |settings| formula(settings.optimization.weighting)),
    ("pictures in a target", |settings| settings.optimization.references.max(1).to_string()),
    ("decay of the average", |settings| settings.optimization.ema_decay.to_string()),
    ("limit of gradients", |settings| settings.optimization.clip.to_string()),
    ("mirrored", |settings| if settings.optimization.flip { "half".to_owned() } else { "none".to_owned() }),
    ("seed", |settings| settings.optimization.seed.to_string()),
];

/// A sentence and a table of what changed; nothing where nothing did.
pub fn changes(history: &[Settings]) -> String {
    let differs = |(_, value): &&Column| history.windows(2).any(|pair| value(&pair[0]) != value(&pair[1]));
    let columns: Vec<&Column> = COLUMNS.iter().filter(differs).collect();
    if columns.is_empty() {
        return String::new();
    }
    let row = |first: &str, cells: Vec<String>| format!("| {first} | {} |\n", cells.join(" | "));
    let mut text = "\nThese are the settings at the end. The run was resumed with others:\n\n".to_owned();
    text += &row("after step", columns.iter().map(|(title, _)| (*title).to_owned()).collect());
    text += &row("---", vec!["---".to_owned(); columns.len()]);
    let mut before = Vec::new();
    for settings in history {
        let cells: Vec<String> = columns.iter().map(|(_, value)| value(settings)).collect();
        // Another number of slices, for one, shows in no column.
        if cells != before {
            text += &row(&settings.step.to_string(), cells.clone());
            before = cells;
        }
    }
    text
}

/// How many of the steps trained the U-Net as a denoiser: each by the settings of its time. Versions of before let the
/// number change when it was too late.
pub fn denoiser_steps(history: &[Settings], plan: &Optimization, steps: u64) -> u64 {
    if history.is_empty() {
        return plan.denoiser_steps.min(steps);
    }
    let ends = history.iter().skip(1).map(|next| next.step).chain([steps]);
    // Of runs that did not take them down at first, the first are known.
    let begins = [0].into_iter().chain(history.iter().skip(1).map(|next| next.step));
    let of = |((settings, begin), end): ((&Settings, u64), u64)| {
        settings.optimization.denoiser_steps.min(end).min(steps).saturating_sub(begin)
    };
    history.iter().zip(begins).zip(ends).map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::TrainingPreset;

    fn settings(step: u64, change: impl FnOnce(&mut Settings)) -> Settings {
        let config = TrainingPreset::Unet.settings();
        let mut settings = Settings { step, noise: config.noise, optimization: config.optimization };
        change(&mut settings);
        settings
    }

    #[test]
    fn the_table_has_what_changed_and_nothing_else() {
        assert_eq!(changes(&[]), "");
        assert_eq!(changes(&[settings(0, |_| ()), settings(4, |later| later.optimization.slices = Some(2))]), "");
        let seed = |step, seed, flip| {
            settings(step, |later| (later.optimization.seed, later.optimization.flip) = (seed, flip))
        };
        let text = changes(&[seed(0, 42, false), seed(4, 42, false), seed(6, 99, true)]);
        let table = "| after step | mirrored | seed |\n| --- | --- | --- |\n| 0 | none | 42 |\n| 6 | half | 99 |\n";
        assert!(text.ends_with(table), "{text}");
        let warm_up = |step, warm_up| settings(step, |later| later.optimization.warm_up = warm_up);
        let text = changes(&[warm_up(0, 200), warm_up(4, 50)]);
        assert!(
            text.ends_with("| after step | steps of warm-up |\n| --- | --- |\n| 0 | 200 |\n| 4 | 50 |\n"),
            "{text}"
        );
    }

    #[test]
    fn denoiser_steps_are_those_that_were_made() {
        let of = |step, first| settings(step, |later| later.optimization.denoiser_steps = first);
        let count = |history: &[Settings], steps| {
            denoiser_steps(history, &history.last().unwrap_or(&of(0, 3)).optimization, steps)
        };
        assert_eq!((count(&[], 9), count(&[], 2)), (3, 2));
        // As of `checkpoints/cifar10`.
        assert_eq!(count(&[of(0, 12), of(1, 8), of(18, 8)], 28), 8);
        // Said too late, and in part.
        assert_eq!(count(&[of(0, 0), of(4, 3)], 6), 0);
        assert_eq!(count(&[of(0, 0), of(4, 6)], 10), 2);
        assert_eq!(count(&[of(0, 8)], 5), 5);
    }
}
