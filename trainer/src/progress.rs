//! How far a long work is: a bar on a terminal; elsewhere, in a log, a line now and then with an estimate.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use indicatif::{HumanDuration, ProgressBar};

/// Seconds in words, whatever an estimate or a file says they are.
pub fn in_words(seconds: f64) -> HumanDuration {
    HumanDuration(Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX))
}

/// Shows steps on stderr; dropped, it leaves nothing on a terminal.
pub struct Progress {
    bar: ProgressBar,
    work: String,
    begun: Instant,
    told: Mutex<Option<Instant>>,
}

impl Progress {
    /// Until the first line: what is done sooner needs none, and what was measured by then is an estimate.
    const FIRST: Duration = Duration::from_secs(5);
    /// Between lines.
    const LINES: Duration = Duration::from_secs(60);

    /// Of `work`, as the beginning of a line, in so many steps.
    pub fn new(work: impl Into<String>, steps: usize) -> Self {
        Self { bar: ProgressBar::new(steps as u64), work: work.into(), begun: Instant::now(), told: Mutex::new(None) }
    }

    /// One step is done.
    pub fn step(&self) {
        self.steps(1);
    }

    /// So many steps are done, on any thread.
    pub fn steps(&self, count: usize) {
        self.bar.inc(count as u64);
        if !self.bar.is_hidden() {
            return;
        }
        // A thread that tells it now tells it for all.
        let Ok(mut told) = self.told.try_lock() else { return };
        let now = Instant::now();
        let (since, wanted) = told.map_or((self.begun, Self::FIRST), |told| (told, Self::LINES));
        if now - since >= wanted {
            *told = Some(now);
            eprintln!("{}", self.line(now - self.begun));
        }
    }

    /// Says something beside it.
    pub fn aside<T>(&self, say: impl FnOnce() -> T) -> T {
        self.bar.suspend(say)
    }

    fn line(&self, spent: Duration) -> String {
        let (done, steps) = (self.bar.position(), self.bar.length().unwrap_or(0));
        let left = spent.as_secs_f64() / done.max(1) as f64 * steps.saturating_sub(done) as f64;
        format!("{}: {done} of {steps}, about {} left", self.work, in_words(left))
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_much_is_left() {
        let progress = Progress::new("training a classifier", 300);
        for _ in 0..100 {
            progress.step();
        }
        let line = progress.line(Duration::from_secs(60));
        assert_eq!(line, "training a classifier: 100 of 300, about 2 minutes left");
    }

    #[test]
    fn no_number_of_seconds_is_too_large_or_too_small_for_words() {
        for (seconds, words) in [(90.0, "2 minutes"), (-5.0, "0 seconds"), (f64::NAN, "0 seconds")] {
            assert_eq!(in_words(seconds).to_string(), words);
        }
        assert!(
            in_words(1e300).to_string().ends_with(" years") && in_words(f64::INFINITY).to_string().ends_with(" years")
        );
    }
}
