//! The residual block, forward and back, each as one operation.

use burn::{
    backend::{Backend, Dispatch, ExtensionType, TensorMetadata, backend_extension, tensor::FloatTensor},
    tensor::{Slice, Tensor},
};

use super::{ImageOps, Optional};
use options::Activation;

/// The parameters of a block's convolutions.
#[derive(Clone, Debug, ExtensionType)]
pub struct BlockWeights<B: Backend> {
    /// `[channels_between, channels_in, 3, 3]`
    pub conv1: FloatTensor<B>,
    /// `[channels_between]`
    #[extension_type]
    pub bias1: Optional<B>,
    /// `[channels_out, channels_between, 3, 3]`
    pub conv2: FloatTensor<B>,
    /// `[channels_out]`
    #[extension_type]
    pub bias2: Optional<B>,
    /// `[channels_out, channels_in, 1, 1]`
    pub shortcut: FloatTensor<B>,
    /// `[channels_out]`
    #[extension_type]
    pub shortcut_bias: Optional<B>,
}

/// Whole blocks, for backends where fewer operations are faster; the bodies here do one convolution after the other.
///
/// A block's input may be in two tensors, `v` and `beside`, which together have its channels: they are not copied
/// together.
#[backend_extension(Flex, Cube: cfg(feature = "cube"), Autodiff: cfg(feature = "autodiff"))]
pub trait BlockOps: ImageOps {
    /// `shortcut(v) + conv2(s(conv1(s(v))))`, `[N, channels_out, H, W]`, and `conv1(s(v))`,
    /// `[N, channels_between, H, W]`. With `halve` the main path is averaged over 2x2 pixels after its convolutions,
    /// and the shortcut before its own.
    fn block(
        v: FloatTensor<Self>,
        #[extension_type] beside: Optional<Self>,
        #[extension_type] weights: BlockWeights<Self>,
        activation: Activation,
        halve: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let BlockWeights { conv1, bias1, conv2, bias2, shortcut, shortcut_bias } = weights;
        let (s, parts) = (Some(activation), parts(v, beside));
        let inner = convolution_of_parts::<Self>(parts.clone(), conv1, bias1, Optional::Absent, s);
        let output = if halve {
            let main = Self::pool(Self::convolution(inner.clone(), conv2, bias2, Optional::Absent, s), 0.25);
            let parts = parts.into_iter().map(|part| Self::pool(part, 0.25)).collect();
            convolution_of_parts::<Self>(parts, shortcut, shortcut_bias, Optional::Given(main), None)
        } else {
            let beside = convolution_of_parts::<Self>(parts, shortcut, shortcut_bias, Optional::Absent, None);
            Self::convolution(inner.clone(), conv2, bias2, Optional::Given(beside), s)
        };
        (output, inner)
    }

    /// The gradient `dy` at the output of [`BlockOps::block`] pulled back to `v` and to `beside`; `inner` is the second
    /// of what it gave.
    fn block_vjp(
        dy: FloatTensor<Self>,
        v: FloatTensor<Self>,
        #[extension_type] beside: Optional<Self>,
        inner: FloatTensor<Self>,
        #[extension_type] weights: BlockWeights<Self>,
        activation: Activation,
        halve: bool,
    ) -> (FloatTensor<Self>, Optional<Self>) {
        let main = if halve { Self::unpool(dy.clone(), 0.25) } else { dy.clone() };
        let main = Self::convolution_vjp(main, weights.conv2, inner, Optional::Absent, Some(activation));
        let mut first = 0;
        let mut pull_back = |part: FloatTensor<Self>| {
            let channels = part.shape()[1];
            let of_part = |weight: &FloatTensor<Self>| narrow::<Self>(weight.clone(), first, channels);
            let (conv1, shortcut) = (of_part(&weights.conv1), of_part(&weights.shortcut));
            first += channels;
            // Linear: its input only tells it the shape.
            let beside = Self::convolution_vjp(dy.clone(), shortcut, dy.clone(), Optional::Absent, None);
            let beside = if halve { Self::unpool(beside, 0.25) } else { beside };
            Self::convolution_vjp(main.clone(), conv1, part, Optional::Given(beside), Some(activation))
        };
        (pull_back(v), Optional::of(beside.get().map(pull_back)))
    }
}

/// The tensors that hold the channels of an input, in order.
pub(super) fn parts<B: Backend>(v: FloatTensor<B>, beside: Optional<B>) -> Vec<FloatTensor<B>> {
    std::iter::once(v).chain(beside.get()).collect()
}

fn convolution_of_parts<B: ImageOps>(
    parts: Vec<FloatTensor<B>>,
    weight: FloatTensor<B>,
    mut bias: Optional<B>,
    mut residual: Optional<B>,
    activation: Option<Activation>,
) -> FloatTensor<B> {
    let mut first = 0;
    for part in parts {
        let channels = part.shape()[1];
        let of_part = narrow::<B>(weight.clone(), first, channels);
        first += channels;
        let bias = std::mem::replace(&mut bias, Optional::Absent);
        residual = Optional::Given(B::convolution(part, of_part, bias, residual, activation));
    }
    residual.get().unwrap_or_else(|| unreachable!("an input has at least one part"))
}

/// The part of a weight that is for these input channels.
fn narrow<B: Backend>(weight: FloatTensor<B>, first: usize, channels: usize) -> FloatTensor<B> {
    if weight.shape()[1] == channels {
        return weight;
    }
    B::float_slice(weight, &[Slice::full(), Slice::from(first..first + channels)])
}

/// [`BlockOps::block`] on tensors of any backend, for an input in one or two parts.
pub fn block<const PARTS: usize>(
    v: [Tensor<4>; PARTS],
    weights: BlockWeights<Dispatch>,
    activation: Activation,
    halve: bool,
) -> (Tensor<4>, Tensor<4>) {
    let (v, beside) = split(v);
    let (output, inner) = <Dispatch as BlockOps>::block(v, beside, weights, activation, halve);
    (Tensor::from_dispatch(output), Tensor::from_dispatch(inner))
}

/// [`BlockOps::block_vjp`] on tensors of any backend, for an input in one or two parts.
pub fn block_vjp<const PARTS: usize>(
    dy: Tensor<4>,
    v: [Tensor<4>; PARTS],
    inner: Tensor<4>,
    weights: BlockWeights<Dispatch>,
    activation: Activation,
    halve: bool,
) -> [Tensor<4>; PARTS] {
    let (v, beside) = split(v);
    let (dy, inner) = (dy.into_dispatch(), inner.into_dispatch());
    let (dv, dbeside) = <Dispatch as BlockOps>::block_vjp(dy, v, beside, inner, weights, activation, halve);
    let mut gradients = std::iter::once(dv).chain(dbeside.get()).map(Tensor::from_dispatch);
    std::array::from_fn(|_| gradients.next().unwrap_or_else(|| unreachable!("a gradient for each part")))
}

fn split<const PARTS: usize>(v: [Tensor<4>; PARTS]) -> (FloatTensor<Dispatch>, Optional<Dispatch>) {
    const { assert!(PARTS == 1 || PARTS == 2) };
    let mut parts = v.into_iter().map(Tensor::into_dispatch);
    let first = parts.next().unwrap_or_else(|| unreachable!("an input has at least one part"));
    (first, Optional::of(parts.next()))
}
