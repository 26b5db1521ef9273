//! Memory that several threads fill, each its own part.

use std::{marker::PhantomData, mem::MaybeUninit};

/// A buffer that is written completely by threads that never write the same place. Large outputs are not zeroed first.
#[derive(Debug)]
pub(crate) struct Output {
    buffer: Vec<f32>,
    length: usize,
}

impl Output {
    /// A buffer of this length, not yet written.
    #[must_use]
    pub(crate) fn new(length: usize) -> Self {
        Self { buffer: Vec::with_capacity(length), length }
    }

    /// The place that threads write to.
    pub(crate) fn target(&mut self) -> Target<'_> {
        Target::new(&mut self.buffer.spare_capacity_mut()[..self.length])
    }

    /// The buffer.
    ///
    /// # Safety
    /// Every element has been written.
    #[must_use]
    pub(crate) unsafe fn finish(mut self) -> Vec<f32> {
        // SAFETY: the capacity is at least this, and the caller has written every element.
        unsafe { self.buffer.set_len(self.length) };
        self.buffer
    }
}

/// A place that several threads write to, each its own part.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'a> {
    start: *mut MaybeUninit<f32>,
    length: usize,
    memory: PhantomData<&'a mut [MaybeUninit<f32>]>,
}

// SAFETY: a slice, handed out in parts that callers of `part` keep apart.
unsafe impl Send for Target<'_> {}
// SAFETY: as above.
unsafe impl Sync for Target<'_> {}

impl<'a> Target<'a> {
    fn new(slice: &'a mut [MaybeUninit<f32>]) -> Self {
        Self { start: slice.as_mut_ptr(), length: slice.len(), memory: PhantomData }
    }

    /// One part, of which nothing has been written yet, or anything.
    ///
    /// # Safety
    /// While it lives there is no other part that overlaps it.
    #[inline(always)]
    #[must_use]
    pub(crate) unsafe fn part(&self, start: usize, length: usize) -> &'a mut [MaybeUninit<f32>] {
        assert!(
            start <= self.length && length <= self.length - start,
            "{length} numbers at {start} of {}",
            self.length
        );
        // SAFETY: within the slice by the assertion; the rest is the caller's promise.
        unsafe { core::slice::from_raw_parts_mut(self.start.add(start), length) }
    }
}
