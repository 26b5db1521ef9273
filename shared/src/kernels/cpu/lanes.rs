//! How many numbers a vector of this machine holds, and the tile of registers that suits it.

use pulp::{Arch, Simd, WithSimd};

/// Numbers in a vector of `S`.
pub const fn lanes<S: Simd>() -> usize {
    size_of::<S::f32s>() / size_of::<f32>()
}

/// Output channels of a register tile: 8 with AVX-512's 32 registers, 4 with 16; few output channels need no more.
pub fn tile_channels(channels_out: usize) -> usize {
    let most = if Arch::new().dispatch(Lanes) == 16 { 8 } else { 4 };
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

/// Numbers that may be read or written beyond the last row of a plane: more than a vector.
pub const SLACK: usize = 32;
