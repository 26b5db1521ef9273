//! Sums over the units of a cube.

use cubecl::prelude::*;

/// Units of a cube: a power of two, which every GPU has.
pub(super) const UNITS: usize = 64;

/// The sum of one number of each unit, always in the same order.
#[cube]
pub(super) fn sum_of_cube(value: f32) -> f32 {
    let mut sums = Shared::<[f32]>::new_slice(UNITS);
    let unit = UNIT_POS as usize;
    sums[unit] = value;
    sync_cube();
    #[unroll]
    for halving in 0..comptime!(UNITS.ilog2()) {
        let half = comptime!(UNITS >> (halving + 1));
        if unit < half {
            let other = sums[unit + half];
            sums[unit] += other;
        }
        sync_cube();
    }
    sums[0]
}
