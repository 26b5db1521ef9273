//! The convolution, forward and adjoint.

use pulp::{Arch, Simd, WithSimd};

use super::{
    Geometry,
    lanes::{SLACK, lanes, tile_channels},
    layout::Layout,
    output::Target,
    parallel::{self, Scratch, aligned},
    pointwise,
    tap_weights::TapWeights,
    units::{Units, Wish},
};
use crate::Activation;

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
    weights: TapWeights,
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
        let weights = TapWeights::forward(weight, &geometry, tile_channels(geometry.channels_out));
        Self { geometry, weights, input, activation, epilogue }
    }

    /// `conv^T(input, weight)`, with `weight` `[channels_in, channels_out, k, k]`.
    pub fn adjoint(geometry: Geometry, input: &'a [f32], weight: &[f32], epilogue: Epilogue<'a>) -> Self {
        let weights = TapWeights::adjoint(weight, &geometry, tile_channels(geometry.channels_out));
        Self { geometry, weights, input, activation: None, epilogue }
    }

    /// Writes the output, `[images, channels_out, height, width]`, completely.
    pub fn run(&self, output: Target) {
        let wish = Wish { cache: 256 * 1024, positions: 512, units: 2 * parallel::threads() };
        let units = Units::new(&self.geometry, self.geometry.channels_in, wish);
        parallel::for_each(units.count(), |unit, scratch| {
            let layout = units.layout(&self.geometry, unit);
            let Scratch { input, output: sums, work } = scratch;
            Arch::new().dispatch(Part {
                convolution: self,
                layout,
                output,
                input: aligned(input, self.geometry.channels_in * layout.channel()),
                sums: aligned(sums, self.weights.tile * layout.channel()),
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
        self.fill();
        let TapWeights { tile, .. } = self.convolution.weights;
        for index in 0..self.convolution.geometry.channels_out.div_ceil(tile) {
            for product in 0..self.layout.products() {
                self.sum(simd, index, product);
            }
            self.store(index);
        }
    }
}

impl Part<'_> {
    /// The input's channels, through the activation, into the scratch memory.
    #[inline(always)]
    fn fill(&mut self) {
        let Convolution { geometry, input, activation, .. } = *self.convolution;
        for (channel, target) in self.input.chunks_exact_mut(self.layout.channel()).enumerate() {
            let pixels = |image| geometry.pixels(input, geometry.channels_in, image, channel);
            self.layout.fill(target, self.work, activation, pixels);
        }
    }

    /// The sums of one product for one tile of channels.
    #[inline(always)]
    fn sum<S: Simd>(&mut self, simd: S, index: usize, product: usize) {
        let weights = self.convolution.weights.of(index, product);
        match (self.convolution.weights.tile, self.convolution.geometry.kernel) {
            (8, 3) => self.sum_tile::<S, 8, 2, 3>(simd, weights, product),
            (8, _) => self.sum_tile::<S, 8, 2, 1>(simd, weights, product),
            (4, 3) => self.sum_tile::<S, 4, 2, 3>(simd, weights, product),
            (4, _) => self.sum_tile::<S, 4, 2, 1>(simd, weights, product),
            (_, 3) => self.sum_tile::<S, 1, 8, 3>(simd, weights, product),
            _ => self.sum_tile::<S, 1, 8, 1>(simd, weights, product),
        }
    }

    /// `T` channels, `V` vectors of positions at a time, `K` taps in a row.
    #[inline(always)]
    fn sum_tile<S: Simd, const T: usize, const V: usize, const K: usize>(
        &mut self,
        simd: S,
        weights: &[f32],
        product: usize,
    ) {
        let vectors = self.layout.outputs().div_ceil(lanes::<S>());
        let mut vector = 0;
        while vector + V <= vectors {
            self.sum_vectors::<S, T, V, K>(simd, weights, product, vector * lanes::<S>());
            vector += V;
        }
        while vector < vectors {
            self.sum_vectors::<S, T, 1, K>(simd, weights, product, vector * lanes::<S>());
            vector += 1;
        }
    }

    /// One register tile: everything that goes into these sums, while they stay in registers.
    #[inline(always)]
    fn sum_vectors<S: Simd, const T: usize, const V: usize, const K: usize>(
        &mut self,
        simd: S,
        weights: &[f32],
        product: usize,
        at: usize,
    ) {
        let lanes = lanes::<S>();
        let (channel, start) = (self.layout.channel(), product * self.layout.plane() + at);
        let channels_in = self.convolution.geometry.channels_in;
        assert!(at + V * lanes < self.layout.outputs() + lanes && lanes + K < SLACK);
        assert!(self.input.len() >= channels_in * channel && self.sums.len() >= T * channel);
        assert!(weights.len() >= channels_in * K * T && product < self.layout.products());
        let mut sums = [[simd.splat_f32s(0.0); V]; T];
        let mut weight = weights.as_ptr();
        for channel_in in 0..channels_in {
            for kx in 0..K {
                let mut pixels = [simd.splat_f32s(0.0); V];
                for (v, pixels) in pixels.iter_mut().enumerate() {
                    let position = channel_in * channel + start + kx + v * lanes;
                    // SAFETY: by the assertions above: the sums end less than a vector after the last one that counts, and a
                    // plane has SLACK numbers after its last row.
                    *pixels = unsafe { self.input.as_ptr().add(position).cast::<S::f32s>().read_unaligned() };
                }
                for (t, sums) in sums.iter_mut().enumerate() {
                    // SAFETY: `weight` passes over channels_in * K * T numbers, which are there by the assertion above.
                    let weight = simd.splat_f32s(unsafe { *weight.add(t) });
                    for (sum, pixels) in sums.iter_mut().zip(pixels) {
                        *sum = simd.mul_add_e_f32s(weight, pixels, *sum);
                    }
                }
                // SAFETY: as above; the last step ends one past the end.
                weight = unsafe { weight.add(T) };
            }
        }
        for (t, sums) in sums.into_iter().enumerate() {
            for (v, sum) in sums.into_iter().enumerate() {
                let position = t * channel + start + v * lanes;
                // SAFETY: as for the input's planes, which are as long.
                unsafe {
                    self.sums.as_mut_ptr().add(position).cast::<S::f32s>().write_unaligned(sum);
                }
            }
        }
    }

    /// The sums of one tile of channels, through the epilogue, to the output.
    #[inline(always)]
    fn store(&mut self, index: usize) {
        let Convolution { geometry, ref weights, epilogue, .. } = *self.convolution;
        let first = index * weights.tile;
        let channels = (geometry.channels_out - first).min(weights.tile);
        for (channel, sums) in (first..first + channels).zip(self.sums.chunks_exact(self.layout.channel())) {
            for image in 0..self.layout.images {
                let plane = ((self.layout.image + image) * geometry.channels_out + channel) * geometry.plane();
                let start = plane + self.layout.first * geometry.width;
                let part = start..start + self.layout.pixel_rows * geometry.width;
                // SAFETY: parts do not overlap, each is written by one thread, and completely.
                let target = unsafe { self.output.part(part.start, part.len()) };
                self.layout.collect(sums, image, target, self.work);
                match (epilogue.bias, epilogue.gate) {
                    (_, Some((gate, activation))) => {
                        pointwise::multiply_by_slope(activation, target, &gate[part.clone()]);
                    }
                    (Some(bias), None) => pointwise::add_scalar(target, bias[channel]),
                    (None, None) => {}
                }
                if let Some(residual) = epilogue.residual {
                    pointwise::add(target, &residual[part]);
                }
            }
        }
    }
}
