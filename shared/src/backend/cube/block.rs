//! Residual blocks: two dispatches each way, and one for pooling or for the second part of the input.

use burn::backend::{Cube, ops::FloatTensorOps, tensor::FloatTensor};

use super::{
    convolution::{Convolution, Direction, Weighted},
    resample,
};
use options::Activation;

use crate::backend::{
    BlockOps, Optional,
    block::{BlockWeights, parts},
};

impl BlockOps for Cube {
    /// The shortcut goes into the sum of the second convolution, and its average, being linear, comes after it: that
    /// one is small beside a dispatch.
    fn block(
        v: FloatTensor<Self>,
        beside: Optional<Self>,
        weights: BlockWeights<Self>,
        activation: Activation,
        halve: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let parts = parts(v, beside);
        let forward = |weight, parts| Convolution {
            activation: Some(activation),
            ..Convolution::new(Direction::Forward, Weighted { weight, parts })
        };
        let conv1 = forward(weights.conv1, parts.clone());
        let inner = Convolution { biases: weights.bias1.get().into_iter().collect(), ..conv1 }.launch();
        // Two parts and two biases are eight tensors, and their shapes are in one more buffer: WebGPU promises eight to
        // a kernel.
        let bindings = inner.client.properties().hardware.max_bindings;
        let biases = match (parts.len(), weights.bias2.get(), weights.shortcut_bias.get()) {
            (2, Some(a), Some(b)) if bindings < 9 => vec![Self::float_add(a, b)],
            (_, a, b) => a.into_iter().chain(b).collect(),
        };
        let output = Convolution {
            side: Some(Weighted { weight: weights.shortcut, parts }),
            biases,
            ..forward(weights.conv2, vec![inner.clone()])
        }
        .launch();
        (if halve { resample::pool(output, 0.25) } else { output }, inner)
    }

    fn block_vjp(
        dy: FloatTensor<Self>,
        v: FloatTensor<Self>,
        beside: Optional<Self>,
        inner: FloatTensor<Self>,
        weights: BlockWeights<Self>,
        activation: Activation,
        halve: bool,
    ) -> (FloatTensor<Self>, Optional<Self>) {
        let dy = if halve { resample::unpool(dy, 0.25, None) } else { dy };
        let adjoint = |weight, dy| Convolution::new(Direction::Adjoint, Weighted { weight, parts: vec![dy] });
        let dinner = Convolution { gate: Some((inner, activation)), ..adjoint(weights.conv2, dy.clone()) }.launch();
        let mut first = 0;
        let mut pull_back = |part: FloatTensor<Self>| {
            let channels = part.meta.shape()[1];
            let convolution = Convolution {
                side: Some(Weighted { weight: weights.shortcut.clone(), parts: vec![dy.clone()] }),
                gate: Some((part, activation)),
                channels: Some((first, channels)),
                ..adjoint(weights.conv1.clone(), dinner.clone())
            };
            first += channels;
            convolution.launch()
        };
        (pull_back(v), Optional::of(beside.get().map(pull_back)))
    }
}
