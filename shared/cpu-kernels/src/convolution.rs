//! The convolution, forward and adjoint.

use pulp::{Simd, WithSimd};

use crate::{
    Activation, Geometry, Vectors,
    lanes::{lanes, load, mul_add, store},
    layout::Layout,
    output::{Output, Target},
    parallel::{self, Scratch, aligned, threads},
    pointwise,
    product_weights::ProductWeights,
    units::{Units, Wish},
    winograd::PRODUCTS,
};

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

impl Epilogue<'_> {
    fn check(&self, geometry: &Geometry, input: &[f32], weight: &[f32]) {
        geometry.check(input, weight.len(), &[("gate", self.gate.map(|gate| gate.0)), ("residual", self.residual)]);
        assert!(self.bias.is_none_or(|bias| bias.len() == geometry.channels_out), "numbers of the bias, {geometry:?}");
    }
}

/// A convolution that is ready to run.
#[derive(Debug)]
pub struct Convolution<'a> {
    vectors: Vectors,
    geometry: Geometry,
    weights: ProductWeights,
    input: &'a [f32],
    activation: Option<Activation>,
    epilogue: Epilogue<'a>,
}

impl<'a> Convolution<'a> {
    /// `conv(s(input), weight)`, with `weight` `[channels_out, channels_in, k, k]`.
    ///
    /// # Panics
    /// The slices are not as long as the geometry says.
    #[must_use]
    pub fn forward(
        vectors: Vectors,
        geometry: Geometry,
        input: &'a [f32],
        weight: &[f32],
        activation: Option<Activation>,
        epilogue: Epilogue<'a>,
    ) -> Self {
        epilogue.check(&geometry, input, weight);
        let weights = ProductWeights::forward(vectors, weight, &geometry);
        Self { vectors, geometry, weights, input, activation, epilogue }
    }

    /// `conv^T(input, weight)`, with `weight` `[channels_in, channels_out, k, k]`.
    ///
    /// # Panics
    /// The slices are not as long as the geometry says.
    #[must_use]
    pub fn adjoint(
        vectors: Vectors,
        geometry: Geometry,
        input: &'a [f32],
        weight: &[f32],
        epilogue: Epilogue<'a>,
    ) -> Self {
        epilogue.check(&geometry, input, weight);
        let weights = ProductWeights::adjoint(vectors, weight, &geometry);
        Self { vectors, geometry, weights, input, activation: None, epilogue }
    }

    /// Whether all sums are kept until all products are through. Where there are many channels, the input of one product
    /// then stays in the first-level cache while all tiles of output channels read it; where there are few, it is
    /// better to keep the sums of one tile only, and larger bands of the images.
    fn keeps_all_sums(&self) -> bool {
        self.geometry.channels_in + self.geometry.channels_out > 64
    }

    /// Tiles of output channels.
    fn tiles(&self) -> usize {
        self.geometry.channels_out.div_ceil(self.weights.tile)
    }

    /// Planes of sums that are kept, in whole tiles.
    fn sums(&self) -> usize {
        self.weights.tile * if self.keeps_all_sums() { self.tiles() } else { 1 }
    }

    /// The plane with the sums of a tile's first channel.
    fn first_sum(&self, index: usize) -> usize {
        if self.keeps_all_sums() { index * self.weights.tile } else { 0 }
    }

    /// The output, `[images, channels_out, height, width]`.
    #[must_use]
    pub fn run(&self) -> Vec<f32> {
        // Measured with AVX2 and 512 KiB of second-level cache: with less there are more rows that are read twice and
        // weights that are read again, with more the scratch memory no longer stays in that cache.
        let (planes, cache) = if self.keeps_all_sums() {
            let planes = self.geometry.channels_in + self.sums();
            (planes, (160 * 1024).max(48 * PRODUCTS * planes))
        } else {
            (self.geometry.channels_in, 200 * 1024)
        };
        let wish = Wish { cache, positions: 128, units: 2 * threads() };
        let units = Units::new(&self.geometry, planes, wish);
        let mut output = Output::new(self.geometry.numbers(self.geometry.channels_out));
        let target = output.target();
        parallel::for_each(units.count(), |unit, scratch| {
            let layout = units.layout(&self.geometry, unit);
            let Scratch { input, output: sums, work } = scratch;
            self.vectors.run(Part {
                convolution: self,
                layout,
                output: target,
                input: aligned(input, layout.scratch(self.geometry.channels_in)),
                sums: aligned(sums, layout.scratch(self.sums())),
                work: aligned(work, layout.work()),
            });
        });
        // SAFETY: the units cover all rows of all images, and each writes all channels of its rows.
        unsafe { output.finish() }
    }
}

/// Some rows of some images.
struct Part<'a> {
    convolution: &'a Convolution<'a>,
    layout: Layout,
    output: Target<'a>,
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
        let convolution = self.convolution;
        let (tiles, products) = (convolution.tiles(), self.layout.products());
        let all = convolution.keeps_all_sums();
        let (outer, inner) = if all { (products, tiles) } else { (tiles, products) };
        for i in 0..outer {
            for j in 0..inner {
                let (index, product) = if all { (j, i) } else { (i, j) };
                self.sum(simd, index, product);
            }
            let complete = match all {
                false => i..i + 1,
                true if i + 1 == outer => 0..tiles,
                true => 0..0,
            };
            // Closures would not be compiled for these vectors.
            for index in complete {
                self.store(simd, index);
            }
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

    /// The sums of one product for one tile of channels.
    #[inline(always)]
    fn sum<S: Simd>(&mut self, simd: S, index: usize, product: usize) {
        match self.convolution.weights.tile {
            8 => self.sum_tile::<S, 8, 2>(simd, index, product),
            4 => self.sum_tile::<S, 4, 2>(simd, index, product),
            _ => self.sum_tile::<S, 1, 8>(simd, index, product),
        }
    }

    /// The same for a tile of `T` channels, `V` vectors of positions at a time.
    #[inline(always)]
    fn sum_tile<S: Simd, const T: usize, const V: usize>(&mut self, simd: S, index: usize, product: usize) {
        let weights = self.convolution.weights.of(index, product);
        let vectors = self.layout.positions().div_ceil(lanes::<S>());
        let mut vector = 0;
        while vector + V <= vectors {
            self.sum_vectors::<S, T, V>(simd, weights, index, product, vector * lanes::<S>());
            vector += V;
        }
        while vector < vectors {
            self.sum_vectors::<S, T, 1>(simd, weights, index, product, vector * lanes::<S>());
            vector += 1;
        }
    }

    /// One register tile: everything that goes into these sums, while they stay in registers.
    #[inline(always)]
    fn sum_vectors<S: Simd, const T: usize, const V: usize>(
        &mut self,
        simd: S,
        weights: &[f32],
        index: usize,
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
                *pixels = unsafe { load::<S>(input, channel_in * plane + at + v * lanes) };
            }
            for (t, sums) in sums.iter_mut().enumerate() {
                // SAFETY: there are channels_in * T weights, by the assertion above.
                let weight = simd.splat_f32s(unsafe { *weights.get_unchecked(channel_in * T + t) });
                for (sum, pixels) in sums.iter_mut().zip(pixels) {
                    *sum = mul_add(simd, weight, pixels, *sum);
                }
            }
        }
        let to = self.layout.place(self.convolution.first_sum(index), self.convolution.sums());
        let target = &mut self.sums[product * to.stride + to.start..][..T * plane];
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
            let plane = self.convolution.first_sum(index) + channel - first;
            let place = self.layout.place(plane, self.convolution.sums());
            let bias = epilogue.bias.map_or(0.0, |bias| bias[channel]);
            let part = |image| {
                let plane = ((self.layout.image + image) * geometry.channels_out + channel) * geometry.plane();
                plane + self.layout.part().start..plane + self.layout.part().end
            };
            // SAFETY: the planes' rows of these images are this thread's, and taken one at a time.
            let target = |image| unsafe { self.output.part(part(image).start, part(image).len()) };
            self.layout.collect(simd, self.sums, place, self.work, bias, target);
            for image in 0..self.layout.images {
                // SAFETY: `collect` has written it completely.
                let target = unsafe { target(image).assume_init_mut() };
                if let Some((gate, activation)) = epilogue.gate {
                    pointwise::multiply_by_slope::<S>(activation, target, &gate[part(image)]);
                }
                if let Some(residual) = epilogue.residual {
                    pointwise::add(target, &residual[part(image)]);
                }
            }
        }
    }
}
