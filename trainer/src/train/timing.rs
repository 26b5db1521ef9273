//! How long a training will take, by a few of its steps.

use super::Optimization;
use crate::progress::in_words;

/// Steps of a kind that are timed, at most, after one that is not.
const STEPS: u64 = 5;

/// The steps that a dry run takes: those that come next. If they train the U-Net as a denoiser, which is faster, the first
/// steps of the energy are taken in turn with them.
pub fn timed_steps(plan: &Optimization, done: u64) -> Vec<u64> {
    let [denoiser, energy] = plan.steps_left(done).map(|left| left.min(STEPS + 1));
    let energy_from = done.max(plan.denoiser_steps);
    let in_turn = (0..=STEPS).flat_map(|number| {
        let denoiser = (number < denoiser).then_some(done + number);
        denoiser.into_iter().chain((number < energy).then_some(energy_from + number))
    });
    in_turn.collect()
}

/// What the steps from `done` on will take, by how many seconds each step took that trained the U-Net as a denoiser, and
/// each that trained the energy.
pub fn time(plan: &Optimization, done: u64, backend: &str, times: [Vec<f64>; 2]) -> String {
    // The first one of a kind takes longer than others.
    let seconds = times.map(|times| {
        let timed = times.get(1..).filter(|rest| !rest.is_empty()).unwrap_or(&times);
        timed.iter().sum::<f64>() / timed.len().max(1) as f64
    });
    let left = plan.steps_left(done);
    let rate = |kind: usize| format!("{:.0} images/s", plan.batch as f64 / seconds[kind].max(1e-9));
    let rates = match left {
        [0, _] => rate(1),
        [_, 0] => rate(0),
        [denoiser, _] => format!("{} in the first {denoiser} steps, {} in the others,", rate(0), rate(1)),
    };
    let seconds = left[0] as f64 * seconds[0] + left[1] as f64 * seconds[1];
    format!(
        "time: {rates} with {backend}: {} steps take about {}, checkpoints not counted",
        left[0] + left[1],
        in_words(seconds)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::TrainingPreset;

    fn plan(steps: u64, denoiser_steps: u64) -> Optimization {
        Optimization { steps, denoiser_steps, ..TrainingPreset::Unet4.settings().optimization }
    }

    #[test]
    fn steps_of_both_kinds_are_timed() {
        assert_eq!(timed_steps(&plan(100, 0), 10), [10, 11, 12, 13, 14, 15]);
        assert_eq!(timed_steps(&plan(100, 50), 48), [48, 50, 49, 51, 52, 53, 54, 55]);
        assert_eq!(timed_steps(&plan(100, 50), 50), [50, 51, 52, 53, 54, 55]);
        assert_eq!(timed_steps(&plan(52, 50), 0), [0, 50, 1, 51, 2, 3, 4, 5]);
        assert_eq!(timed_steps(&plan(3, 3), 1), [1, 2]);
    }

    #[test]
    fn each_kind_of_step_counts_by_its_own_time() {
        let plan = plan(3000, 1000);
        let told = time(&plan, 0, "it", [vec![9.0, 0.5, 0.5], vec![9.0, 1.5, 0.5]]);
        let batch = plan.batch as f64;
        assert!(told.contains(&format!("{:.0} images/s in the first 1000 steps", batch / 0.5)), "{told}");
        assert!(told.contains(&format!("{batch:.0} images/s in the others, with it: 3000 steps")), "{told}");
        assert!(told.contains("about 42 minutes"), "{told}");
        let told = time(&plan, 1000, "it", [vec![], vec![1.0]]);
        assert!(told.contains("2000 steps take about 33 minutes"), "{told}");
    }
}
