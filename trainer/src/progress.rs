//! How far a long work is: a bar on a terminal; elsewhere, in a log, a line now and then with an estimate.

use std::{
    io::{self, Read},
    sync::Mutex,
    time::{Duration, Instant},
};

use indicatif::{DecimalBytes, HumanDuration, ProgressBar, ProgressStyle};

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
    /// Whether steps are bytes.
    bytes: bool,
}

impl Progress {
    /// Until the first line: what is done sooner needs none, and what was measured by then is an estimate.
    const FIRST: Duration = Duration::from_secs(5);
    /// Between lines.
    const LINES: Duration = Duration::from_secs(60);

    /// Of `work`, as the beginning of a line, in so many steps.
    pub fn new(work: impl Into<String>, steps: usize) -> Self {
        Self::of(ProgressBar::new(steps as u64), work.into(), false)
    }

    /// The same in bytes, of which it may be unknown how many there will be.
    pub fn of_bytes(work: impl Into<String>, length: Option<u64>) -> Self {
        let bar = length.map_or_else(ProgressBar::new_spinner, |length| {
            let style = ProgressStyle::with_template("{wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}");
            ProgressBar::new(length).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self::of(bar, work.into(), true)
    }

    fn of(bar: ProgressBar, work: String, bytes: bool) -> Self {
        Self { bar, work, begun: Instant::now(), told: Mutex::new(None), bytes }
    }

    /// What another program says: so many steps of so many are done.
    pub fn at(&self, done: u64, steps: u64) {
        self.bar.set_length(steps);
        self.bar.set_position(done);
        self.tell();
    }

    /// One step is done.
    pub fn step(&self) {
        self.steps(1);
    }

    /// So many steps are done, on any thread.
    pub fn steps(&self, count: usize) {
        self.bar.inc(count as u64);
        self.tell();
    }

    fn tell(&self) {
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
        let (work, done) = (&self.work, self.bar.position());
        let number = |count| if self.bytes { DecimalBytes(count).to_string() } else { u64::to_string(&count) };
        let Some(steps) = self.bar.length() else { return format!("{work}: {}", number(done)) };
        let left = spent.as_secs_f64() / done.max(1) as f64 * steps.saturating_sub(done) as f64;
        format!("{work}: {} of {}, about {} left", number(done), number(steps), in_words(left))
    }
}

/// What is read, with its progress in bytes.
pub struct Followed<'a, R> {
    /// What is read.
    pub reader: R,
    /// What shows it.
    pub progress: &'a Progress,
}

impl<R: Read> Read for Followed<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer).inspect(|count| self.progress.steps(*count))
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
    fn bytes_are_told_as_such_and_what_another_program_says_as_it_says_it() {
        let progress = Progress::of_bytes("downloading", Some(30_000_000));
        let mut reader = Followed { reader: io::repeat(0).take(10_000_000), progress: &progress };
        io::copy(&mut reader, &mut io::sink()).unwrap();
        let minute = Duration::from_secs(60);
        assert_eq!(progress.line(minute), "downloading: 10.00 MB of 30.00 MB, about 2 minutes left");
        let progress = Progress::of_bytes("downloading", None);
        progress.steps(2_500_000);
        assert_eq!(progress.line(minute), "downloading: 2.50 MB");
        let progress = Progress::new("drawing", 0);
        progress.at(100, 300);
        assert_eq!(progress.line(minute), "drawing: 100 of 300, about 2 minutes left");
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
