//! Weights in the order in which the tiles read them.

use super::Geometry;

/// For each tile of output channels: `[channels_in][k][k][channels of the tile]`, with zeros for channels that are not there.
pub struct TapWeights {
    values: Vec<f32>,
    /// Output channels of a tile.
    pub tile: usize,
    tile_length: usize,
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
        let taps = geometry.kernel * geometry.kernel;
        let tile_length = geometry.channels_in * taps * tile;
        let mut values = vec![0.0; geometry.channels_out.div_ceil(tile) * tile_length];
        for (index, tile_values) in values.chunks_exact_mut(tile_length).enumerate() {
            let channels = (geometry.channels_out - index * tile).min(tile);
            for channel_in in 0..geometry.channels_in {
                for tap in 0..taps {
                    let at = (channel_in * taps + tap) * tile;
                    for channel in 0..channels {
                        tile_values[at + channel] = weight(index * tile + channel, channel_in, tap);
                    }
                }
            }
        }
        Self { values, tile, tile_length }
    }

    /// The weights of one tile.
    pub fn of(&self, tile: usize) -> &[f32] {
        &self.values[tile * self.tile_length..(tile + 1) * self.tile_length]
    }
}
