//! What the kernels compute, in Burn's own operations: the body for backends without kernels, and the oracle of the
//! tests.

use burn::{
    backend::{Backend, TensorMetadata, ops::ConvOptions, tensor::FloatTensor},
    tensor::Shape,
};
use options::Activation;

pub(super) fn convolution<B: Backend>(
    x: FloatTensor<B>,
    weight: FloatTensor<B>,
    bias: Option<FloatTensor<B>>,
    residual: Option<FloatTensor<B>>,
    activation: Option<Activation>,
) -> FloatTensor<B> {
    let options = same(&weight.shape());
    plus::<B>(B::conv2d(activated::<B>(x, activation), weight, bias, options), residual)
}

/// The adjoint of a "same" convolution is the convolution with the kernel turned by 180 degrees and in and out
/// exchanged.
pub(super) fn convolution_vjp<B: Backend>(
    dy: FloatTensor<B>,
    weight: FloatTensor<B>,
    x: FloatTensor<B>,
    residual: Option<FloatTensor<B>>,
    activation: Option<Activation>,
) -> FloatTensor<B> {
    let options = same(&weight.shape());
    let turned = B::float_flip(B::float_swap_dims(weight, 0, 1), &[2, 3]);
    let dx = B::conv2d(dy, turned, None, options);
    match activation {
        Some(activation) => gate::<B>(x, dx, residual, activation),
        None => plus::<B>(dx, residual),
    }
}

pub(super) fn weight_gradient<B: Backend>(
    x: FloatTensor<B>,
    dy: FloatTensor<B>,
    weight: FloatTensor<B>,
    activation: Option<Activation>,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let options = same(&weight.shape());
    let channels_out = weight.shape()[0];
    let bias = B::float_reshape(B::float_sum_dims(dy.clone(), &[0, 2, 3]), Shape::new([channels_out]));
    (B::conv2d_weight_backward(activated::<B>(x, activation), weight, dy, options), bias)
}

pub(super) fn gate<B: Backend>(
    x: FloatTensor<B>,
    u: FloatTensor<B>,
    residual: Option<FloatTensor<B>>,
    activation: Activation,
) -> FloatTensor<B> {
    plus::<B>(B::float_mul(u, derivatives::<B>(x, activation).first), residual)
}

pub(super) fn gate_vjp<B: Backend>(
    x: FloatTensor<B>,
    q: FloatTensor<B>,
    u: FloatTensor<B>,
    activation: Activation,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let Derivatives { first, second, .. } = derivatives::<B>(x, activation);
    (B::float_mul(u.clone(), first), B::float_mul(B::float_mul(second, q), u))
}

pub(super) fn pool<B: Backend>(x: FloatTensor<B>, scale: f32) -> FloatTensor<B> {
    let means = B::avg_pool2d(x, [2, 2], [2, 2], [0, 0], true, false);
    B::float_mul_scalar(means, (4.0 * scale).into())
}

pub(super) fn unpool<B: Backend>(x: FloatTensor<B>, scale: f32) -> FloatTensor<B> {
    let [n, c, h, w] = x.shape().dims();
    let x = B::float_reshape(B::float_mul_scalar(x, scale.into()), Shape::new([n, c, h, 1, w, 1]));
    B::float_reshape(B::float_expand(x, Shape::new([n, c, h, 2, w, 2])), Shape::new([n, c, 2 * h, 2 * w]))
}

pub(super) fn combination<B: Backend>(
    x: FloatTensor<B>,
    y: FloatTensor<B>,
    z: Option<FloatTensor<B>>,
    factors: [f32; 3],
) -> FloatTensor<B> {
    let scaled = |x: FloatTensor<B>, factor: f32| if factor == 1.0 { x } else { B::float_mul_scalar(x, factor.into()) };
    let sum = B::float_add(scaled(x, factors[0]), scaled(y, factors[1]));
    plus::<B>(sum, z.map(|z| scaled(z, factors[2])))
}

fn same(weight: &Shape) -> ConvOptions<2> {
    let padding = weight[2] / 2;
    ConvOptions::new([1, 1], [padding, padding], [1, 1], 1)
}

fn plus<B: Backend>(y: FloatTensor<B>, residual: Option<FloatTensor<B>>) -> FloatTensor<B> {
    match residual {
        Some(residual) => B::float_add(y, residual),
        None => y,
    }
}

fn activated<B: Backend>(x: FloatTensor<B>, activation: Option<Activation>) -> FloatTensor<B> {
    match activation {
        Some(activation) => derivatives::<B>(x, activation).value,
        None => x,
    }
}

/// An activation and its derivatives.
struct Derivatives<T> {
    value: T,
    first: T,
    second: T,
}

fn derivatives<B: Backend>(v: FloatTensor<B>, activation: Activation) -> Derivatives<FloatTensor<B>> {
    let minus = |a: FloatTensor<B>, scalar: f32| B::float_add_scalar(a, (-scalar).into());
    match activation {
        Activation::Elu => {
            // exp(min(v, 0)) is the derivative on both sides, and the value and the second derivative follow from it.
            let negative = B::float_clamp_max(v.clone(), 0f32.into());
            let first = B::float_exp(negative);
            let positive = B::float_clamp_min(v.clone(), 0f32.into());
            let value = minus(B::float_add(positive.clone(), first.clone()), 1.0);
            // 1 above 0: there the second derivative is 0.
            let above = B::float_sign(positive);
            let second = B::float_sub(first.clone(), above);
            Derivatives { value, first, second }
        }
        Activation::Silu => {
            let s = B::sigmoid(v.clone());
            let value = B::float_mul(v.clone(), s.clone());
            // s + v s (1 - s), written with the value.
            let first = B::float_sub(B::float_add(s.clone(), value.clone()), B::float_mul(value.clone(), s.clone()));
            // s (1 - s) (2 + v (1 - 2 s))
            let slope = B::float_sub(s.clone(), B::float_mul(s.clone(), s.clone()));
            let bend =
                B::float_add_scalar(B::float_sub(v, B::float_mul_scalar(value.clone(), 2f32.into())), 2f32.into());
            Derivatives { value, first, second: B::float_mul(slope, bend) }
        }
    }
}
