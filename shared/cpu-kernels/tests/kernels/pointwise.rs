//! What an activation does to gradients.

use cpu_kernels::{Activation, Vectors, gate, gate_vjp};
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test;

use crate::{
    numbers::{assert_close, random},
    plain::{bend, slope},
};

#[cfg_attr(not(target_family = "wasm"), test)]
#[cfg_attr(target_family = "wasm", wasm_bindgen_test)]
fn gates_are_what_they_are_defined_as() {
    for vectors in Vectors::all() {
        for length in [1, 3, 16, 1000, 40_000] {
            let [x, q, u] = [1, 2, 3].map(|key| random(length, key));
            for activation in [Activation::Elu, Activation::Silu] {
                let what = format!("{vectors}, {length} numbers, {activation:?}");
                let first: Vec<f64> = x.iter().zip(&u).map(|(&x, &u)| slope(activation, x) * f64::from(u)).collect();
                let both = first.iter().zip(&q).map(|(first, &q)| first + f64::from(q)).collect::<Vec<_>>();
                assert_close(&what, &gate(vectors, &x, &u, None, activation), &first);
                assert_close(&what, &gate(vectors, &x, &u, Some(&q), activation), &both);
                let inputs = x.iter().zip(&q).zip(&u);
                let second = inputs.map(|((&x, &q), &u)| bend(activation, x) * f64::from(q) * f64::from(u));
                let found = gate_vjp(vectors, &x, &q, &u, activation);
                assert_close(&what, &found.0, &first);
                assert_close(&what, &found.1, &second.collect::<Vec<_>>());
            }
        }
    }
}
