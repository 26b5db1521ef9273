//! Work on all cores, each thread with its own scratch memory that it keeps.

use std::cell::RefCell;

/// Scratch memory of one thread, reused from operation to operation.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// Input planes.
    pub input: Vec<f32>,
    /// Output planes, or the gradient's.
    pub output: Vec<f32>,
    /// Rows of pixels on their way.
    pub work: Vec<f32>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// `length` numbers of a buffer, whatever they are, beginning where a cache line does.
pub(crate) fn aligned(buffer: &mut Vec<f32>, length: usize) -> &mut [f32] {
    const LINE: usize = 64;
    if buffer.len() < length + LINE / size_of::<f32>() {
        buffer.resize(length + LINE / size_of::<f32>(), 0.0);
    }
    let start = buffer.as_ptr().align_offset(LINE);
    &mut buffer[start..start + length]
}

/// How many threads share the work.
#[must_use]
pub fn threads() -> usize {
    #[cfg(not(target_family = "wasm"))]
    return rayon::current_num_threads();
    #[cfg(target_family = "wasm")]
    1
}

/// Runs `work` for each of `units`, in any order.
pub(crate) fn for_each(units: usize, work: impl Fn(usize, &mut Scratch) + Sync + Send) {
    let run = |unit| SCRATCH.with_borrow_mut(|scratch| work(unit, scratch));
    #[cfg(not(target_family = "wasm"))]
    {
        use rayon::prelude::*;
        (0..units).into_par_iter().for_each(run);
    }
    #[cfg(target_family = "wasm")]
    (0..units).for_each(run);
}

/// Runs `work` for each part of `length` numbers, with its index, in any order.
pub(crate) fn for_each_part(
    numbers: &mut [f32],
    length: usize,
    work: impl Fn(usize, &mut [f32], &mut Scratch) + Sync + Send,
) {
    let run = |(index, part): (usize, &mut [f32])| SCRATCH.with_borrow_mut(|scratch| work(index, part, scratch));
    #[cfg(not(target_family = "wasm"))]
    {
        use rayon::prelude::*;
        numbers.par_chunks_exact_mut(length).enumerate().for_each(run);
    }
    #[cfg(target_family = "wasm")]
    numbers.chunks_exact_mut(length).enumerate().for_each(run);
}
