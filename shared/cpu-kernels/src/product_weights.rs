//! Weights in the order in which the register tiles read them.

use std::mem::MaybeUninit;

use pulp::{Simd, WithSimd};

use crate::{
    Geometry, Vectors,
    lanes::{WIDEST, tile_channels},
    output::{Output, Target},
    parallel,
    winograd::{self, PRODUCTS},
};

/// For each tile of output channels and each product: `[channels_in][channels of the tile]`, with zeros for channels
/// that are not there.
#[derive(Debug)]
pub(crate) struct ProductWeights {
    values: Vec<f32>,
    /// Output channels of a tile.
    pub tile: usize,
    products: usize,
    /// Numbers of one product of one tile.
    length: usize,
}

/// From one product to the next: not a power of two, whose places in the cache would all be the same.
const fn stride(length: usize) -> usize {
    length.next_multiple_of(WIDEST) + WIDEST
}

/// Where a kernel begins among the weights, and which way round it is read.
#[derive(Clone, Copy)]
struct Order {
    channel_out: usize,
    channel_in: usize,
    turned: bool,
}

impl ProductWeights {
    /// Weights `[channels_out, channels_in, k, k]` of a convolution.
    pub(crate) fn forward(vectors: Vectors, weight: &[f32], geometry: &Geometry) -> Self {
        let taps = geometry.kernel * geometry.kernel;
        let order = Order { channel_out: geometry.channels_in * taps, channel_in: taps, turned: false };
        Self::new(vectors, weight, geometry, order)
    }

    /// Weights `[channels_in, channels_out, k, k]` (as of the adjoint) of a convolution whose adjoint this is: the
    /// kernel turned by 180 degrees.
    pub(crate) fn adjoint(vectors: Vectors, weight: &[f32], geometry: &Geometry) -> Self {
        let taps = geometry.kernel * geometry.kernel;
        let order = Order { channel_out: taps, channel_in: geometry.channels_out * taps, turned: true };
        Self::new(vectors, weight, geometry, order)
    }

    fn new(vectors: Vectors, weight: &[f32], geometry: &Geometry, order: Order) -> Self {
        let Geometry { channels_in, channels_out, kernel, .. } = *geometry;
        let tile = tile_channels(vectors, channels_out);
        let products = if kernel == 1 { 1 } else { PRODUCTS };
        let (tiles, length) = (channels_out.div_ceil(tile), channels_in * tile);
        let mut values = Output::new(tiles * products * stride(length));
        let target = values.target();
        parallel::for_each(tiles, |index, _| {
            let channels = tile.min(channels_out - index * tile);
            vectors.run(Tile { weight, order, target, index, tile, channels, channels_in, products });
        });
        // SAFETY: every tile has been written completely.
        Self { values: unsafe { values.finish() }, tile, products, length }
    }

    /// The weights of one product of one tile.
    pub(crate) fn of(&self, tile: usize, product: usize) -> &[f32] {
        &self.values[(tile * self.products + product) * stride(self.length)..][..self.length]
    }
}

/// One tile of output channels.
struct Tile<'a> {
    weight: &'a [f32],
    order: Order,
    target: Target<'a>,
    index: usize,
    tile: usize,
    channels: usize,
    channels_in: usize,
    products: usize,
}

impl WithSimd for Tile<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        match self.tile {
            8 => self.write::<8>(),
            4 => self.write::<4>(),
            _ => self.write::<1>(),
        }
    }
}

impl Tile<'_> {
    #[inline(always)]
    fn write<const T: usize>(self) {
        let Self { weight, order, target, index, channels, channels_in, products, .. } = self;
        let stride = stride(channels_in * T);
        // SAFETY: each tile is written by one thread, and completely.
        let values = unsafe { target.part(index * products * stride, products * stride) };
        // What keeps the products apart is read by nobody, and written all the same: all of the buffer counts as
        // written.
        values.chunks_exact_mut(stride).for_each(|values| values[channels_in * T..].fill(MaybeUninit::new(0.0)));
        let mut taps = [[0.0; T]; 9];
        for channel_in in 0..channels_in {
            let start = |channel| (index * T + channel) * order.channel_out + channel_in * order.channel_in;
            if products == 1 {
                for (channel, value) in values[channel_in * T..][..channels].iter_mut().enumerate() {
                    value.write(weight[start(channel)]);
                }
                values[channel_in * T..][channels..T].fill(MaybeUninit::new(0.0));
                continue;
            }
            for channel in 0..channels {
                let Some(kernel) = weight[start(channel)..].first_chunk::<9>() else {
                    unreachable!("a kernel of nine weights")
                };
                for (at, tap) in kernel.iter().enumerate() {
                    taps[if order.turned { 8 - at } else { at }][channel] = *tap;
                }
            }
            for (values, product) in values.chunks_exact_mut(stride).zip(winograd::kernels(&taps)) {
                values[channel_in * T..][..T].write_copy_of_slice(&product);
            }
        }
    }
}
