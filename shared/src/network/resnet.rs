//! The paper's energy: a wide pre-activation ResNet with a quadratic head (`models/ResNet.py` of the authors' code).

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};

use crate::network::{
    NetworkConfig,
    layers::{Block, Convolution, QuadraticHead, Resampling},
};

/// Three stages, each halving height and width and doubling the channels; no activation before the head.
#[derive(Module, Debug)]
pub struct ResNet {
    stem: Convolution,
    blocks: Vec<Block>,
    head: QuadraticHead,
}

impl ResNet {
    /// Number of stages; the channels grow by 2 and the sides shrink by 2 at each.
    const STAGES: usize = 3;

    /// A network with `blocks_per_stage` residual blocks in each stage.
    pub(crate) fn new(config: &NetworkConfig, blocks_per_stage: usize, device: &Device) -> Self {
        let mut blocks = Vec::new();
        let mut channels = config.width;
        for _ in 0..Self::STAGES {
            for index in 0..blocks_per_stage {
                let (channels_out, resampling) =
                    if index == 0 { (2 * channels, Resampling::Halve) } else { (channels, Resampling::Keep) };
                blocks.push(Block::encoder(channels, channels_out, resampling, config.activation, device));
                channels = channels_out;
            }
        }
        let side = config.image_size >> Self::STAGES;
        Self {
            stem: Convolution::new(config.channels, config.width, 3, true, device),
            blocks,
            head: QuadraticHead::new(channels * side * side, device),
        }
    }

    /// Images `[N, C, H, W]` to energies `[N]` and their gradient `[N, C, H, W]`.
    pub fn energy_and_gradient(&self, x: Tensor<4>) -> (Tensor<1>, Tensor<4>) {
        let mut h = self.stem.forward(x.clone(), None, None);
        let mut tapes = Vec::with_capacity(self.blocks.len());
        for block in &self.blocks {
            let (output, tape) = block.forward(h);
            tapes.push(tape);
            h = output;
        }

        let shape = h.dims();
        let (energy, gradient) = self.head.value_and_gradient(h.flatten(1, 3));

        let mut dh = gradient.reshape(shape);
        for (block, tape) in self.blocks.iter().zip(tapes).rev() {
            dh = block.vjp(tape, dh);
        }
        (energy, self.stem.vjp(dh, x, None, None))
    }

    /// Images `[N, C, H, W]` to energies alone, `[N]`: less than half of the work.
    pub fn energy(&self, x: Tensor<4>) -> Tensor<1> {
        let h = self.blocks.iter().fold(self.stem.forward(x, None, None), |h, block| block.forward(h).0);
        self.head.value_and_gradient(h.flatten(1, 3)).0
    }

    /// Floating-point operations of one forward pass of one image.
    pub(crate) fn forward_flop(&self, side: usize) -> f64 {
        let mut flop = self.stem.flop(side);
        let mut side = side;
        for block in &self.blocks {
            flop += block.flop(side);
            side = block.side_out(side);
        }
        flop
    }

    /// Numbers that the convolutions of one forward pass give for one image.
    pub(crate) fn forward_values(&self, side: usize) -> usize {
        let mut values = self.stem.values(side);
        let mut side = side;
        for block in &self.blocks {
            values += block.values(side);
            side = block.side_out(side);
        }
        values
    }
}
