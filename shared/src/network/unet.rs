//! The U-Net energy: `sigma0^2 E(x) = |x - f(x)|^2 / 2` with a small U-Net `f`.
//!
//! One jump is then `x - sigma0^2 grad E = f(x) + J_f^T (x - f(x))`: nearly a denoiser by construction (Salimans and Ho
//! 2021; Reduce, Reuse, Recycle), which trains several times faster than a classifier-shaped energy.

use std::iter;

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use options::Activation;

use crate::{
    backend,
    network::{
        NetworkConfig,
        layers::{Block, BlockTape, Convolution, mean_pool, mean_pool_vjp_onto, upsample, upsample_vjp},
    },
};

/// Several scales, each with half of the height and width of the one before, joined by skip connections. Channels
/// double from scale to scale, from `w` up to `4w`.
#[derive(Module, Debug)]
pub struct UNet {
    stem: Convolution,
    down: Vec<Block>,
    middle: Block,
    up: Vec<Block>,
    out: Convolution,
    #[module(skip)]
    activation: Activation,
    #[module(skip)]
    sigma_0: f32,
}

/// What a forward pass leaves for the way back.
struct Features {
    /// The last features, before the activation, `[N, w, H, W]`.
    top: Tensor<4>,
    down: Vec<BlockTape>,
    middle: BlockTape,
    up: Vec<BlockTape<2>>,
}

impl UNet {
    pub(crate) fn new(config: &NetworkConfig, scales: usize, device: &Device) -> Self {
        let w = config.width;
        let channels: Vec<usize> = (0..scales).map(|scale| w << scale.min(2)).collect();
        let lowest = channels.last().copied().unwrap_or(w);
        let block = |channels_in, channels_out| Block::unet(channels_in, channels_out, config.activation, device);
        let inputs = iter::once(w).chain(channels.iter().copied());
        Self {
            stem: Convolution::new(config.channels, w, 3, true, device),
            down: inputs.zip(&channels).map(|(above, &here)| block(above, here)).collect(),
            middle: block(lowest, lowest),
            up: channels.windows(2).rev().map(|pair| block(pair[0] + pair[1], pair[0])).collect(),
            out: Convolution::new(w, config.channels, 3, true, device),
            activation: config.activation,
            sigma_0: config.sigma_0,
        }
    }

    /// Images `[N, C, H, W]` to energies `[N]` and their gradient `[N, C, H, W]`.
    pub fn energy_and_gradient(&self, x: Tensor<4>) -> (Tensor<1>, Tensor<4>) {
        let Features { top: features, down: tapes_down, middle: tape_middle, up: tapes_up } = self.features(x.clone());
        let s = Some(self.activation);
        let scale = self.scale();
        let (energy, residual) =
            backend::squared_distance(x.clone(), self.out.forward(features.clone(), s, None), scale);

        // The gradient of |x - f|^2 / 2 is r - J_f^T r; from here on J_f^T r, layer by layer from the output to the
        // input.
        let mut gradient = self.out.vjp(residual.clone(), features, s, None);
        let mut skips = Vec::new();
        for (block, tape) in self.up.iter().zip(tapes_up).rev() {
            let [skip, below] = block.vjp_joined(tape, gradient);
            skips.push(skip);
            gradient = upsample_vjp(below);
        }
        gradient = self.middle.vjp(tape_middle, gradient);
        for (block, tape) in self.down.iter().zip(tapes_down).rev() {
            gradient = block.vjp(tape, gradient);
            // The first scale has nothing above it.
            if let Some(skip) = skips.pop() {
                gradient = mean_pool_vjp_onto(gradient, skip);
            }
        }
        let dx = self.stem.vjp(gradient, x, None, None);
        (energy, backend::combination2((scale, residual), (-scale, dx)))
    }

    /// Images `[N, C, H, W]` to energies alone, `[N]`: less than half of the work.
    pub fn energy(&self, x: Tensor<4>) -> Tensor<1> {
        backend::squared_distance(x.clone(), self.reconstruction(x), self.scale()).0
    }

    /// What the U-Net itself makes of images: `f(x)`, `[N, C, H, W]`.
    pub fn reconstruction(&self, x: Tensor<4>) -> Tensor<4> {
        self.out.forward(self.features(x).top, Some(self.activation), None)
    }

    /// `1 / sigma0^2`
    fn scale(&self) -> f32 {
        1.0 / (self.sigma_0 * self.sigma_0)
    }

    /// All layers but the last.
    fn features(&self, x: Tensor<4>) -> Features {
        let mut features = self.stem.forward(x, None, None);
        let mut skips = Vec::new();
        let mut tapes_down = Vec::new();
        for (scale, block) in self.down.iter().enumerate() {
            if scale > 0 {
                skips.push(features.clone());
                features = mean_pool(features);
            }
            let (output, tape) = block.forward(features);
            features = output;
            tapes_down.push(tape);
        }
        let (mut features, middle) = self.middle.forward(features);
        let mut tapes_up = Vec::new();
        for (block, skip) in self.up.iter().zip(skips.into_iter().rev()) {
            let (output, tape) = block.forward_joined([skip, upsample(features)]);
            features = output;
            tapes_up.push(tape);
        }
        Features { top: features, down: tapes_down, middle, up: tapes_up }
    }

    /// Floating-point operations of one forward pass of one image.
    pub(crate) fn forward_flop(&self, side: usize) -> f64 {
        let down = self.down.iter().enumerate().map(|(scale, block)| block.flop(side >> scale));
        let up = self.up.iter().rev().enumerate().map(|(scale, block)| block.flop(side >> scale));
        let middle = self.middle.flop(side >> self.up.len());
        self.stem.flop(side) + down.sum::<f64>() + middle + up.sum::<f64>() + self.out.flop(side)
    }

    /// Numbers that the convolutions of one forward pass give for one image.
    pub(crate) fn forward_values(&self, side: usize) -> usize {
        let down = self.down.iter().enumerate().map(|(scale, block)| block.values(side >> scale));
        let up = self.up.iter().rev().enumerate().map(|(scale, block)| block.values(side >> scale));
        let middle = self.middle.values(side >> self.up.len());
        self.stem.values(side) + down.sum::<usize>() + middle + up.sum::<usize>() + self.out.values(side)
    }
}
