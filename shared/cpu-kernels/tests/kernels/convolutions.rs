//! Convolutions, forward and adjoint, and the gradients of their weights.

use cpu_kernels::{Convolution, Epilogue, Geometry, Vectors, WeightGradient};
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test;

use crate::{
    numbers::{ACTIVATIONS, assert_close, for_each_case, random},
    plain::{for_each_product, slope, value},
};

/// Inputs of all kinds, each as long as its name says.
struct Case {
    x: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
    /// Of the input's shape.
    v: Vec<f32>,
    /// Of the output's shape.
    dy: Vec<f32>,
}

impl Case {
    fn new(geometry: &Geometry) -> Self {
        let Geometry { images, channels_in, channels_out, kernel, .. } = *geometry;
        let (inputs, outputs) = (images * channels_in * geometry.plane(), images * channels_out * geometry.plane());
        Self {
            x: random(inputs, 1),
            weight: random(channels_out * channels_in * kernel * kernel, 2),
            bias: random(channels_out, 3),
            v: random(inputs, 4),
            dy: random(outputs, 5),
        }
    }
}

#[cfg_attr(not(target_family = "wasm"), test)]
#[cfg_attr(target_family = "wasm", wasm_bindgen_test)]
fn convolution_is_what_it_is_defined_as() {
    for_each_case(|vectors, geometry, activation, what| {
        let Case { x, weight, bias, dy: residual, .. } = Case::new(&geometry);
        let mut sums = vec![0.0; residual.len()];
        let activated: Vec<f64> = x.iter().map(|&x| value(activation, x)).collect();
        for_each_product(&geometry, |y, x, w| sums[y] += activated[x] * f64::from(weight[w]));
        let found = Convolution::forward(vectors, geometry, &x, &weight, activation, Epilogue::default()).run();
        assert_close(what, &found, &sums);

        let epilogue = Epilogue { bias: Some(&bias), residual: Some(&residual), gate: None };
        let found = Convolution::forward(vectors, geometry, &x, &weight, activation, epilogue).run();
        for (at, sum) in sums.iter_mut().enumerate() {
            let channel = at / geometry.plane() % geometry.channels_out;
            *sum += f64::from(bias[channel]) + f64::from(residual[at]);
        }
        assert_close(what, &found, &sums);
    });
}

#[cfg_attr(not(target_family = "wasm"), test)]
#[cfg_attr(target_family = "wasm", wasm_bindgen_test)]
fn the_adjoint_is_what_it_is_defined_as() {
    for_each_case(|vectors, geometry, activation, what| {
        let Case { x, weight, v: residual, dy, .. } = Case::new(&geometry);
        let mut sums = vec![0.0; x.len()];
        for_each_product(&geometry, |y, x, w| sums[x] += f64::from(dy[y]) * f64::from(weight[w]));
        if let Some(activation) = activation {
            sums.iter_mut().zip(&x).for_each(|(sum, &x)| *sum *= slope(activation, x));
        }
        sums.iter_mut().zip(&residual).for_each(|(sum, &residual)| *sum += f64::from(residual));
        // The adjoint reads the forward convolution's output channels.
        let Geometry { channels_in, channels_out, .. } = geometry;
        let turned = Geometry { channels_in: channels_out, channels_out: channels_in, ..geometry };
        let gate = activation.map(|activation| (&x[..], activation));
        let epilogue = Epilogue { bias: None, gate, residual: Some(&residual) };
        assert_close(what, &Convolution::adjoint(vectors, turned, &dy, &weight, epilogue).run(), &sums);
    });
}

#[cfg_attr(not(target_family = "wasm"), test)]
#[cfg_attr(target_family = "wasm", wasm_bindgen_test)]
fn the_weight_gradient_is_what_it_is_defined_as() {
    for_each_case(|vectors, geometry, activation, what| {
        let Case { x, weight, dy, .. } = Case::new(&geometry);
        let mut weights = vec![0.0; weight.len()];
        let activated: Vec<f64> = x.iter().map(|&x| value(activation, x)).collect();
        for_each_product(&geometry, |y, x, w| weights[w] += f64::from(dy[y]) * activated[x]);
        let mut biases = vec![0.0; geometry.channels_out];
        for (at, &dy) in dy.iter().enumerate() {
            biases[at / geometry.plane() % geometry.channels_out] += f64::from(dy);
        }
        let (weight, bias) = WeightGradient { vectors, geometry, input: &x, activation, dy: &dy }.run();
        assert_close(what, &weight, &weights);
        assert_close(what, &bias, &biases);
    });
}

#[cfg_attr(not(target_family = "wasm"), test)]
#[cfg_attr(target_family = "wasm", wasm_bindgen_test)]
fn not_a_number_stays_within_reach_of_the_kernel() {
    let geometry = Geometry { images: 2, channels_in: 3, channels_out: 5, height: 8, width: 8, kernel: 3 };
    let Case { mut x, weight, dy, .. } = Case::new(&geometry);
    x[3 * 64 + 9] = f32::NAN;
    for (vectors, activation) in Vectors::all().into_iter().flat_map(|v| ACTIVATIONS.map(|a| (v, a))) {
        let y = Convolution::forward(vectors, geometry, &x, &weight, activation, Epilogue::default()).run();
        let (first, second) = y.split_at(5 * 64);
        assert!(!first.iter().any(|y| y.is_nan()), "{vectors}, {activation:?}: the first image is clean");
        for plane in second.chunks(64) {
            for (row, column) in (0..3).flat_map(|row| (0..3).map(move |column| (row, column))) {
                assert!(plane[row * 8 + column].is_nan(), "{vectors}, {activation:?}: row {row}, column {column}");
            }
            assert!(!plane[5 * 8..].iter().any(|y| y.is_nan()), "{vectors}, {activation:?}: far from it");
        }
        let (weight, _) = WeightGradient { vectors, geometry, input: &x, activation, dy: &dy }.run();
        assert!(weight.iter().any(|w| w.is_nan()), "{vectors}, {activation:?}");
    }
}

/// Same bytes for any number of threads: a training must not depend on the machine's cores.
#[cfg(not(target_family = "wasm"))]
#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let silu = Some(cpu_kernels::Activation::Silu);
    for [channels_in, channels_out] in [[5, 18], [40, 30]] {
        let geometry = Geometry { images: 37, channels_in, channels_out, height: 16, width: 16, kernel: 3 };
        let Case { x, weight, dy, .. } = Case::new(&geometry);
        for vectors in Vectors::all() {
            let all = || {
                let y = Convolution::forward(vectors, geometry, &x, &weight, silu, Epilogue::default()).run();
                let gradient = WeightGradient { vectors, geometry, input: &x, activation: silu, dy: &dy };
                (y, gradient.run())
            };
            let with = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(all);
            let one = with(1);
            for threads in [2, 3, 8] {
                assert_eq!(with(threads), one, "{vectors}, {threads} threads, {channels_in} channels");
            }
        }
    }
}

#[cfg(not(target_family = "wasm"))]
#[test]
fn slices_of_the_wrong_length_are_refused() {
    let geometry = Geometry { images: 2, channels_in: 3, channels_out: 5, height: 8, width: 8, kernel: 3 };
    let Case { x, weight, dy, .. } = Case::new(&geometry);
    let vectors = Vectors::widest();
    let refused = |work: &dyn Fn()| std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err();
    let run =
        |x: &[f32], weight: &[f32], epilogue| drop(Convolution::forward(vectors, geometry, x, weight, None, epilogue));
    assert!(!refused(&|| run(&x, &weight, Epilogue::default())));
    assert!(refused(&|| run(&x[1..], &weight, Epilogue::default())));
    assert!(refused(&|| run(&x, &weight[1..], Epilogue::default())));
    assert!(refused(&|| run(&x, &weight, Epilogue { residual: Some(&dy[1..]), ..Epilogue::default() })));
    assert!(refused(&|| run(&x, &weight, Epilogue { bias: Some(&dy[..4]), ..Epilogue::default() })));
    let gradient = WeightGradient { vectors, geometry, input: &x, activation: None, dy: &dy[1..] };
    assert!(refused(&|| drop(gradient.run())));
}
