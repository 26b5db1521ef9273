//! The U-Net energy: `sigma0^2 E(x) = |x - f(x)|^2 / 2` with a small U-Net `f`.
//!
//! One jump is then `x - sigma0^2 grad E = f(x) + J_f^T (x - f(x))`: nearly a denoiser by construction (Salimans and Ho 2021;
//! Reduce, Reuse, Recycle), which trains several times faster than a classifier-shaped energy.

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};

use crate::{
    Activation, NetworkConfig, kernels,
    layers::{Block, Convolution, mean_pool, mean_pool_vjp_onto, upsample, upsample_vjp},
};

/// Three scales, at `w`, `2w` and `4w` channels, joined by skip connections.
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

impl UNet {
    pub(crate) fn new(config: &NetworkConfig, device: &Device) -> Self {
        let w = config.width;
        let block = |channels_in, channels_out| Block::unet(channels_in, channels_out, config.activation, device);
        Self {
            stem: Convolution::new(config.channels, w, 3, true, device),
            down: vec![block(w, w), block(w, 2 * w), block(2 * w, 4 * w)],
            middle: block(4 * w, 4 * w),
            up: vec![block(6 * w, 2 * w), block(3 * w, w)],
            out: Convolution::new(w, config.channels, 3, true, device),
            activation: config.activation,
            sigma_0: config.sigma_0,
        }
    }

    /// Images `[N, C, H, W]` to energies `[N]` and their gradient `[N, C, H, W]`.
    pub fn energy_and_gradient(&self, x: Tensor<4>) -> (Tensor<1>, Tensor<4>) {
        let (a, tape_down0) = self.down[0].forward(self.stem.forward(x.clone(), None, None));
        let (b, tape_down1) = self.down[1].forward(mean_pool(a.clone()));
        let (c, tape_down2) = self.down[2].forward(mean_pool(b.clone()));
        let (c, tape_middle) = self.middle.forward(c);
        let (b, tape_up0) = self.up[0].forward_joined([b, upsample(c)]);
        let (a, tape_up1) = self.up[1].forward_joined([a, upsample(b)]);
        let s = Some(self.activation);
        let scale = 1.0 / (self.sigma_0 * self.sigma_0);
        let (energy, residual) = kernels::squared_distance(x.clone(), self.out.forward(a.clone(), s, None), scale);

        // The gradient of |x - f|^2 / 2 is r - J_f^T r; from here on J_f^T r, layer by layer from the output to the input.
        let da = self.out.vjp(residual.clone(), a, s, None);
        let [skip_a, db] = self.up[1].vjp_joined(tape_up1, da);
        let [skip_b, dc] = self.up[0].vjp_joined(tape_up0, upsample_vjp(db));
        let dc = self.middle.vjp(tape_middle, upsample_vjp(dc));
        let db = mean_pool_vjp_onto(self.down[2].vjp(tape_down2, dc), skip_b);
        let da = mean_pool_vjp_onto(self.down[1].vjp(tape_down1, db), skip_a);
        let dx = self.stem.vjp(self.down[0].vjp(tape_down0, da), x, None, None);
        (energy, kernels::combination2((scale, residual), (-scale, dx)))
    }

    /// Floating-point operations of one forward pass of one image.
    pub(crate) fn forward_flop(&self, side: usize) -> f64 {
        let outer = self.stem.flop(side) + self.down[0].flop(side) + self.up[1].flop(side) + self.out.flop(side);
        let between = self.down[1].flop(side / 2) + self.up[0].flop(side / 2);
        let inner = self.down[2].flop(side / 4) + self.middle.flop(side / 4);
        outer + between + inner
    }
}
