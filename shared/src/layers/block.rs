//! The pre-activation residual block, without normalisation: the energies of a batch must not depend on each other.

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};

use super::{Convolution, mean_pool, mean_pool_vjp};
use crate::Activation;

/// Whether a block halves height and width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resampling {
    /// Height and width stay.
    Keep,
    /// 2x2 mean pooling, after the main path's convolutions and before the shortcut's.
    Halve,
}

/// `shortcut(v) + conv2(s(conv1(s(v))))`: two 3x3 convolutions beside a learned 1x1 shortcut, which is there even where the
/// channels stay the same (the paper's code, `models/ResNet.py`).
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

/// What the backward pass of a block needs: the inputs of its two activations.
pub struct BlockTape {
    outer: Tensor<4>,
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
        let s = Some(self.activation);
        let inner = self.conv1.forward(v.clone(), s, None);
        let output = match self.resampling {
            Resampling::Keep => {
                let shortcut = self.shortcut.forward(v.clone(), None, None);
                self.conv2.forward(inner.clone(), s, Some(shortcut))
            }
            Resampling::Halve => {
                let main = mean_pool(self.conv2.forward(inner.clone(), s, None));
                self.shortcut.forward(mean_pool(v.clone()), None, Some(main))
            }
        };
        (output, BlockTape { outer: v, inner })
    }

    /// The gradient at the output pulled back to the input.
    pub fn vjp(&self, tape: BlockTape, dy: Tensor<4>) -> Tensor<4> {
        let BlockTape { outer, inner } = tape;
        let s = Some(self.activation);
        let (main, shortcut) = match self.resampling {
            Resampling::Keep => (dy.clone(), self.shortcut.vjp(dy, outer.clone(), None, None)),
            Resampling::Halve => {
                let shortcut = self.shortcut.vjp(dy.clone(), outer.clone(), None, None);
                (mean_pool_vjp(dy), mean_pool_vjp(shortcut))
            }
        };
        let main = self.conv2.vjp(main, inner, s, None);
        self.conv1.vjp(main, outer, s, Some(shortcut))
    }

    /// Floating-point operations for one image whose side is `side` at the input.
    pub fn flop(&self, side: usize) -> f64 {
        self.conv1.flop(side) + self.conv2.flop(side) + self.shortcut.flop(self.side_out(side))
    }

    /// The side of the output for this side of the input.
    pub fn side_out(&self, side: usize) -> usize {
        match self.resampling {
            Resampling::Keep => side,
            Resampling::Halve => side / 2,
        }
    }
}
