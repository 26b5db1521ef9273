//! What steps tell of themselves, read from the device for several at a time: a GPU answers only once it has done all
//! that it was given, and idles until the answer has led to new work.

use std::time::{Duration, Instant};

use burn::tensor::Tensor;

use crate::{error::Result, output};

/// Steps whose numbers are still on the device.
pub struct PendingLosses {
    waiting: Vec<Tensor<1>>,
    read: Instant,
}

impl PendingLosses {
    /// People who watch a slow training want to see every step.
    const PAUSE: Duration = Duration::from_millis(500);

    /// Of no steps.
    pub fn new() -> Self {
        Self { waiting: Vec::new(), read: Instant::now() }
    }

    /// Adds a step's loss and gradient norm, `[1]` each.
    pub fn add(&mut self, loss: Tensor<1>, gradient_norm: Tensor<1>) {
        self.waiting.extend([loss, gradient_norm]);
    }

    /// Whether the last time to read is long ago.
    pub fn due(&self) -> bool {
        self.read.elapsed() >= Self::PAUSE
    }

    /// Loss and gradient norm of every step since the last time.
    ///
    /// # Errors
    /// The device has failed.
    pub fn read(&mut self) -> Result<Vec<(f64, f64)>> {
        self.read = Instant::now();
        if self.waiting.is_empty() {
            return Ok(Vec::new());
        }
        let numbers = output::floats(Tensor::cat(std::mem::take(&mut self.waiting), 0))?;
        Ok(numbers.chunks(2).map(|pair| (f64::from(pair[0]), f64::from(pair[1]))).collect())
    }
}
