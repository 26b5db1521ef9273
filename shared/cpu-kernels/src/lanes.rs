//! How many numbers a vector holds, and what is done with whole vectors.

use pulp::Simd;

use crate::Vectors;

/// Numbers in a vector of `S`.
pub(crate) const fn lanes<S: Simd>() -> usize {
    size_of::<S::f32s>() / size_of::<f32>()
}

/// Numbers in the widest vector there is.
pub(crate) const WIDEST: usize = 16;

/// Output channels of a register tile: 8 where there are 32 registers, 4 where there are 16; few output channels need
/// no more.
pub(crate) fn tile_channels(vectors: Vectors, channels_out: usize) -> usize {
    match channels_out {
        1 => 1,
        2..=4 => 4,
        _ if vectors.has_many_registers() => 8,
        _ => 4,
    }
}

/// Whether a product and a sum are one step. Elsewhere a fused one would be a call of a library for every number.
pub(crate) const fn fuses<S: Simd>() -> bool {
    lanes::<S>() > 4 || cfg!(target_arch = "aarch64")
}

/// `a * b + c`
#[inline(always)]
pub(crate) fn mul_add<S: Simd>(simd: S, a: S::f32s, b: S::f32s, c: S::f32s) -> S::f32s {
    if fuses::<S>() { simd.mul_add_e_f32s(a, b, c) } else { simd.add_f32s(simd.mul_f32s(a, b), c) }
}

/// A vector of the numbers from `at` on.
///
/// # Safety
/// There are so many.
#[inline(always)]
pub(crate) unsafe fn load<S: Simd>(numbers: &[f32], at: usize) -> S::f32s {
    debug_assert!(at + lanes::<S>() <= numbers.len(), "a vector at {at} of {}", numbers.len());
    // SAFETY: the caller's promise.
    unsafe { numbers.as_ptr().add(at).cast::<S::f32s>().read_unaligned() }
}

/// Writes a vector to the numbers from `at` on.
///
/// # Safety
/// There are so many.
#[inline(always)]
pub(crate) unsafe fn store<S: Simd>(numbers: &mut [f32], at: usize, vector: S::f32s) {
    debug_assert!(at + lanes::<S>() <= numbers.len(), "a vector at {at} of {}", numbers.len());
    // SAFETY: the caller's promise.
    unsafe { numbers.as_mut_ptr().add(at).cast::<S::f32s>().write_unaligned(vector) }
}
