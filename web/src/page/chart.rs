//! The mean energy over a run as a line.

use web_sys::Element;

use crate::dom::{Result, by_id};

/// The chart and what it has seen.
pub struct Chart {
    line: Element,
    steps: usize,
    points: Vec<(usize, f32)>,
}

impl Chart {
    /// Size of the drawing; the style sheet stretches it.
    const WIDTH: f32 = 600.0;
    const HEIGHT: f32 = 100.0;

    pub fn new() -> Result<Self> {
        Ok(Self { line: by_id("energy-line")?, steps: 1, points: Vec::new() })
    }

    /// Empties the chart for a run of so many steps.
    pub fn start(&mut self, steps: usize) -> Result<()> {
        self.steps = steps;
        self.points.clear();
        self.line.set_attribute("points", "")
    }

    /// Adds the mean energy at a step.
    pub fn push(&mut self, step: usize, energy: f32) -> Result<()> {
        // Signed logarithm: energies fall over several orders of magnitude and may be negative.
        self.points.push((step, energy.signum() * energy.abs().ln_1p()));
        let heights = self.points.iter().map(|(_, height)| *height);
        let (low, high) = heights.fold((f32::MAX, f32::MIN), |(low, high), h| (low.min(h), high.max(h)));
        let span = (high - low).max(1e-3);
        let place = |&(step, height): &(usize, f32)| {
            let x = step as f32 / self.steps as f32 * Self::WIDTH;
            let y = (high - height) / span * (Self::HEIGHT - 4.0) + 2.0;
            format!("{x:.1},{y:.1} ")
        };
        self.line.set_attribute("points", &self.points.iter().map(place).collect::<String>())
    }
}
