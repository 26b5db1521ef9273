//! How many numbers a vector of this machine holds, and the tile of registers that suits it.

use pulp::{Arch, Simd, WithSimd};

/// Numbers in a vector of `S`.
pub const fn lanes<S: Simd>() -> usize {
    size_of::<S::f32s>() / size_of::<f32>()
}

/// Numbers in the widest vector there is.
pub const WIDEST: usize = 16;

/// Output channels of a register tile: 8 with AVX-512's 32 registers, 4 with 16; few output channels need no more.
pub fn tile_channels(channels_out: usize) -> usize {
    let most = if Arch::new().dispatch(Lanes) == WIDEST { 8 } else { 4 };
    match channels_out {
        1 => 1,
        2..=4 => 4,
        _ => most,
    }
}

struct Lanes;

impl WithSimd for Lanes {
    type Output = usize;

    fn with_simd<S: Simd>(self, _: S) -> usize {
        lanes::<S>()
    }
}

/// A vector of the numbers from `at` on.
///
/// # Safety
/// There are so many.
#[inline(always)]
pub unsafe fn load<S: Simd>(numbers: &[f32], at: usize) -> S::f32s {
    debug_assert!(at + lanes::<S>() <= numbers.len());
    // SAFETY: the caller's promise.
    unsafe { numbers.as_ptr().add(at).cast::<S::f32s>().read_unaligned() }
}

/// Writes a vector to the numbers from `at` on.
///
/// # Safety
/// There are so many.
#[inline(always)]
pub unsafe fn store<S: Simd>(numbers: &mut [f32], at: usize, vector: S::f32s) {
    debug_assert!(at + lanes::<S>() <= numbers.len());
    // SAFETY: the caller's promise.
    unsafe { numbers.as_mut_ptr().add(at).cast::<S::f32s>().write_unaligned(vector) }
}
