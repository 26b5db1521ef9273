//! The gradient of the weights and of the bias.

use std::mem::MaybeUninit;

use pulp::{Simd, WithSimd};

use crate::{
    Activation, Geometry, Vectors,
    lanes::{WIDEST, lanes, load, mul_add, store, tile_channels},
    layout::Layout,
    output::Output,
    parallel::{self, Scratch, aligned},
    pointwise,
    units::{Units, Wish},
    winograd::{self, PRODUCTS},
};

/// Partial sums, at most.
const PARTS: usize = 8;

/// Numbers in all partial sums, about: where there are many weights, adding up many partial sums takes longer than
/// making them.
const PARTIAL: usize = 1024 * 1024;

/// A weight gradient that is ready to run.
#[derive(Debug)]
pub struct WeightGradient<'a> {
    /// What to compute with.
    pub vectors: Vectors,
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
    ///
    /// # Panics
    /// The slices are not as long as the geometry says.
    #[must_use]
    pub fn run(&self) -> (Vec<f32>, Vec<f32>) {
        let Geometry { channels_in, channels_out, kernel, .. } = self.geometry;
        let taps = kernel * kernel;
        self.geometry.check(self.input, channels_in * channels_out * taps, &[("gradient", Some(self.dy))]);
        let weights = self.products() * channels_out * self.rounded_in();
        // Not by the number of threads, so that neither the sum nor a whole training depends on it.
        let parts = (PARTIAL / weights).clamp(2, PARTS);
        let wish = Wish { cache: 256 * 1024, positions: 128, units: parts };
        let units = Units::new(&self.geometry, self.rounded_in() + channels_out, wish);
        let per_part = units.count().div_ceil(parts).max(1);
        let parts = units.count().div_ceil(per_part);
        let mut partial = vec![0.0; parts * (weights + channels_out)];
        parallel::for_each_part(&mut partial, weights + channels_out, |part, sums, scratch| {
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

    /// Input channels, and those that only fill the last vector of the widest kind, and so of any.
    fn rounded_in(&self) -> usize {
        self.geometry.channels_in.next_multiple_of(WIDEST)
    }

    /// The sum of all parts, from `[product, channel_out, channel_in]` to `[channel_out, channel_in, ky, kx]`.
    fn in_kernel_order(&self, parts: &[&[f32]]) -> Vec<f32> {
        let Geometry { channels_in, channels_out, kernel, .. } = self.geometry;
        let length = channels_in * kernel * kernel;
        let mut weight = Output::new(channels_out * length);
        let target = weight.target();
        parallel::for_each(channels_out, |channel, _| {
            // SAFETY: each channel is written by one thread, and completely.
            let weight = unsafe { target.part(channel * length, length) };
            self.vectors.run(KernelOrder { whole: self, parts, channel, weight });
        });
        // SAFETY: every channel has been written completely.
        unsafe { weight.finish() }
    }

    fn run_unit(&self, layout: Layout, scratch: &mut Scratch, weight: &mut [f32], bias: &mut [f32]) {
        self.vectors.run(Part { whole: self, layout, scratch, weight, bias });
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

    /// The input lies in panels of as many channels as a vector has, so that a vector of weights takes a vector of
    /// pixels times one number of the gradient, and nothing is to be added up within vectors.
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { whole, layout, scratch: Scratch { input, output, work }, weight, bias } = self;
        let Geometry { channels_in, channels_out, .. } = whole.geometry;
        let tile = tile_channels(whole.vectors, channels_out);
        let panels = layout.of_panels(lanes::<S>());
        let count = channels_in.div_ceil(lanes::<S>());
        // Tiles of one panel have twice as many channels; the last may reach beyond the last channel.
        let channels = channels_out.next_multiple_of(2 * tile);
        let input = aligned(input, panels.scratch(count));
        let dy = aligned(output, layout.scratch(channels));
        let work = aligned(work, panels.work().max(layout.work()));
        panels.prepare(work);
        whole.fill_input(simd, &panels, input, work);
        whole.fill_gradient(simd, &layout, channels, dy, work, bias);
        let mut sums = Sums { whole, layout, panels, channels, input, dy, weight };
        for product in 0..whole.products() {
            let mut panel = 0;
            while panel < count {
                let wide = panel + 2 <= count;
                for channel in (0..channels_out).step_by(if wide { tile } else { 2 * tile }) {
                    let at = Tile { product, panel, channel };
                    match (tile, wide) {
                        (8, true) => sums.add::<S, 8, 2>(simd, at),
                        (8, false) => sums.add::<S, 16, 1>(simd, at),
                        (4, true) => sums.add::<S, 4, 2>(simd, at),
                        (4, false) => sums.add::<S, 8, 1>(simd, at),
                        (_, true) => sums.add::<S, 1, 2>(simd, at),
                        (_, false) => sums.add::<S, 2, 1>(simd, at),
                    }
                }
                panel += if wide { 2 } else { 1 };
            }
        }
    }
}

impl WeightGradient<'_> {
    #[inline(always)]
    fn fill_input<S: Simd>(&self, simd: S, panels: &Layout, input: &mut [f32], work: &mut [f32]) {
        let Geometry { channels_in, .. } = self.geometry;
        let count = channels_in.div_ceil(panels.depth);
        for panel in 0..count {
            let first = panel * panels.depth;
            let channels = panels.depth.min(channels_in - first);
            let pixels = |image, channel| self.geometry.pixels(self.input, channels_in, image, first + channel);
            panels.fill_panel(simd, input, panels.place(panel, count), work, self.activation, channels, pixels);
        }
    }

    #[inline(always)]
    fn fill_gradient<S: Simd>(
        &self,
        simd: S,
        layout: &Layout,
        channels: usize,
        dy: &mut [f32],
        work: &mut [f32],
        bias: &mut [f32],
    ) {
        let Geometry { channels_out, .. } = self.geometry;
        for (channel, bias) in bias.iter_mut().enumerate() {
            let pixels = |image| self.geometry.pixels(self.dy, channels_out, image, channel);
            layout.fill_gradient(simd, dy, layout.place(channel, channels), work, pixels);
            for image in 0..layout.images {
                *bias += pointwise::sum(&pixels(layout.image + image)[layout.part()]);
            }
        }
        for channel in channels_out..channels {
            let place = layout.place(channel, channels);
            for product in 0..layout.products() {
                dy[product * place.stride + place.start..][..layout.plane()].fill(0.0);
            }
        }
    }
}

/// What is multiplied, and where it goes.
struct Sums<'a> {
    whole: &'a WeightGradient<'a>,
    layout: Layout,
    panels: Layout,
    /// Output channels, rounded up.
    channels: usize,
    /// Panels of input channels.
    input: &'a [f32],
    /// Output channels.
    dy: &'a [f32],
    /// `[product, channel_out, channel_in]`
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
    /// One register tile: `T` output channels by `V` panels, summed over all positions.
    #[inline(always)]
    fn add<S: Simd, const T: usize, const V: usize>(&mut self, simd: S, at: Tile) {
        let lanes = lanes::<S>();
        let Tile { product, panel, channel } = at;
        let rounded = self.whole.rounded_in();
        let (dy_plane, panel_plane) = (self.layout.plane(), self.panels.plane());
        let positions = self.layout.positions();
        let dy_place = self.layout.place(channel, self.channels);
        let panel_place = self.panels.place(panel, self.whole.geometry.channels_in.div_ceil(lanes));
        let dy = &self.dy[product * dy_place.stride + dy_place.start..][..T * dy_plane];
        let input = &self.input[product * panel_place.stride + panel_place.start..][..V * panel_plane];
        assert!(positions <= dy_plane && positions * lanes <= panel_plane);
        let mut sums = [[simd.splat_f32s(0.0); V]; T];
        for position in 0..positions {
            let mut pixels = [simd.splat_f32s(0.0); V];
            for (v, pixels) in pixels.iter_mut().enumerate() {
                // SAFETY: a tile of one of V panels, by the assertion.
                *pixels = unsafe { load::<S>(input, v * panel_plane + position * lanes) };
            }
            for (t, sums) in sums.iter_mut().enumerate() {
                // SAFETY: a tile of one of T channels, by the assertion.
                let gradient = simd.splat_f32s(unsafe { *dy.get_unchecked(t * dy_plane + position) });
                for (sum, pixels) in sums.iter_mut().zip(pixels) {
                    *sum = mul_add(simd, gradient, pixels, *sum);
                }
            }
        }
        let channels = self.whole.geometry.channels_out;
        for (t, sums) in sums.iter().enumerate().take(channels - channel) {
            let row = &mut self.weight[(product * channels + channel + t) * rounded..][..rounded];
            assert!((panel + V) * lanes <= rounded);
            for (v, sum) in sums.iter().enumerate() {
                let at = (panel + v) * lanes;
                // SAFETY: panels of the row, by the assertion.
                unsafe { store::<S>(row, at, simd.add_f32s(load::<S>(row, at), *sum)) };
            }
        }
    }
}

/// One output channel of all partial sums, to the order of a kernel's weights.
struct KernelOrder<'a> {
    whole: &'a WeightGradient<'a>,
    parts: &'a [&'a [f32]],
    channel: usize,
    weight: &'a mut [MaybeUninit<f32>],
}

impl WithSimd for KernelOrder<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { whole, parts, channel, weight } = self;
        let Geometry { channels_in, channels_out, kernel, .. } = whole.geometry;
        let rounded = whole.rounded_in();
        for first in (0..channels_in).step_by(WIDEST) {
            let mut products = [[0.0; WIDEST]; PRODUCTS];
            for (product, sums) in products.iter_mut().enumerate().take(whole.products()) {
                let at = (product * channels_out + channel) * rounded + first;
                parts.iter().for_each(|part| pointwise::add(sums, &part[at..at + WIDEST]));
            }
            let channels = first..channels_in.min(first + WIDEST);
            if kernel == 1 {
                weight[channels.clone()].write_copy_of_slice(&products[0][..channels.len()]);
                continue;
            }
            let kernels = winograd::kernels_adjoint(&products);
            for (lane, weight) in weight[9 * channels.start..9 * channels.end].chunks_exact_mut(9).enumerate() {
                for (weight, lanes) in weight.iter_mut().zip(&kernels) {
                    weight.write(lanes[lane]);
                }
            }
        }
    }
}
