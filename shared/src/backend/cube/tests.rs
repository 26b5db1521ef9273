//! Every kernel against the CPU's, which `backend/tests.rs` compares with the bodies in Burn's own operations.

use burn::{
    backend::Dispatch,
    tensor::{Device, DeviceKind, Tensor, TensorData},
};
use options::Activation;

use crate::{
    backend::{
        self, BlockWeights, Functionals, ImageOps, Optional,
        tests::{ACTIVATIONS, SHAPES},
    },
    restoration::{Basis, Cosines},
    sampling::{Draw, Noise},
};

/// Normal numbers that depend on `key` only.
fn random<const D: usize>(shape: [usize; D], key: u64, device: &Device) -> Tensor<D> {
    let mut numbers = vec![0.0; shape.iter().product()];
    Noise::new(key).fill(0, Draw::Start, &mut numbers);
    Tensor::from_data(TensorData::new(numbers, shape), device)
}

fn gpu() -> Device {
    Device::wgpu(DeviceKind::DefaultDevice)
}

/// Has `compute` do its work on both devices and compares what comes out.
fn assert_agree(what: &str, compute: impl Fn(&Device) -> Vec<TensorData>) {
    for (index, (found, expected)) in compute(&gpu()).into_iter().zip(compute(&Device::flex())).enumerate() {
        let what = format!("{what}, output {index}");
        assert_eq!(found.shape(), expected.shape(), "{what}");
        let largest = expected.iter::<f32>().fold(0f32, |largest, value| largest.max(value.abs()));
        for (found, expected) in found.iter::<f32>().zip(expected.iter::<f32>()) {
            assert!((found - expected).abs() <= 2e-5 * largest, "{what}: {found} against {expected} (up to {largest})");
        }
    }
}

fn for_each_shape(check: impl Fn([usize; 5], Option<Activation>, &str)) {
    // The activations in turn: compiling every combination takes minutes on a GPU made of software.
    for (shape, activation) in SHAPES.into_iter().zip(ACTIVATIONS.into_iter().cycle()) {
        check(shape, activation, &format!("{shape:?} {activation:?}"));
    }
}

#[test]
fn convolutions_agree() {
    for_each_shape(|[n, channels_in, channels_out, side, kernel], activation, what| {
        assert_agree(what, |device| {
            let x = random([n, channels_in, side, side], 1, device);
            let weight = random([channels_out, channels_in, kernel, kernel], 2, device);
            let bias = random([channels_out], 3, device);
            let v = random([n, channels_in, side, side], 4, device);
            let dy = random([n, channels_out, side, side], 5, device);
            vec![
                backend::convolution(x.clone(), weight.clone(), None, None, activation).into_data(),
                backend::convolution(x.clone(), weight.clone(), Some(bias), Some(dy.clone()), activation).into_data(),
                backend::convolution_vjp(dy.clone(), weight.clone(), x.clone(), None, activation).into_data(),
                backend::convolution_vjp(dy, weight, x, Some(v), activation).into_data(),
            ]
        });
    });
}

#[test]
fn weight_gradients_agree() {
    for_each_shape(|[n, channels_in, channels_out, side, kernel], activation, what| {
        assert_agree(what, |device| {
            let x = random([n, channels_in, side, side], 1, device).into_dispatch();
            let weight = random([channels_out, channels_in, kernel, kernel], 2, device).into_dispatch();
            let dy = random([n, channels_out, side, side], 3, device).into_dispatch();
            let (dweight, dbias) = Dispatch::weight_gradient(x, dy, weight, activation);
            vec![Tensor::<4>::from_dispatch(dweight).into_data(), Tensor::<1>::from_dispatch(dbias).into_data()]
        });
    });
}

#[test]
fn blocks_agree() {
    // Images, channels of each part, channels between, channels out, side.
    for (index, [n, first, second, between, out, side]) in
        [[1, 1, 2, 3, 5, 8], [65, 3, 1, 2, 4, 8], [2, 9, 8, 7, 17, 24], [1, 2, 3, 8, 1, 64], [3, 4, 4, 16, 8, 2]]
            .into_iter()
            .enumerate()
    {
        let activation = if index % 2 == 0 { Activation::Silu } else { Activation::Elu };
        for (parts, halve) in [(1, false), (2, false), (1, true), (2, true)] {
            assert_agree(&format!("{n}x({first}+{second})x{side}x{side} {parts} {halve}"), |device| {
                let channels_in = if parts == 1 { first } else { first + second };
                let weights = BlockWeights::<Dispatch> {
                    conv1: random([between, channels_in, 3, 3], 1, device).into_dispatch(),
                    bias1: Optional::of((index > 0).then(|| random([between], 2, device).into_dispatch())),
                    conv2: random([out, between, 3, 3], 3, device).into_dispatch(),
                    bias2: Optional::Given(random([out], 4, device).into_dispatch()),
                    shortcut: random([out, channels_in, 1, 1], 5, device).into_dispatch(),
                    shortcut_bias: Optional::Given(random([out], 6, device).into_dispatch()),
                };
                let v = random([n, first, side, side], 7, device);
                let beside = random([n, second, side, side], 8, device);
                let out_side = if halve { side / 2 } else { side };
                let dy = random([n, out, out_side, out_side], 9, device);
                let (output, inner, gradients) = if parts == 1 {
                    let (output, inner) = backend::block([v.clone()], weights.clone(), activation, halve);
                    let dv = backend::block_vjp(dy, [v], inner.clone(), weights, activation, halve);
                    (output, inner, dv.to_vec())
                } else {
                    let v = [v, beside];
                    let (output, inner) = backend::block(v.clone(), weights.clone(), activation, halve);
                    let dv = backend::block_vjp(dy, v, inner.clone(), weights, activation, halve);
                    (output, inner, dv.to_vec())
                };
                [output, inner].into_iter().chain(gradients).map(Tensor::into_data).collect()
            });
        }
    }
}

#[test]
fn what_is_done_for_each_number_agrees() {
    for shape in [[1, 1, 2, 2], [65, 1, 4, 4], [3, 5, 16, 16], [2, 3, 64, 40]] {
        assert_agree(&format!("{shape:?}"), |device| {
            let x = random(shape, 1, device);
            let [n, c, h, w] = shape;
            let double = random([n, c, 2 * h, 2 * w], 2, device);
            let (y, z) = (random(shape, 3, device), random(shape, 4, device));
            vec![
                backend::pool(x.clone(), 0.3).into_data(),
                backend::unpool(x.clone(), 0.3).into_data(),
                backend::unpool_onto(x.clone(), 0.3, double).into_data(),
                backend::combination2((0.5, x.clone()), (-2.0, y.clone())).into_data(),
                backend::combination3((1.0, x), (3.0, y), (-0.1, z)).into_data(),
            ]
        });
        for activation in ACTIVATIONS.into_iter().flatten() {
            assert_agree(&format!("{shape:?} {activation:?}"), |device| {
                let [x, q, u] = [1, 2, 3].map(|key| random(shape, key, device).into_dispatch());
                let residual = Optional::Given(q.clone());
                let (first, second) = Dispatch::gate_vjp(x.clone(), q, u.clone(), activation);
                let gated = Dispatch::gate(x.clone(), u.clone(), residual, activation);
                let bare = Dispatch::gate(x, u, Optional::Absent, activation);
                [first, second, gated, bare].map(|found| Tensor::<4>::from_dispatch(found).into_data()).to_vec()
            });
        }
    }
}

#[test]
fn heads_agree() {
    for shape in [[1, 1, 8, 8], [65, 3, 8, 8], [2, 3, 5, 7], [3, 1, 64, 64]] {
        assert_agree(&format!("{shape:?}"), |device| {
            let (x, y) = (random(shape, 1, device), random(shape, 2, device));
            let (energies, difference) = backend::squared_distance(x.clone(), y, 3.0);
            let h: Tensor<2> = x.flatten(1, 3);
            let features = h.dims()[1];
            let weight = |key| random([1, features], key, device).into_dispatch();
            let bias = |key| random([1], key, device).into_dispatch();
            let (a, c, e) = (weight(3), weight(4), weight(5));
            let (a_bias, c_bias, e_bias) = (bias(6), bias(7), bias(8));
            let (values, gradient) = backend::quadratic(h, Functionals { a, a_bias, c, c_bias, e, e_bias });
            vec![energies.into_data(), difference.into_data(), values.into_data(), gradient.into_data()]
        });
    }
}

#[test]
fn nan_goes_in_and_comes_out() {
    let device = gpu();
    let mut numbers: Vec<f32> = random::<4>([2, 3, 8, 8], 1, &device).into_data().iter().collect();
    numbers[3 * 64 + 9] = f32::NAN;
    let x: Tensor<4> = Tensor::from_data(TensorData::new(numbers, [2, 3, 8, 8]), &device);
    for activation in ACTIVATIONS {
        let weight = random([5, 3, 3, 3], 2, &device);
        let found = backend::convolution(x.clone(), weight, None, None, activation).into_data();
        for (at, value) in found.iter::<f32>().enumerate() {
            let (image, row, column) = (at / (5 * 64), at / 8 % 8, at % 8);
            let reached = image == 1 && row < 3 && column < 3;
            assert_eq!(value.is_nan(), reached, "{activation:?}: image {image}, row {row}, column {column}");
        }
    }
}

/// A matrix as the kernel of a convolution, over images of one row: the cosines of a blur.
#[test]
fn cosines_agree() {
    for (height, width) in [(1, 1), (28, 28), (8, 13), (40, 64)] {
        assert_agree(&format!("{height}x{width}"), |device| {
            let x = random([3, 2, height, width], 1, device);
            let basis = Cosines::new(height, width, device);
            let coefficients = basis.coefficients(x);
            vec![coefficients.clone().into_data(), basis.pictures(coefficients).into_data()]
        });
    }
}
