//! What a person sees of a training: a bar on a terminal, plain lines elsewhere.

use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

/// Reports steps to stderr.
pub struct Report {
    bar: Option<ProgressBar>,
    steps: u64,
    batch: usize,
    loss: Option<f64>,
    begun: Instant,
    done: u64,
    last_line: Option<Instant>,
}

impl Report {
    /// Between plain lines.
    const PAUSE: Duration = Duration::from_secs(15);

    /// A report of a run of `steps` steps of `batch` images, `done` of which are done.
    pub fn new(steps: u64, batch: usize, done: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let template = "{bar:32} step {pos}/{len}  {msg}  left {eta}";
            let bar = ProgressBar::new(steps).with_position(done);
            match ProgressStyle::with_template(template) {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            }
        });
        Self { bar, steps, batch, loss: None, begun: Instant::now(), done: 0, last_line: None }
    }

    /// After step `step` (counted from 1), whose loss was `loss`.
    pub fn step(&mut self, step: u64, loss: f64) {
        self.done += 1;
        // One batch is noisy; the eye wants the trend.
        let smooth = self.loss.map_or(loss, |smooth| smooth + (loss - smooth) * 0.02_f64.max(1.0 / self.done as f64));
        self.loss = Some(smooth);
        let rate = self.done as f64 / self.begun.elapsed().as_secs_f64();
        let numbers = format!("loss {smooth:.1}  {:.0} images/s", rate * self.batch as f64);
        if let Some(bar) = &self.bar {
            bar.set_position(step);
            bar.set_message(numbers);
        } else if step == self.steps || self.last_line.is_none_or(|last| last.elapsed() >= Self::PAUSE) {
            let left = Duration::from_secs_f64((self.steps - step) as f64 / rate);
            eprintln!("step {step}/{}  {numbers}  left {}", self.steps, indicatif::HumanDuration(left));
            self.last_line = Some(Instant::now());
        }
    }

    /// Clears the bar.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
