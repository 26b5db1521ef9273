//! Two toy energies, trained side by side, and chains on both.

use js_sys::Date;
use options::Spacing;
use shared::{
    toy::{Point, ToyTraining, ToyWalk, points},
    training::NoiseLevels,
};
use web::{
    Envelope,
    messages::{FromEngine, ToyReport, ToyRun, ToySide},
};

use crate::{control::Control, link};

const POINTS: usize = 512;
/// Slots of a batch, each with a noise level.
const BATCH: usize = 128;
const TRAINING_STEPS: usize = 1500;
const CHAINS: usize = 200;
const WALK_STEPS: usize = 270;
/// Side of a map, and half the side of the square that it shows.
const SIDE: usize = 56;
const REACH: f32 = 1.7;
/// Milliseconds between reports.
const REPORT_EVERY: f64 = 150.0;
/// Milliseconds of work between looks at the page's messages.
const BREATHE_EVERY: f64 = 25.0;
/// One small level, and many up to what reaches all of the square.
const LEVELS: [(f32, f32); 2] = [(0.1, 0.1), (0.05, 1.5)];

struct Side {
    training: ToyTraining,
    walk: ToyWalk,
    /// The loss, smoothed over some steps.
    loss: f32,
}

impl Side {
    fn new(seed: u64, points: &[Point], (min, max): (f32, f32)) -> Self {
        let levels = NoiseLevels { min, max, spacing: Spacing::Geometric }.levels(BATCH);
        let training = ToyTraining::new(seed, points.to_vec(), levels, TRAINING_STEPS);
        // A constant energy has the number of coordinates.
        Self { training, walk: ToyWalk::new(seed, CHAINS, WALK_STEPS), loss: 2.0 }
    }

    /// A step of the training and, after the last, of the chains; whether there was one.
    fn step(&mut self) -> bool {
        if let Some(loss) = self.training.step() {
            self.loss += 0.03 * (loss - self.loss);
            return true;
        }
        self.walk.step(&self.training.energy)
    }
}

/// Runs a toy to its end, or until another one is wished for.
pub async fn run(toy: ToyRun, control: &Control) {
    let points = points(toy.shape, POINTS);
    let mut sides = LEVELS.map(|levels| Side::new(toy.seed, &points, levels));
    let (mut reported, mut breathed) = (Date::now(), Date::now());
    report(toy.number, &points, &sides);
    // Each side, not only the first that goes on.
    while sides.each_mut().map(Side::step).contains(&true) {
        if Date::now() - breathed < BREATHE_EVERY {
            continue;
        }
        if Date::now() - reported > REPORT_EVERY {
            report(toy.number, &points, &sides);
            reported = Date::now();
        }
        link::breathe().await;
        breathed = Date::now();
        if !control.wants_toy(toy.number) {
            return;
        }
    }
    report(toy.number, &points, &sides);
}

fn report(number: u32, points: &[Point], sides: &[Side; 2]) {
    let mut payload: Vec<f32> = points.as_flattened().to_vec();
    for side in sides {
        let at = |index: usize| ((index as f32 + 0.5) / SIDE as f32 * 2.0 - 1.0) * REACH;
        let map = (0..SIDE * SIDE).map(|i| side.training.energy.energy([at(i % SIDE), -at(i / SIDE)]));
        payload.extend(map);
    }
    for side in sides {
        payload.extend(side.walk.chains.as_flattened());
    }
    let report = ToyReport {
        number,
        trained: (sides[0].training.done(), TRAINING_STEPS),
        walked: (sides[0].walk.done(), WALK_STEPS),
        points: points.len(),
        side: SIDE,
        reach: REACH,
        chains: CHAINS,
        sides: [0, 1].map(|which| {
            let found = sides[which].walk.found(points);
            ToySide { loss: sides[which].loss, near: found.near, covered: found.covered }
        }),
    };
    link::post(Envelope { message: FromEngine::Toy(report), payload });
}
