//! Every kernel against the same operation in Burn's own, over odd shapes.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use burn::{
    backend::{Autodiff, Flex, TensorMetadata, flex::FlexTensor, ops::FloatTensorOps, tensor::FloatTensor},
    tensor::{Shape, TensorData},
};

use super::{ImageOps, Optional, reference};
use options::Activation;

use crate::sampling::{Draw, Noise};

type Tracked = Autodiff<Flex>;

/// Images, channels in, channels out, side, kernel: one channel and three, numbers that no vector length divides, one
/// image and many, sides from less than a vector to more than any.
pub(super) const SHAPES: [[usize; 5]; 10] = [
    [1, 1, 3, 8, 3],
    [65, 1, 16, 8, 3],
    [3, 3, 5, 16, 3],
    [2, 17, 33, 24, 3],
    [1, 6, 1, 64, 3],
    [4, 5, 9, 8, 1],
    [1, 9, 3, 40, 1],
    [2, 3, 4, 4, 3],
    [33, 8, 6, 1, 3],
    [3, 12, 20, 2, 3],
];
pub(super) const ACTIVATIONS: [Option<Activation>; 3] = [None, Some(Activation::Elu), Some(Activation::Silu)];

/// Normal numbers that depend on `key` only.
fn random(shape: &[usize], key: u64) -> FlexTensor {
    let mut numbers = vec![0.0; shape.iter().product()];
    Noise::new(key).fill(0, Draw::Start, &mut numbers);
    FlexTensor::from_data(TensorData::new(numbers, Shape::from(shape.to_vec())))
}

struct Case {
    x: FlexTensor,
    weight: FlexTensor,
    bias: FlexTensor,
    /// Of the input's shape.
    v: FlexTensor,
    /// Of the output's shape.
    dy: FlexTensor,
}

impl Case {
    fn new([n, channels_in, channels_out, side, kernel]: [usize; 5]) -> Self {
        Self {
            x: random(&[n, channels_in, side, side], 1),
            weight: random(&[channels_out, channels_in, kernel, kernel], 2),
            bias: random(&[channels_out], 3),
            v: random(&[n, channels_in, side, side], 4),
            dy: random(&[n, channels_out, side, side], 5),
        }
    }
}

fn for_each_case(check: impl Fn(Case, Option<Activation>, &str)) {
    for shape in SHAPES {
        for activation in ACTIVATIONS {
            check(Case::new(shape), activation, &format!("{shape:?} {activation:?}"));
        }
    }
}

fn assert_close(what: &str, found: FlexTensor, expected: FlexTensor) {
    assert_eq!(found.shape(), expected.shape(), "{what}");
    let (found, expected) = (found.into_data(), expected.into_data());
    let largest = expected.iter::<f32>().fold(0f32, |largest, value| largest.max(value.abs()));
    for (found, expected) in found.iter::<f32>().zip(expected.iter::<f32>()) {
        assert!((found - expected).abs() <= 2e-5 * largest, "{what}: {found} against {expected} (up to {largest})");
    }
}

#[test]
fn convolution_agrees() {
    for_each_case(|Case { x, weight, bias, dy, .. }, activation, what| {
        for (bias, residual) in [(None, None), (Some(bias), Some(dy))] {
            let (x, weight) = (x.clone(), weight.clone());
            let expected =
                reference::convolution::<Flex>(x.clone(), weight.clone(), bias.clone(), residual.clone(), activation);
            assert_close(
                what,
                Flex::convolution(x, weight, Optional::of(bias), Optional::of(residual), activation),
                expected,
            );
        }
    });
}

#[test]
fn convolution_vjp_agrees() {
    for_each_case(|Case { x, weight, v, dy, .. }, activation, what| {
        for residual in [None, Some(v)] {
            let (x, weight, dy) = (x.clone(), weight.clone(), dy.clone());
            let expected =
                reference::convolution_vjp::<Flex>(dy.clone(), weight.clone(), x.clone(), residual.clone(), activation);
            assert_close(what, Flex::convolution_vjp(dy, weight, x, Optional::of(residual), activation), expected);
        }
    });
}

#[test]
fn weight_gradient_agrees() {
    for_each_case(|Case { x, weight, dy, .. }, activation, what| {
        let expected = reference::weight_gradient::<Flex>(x.clone(), dy.clone(), weight.clone(), activation);
        let found = Flex::weight_gradient(x, dy, weight, activation);
        assert_close(what, found.0, expected.0);
        assert_close(what, found.1, expected.1);
    });
}

#[test]
fn gates_agree() {
    for_each_case(|Case { x, v, .. }, activation, what| {
        let Some(activation) = activation else { return };
        let q = Flex::float_add_scalar(v.clone(), 1f32.into());
        let expected = reference::gate::<Flex>(x.clone(), v.clone(), Some(q.clone()), activation);
        assert_close(what, Flex::gate(x.clone(), v.clone(), Optional::Given(q.clone()), activation), expected);
        let expected = reference::gate_vjp::<Flex>(x.clone(), q.clone(), v.clone(), activation);
        let found = Flex::gate_vjp(x, q, v, activation);
        assert_close(what, found.0, expected.0);
        assert_close(what, found.1, expected.1);
    });
}

/// What `loss` (a sum of products, so that all gradients differ) says of each input.
fn gradients(inputs: &[FlexTensor], loss: impl Fn(&[FloatTensor<Tracked>]) -> FloatTensor<Tracked>) -> Vec<FlexTensor> {
    let inputs: Vec<FloatTensor<Tracked>> =
        inputs.iter().map(|input| FloatTensor::<Tracked>::new(input.clone()).require_grad()).collect();
    let output = loss(&inputs);
    let weights = FloatTensor::<Tracked>::new(random(&output.shape(), 9));
    let gradients = Tracked::float_sum(Tracked::float_mul(output, weights)).backward();
    inputs.iter().map(|input| input.grad(&gradients).unwrap()).collect()
}

#[test]
fn gradients_of_convolution_agree() {
    for_each_case(|Case { x, weight, bias, dy, .. }, activation, what| {
        let inputs = [x, weight, bias, dy];
        let found = gradients(&inputs, |inputs| {
            let [x, weight, bias, residual] = inputs else { unreachable!() };
            let (bias, residual) = (Optional::Given(bias.clone()), Optional::Given(residual.clone()));
            Tracked::convolution(x.clone(), weight.clone(), bias, residual, activation)
        });
        let expected = gradients(&inputs, |inputs| {
            let [x, weight, bias, residual] = inputs else { unreachable!() };
            let (bias, residual) = (Some(bias.clone()), Some(residual.clone()));
            reference::convolution::<Tracked>(x.clone(), weight.clone(), bias, residual, activation)
        });
        found.into_iter().zip(expected).for_each(|(found, expected)| assert_close(what, found, expected));
    });
}

#[test]
fn gradients_of_convolution_vjp_agree() {
    for_each_case(|Case { x, weight, v, dy, .. }, activation, what| {
        // Without an activation the input does not matter, and has no gradient.
        let inputs = if activation.is_some() { vec![dy, weight, v, x] } else { vec![dy, weight, v] };
        let found = gradients(&inputs, |inputs| {
            let (dy, weight, residual) = (inputs[0].clone(), inputs[1].clone(), Optional::Given(inputs[2].clone()));
            let x = inputs.get(3).unwrap_or(&inputs[2]).clone();
            Tracked::convolution_vjp(dy, weight, x, residual, activation)
        });
        let expected = gradients(&inputs, |inputs| {
            let (dy, weight, residual) = (inputs[0].clone(), inputs[1].clone(), Some(inputs[2].clone()));
            let x = inputs.get(3).unwrap_or(&inputs[2]).clone();
            reference::convolution_vjp::<Tracked>(dy, weight, x, residual, activation)
        });
        found.into_iter().zip(expected).for_each(|(found, expected)| assert_close(what, found, expected));
    });
}

#[test]
fn resampling_and_its_gradients_agree() {
    for shape in [[1, 1, 2, 2], [65, 1, 4, 4], [3, 5, 16, 16], [2, 3, 64, 40]] {
        let x = random(&shape, 1);
        assert_close("pool", Flex::pool(x.clone(), 0.3), reference::pool::<Flex>(x.clone(), 0.3));
        assert_close("unpool", Flex::unpool(x.clone(), 0.3), reference::unpool::<Flex>(x.clone(), 0.3));
        let inputs = [x];
        let found = gradients(&inputs, |x| Tracked::unpool(Tracked::pool(x[0].clone(), 0.3), 0.5));
        let expected =
            gradients(&inputs, |x| reference::unpool::<Tracked>(reference::pool::<Tracked>(x[0].clone(), 0.3), 0.5));
        found.into_iter().zip(expected).for_each(|(found, expected)| assert_close("gradient", found, expected));
    }
}

#[test]
fn nan_goes_in_and_comes_out() {
    let Case { x, weight, dy, .. } = Case::new([2, 3, 5, 8, 3]);
    let mut numbers: Vec<f32> = x.clone().into_data().iter().collect();
    numbers[3 * 64 + 9] = f32::NAN;
    let x = FlexTensor::from_data(TensorData::new(numbers, x.shape()));
    for activation in ACTIVATIONS {
        let y =
            Flex::convolution(x.clone(), weight.clone(), Optional::Absent, Optional::Absent, activation).into_data();
        let nan: Vec<bool> = y.iter::<f32>().map(f32::is_nan).collect();
        let (first, second) = nan.split_at(5 * 64);
        assert!(!first.contains(&true), "{activation:?}: the first image is clean");
        for plane in second.chunks(64) {
            for (row, column) in (0..3).flat_map(|row| (0..3).map(move |column| (row, column))) {
                assert!(plane[row * 8 + column], "{activation:?}: row {row}, column {column}");
            }
            assert!(!plane[5 * 8..].contains(&true), "{activation:?}: far from it");
        }
        let (dweight, _) = Flex::weight_gradient(x.clone(), dy.clone(), weight.clone(), activation);
        assert!(dweight.into_data().iter::<f32>().any(f32::is_nan), "{activation:?}");
    }
}
