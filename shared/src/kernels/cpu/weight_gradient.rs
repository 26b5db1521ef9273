//! The gradient of the weights and of the bias.

use pulp::{Arch, Simd, WithSimd};

use super::{
    Geometry,
    lanes::{lanes, tile_channels},
    layout::Layout,
    output::{Output, Target},
    parallel::{self, Scratch, aligned},
    pointwise,
    units::{Units, Wish},
    winograd::{KERNEL, PRODUCTS},
};
use crate::Activation;

/// Input channels are rounded up to so many, which any vector divides.
const WIDEST: usize = 16;

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
        let channels_out = self.geometry.channels_out;
        let weights = self.products() * channels_out * self.taps();
        // Not by the number of threads, so that neither the sum nor a whole training depends on it.
        let parts = (PARTIAL / weights).clamp(2, PARTS);
        let wish = Wish { cache: 256 * 1024, positions: 512, units: parts };
        let units = Units::new(&self.geometry, self.rounded_in() + channels_out, wish);
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
        let parts: Vec<_> = partial.chunks_exact(weights + channels_out).map(|part| part.split_at(weights)).collect();
        let mut bias = vec![0.0; channels_out];
        parts.iter().for_each(|(_, part)| pointwise::add(&mut bias, part));
        let parts: Vec<_> = parts.into_iter().map(|(weight, _)| weight).collect();
        (self.in_kernel_order(&parts), bias)
    }

    fn products(&self) -> usize {
        if self.geometry.kernel == 1 { 1 } else { PRODUCTS }
    }

    /// Input channels, and those that only fill the last vector.
    fn rounded_in(&self) -> usize {
        self.geometry.channels_in.next_multiple_of(WIDEST)
    }

    /// Numbers of an output channel in each product.
    fn taps(&self) -> usize {
        self.rounded_in() * self.geometry.kernel
    }

    /// The sum of all parts, from `[product, channel_out, kx, channel_in]` to `[channel_out, channel_in, ky, kx]`.
    fn in_kernel_order(&self, parts: &[&[f32]]) -> Vec<f32> {
        let Geometry { channels_in, channels_out, kernel, .. } = self.geometry;
        let (taps, rounded) = (self.taps(), self.rounded_in());
        let length = channels_in * kernel * kernel;
        let mut weight = Output::new(channels_out * length);
        let target = weight.target();
        parallel::for_each(channels_out, |channel, scratch| {
            // SAFETY: each channel is one thread's.
            let weight = unsafe { target.part(channel * length, length) };
            weight.fill(0.0);
            let sums = aligned(&mut scratch.work, taps);
            for (product, rows) in KERNEL.iter().enumerate().take(self.products()) {
                let rows: &[f32] = if kernel == 1 { &[1.0] } else { rows };
                let at = (product * channels_out + channel) * taps;
                sums.fill(0.0);
                parts.iter().for_each(|part| pointwise::add(sums, &part[at..at + taps]));
                for (kx, sums) in sums.chunks_exact(rounded).enumerate() {
                    for (weight, sum) in weight.chunks_exact_mut(kernel * kernel).zip(sums) {
                        for (ky, row) in rows.iter().enumerate() {
                            weight[ky * kernel + kx] += row * sum;
                        }
                    }
                }
            }
        });
        // SAFETY: every channel has been written completely.
        unsafe { weight.finish() }
    }

    fn run_unit(&self, layout: Layout, scratch: &mut Scratch, weight: &mut [f32], bias: &mut [f32]) {
        Arch::new().dispatch(Part { whole: self, layout, scratch, weight, bias });
    }
}

/// Some rows of some images.
struct Part<'a> {
    whole: &'a WeightGradient<'a>,
    /// Of the gradient at the output.
    layout: Layout,
    scratch: &'a mut Scratch,
    weight: &'a mut [f32],
    bias: &'a mut [f32],
}

impl WithSimd for Part<'_> {
    type Output = ();

    /// The input lies in panels of as many channels as a vector has, so that a vector of weights takes a vector of pixels times one
    /// number of the gradient, and nothing is to be added up within vectors.
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { whole, layout, scratch: Scratch { input, output, work }, weight, bias } = self;
        let Geometry { channels_in, channels_out, kernel, .. } = whole.geometry;
        let tile = tile_channels(channels_out);
        let panels = layout.of_panels(lanes::<S>());
        let count = channels_in.div_ceil(lanes::<S>());
        // The last tile may reach beyond the last channel.
        let input = aligned(input, count * panels.channel());
        let dy = aligned(output, channels_out.next_multiple_of(tile) * layout.channel());
        let work = aligned(work, panels.work());
        whole.fill_input(&panels, lanes::<S>(), input, work);
        whole.fill_gradient(&layout, dy, work, bias);
        let mut sums = Sums { whole, layout, panels, input, dy, weight };
        for product in 0..whole.products() {
            let mut panel = 0;
            while panel < count {
                let wide = kernel == 1 && panel + 2 <= count;
                for channel in (0..channels_out).step_by(tile) {
                    let at = Tile { product, panel, channel };
                    match (tile, kernel, wide) {
                        (8, 3, _) => sums.add::<S, 8, 3, 1>(simd, at),
                        (8, _, true) => sums.add::<S, 8, 1, 2>(simd, at),
                        (8, _, false) => sums.add::<S, 8, 1, 1>(simd, at),
                        (4, 3, _) => sums.add::<S, 4, 3, 1>(simd, at),
                        (4, _, true) => sums.add::<S, 4, 1, 2>(simd, at),
                        (4, _, false) => sums.add::<S, 4, 1, 1>(simd, at),
                        (_, 3, _) => sums.add::<S, 1, 3, 1>(simd, at),
                        (_, _, true) => sums.add::<S, 1, 1, 2>(simd, at),
                        (_, _, false) => sums.add::<S, 1, 1, 1>(simd, at),
                    }
                }
                panel += if wide { 2 } else { 1 };
            }
        }
    }
}

impl WeightGradient<'_> {
    #[inline(always)]
    fn fill_input(&self, panels: &Layout, depth: usize, input: &mut [f32], work: &mut [f32]) {
        let Geometry { channels_in, .. } = self.geometry;
        for (panel, target) in input.chunks_exact_mut(panels.channel()).enumerate() {
            let first = panel * depth;
            let pixels = |image, channel| self.geometry.pixels(self.input, channels_in, image, first + channel);
            panels.fill_panel(target, work, self.activation, depth.min(channels_in - first), pixels);
        }
    }

    #[inline(always)]
    fn fill_gradient(&self, layout: &Layout, dy: &mut [f32], work: &mut [f32], bias: &mut [f32]) {
        let Geometry { channels_out, width, .. } = self.geometry;
        for (channel, target) in dy.chunks_exact_mut(layout.channel()).enumerate() {
            if channel >= channels_out {
                target.fill(0.0);
                continue;
            }
            let pixels = |image| self.geometry.pixels(self.dy, channels_out, image, channel);
            layout.fill_gradient(target, work, pixels);
            let rows = layout.first * width..(layout.first + layout.pixel_rows) * width;
            for image in 0..layout.images {
                bias[channel] += pointwise::sum(&pixels(layout.image + image)[rows.clone()]);
            }
        }
    }
}

/// What is multiplied, and where it goes.
struct Sums<'a> {
    whole: &'a WeightGradient<'a>,
    layout: Layout,
    panels: Layout,
    /// Panels of input channels.
    input: &'a [f32],
    /// Output channels.
    dy: &'a [f32],
    /// `[product, channel_out, kx, channel_in]`
    weight: &'a mut [f32],
}

/// The first of everything in a register tile.
#[derive(Clone, Copy)]
struct Tile {
    product: usize,
    panel: usize,
    channel: usize,
}

impl Sums<'_> {
    /// One register tile: `T` output channels by `K` taps of a row by `V` panels, summed over all positions.
    #[inline(always)]
    fn add<S: Simd, const T: usize, const K: usize, const V: usize>(&mut self, simd: S, at: Tile) {
        let lanes = lanes::<S>();
        let Tile { product, panel, channel } = at;
        let (channel_stride, panel_stride) = (self.layout.channel(), self.panels.channel());
        let positions = self.layout.outputs();
        assert!(self.dy.len() >= (channel + T) * channel_stride && product < self.layout.products());
        assert!(self.input.len() >= (panel + V) * panel_stride);
        assert!(positions <= self.layout.plane() && (positions + K - 1) * lanes <= self.panels.plane());
        // SAFETY: the first of these channels and of these panels, by the assertions.
        let (dy, input) = unsafe {
            (
                self.dy.as_ptr().add(channel * channel_stride + product * self.layout.plane()),
                self.input.as_ptr().add(panel * panel_stride + product * self.panels.plane()),
            )
        };
        let mut sums = [[[simd.splat_f32s(0.0); V]; K]; T];
        for position in 0..positions {
            let mut pixels = [[simd.splat_f32s(0.0); V]; K];
            for (k, pixels) in pixels.iter_mut().enumerate() {
                for (v, pixels) in pixels.iter_mut().enumerate() {
                    // SAFETY: position + k ends within the plane, by the assertions.
                    let place = unsafe { input.add(v * panel_stride + (position + k) * lanes) };
                    // SAFETY: as above.
                    *pixels = unsafe { place.cast::<S::f32s>().read_unaligned() };
                }
            }
            for (t, sums) in sums.iter_mut().enumerate() {
                // SAFETY: a position of a channel, by the assertions.
                let gradient = simd.splat_f32s(unsafe { *dy.add(t * channel_stride + position) });
                for (sums, pixels) in sums.iter_mut().zip(pixels) {
                    for (sum, pixels) in sums.iter_mut().zip(pixels) {
                        *sum = simd.mul_add_e_f32s(gradient, pixels, *sum);
                    }
                }
            }
        }
        let (taps, rounded) = (self.whole.taps(), self.whole.rounded_in());
        let channels = self.whole.geometry.channels_out;
        for (t, sums) in sums.into_iter().enumerate().take(channels - channel) {
            for (k, sums) in sums.into_iter().enumerate() {
                for (v, sum) in sums.into_iter().enumerate() {
                    let start = (product * channels + channel + t) * taps + k * rounded + (panel + v) * lanes;
                    let weight = &mut self.weight[start..start + lanes];
                    // SAFETY: a slice of as many numbers as a vector has.
                    unsafe {
                        let place = weight.as_mut_ptr().cast::<S::f32s>();
                        place.write_unaligned(simd.add_f32s(place.read_unaligned(), sum));
                    }
                }
            }
        }
    }
}
