//! Halving and doubling of height and width.

use std::mem::MaybeUninit;

use pulp::{Simd, WithSimd};

use crate::{
    Vectors,
    output::{Output, Target},
    parallel,
};

/// `scale` times the sum of each cell of 2x2 pixels of planes with rows of `width` pixels.
///
/// # Panics
/// There are no whole cells.
#[must_use]
pub fn pool(vectors: Vectors, x: &[f32], width: usize, scale: f32) -> Vec<f32> {
    assert!(width.is_multiple_of(2) && x.len().is_multiple_of(2 * width), "{} numbers in rows of {width}", x.len());
    in_bands(vectors, x, 2 * width, width / 2, |target, x| {
        let (above, below) = x.split_at(width);
        for (target, (above, below)) in target.iter_mut().zip(above.as_chunks().0.iter().zip(below.as_chunks().0)) {
            let ([a, b], [c, d]): (&[f32; 2], &[f32; 2]) = (above, below);
            target.write(scale * ((a + b) + (c + d)));
        }
    })
}

/// `scale` times each pixel for all of its cell, for planes with rows of `width` pixels.
///
/// # Panics
/// The last row is not whole.
#[must_use]
pub fn unpool(vectors: Vectors, x: &[f32], width: usize, scale: f32) -> Vec<f32> {
    assert!(x.len().is_multiple_of(width), "{} numbers in rows of {width}", x.len());
    in_bands(vectors, x, width, 4 * width, |target, x| {
        let (above, below) = target.split_at_mut(2 * width);
        for ([left, right], x) in above.as_chunks_mut().0.iter_mut().zip(x) {
            left.write(scale * x);
            right.write(scale * x);
        }
        below.copy_from_slice(above);
    })
}

/// Bands that one thread takes at a time.
const BANDS: usize = 64;

/// Applies `map` to every band of `length_in` numbers, which gives `length_out`.
fn in_bands(
    vectors: Vectors,
    x: &[f32],
    length_in: usize,
    length_out: usize,
    map: impl Fn(&mut [MaybeUninit<f32>], &[f32]) + Sync + Send,
) -> Vec<f32> {
    let bands = x.len() / length_in;
    let mut output = Output::new(bands * length_out);
    let target = output.target();
    parallel::for_each(bands.div_ceil(BANDS), |unit, _| {
        let first = unit * BANDS;
        let last = bands.min(first + BANDS);
        let x = &x[first * length_in..last * length_in];
        vectors.run(Bands { target, first, x, length_in, length_out, map: &map });
    });
    // SAFETY: the units cover all bands, and `map` writes its target completely.
    unsafe { output.finish() }
}

struct Bands<'a, F> {
    target: Target<'a>,
    first: usize,
    x: &'a [f32],
    length_in: usize,
    length_out: usize,
    map: &'a F,
}

impl<F: Fn(&mut [MaybeUninit<f32>], &[f32])> WithSimd for Bands<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (band, x) in (self.first..).zip(self.x.chunks_exact(self.length_in)) {
            // SAFETY: bands do not overlap, and each is one thread's.
            let target = unsafe { self.target.part(band * self.length_out, self.length_out) };
            (self.map)(target, x);
        }
    }
}
