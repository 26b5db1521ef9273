//! Numbers for the tests, and how near others must come to them.

use cpu_kernels::{Activation, Geometry, Vectors};

/// Numbers of about the size of one that depend on `key` only.
pub fn random(length: usize, key: u64) -> Vec<f32> {
    // SplitMix64 (Steele and others 2014).
    let mut state = key.wrapping_mul(0x5851_F42D_4C95_7F2D);
    let mut uniform = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) >> 40) as f32 / (1u64 << 24) as f32
    };
    (0..length).map(|_| 2.0 * (uniform() + uniform() + uniform()) - 3.0).collect()
}

/// Images, channels in, channels out, height, width, kernel: one channel and three, numbers that no vector length
/// divides, one image and many, sides from less than a vector to more than any, images that are not square, and channels
/// that are few and, in the last three, so many that all sums are kept at once.
const SHAPES: [[usize; 6]; 19] = [
    [1, 1, 3, 8, 8, 3],
    [65, 1, 16, 8, 8, 3],
    [3, 3, 5, 16, 16, 3],
    [2, 17, 33, 24, 24, 3],
    [1, 6, 1, 64, 64, 3],
    [2, 3, 1, 33, 33, 3],
    [2, 2, 5, 128, 128, 3],
    [2, 5, 3, 7, 20, 3],
    [4, 5, 9, 8, 8, 1],
    [1, 9, 3, 40, 40, 1],
    [1, 16, 40, 1, 5, 1],
    [2, 3, 4, 4, 4, 3],
    [33, 8, 6, 1, 1, 3],
    [3, 12, 20, 2, 2, 3],
    [2, 40, 24, 8, 8, 3],
    [1, 3, 16, 256, 31, 3],
    [2, 40, 33, 8, 8, 3],
    [1, 70, 20, 16, 16, 3],
    [1, 40, 40, 5, 5, 1],
];

pub const ACTIVATIONS: [Option<Activation>; 3] = [None, Some(Activation::Elu), Some(Activation::Silu)];

/// Runs `check` for every vector width, shape and activation; the text names the case.
pub fn for_each_case(check: impl Fn(Vectors, Geometry, Option<Activation>, &str)) {
    for vectors in Vectors::all() {
        for [images, channels_in, channels_out, height, width, kernel] in SHAPES {
            let geometry = Geometry { images, channels_in, channels_out, height, width, kernel };
            for activation in ACTIVATIONS {
                check(vectors, geometry, activation, &format!("{vectors}, {geometry:?}, {activation:?}"));
            }
        }
    }
}

/// The two agree to rounding, relative to the largest.
pub fn assert_close(what: &str, found: &[f32], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(0f64, |largest, value| largest.max(value.abs()));
    for (at, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let error = (f64::from(found) - expected).abs();
        assert!(error <= 2e-5 * largest, "{what}, number {at}: {found} against {expected} (up to {largest})");
    }
}
