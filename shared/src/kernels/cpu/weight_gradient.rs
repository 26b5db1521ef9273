//! The gradient of the weights and of the bias.

use pulp::{Arch, Simd, WithSimd};

use super::{
    Geometry,
    lanes::{SLACK, lanes},
    layout::Layout,
    output::Target,
    parallel::{self, Scratch, aligned},
    pointwise,
    units::{Units, Wish},
    winograd::{KERNEL, PRODUCTS},
};
use crate::Activation;

/// Output channels of a register tile. With the most taps of [`TAPS`] its sums and what goes into them just fit AVX-512's 32
/// registers, and the planes of so few channels stay in the first-level cache.
const TILE: usize = 4;

/// Taps of a register tile, and what is used for the rest of them.
const TAPS: [usize; 3] = [5, 3, 1];

/// Pixels of an image that is small: its few vectors do not pay for adding up what is in a vector, and a matrix product, which
/// turns its matrices first, is faster.
const SMALL: usize = 64;

/// Partial sums, at most.
const PARTS: usize = 8;

/// Numbers in all partial sums, about: where there are many weights, adding up many partial sums takes longer than making them.
const PARTIAL: usize = 1024 * 1024;

/// A weight gradient that is ready to run.
pub struct WeightGradient<'a> {
    /// Of the forward convolution.
    pub geometry: Geometry,
    /// `[images, channels_in, height, width]`
    pub input: &'a [f32],
    /// What the input went through before the convolution.
    pub activation: Option<Activation>,
    /// The gradient at the output, `[images, channels_out, height, width]`.
    pub dy: &'a [f32],
}

impl WeightGradient<'_> {
    /// The gradients of the weight, `[channels_out, channels_in, k, k]`, and of the bias, `[channels_out]`.
    pub fn run(&self) -> (Vec<f32>, Vec<f32>) {
        let Geometry { channels_in, channels_out, .. } = self.geometry;
        let weights = self.products() * channels_out * self.taps();
        // Not by the number of threads, so that neither the sum nor a whole training depends on it.
        let parts = (PARTIAL / weights).clamp(2, PARTS);
        let wish = if self.is_small() {
            // A matrix product reads and writes all weights: once for as many images as there are.
            Wish { cache: 1024 * 1024, positions: 4096, units: parts }
        } else {
            Wish { cache: 256 * 1024, positions: 256, units: parts }
        };
        let units = Units::new(&self.geometry, channels_in + channels_out.next_multiple_of(TILE), wish);
        let per_part = units.count().div_ceil(parts).max(1);
        let parts = units.count().div_ceil(per_part);
        let mut partial = vec![0.0; parts * (weights + channels_out)];
        let target = Target::of(&mut partial);
        parallel::for_each(parts, |part, scratch| {
            // SAFETY: each part is one thread's, and zero at first.
            let sums = unsafe { target.part(part * (weights + channels_out), weights + channels_out) };
            let (weight, bias) = sums.split_at_mut(weights);
            for unit in part * per_part..units.count().min((part + 1) * per_part) {
                self.run_unit(units.layout(&self.geometry, unit), scratch, weight, bias);
            }
        });
        let mut sums = vec![0.0; weights + channels_out];
        partial.chunks_exact(weights + channels_out).for_each(|part| pointwise::add(&mut sums, part));
        let bias = sums.split_off(weights);
        (self.in_kernel_order(sums), bias)
    }

    fn is_small(&self) -> bool {
        self.geometry.plane() <= SMALL
    }

    fn products(&self) -> usize {
        if self.geometry.kernel == 1 { 1 } else { PRODUCTS }
    }

    /// Taps of an output channel in each product.
    fn taps(&self) -> usize {
        self.geometry.channels_in * self.geometry.kernel
    }

    /// From `[product, channel_out, channel_in, kx]` to `[channel_out, channel_in, ky, kx]`.
    fn in_kernel_order(&self, sums: Vec<f32>) -> Vec<f32> {
        let kernel = self.geometry.kernel;
        if kernel == 1 {
            return sums;
        }
        let columns = self.geometry.channels_out * self.taps();
        let mut weight = vec![0.0; columns * kernel];
        for (sums, rows) in sums.chunks_exact(columns).zip(KERNEL) {
            for (weight, sums) in weight.chunks_exact_mut(kernel * kernel).zip(sums.chunks_exact(kernel)) {
                for (weight, row) in weight.chunks_exact_mut(kernel).zip(rows) {
                    weight.iter_mut().zip(sums).for_each(|(weight, sum)| *weight += row * sum);
                }
            }
        }
        weight
    }

    fn run_unit(&self, layout: Layout, scratch: &mut Scratch, weight: &mut [f32], bias: &mut [f32]) {
        let Geometry { channels_in, channels_out, .. } = self.geometry;
        let tile = TILE.min(channels_out);
        // The last tile may reach beyond the last channel.
        let channels = channels_out.next_multiple_of(tile);
        let Scratch { input, output, work } = scratch;
        Arch::new().dispatch(Part {
            whole: self,
            layout,
            tile,
            channels,
            input: aligned(input, channels_in * layout.channel()),
            dy: aligned(output, channels * layout.channel()),
            work: aligned(work, layout.work()),
            weight,
            bias,
        });
    }
}

/// Some rows of some images.
struct Part<'a> {
    whole: &'a WeightGradient<'a>,
    layout: Layout,
    tile: usize,
    /// Output channels, and those that only fill the last tile.
    channels: usize,
    input: &'a mut [f32],
    dy: &'a mut [f32],
    work: &'a mut [f32],
    weight: &'a mut [f32],
    bias: &'a mut [f32],
}

impl WithSimd for Part<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        self.fill();
        if self.whole.is_small() {
            return (0..self.whole.products()).for_each(|product| self.multiply(product));
        }
        for product in 0..self.whole.products() {
            for channel in (0..self.channels).step_by(self.tile) {
                match self.tile {
                    TILE => self.sum::<S, TILE>(simd, product, channel),
                    _ => (channel..channel + self.tile).for_each(|channel| self.sum::<S, 1>(simd, product, channel)),
                }
            }
        }
    }
}

impl Part<'_> {
    #[inline(always)]
    fn fill(&mut self) {
        let WeightGradient { geometry, input, activation, dy } = *self.whole;
        for (channel, target) in self.input.chunks_exact_mut(self.layout.channel()).enumerate() {
            let pixels = |image| geometry.pixels(input, geometry.channels_in, image, channel);
            self.layout.fill(target, self.work, activation, pixels);
        }
        for (channel, target) in self.dy.chunks_exact_mut(self.layout.channel()).enumerate() {
            if channel >= geometry.channels_out {
                target.fill(0.0);
                continue;
            }
            let pixels = |image| geometry.pixels(dy, geometry.channels_out, image, channel);
            self.layout.fill_gradient(target, self.work, pixels);
            let rows =
                self.layout.first * geometry.width..(self.layout.first + self.layout.pixel_rows) * geometry.width;
            for image in 0..self.layout.images {
                self.bias[channel] += pointwise::sum(&pixels(self.layout.image + image)[rows.clone()]);
            }
        }
    }

    /// One product of all channels, as matrix products.
    fn multiply(&mut self, product: usize) {
        let Geometry { channels_in, channels_out, kernel, .. } = self.whole.geometry;
        let (channel, plane) = (self.layout.channel(), self.layout.plane());
        let (taps, stride) = (self.whole.taps(), channel.cast_signed());
        assert!(self.input.len() >= channels_in * channel && self.dy.len() >= channels_out * channel);
        assert!(kernel < SLACK && product < self.layout.products());
        let weight = &mut self.weight[product * channels_out * taps..][..channels_out * taps];
        for kx in 0..kernel {
            // SAFETY: the matrices are the weights of column kx, [channels_out, channels_in], and planes of the gradient,
            // [channels_out, outputs], and of the input, [outputs, channels_in]: within the slices by the assertions, as a plane
            // has SLACK numbers after its last row.
            unsafe {
                gemm::gemm(
                    channels_out,
                    channels_in,
                    self.layout.outputs(),
                    weight.as_mut_ptr().add(kx),
                    kernel.cast_signed(),
                    taps.cast_signed(),
                    true,
                    self.dy.as_ptr().add(product * plane),
                    1,
                    stride,
                    self.input.as_ptr().add(product * plane + kx),
                    stride,
                    1,
                    1.0,
                    1.0,
                    false,
                    false,
                    false,
                    gemm::Parallelism::None,
                );
            }
        }
    }

    /// All taps of one product for `T` output channels from `channel` on.
    #[inline(always)]
    fn sum<S: Simd, const T: usize>(&mut self, simd: S, product: usize, channel: usize) {
        let taps = self.whole.taps();
        let mut tap = 0;
        while tap + TAPS[0] <= taps {
            self.sum_taps::<S, T, { TAPS[0] }>(simd, product, channel, tap);
            tap += TAPS[0];
        }
        while tap + TAPS[1] <= taps {
            self.sum_taps::<S, T, { TAPS[1] }>(simd, product, channel, tap);
            tap += TAPS[1];
        }
        while tap < taps {
            self.sum_taps::<S, T, { TAPS[2] }>(simd, product, channel, tap);
            tap += TAPS[2];
        }
    }

    /// One register tile: `T` output channels by `R` taps, summed over all positions.
    #[inline(always)]
    fn sum_taps<S: Simd, const T: usize, const R: usize>(
        &mut self,
        simd: S,
        product: usize,
        channel: usize,
        first_tap: usize,
    ) {
        let lanes = lanes::<S>();
        let Geometry { channels_in, channels_out, kernel, .. } = self.whole.geometry;
        let (stride, plane) = (self.layout.channel(), self.layout.plane());
        let shifts: [usize; R] = core::array::from_fn(|r| {
            let tap = first_tap + r;
            tap / kernel * stride + product * plane + tap % kernel
        });
        let vectors = self.layout.outputs().div_ceil(lanes);
        assert!(self.input.len() >= channels_in * stride && first_tap + R <= channels_in * kernel);
        assert!(self.dy.len() >= self.channels * stride && channel + T <= self.channels);
        assert!(lanes + kernel < SLACK && product < self.layout.products());
        // SAFETY: a channel of `dy`, by the assertions.
        let dy = unsafe { self.dy.as_ptr().add(channel * stride + product * plane) };
        let mut sums = [[simd.splat_f32s(0.0); R]; T];
        for vector in 0..vectors {
            let at = vector * lanes;
            let mut gradients = [simd.splat_f32s(0.0); T];
            for (t, gradient) in gradients.iter_mut().enumerate() {
                // SAFETY: the last vector ends less than SLACK after the last row of the plane.
                *gradient = unsafe { dy.add(t * stride + at).cast::<S::f32s>().read_unaligned() };
            }
            for (r, shift) in shifts.into_iter().enumerate() {
                // SAFETY: as above.
                let pixels = unsafe { self.input.as_ptr().add(shift + at).cast::<S::f32s>().read_unaligned() };
                for (sums, gradient) in sums.iter_mut().zip(gradients) {
                    sums[r] = simd.mul_add_e_f32s(gradient, pixels, sums[r]);
                }
            }
        }
        let taps = channels_in * kernel;
        for (t, sums) in sums.into_iter().enumerate().take(channels_out.saturating_sub(channel)) {
            for (r, sum) in sums.into_iter().enumerate() {
                let at = (product * channels_out + channel + t) * taps + first_tap + r;
                self.weight[at] += simd.reduce_sum_f32s(sum);
            }
        }
    }
}
