//! Saves that fail: the weights are in memory still, and a disk that is full now may have room in a minute.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::error::{Error, Result};

/// Goes on after saves that failed, and says what is saved where a training cannot.
pub struct Saving {
    /// The newest step that is saved.
    saved: Option<u64>,
    /// Saves in a row that failed since.
    failed: u32,
    /// When the last of them did.
    tried: Option<Instant>,
}

impl Saving {
    /// After so many saves in a row nobody is helped by a training that goes on.
    const MOST: u32 = 5;
    /// Until a save is tried again, unless the next is due sooner.
    const PATIENCE: Duration = Duration::from_secs(30);
    /// Until the second try of a save that is the last.
    const PAUSE: Duration = Duration::from_secs(2);

    /// Of a training whose newest saved step is this.
    pub fn after(saved: Option<u64>) -> Self {
        Self { saved, failed: 0, tried: None }
    }

    /// Whether a save that failed is to be tried again, before the next is due.
    pub fn is_overdue(&self) -> bool {
        self.tried.is_some_and(|tried| tried.elapsed() >= Self::PATIENCE)
    }

    /// Saves a step. One that fails is told, and costs no training; where the training ends with this step, it is tried
    /// once more.
    ///
    /// # Errors
    /// It fails where there is no later one, or as the last of several in a row.
    pub fn save<T>(&mut self, step: u64, is_last: bool, save: impl Fn() -> Result<T>) -> Result<()> {
        let saved = save().or_else(|error| {
            if !is_last {
                return Err(error);
            }
            eprintln!("warning: {error}; trying once more");
            thread::sleep(Self::PAUSE);
            save()
        });
        let Err(error) = saved else {
            *self = Self::after(Some(step));
            return Ok(());
        };
        self.failed += 1;
        self.tried = Some(Instant::now());
        if is_last || self.failed == Self::MOST {
            return Err(Error::failed(format!("{error}; {}", self.kept(step))));
        }
        eprintln!("warning: step {step}: {error}; the training goes on, and tries again");
        Ok(())
    }

    /// What is left of a training whose step cannot be saved.
    fn kept(&self, step: u64) -> String {
        let why =
            if self.failed > 1 { format!("{} saves in a row have failed, and ", self.failed) } else { String::new() };
        match self.saved {
            Some(saved) => format!("{why}step {step} is not saved: --resume goes on from step {saved}, which is"),
            None => format!("{why}nothing was saved yet: --resume begins again"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Saves that fail for so many tries.
    fn failing(tries: &Cell<u32>) -> Result<()> {
        if tries.get() == 0 {
            return Ok(());
        }
        tries.set(tries.get() - 1);
        Err(Error::failed("the disk is full"))
    }

    #[test]
    fn a_training_outlives_saves_that_fail_for_a_while_and_ends_when_that_does_not_end() {
        let mut saving = Saving::after(None);
        let tries = Cell::new(Saving::MOST - 1);
        for step in 1..=4 {
            saving.save(step, false, || failing(&tries)).unwrap();
        }
        assert!(saving.saved.is_none() && !saving.is_overdue());
        saving.save(5, false, || failing(&tries)).unwrap();
        assert_eq!((saving.saved, saving.failed), (Some(5), 0));
        saving.tried = Instant::now().checked_sub(Saving::PATIENCE);
        assert!(saving.is_overdue());
        tries.set(Saving::MOST);
        let outcomes = (6..=10).map(|step| saving.save(step, false, || failing(&tries))).collect::<Vec<_>>();
        assert!(outcomes[..4].iter().all(Result::is_ok));
        let error = outcomes[4].as_ref().unwrap_err();
        let told = "the disk is full; 5 saves in a row have failed, and step 10 is not saved: --resume goes on from step 5, which is";
        assert!(error.to_string() == told && error.exit_code() == 1, "{error}");
    }

    #[test]
    fn the_last_save_is_tried_twice() {
        for (fails, told) in
            [(1, None), (2, Some("the disk is full; step 9 is not saved: --resume goes on from step 4"))]
        {
            let tries = Cell::new(fails);
            let outcome = Saving::after(Some(4)).save(9, true, || failing(&tries));
            assert_eq!(tries.get(), 0);
            assert_eq!(outcome.is_err(), told.is_some());
            assert!(outcome.err().is_none_or(|error| error.to_string().starts_with(told.unwrap())));
        }
        let tries = Cell::new(2);
        let error = Saving::after(None).save(9, true, || failing(&tries)).unwrap_err().to_string();
        assert!(error.ends_with("nothing was saved yet: --resume begins again"), "{error}");
    }
}
