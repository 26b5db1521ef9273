//! Weights in the order in which the register tiles read them.

use super::{
    Geometry,
    winograd::{KERNEL, PRODUCTS},
};

/// For each tile of output channels and each product: `[channels_in][taps of a row][channels of the tile]`, with zeros for
/// channels that are not there.
pub struct TapWeights {
    values: Vec<f32>,
    /// Output channels of a tile.
    pub tile: usize,
    products: usize,
    /// Numbers of one product of one tile.
    length: usize,
}

impl TapWeights {
    /// Weights `[channels_out, channels_in, k, k]` of a convolution.
    pub fn forward(weight: &[f32], geometry: &Geometry, tile: usize) -> Self {
        let taps = geometry.kernel * geometry.kernel;
        let channels_in = geometry.channels_in;
        Self::new(geometry, tile, |out, channel_in, tap| weight[(out * channels_in + channel_in) * taps + tap])
    }

    /// Weights `[channels_in, channels_out, k, k]` (as of the adjoint) of a convolution whose adjoint this is: the kernel turned
    /// by 180 degrees.
    pub fn adjoint(weight: &[f32], geometry: &Geometry, tile: usize) -> Self {
        let taps = geometry.kernel * geometry.kernel;
        let channels_out = geometry.channels_out;
        Self::new(geometry, tile, |out, channel_in, tap| {
            weight[(channel_in * channels_out + out) * taps + taps - 1 - tap]
        })
    }

    fn new(geometry: &Geometry, tile: usize, weight: impl Fn(usize, usize, usize) -> f32) -> Self {
        let Geometry { channels_in, channels_out, kernel, .. } = *geometry;
        let products = if kernel == 1 { 1 } else { PRODUCTS };
        let length = channels_in * kernel * tile;
        let mut values = vec![0.0; channels_out.div_ceil(tile) * products * length];
        for (index, values) in values.chunks_exact_mut(products * length).enumerate() {
            let first = index * tile;
            let channels = tile.min(channels_out - first);
            for tap in 0..channels_in * kernel {
                let (channel_in, kx) = (tap / kernel, tap % kernel);
                for channel in 0..channels {
                    let at = tap * tile + channel;
                    let weight = |ky: usize| weight(first + channel, channel_in, ky * kernel + kx);
                    if kernel == 1 {
                        values[at] = weight(0);
                        continue;
                    }
                    let column = [weight(0), weight(1), weight(2)];
                    for (product, [a, b, c]) in KERNEL.into_iter().enumerate() {
                        values[product * length + at] = a * column[0] + b * column[1] + c * column[2];
                    }
                }
            }
        }
        Self { values, tile, products, length }
    }

    /// The weights of one product of one tile.
    pub fn of(&self, tile: usize, product: usize) -> &[f32] {
        &self.values[(tile * self.products + product) * self.length..][..self.length]
    }
}
