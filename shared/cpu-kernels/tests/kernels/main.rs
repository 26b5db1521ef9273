//! Every kernel, at every vector width that this machine has, against the operation as it is defined, in 64 bits.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod convolutions;
mod numbers;
mod plain;
mod pointwise;
mod resampling;

#[cfg(target_family = "wasm")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
