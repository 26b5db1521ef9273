//! The generator gives the same bits natively and in a browser: this file runs in both.

use sha2::{Digest, Sha256};
use shared::sampling::{Draw, Noise};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test_configure!(run_in_browser);

#[cfg_attr(not(target_arch = "wasm32"), test)]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn the_first_numbers_are_these() {
    let mut first = [0.0; 4];
    Noise::new(7).fill(3, Draw::Langevin(11), &mut first);
    assert_eq!(first.map(f32::to_bits), FIRST);
}

#[cfg_attr(not(target_arch = "wasm32"), test)]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn a_million_numbers_have_this_hash() {
    let mut numbers = vec![0.0; 1_000_000];
    Noise::new(u64::MAX).fill(u64::MAX, Draw::Known(u32::MAX), &mut numbers);
    let bytes: Vec<u8> = numbers.into_iter().flat_map(f32::to_le_bytes).collect();
    assert_eq!(hex::encode(Sha256::digest(bytes)), MILLION);
}

const FIRST: [u32; 4] = [1_065_115_161, 3_211_938_494, 1_061_341_362, 1_053_206_188];
const MILLION: &str = "91669c595e9831fd4ebea916009c2ec6d9f5f55fbcb0d0717d00bc270c6dad31";
