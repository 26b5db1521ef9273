//! Memory that several threads fill, each its own part.

/// A buffer to be written completely by threads that never write the same place.
#[derive(Debug)]
pub struct Output {
    buffer: Vec<f32>,
    length: usize,
}

impl Output {
    /// A buffer of this length, not yet written: large outputs are not zeroed first.
    pub fn new(length: usize) -> Self {
        Self { buffer: Vec::with_capacity(length), length }
    }

    /// The place that threads write to.
    pub fn target(&mut self) -> Target {
        Target { start: self.buffer.as_mut_ptr(), length: self.length }
    }

    /// The buffer.
    ///
    /// # Safety
    /// Every element has been written.
    pub unsafe fn finish(mut self) -> Vec<f32> {
        // SAFETY: the capacity is at least this, and the caller has written every element.
        unsafe { self.buffer.set_len(self.length) };
        self.buffer
    }
}

/// A place that several threads write to.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    start: *mut f32,
    length: usize,
}

// SAFETY: a pointer that is only written through, in parts that callers of `part` keep apart.
unsafe impl Send for Target {}
// SAFETY: as above.
unsafe impl Sync for Target {}

impl Target {
    /// The place of a slice that is written completely before it is read.
    pub fn of(slice: &mut [f32]) -> Self {
        Self { start: slice.as_mut_ptr(), length: slice.len() }
    }

    /// One part.
    ///
    /// # Safety
    /// No other thread has an overlapping part at the same time, the memory lives on, and it is initialised or only
    /// written to.
    #[allow(clippy::mut_from_ref, reason = "the parts of different threads do not overlap")]
    pub unsafe fn part(&self, start: usize, length: usize) -> &mut [f32] {
        assert!(start + length <= self.length);
        // SAFETY: within the buffer by the assertion; the rest is the caller's promise.
        unsafe { core::slice::from_raw_parts_mut(self.start.add(start), length) }
    }
}
