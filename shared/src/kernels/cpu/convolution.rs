//! The convolution, forward and adjoint.

use pulp::{Arch, Simd, WithSimd};

use super::{
    Geometry,
    lanes::{SLACK, lanes, tile_channels},
    output::Target,
    parallel::{self, Scratch, aligned},
    planes::Padded,
    pointwise,
    tap_weights::TapWeights,
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
        let bands = self.bands();
        let rows = self.geometry.height.div_ceil(bands);
        parallel::for_each(self.geometry.images * bands, |unit, scratch| {
            let (image, band) = (unit / bands, unit % bands);
            let first = band * rows;
            let rows = rows.min(self.geometry.height.saturating_sub(first));
            if rows > 0 {
                self.run_band(output, image, first, rows, scratch);
            }
        });
    }

    /// In how many bands of rows each image is cut, so that few images keep all threads busy too.
    fn bands(&self) -> usize {
        let threads = parallel::threads();
        if threads == 1 || self.geometry.images >= 2 * threads {
            return 1;
        }
        (2 * threads).div_ceil(self.geometry.images).min(self.geometry.height.div_ceil(4))
    }

    fn run_band(&self, output: Target, image: usize, first: usize, rows: usize, scratch: &mut Scratch) {
        let Geometry { channels_in, width, kernel, .. } = self.geometry;
        let padded = Padded { rows, columns: width, padding: kernel / 2 };
        let input = aligned(&mut scratch.input, channels_in * padded.plane());
        let sums = aligned(&mut scratch.output, self.weights.tile * padded.plane());
        Arch::new().dispatch(Band { convolution: self, output, image, first, padded, input, sums });
    }
}

/// Some rows of one image.
struct Band<'a> {
    convolution: &'a Convolution<'a>,
    output: Target,
    image: usize,
    first: usize,
    padded: Padded,
    input: &'a mut [f32],
    sums: &'a mut [f32],
}

impl WithSimd for Band<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        self.fill();
        let tile = self.convolution.weights.tile;
        for index in 0..self.convolution.geometry.channels_out.div_ceil(tile) {
            self.sum(simd, index);
            self.store(index);
        }
    }
}

impl Band<'_> {
    /// The input's planes, through the activation, into the padded scratch memory.
    #[inline(always)]
    fn fill(&mut self) {
        let Convolution { geometry, input, activation, .. } = *self.convolution;
        let plane = geometry.plane();
        let pixels = input[self.image * geometry.channels_in * plane..].chunks_exact(plane);
        for (target, pixels) in self.input.chunks_exact_mut(self.padded.plane()).zip(pixels) {
            match activation {
                None => self.padded.fill(target, pixels, self.first, |target, pixels| target.copy_from_slice(pixels)),
                Some(activation) => self.padded.fill(
                    target,
                    pixels,
                    self.first,
                    #[inline(always)]
                    |target, pixels| pointwise::activate(activation, target, pixels),
                ),
            }
        }
    }

    /// The sums of one tile of channels.
    #[inline(always)]
    fn sum<S: Simd>(&mut self, simd: S, index: usize) {
        let weights = self.convolution.weights.of(index);
        match (self.convolution.weights.tile, self.convolution.geometry.kernel) {
            (8, 3) => self.sum_tile::<S, 8, 2, 3>(simd, weights),
            (8, _) => self.sum_tile::<S, 8, 2, 1>(simd, weights),
            (4, 3) => self.sum_tile::<S, 4, 2, 3>(simd, weights),
            (4, _) => self.sum_tile::<S, 4, 2, 1>(simd, weights),
            (_, 3) => self.sum_tile::<S, 1, 8, 3>(simd, weights),
            _ => self.sum_tile::<S, 1, 8, 1>(simd, weights),
        }
    }

    /// `T` channels, `V` vectors of pixels at a time, kernel side `K`.
    #[inline(always)]
    fn sum_tile<S: Simd, const T: usize, const V: usize, const K: usize>(&mut self, simd: S, weights: &[f32]) {
        let vectors = self.padded.outputs().div_ceil(lanes::<S>());
        let mut vector = 0;
        while vector + V <= vectors {
            self.sum_vectors::<S, T, V, K>(simd, weights, vector * lanes::<S>());
            vector += V;
        }
        while vector < vectors {
            self.sum_vectors::<S, T, 1, K>(simd, weights, vector * lanes::<S>());
            vector += 1;
        }
    }

    /// One register tile: everything that goes into these outputs, while they stay in registers.
    #[inline(always)]
    fn sum_vectors<S: Simd, const T: usize, const V: usize, const K: usize>(
        &mut self,
        simd: S,
        weights: &[f32],
        at: usize,
    ) {
        let lanes = lanes::<S>();
        let (plane, stride) = (self.padded.plane(), self.padded.stride());
        let channels_in = self.convolution.geometry.channels_in;
        assert!(at + V * lanes < self.padded.outputs() + lanes && lanes < SLACK);
        assert!(self.input.len() >= channels_in * plane && self.sums.len() >= T * plane);
        assert!(weights.len() >= channels_in * K * K * T);
        let mut sums = [[simd.splat_f32s(0.0); V]; T];
        let mut weight = weights.as_ptr();
        for channel in 0..channels_in {
            for ky in 0..K {
                let row = channel * plane + ky * stride + at;
                for kx in 0..K {
                    let mut pixels = [simd.splat_f32s(0.0); V];
                    for (v, pixels) in pixels.iter_mut().enumerate() {
                        // SAFETY: by the assertions above: the outputs end less than a vector after the last one that counts, and a
                        // plane has SLACK numbers after its last row; `weight` passes over channels_in * K * K * T numbers.
                        *pixels =
                            unsafe { self.input.as_ptr().add(row + kx + v * lanes).cast::<S::f32s>().read_unaligned() };
                    }
                    for (t, sums) in sums.iter_mut().enumerate() {
                        // SAFETY: as above.
                        let weight = simd.splat_f32s(unsafe { *weight.add(t) });
                        for (sum, pixels) in sums.iter_mut().zip(pixels) {
                            *sum = simd.mul_add_e_f32s(weight, pixels, *sum);
                        }
                    }
                    // SAFETY: as above; the last step ends one past the end.
                    weight = unsafe { weight.add(T) };
                }
            }
        }
        for (t, sums) in sums.into_iter().enumerate() {
            for (v, sum) in sums.into_iter().enumerate() {
                // SAFETY: as for the input's planes, which are as long.
                unsafe {
                    self.sums.as_mut_ptr().add(t * plane + at + v * lanes).cast::<S::f32s>().write_unaligned(sum);
                };
            }
        }
    }

    /// The sums of one tile of channels, through the epilogue, to the output.
    #[inline(always)]
    fn store(&self, index: usize) {
        let Convolution { geometry, ref weights, epilogue, .. } = *self.convolution;
        let Padded { rows, columns, .. } = self.padded;
        let first = index * weights.tile;
        let channels = (geometry.channels_out - first).min(weights.tile);
        for (channel, sums) in (first..first + channels).zip(self.sums.chunks_exact(self.padded.plane())) {
            let start = (self.image * geometry.channels_out + channel) * geometry.plane() + self.first * columns;
            let length = rows * columns;
            // SAFETY: bands do not overlap, each is written by one thread, and completely.
            let target = unsafe { self.output.part(start, length) };
            let bias = epilogue.bias.map_or(0.0, |bias| bias[channel]);
            let gate = epilogue.gate.map(|(gate, activation)| (&gate[start..start + length], activation));
            let residual = epilogue.residual.map(|residual| &residual[start..start + length]);
            for row in 0..rows {
                let part = row * columns..(row + 1) * columns;
                let sums = &sums[row * self.padded.stride()..][..columns];
                let target = &mut target[part.clone()];
                match gate {
                    Some((gate, activation)) => {
                        pointwise::multiply_slope(activation, target, &gate[part.clone()], sums);
                    }
                    None => pointwise::add_scalar(target, sums, bias),
                }
                if let Some(residual) = residual {
                    pointwise::add(target, &residual[part]);
                }
            }
        }
    }
}
