//! The pre-activation residual block, without normalisation: the energies of a batch must not depend on each other.

use burn::{
    backend::Dispatch,
    module::Module,
    tensor::{Device, Tensor},
};

use super::Convolution;
use options::Activation;

use crate::backend::{self, BlockWeights};

/// Whether a block halves height and width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resampling {
    /// Height and width stay.
    Keep,
    /// 2x2 mean pooling, after the main path's convolutions and before the shortcut's.
    Halve,
}

/// `shortcut(v) + conv2(s(conv1(s(v))))`: two 3x3 convolutions beside a learned 1x1 shortcut, which is there even where
/// the channels stay the same (the paper's code, `models/ResNet.py`).
#[derive(Module, Debug)]
pub struct Block {
    conv1: Convolution,
    conv2: Convolution,
    shortcut: Convolution,
    #[module(skip)]
    activation: Activation,
    #[module(skip)]
    resampling: Resampling,
}

/// What the backward pass of a block needs: the inputs of its two activations, the first in the parts that were given.
#[derive(Debug)]
pub struct BlockTape<const PARTS: usize = 1> {
    outer: [Tensor<4>; PARTS],
    inner: Tensor<4>,
}

impl Block {
    /// A block of the paper's ResNet: `conv1` keeps the channels and has no bias.
    pub fn encoder(
        channels_in: usize,
        channels_out: usize,
        resampling: Resampling,
        activation: Activation,
        device: &Device,
    ) -> Self {
        Self {
            conv1: Convolution::new(channels_in, channels_in, 3, false, device),
            conv2: Convolution::new(channels_in, channels_out, 3, true, device),
            shortcut: Convolution::new(channels_in, channels_out, 1, true, device),
            activation,
            resampling,
        }
    }

    /// A block of the U-Net: `conv1` changes the channels, and every convolution has a bias.
    pub fn unet(channels_in: usize, channels_out: usize, activation: Activation, device: &Device) -> Self {
        Self {
            conv1: Convolution::new(channels_in, channels_out, 3, true, device),
            conv2: Convolution::new(channels_out, channels_out, 3, true, device),
            shortcut: Convolution::new(channels_in, channels_out, 1, true, device),
            activation,
            resampling: Resampling::Keep,
        }
    }

    /// `[N, channels_in, H, W]` to `[N, channels_out, H', W']`, with what [`Block::vjp`] needs.
    pub fn forward(&self, v: Tensor<4>) -> (Tensor<4>, BlockTape) {
        self.forward_joined([v])
    }

    /// The same for an input in one or two parts, which together have the input's channels.
    pub fn forward_joined<const PARTS: usize>(&self, v: [Tensor<4>; PARTS]) -> (Tensor<4>, BlockTape<PARTS>) {
        let (output, inner) = backend::block(v.clone(), self.weights(), self.activation, self.halves());
        (output, BlockTape { outer: v, inner })
    }

    /// The gradient at the output pulled back to the input.
    pub fn vjp(&self, tape: BlockTape, dy: Tensor<4>) -> Tensor<4> {
        let [dv] = self.vjp_joined(tape, dy);
        dv
    }

    /// The gradient at the output pulled back to each part of the input.
    pub fn vjp_joined<const PARTS: usize>(&self, tape: BlockTape<PARTS>, dy: Tensor<4>) -> [Tensor<4>; PARTS] {
        backend::block_vjp(dy, tape.outer, tape.inner, self.weights(), self.activation, self.halves())
    }

    fn weights(&self) -> BlockWeights<Dispatch> {
        let (conv1, bias1) = self.conv1.to_dispatch();
        let (conv2, bias2) = self.conv2.to_dispatch();
        let (shortcut, shortcut_bias) = self.shortcut.to_dispatch();
        BlockWeights { conv1, bias1, conv2, bias2, shortcut, shortcut_bias }
    }

    fn halves(&self) -> bool {
        self.resampling == Resampling::Halve
    }

    /// Floating-point operations for one image whose side is `side` at the input.
    pub fn flop(&self, side: usize) -> f64 {
        self.conv1.flop(side) + self.conv2.flop(side) + self.shortcut.flop(self.side_out(side))
    }

    /// Numbers that its convolutions give for one image whose side is `side` at the input.
    pub fn values(&self, side: usize) -> usize {
        self.conv1.values(side) + self.conv2.values(side) + self.shortcut.values(self.side_out(side))
    }

    /// The side of the output for this side of the input.
    pub fn side_out(&self, side: usize) -> usize {
        match self.resampling {
            Resampling::Keep => side,
            Resampling::Halve => side / 2,
        }
    }
}
