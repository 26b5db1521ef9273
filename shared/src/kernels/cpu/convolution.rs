//! The convolution, forward and adjoint.

use pulp::{Arch, Simd, WithSimd};

use super::{
    Geometry,
    lanes::{lanes, store, tile_channels},
    layout::Layout,
    output::Target,
    parallel::{self, Scratch, aligned},
    pointwise,
    product_weights::ProductWeights,
    units::{Units, Wish},
};
use crate::{Activation, threads::threads};

/// What happens to a sum before it is stored: `bias + sum`, or `s'(gate) sum`, plus what a residual connection brings.
#[derive(Clone, Copy, Debug, Default)]
pub struct Epilogue<'a> {
    /// `[channels_out]`
    pub bias: Option<&'a [f32]>,
    /// Of the output's shape, with the activation whose derivative there multiplies the sum.
    pub gate: Option<(&'a [f32], Activation)>,
    /// Of the output's shape.
    pub residual: Option<&'a [f32]>,
}

/// A convolution that is ready to run.
pub struct Convolution<'a> {
    geometry: Geometry,
    weights: ProductWeights,
    input: &'a [f32],
    activation: Option<Activation>,
    epilogue: Epilogue<'a>,
}

impl<'a> Convolution<'a> {
    /// `conv(s(input), weight)`, with `weight` `[channels_out, channels_in, k, k]`.
    pub fn forward(
        geometry: Geometry,
        input: &'a [f32],
        weight: &[f32],
        activation: Option<Activation>,
        epilogue: Epilogue<'a>,
    ) -> Self {
        let weights = ProductWeights::forward(weight, &geometry, tile_channels(geometry.channels_out));
        Self { geometry, weights, input, activation, epilogue }
    }

    /// `conv^T(input, weight)`, with `weight` `[channels_in, channels_out, k, k]`.
    pub fn adjoint(geometry: Geometry, input: &'a [f32], weight: &[f32], epilogue: Epilogue<'a>) -> Self {
        let weights = ProductWeights::adjoint(weight, &geometry, tile_channels(geometry.channels_out));
        Self { geometry, weights, input, activation: None, epilogue }
    }

    /// Writes the output, `[images, channels_out, height, width]`, completely.
    pub fn run(&self, output: Target) {
        let wish = Wish { cache: 200 * 1024, positions: 128, units: 2 * threads() };
        let units = Units::new(&self.geometry, self.geometry.channels_in, wish);
        parallel::for_each(units.count(), |unit, scratch| {
            let layout = units.layout(&self.geometry, unit);
            let Scratch { input, output: sums, work } = scratch;
            Arch::new().dispatch(Part {
                convolution: self,
                layout,
                output,
                input: aligned(input, layout.scratch(self.geometry.channels_in)),
                sums: aligned(sums, layout.scratch(self.weights.tile)),
                work: aligned(work, layout.work()),
            });
        });
    }
}

/// Some rows of some images.
struct Part<'a> {
    convolution: &'a Convolution<'a>,
    layout: Layout,
    output: Target,
    input: &'a mut [f32],
    sums: &'a mut [f32],
    work: &'a mut [f32],
}

impl WithSimd for Part<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        self.layout.prepare(self.work);
        self.fill(simd);
        let ProductWeights { tile, .. } = self.convolution.weights;
        for index in 0..self.convolution.geometry.channels_out.div_ceil(tile) {
            for product in 0..self.layout.products() {
                match tile {
                    8 => self.sum::<S, 8, 2>(simd, index, product),
                    4 => self.sum::<S, 4, 2>(simd, index, product),
                    _ => self.sum::<S, 1, 8>(simd, index, product),
                }
            }
            self.store(simd, index);
        }
    }
}

impl Part<'_> {
    /// The input's channels, through the activation, into the scratch memory.
    #[inline(always)]
    fn fill<S: Simd>(&mut self, simd: S) {
        let Convolution { geometry, input, activation, .. } = *self.convolution;
        for channel in 0..geometry.channels_in {
            let place = self.layout.place(channel, geometry.channels_in);
            let pixels = |image| geometry.pixels(input, geometry.channels_in, image, channel);
            self.layout.fill(simd, self.input, place, self.work, activation, pixels);
        }
    }

    /// The sums of one product for one tile of `T` channels, `V` vectors of positions at a time.
    #[inline(always)]
    fn sum<S: Simd, const T: usize, const V: usize>(&mut self, simd: S, index: usize, product: usize) {
        let weights = self.convolution.weights.of(index, product);
        let vectors = self.layout.positions().div_ceil(lanes::<S>());
        let mut vector = 0;
        while vector + V <= vectors {
            self.sum_vectors::<S, T, V>(simd, weights, product, vector * lanes::<S>());
            vector += V;
        }
        while vector < vectors {
            self.sum_vectors::<S, T, 1>(simd, weights, product, vector * lanes::<S>());
            vector += 1;
        }
    }

    /// One register tile: everything that goes into these sums, while they stay in registers.
    #[inline(always)]
    fn sum_vectors<S: Simd, const T: usize, const V: usize>(
        &mut self,
        simd: S,
        weights: &[f32],
        product: usize,
        at: usize,
    ) {
        let (lanes, plane) = (lanes::<S>(), self.layout.plane());
        let channels_in = self.convolution.geometry.channels_in;
        let from = self.layout.place(0, channels_in);
        let input = &self.input[product * from.stride..][..from.stride];
        assert!(at + V * lanes <= plane && channels_in * plane <= input.len() && weights.len() >= channels_in * T);
        let mut sums = [[simd.splat_f32s(0.0); V]; T];
        for channel_in in 0..channels_in {
            let mut pixels = [simd.splat_f32s(0.0); V];
            for (v, pixels) in pixels.iter_mut().enumerate() {
                // SAFETY: vectors of a plane of the input, by the assertion above.
                *pixels = unsafe {
                    input.as_ptr().add(channel_in * plane + at + v * lanes).cast::<S::f32s>().read_unaligned()
                };
            }
            for (t, sums) in sums.iter_mut().enumerate() {
                // SAFETY: there are channels_in * T weights, by the assertion above.
                let weight = simd.splat_f32s(unsafe { *weights.get_unchecked(channel_in * T + t) });
                for (sum, pixels) in sums.iter_mut().zip(pixels) {
                    *sum = simd.mul_add_e_f32s(weight, pixels, *sum);
                }
            }
        }
        let to = self.layout.place(0, T).stride;
        let target = &mut self.sums[product * to..][..T * plane];
        for (t, sums) in sums.iter().enumerate() {
            for (v, sum) in sums.iter().enumerate() {
                // SAFETY: vectors of a plane of the sums, by the assertion above.
                unsafe { store::<S>(target, t * plane + at + v * lanes, *sum) };
            }
        }
    }

    /// The sums of one tile of channels, through the epilogue, to the output.
    #[inline(always)]
    fn store<S: Simd>(&mut self, simd: S, index: usize) {
        let Convolution { geometry, ref weights, epilogue, .. } = *self.convolution;
        let first = index * weights.tile;
        for channel in first..geometry.channels_out.min(first + weights.tile) {
            let place = self.layout.place(channel - first, weights.tile);
            let bias = epilogue.bias.map_or(0.0, |bias| bias[channel]);
            let part = |image| {
                let plane = ((self.layout.image + image) * geometry.channels_out + channel) * geometry.plane();
                plane + self.layout.part().start..plane + self.layout.part().end
            };
            // SAFETY: parts do not overlap, each is written by one thread, and completely.
            let target = |image| unsafe { self.output.part(part(image).start, part(image).len()) };
            self.layout.collect(simd, self.sums, place, self.work, bias, target);
            for image in 0..self.layout.images {
                if let Some((gate, activation)) = epilogue.gate {
                    pointwise::multiply_by_slope::<S>(activation, target(image), &gate[part(image)]);
                }
                if let Some(residual) = epilogue.residual {
                    pointwise::add(target(image), &residual[part(image)]);
                }
            }
        }
    }
}
