//! Halving and doubling of height and width.

use cpu_kernels::{Vectors, pool, unpool};
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test;

use crate::numbers::{assert_close, random};

#[cfg_attr(not(target_family = "wasm"), test)]
#[cfg_attr(target_family = "wasm", wasm_bindgen_test)]
fn resampling_is_what_it_is_defined_as() {
    for vectors in Vectors::all() {
        for [planes, height, width] in [[1, 2, 2], [65, 4, 4], [15, 16, 16], [6, 64, 40], [1, 2, 256]] {
            let what = format!("{vectors}, {planes} planes of {height}x{width}");
            let x = random(planes * height * width, 1);
            let rows = planes * height / 2;
            let mut pooled = vec![0.0; rows * width / 2];
            let mut unpooled = vec![0.0; 4 * x.len()];
            for (at, &x) in x.iter().enumerate() {
                let (row, column) = (at / width, at % width);
                pooled[row / 2 * (width / 2) + column / 2] += 0.3 * f64::from(x);
                for (below, right) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                    unpooled[(2 * row + below) * 2 * width + 2 * column + right] = 0.3 * f64::from(x);
                }
            }
            assert_close(&what, &pool(vectors, &x, width, 0.3), &pooled);
            assert_close(&what, &unpool(vectors, &x, width, 0.3), &unpooled);
        }
    }
}
