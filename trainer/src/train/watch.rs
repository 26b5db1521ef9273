//! Stops a training that has gone wrong before it overwrites a good checkpoint.

/// Watches the loss.
#[derive(Default)]
pub struct Watch {
    steps: u64,
    smooth: f64,
    least: f64,
}

impl Watch {
    /// Steps before a rise means anything: a fresh network falls first.
    const PATIENCE: u64 = 100;
    /// One batch is noisy; the trend counts.
    const SMOOTHING: f64 = 0.05;
    /// A loss above so many times its least trend has run away.
    const SPIKE: f64 = 5.0;

    /// After a step.
    ///
    /// # Errors
    /// What has gone wrong, as a clause.
    pub fn check(&mut self, loss: f64, gradient_norm: f64) -> Result<(), String> {
        if !loss.is_finite() || !gradient_norm.is_finite() {
            return Err(format!("the loss became {loss}, its gradient {gradient_norm}"));
        }
        self.steps += 1;
        // The mean of the first steps, then a moving one.
        let weight = Self::SMOOTHING.max(1.0 / self.steps as f64);
        self.smooth += (loss - self.smooth) * weight;
        if self.steps <= Self::PATIENCE {
            self.least = self.smooth;
        }
        self.least = self.least.min(self.smooth);
        if self.smooth > Self::SPIKE * self.least {
            return Err(format!("the loss rose from {:.1} to {:.1}", self.least, self.smooth));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_and_a_falling_loss_are_well() {
        let mut watch = Watch::default();
        for step in 0..1000 {
            let noise = if step % 7 == 0 { 3.0 } else { 0.7 };
            assert_eq!(watch.check(10_000.0 / f64::from(step + 1) * noise + 50.0, 1.0), Ok(()), "step {step}");
        }
    }

    #[test]
    fn a_rise_and_what_is_no_number_stop() {
        let mut watch = Watch::default();
        for _ in 0..200 {
            watch.check(50.0, 1.0).unwrap();
        }
        assert!(watch.check(2000.0, 1.0).is_ok(), "one bad batch is none");
        let stopped = (0..100).find_map(|_| watch.check(2000.0, 1.0).err());
        assert!(stopped.is_some_and(|why| why.contains("rose from 50")));
        assert!(Watch::default().check(f64::NAN, 1.0).is_err() && Watch::default().check(1.0, f64::INFINITY).is_err());
    }
}
