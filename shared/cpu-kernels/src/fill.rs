//! Pixels into scratch memory, through the activation and the transform of tiles.

use std::ops::Range;

use pulp::Simd;

use crate::{
    Activation,
    lanes::{WIDEST, lanes, load, store},
    layout::{Layout, Place},
    rows::{activate, interleave},
    winograd::{self, COLUMN_PRODUCTS, COLUMNS, PRODUCTS, ROW_PRODUCTS, ROWS},
    work::Work,
};

impl Layout {
    /// Lays out one channel of all images, through the activation. `pixels` gives an image's plane.
    #[inline(always)]
    pub(crate) fn fill<'a, S: Simd>(
        &self,
        simd: S,
        target: &mut [f32],
        place: Place,
        work: &mut [f32],
        activation: Option<Activation>,
        pixels: impl Fn(usize) -> &'a [f32],
    ) {
        if self.kernel == 1 {
            for (index, target) in self.pixels_of(target, place).enumerate() {
                activate::<S>(activation, target, &pixels(self.image + index)[self.part()]);
            }
            return;
        }
        let work = self.cut(work);
        for (index, rows) in work.rows.chunks_exact_mut(self.rows() * self.row()).take(self.images).enumerate() {
            self.activate_rows::<S>(rows, activation, pixels(self.image + index));
        }
        self.transform::<S, false>(simd, target, place, work);
    }

    /// Lays out a panel of channels, of which there may be fewer than a tile holds. `pixels` gives a channel's plane of
    /// an image.
    #[inline(always)]
    #[allow(clippy::too_many_arguments, reason = "`fill`, with a number of channels")]
    pub(crate) fn fill_panel<'a, S: Simd>(
        &self,
        simd: S,
        target: &mut [f32],
        place: Place,
        work: &mut [f32],
        activation: Option<Activation>,
        channels: usize,
        pixels: impl Fn(usize, usize) -> &'a [f32],
    ) {
        if self.depth == 1 {
            return self.fill(simd, target, place, work, activation, |image| pixels(image, 0));
        }
        let work = self.cut(work);
        let length = if self.kernel == 1 { self.tiles() } else { work.apart.len() / self.depth };
        let apart = &mut work.apart[..length * self.depth];
        apart[channels * length..].fill(0.0);
        for index in 0..self.images {
            for (channel, apart) in apart.chunks_exact_mut(length).take(channels).enumerate() {
                let pixels = pixels(self.image + index, channel);
                if self.kernel == 1 {
                    activate::<S>(activation, apart, &pixels[self.part()]);
                } else {
                    self.activate_rows::<S>(apart, activation, pixels);
                }
            }
            let together = if self.kernel == 1 { &mut target[place.start..] } else { &mut *work.rows };
            interleave(&mut together[index * apart.len()..][..apart.len()], apart, self.depth);
        }
        if self.kernel != 1 {
            self.transform::<S, false>(simd, target, place, work);
        }
    }

    /// Lays out one channel of the gradient at the output, as the adjoint of [`Layout::collect`] does.
    #[inline(always)]
    pub(crate) fn fill_gradient<'a, S: Simd>(
        &self,
        simd: S,
        target: &mut [f32],
        place: Place,
        work: &mut [f32],
        pixels: impl Fn(usize) -> &'a [f32],
    ) {
        if self.kernel == 1 {
            for (index, target) in self.pixels_of(target, place).enumerate() {
                target.copy_from_slice(&pixels(self.image + index)[self.part()]);
            }
            return;
        }
        let work = self.cut(work);
        // A last row of tiles of fewer than four rows of pixels is filled up with zeros.
        for (index, rows) in
            work.rows.chunks_exact_mut(self.tile_rows() * ROWS * self.row()).take(self.images).enumerate()
        {
            self.copy_rows::<S>(rows, None, &pixels(self.image + index)[self.part()]);
        }
        self.transform::<S, true>(simd, target, place, work);
    }

    /// The pixels of each image for a 1x1 kernel.
    #[inline(always)]
    fn pixels_of<'a>(&self, target: &'a mut [f32], place: Place) -> impl Iterator<Item = &'a mut [f32]> {
        target[place.start..].chunks_exact_mut(self.tiles()).take(self.images)
    }

    /// Rows of pixels to their tiles in every product: of the input, with the rows above and below, or of the gradient
    /// at the output.
    #[inline(always)]
    fn transform<S: Simd, const GRADIENT: bool>(&self, simd: S, target: &mut [f32], place: Place, work: Work<'_>) {
        let Work { rows, combined, halves: [even, odd], inner: [left, right], .. } = work;
        let tile_rows = self.images * self.tile_rows();
        for first in (0..tile_rows).step_by(self.block()) {
            let block = first..tile_rows.min(first + self.block());
            self.combine_rows::<S, GRADIENT>(simd, rows, block.clone(), combined);
            let columns = block.len() * self.row();
            let combined = combined.chunks_exact(self.combination());
            for ((even, odd), combined) in
                even.chunks_exact_mut(self.half()).zip(odd.chunks_exact_mut(self.half())).zip(combined)
            {
                halve(&mut even[WIDEST..], &mut odd[WIDEST..], &combined[..columns], self.depth);
            }
            let start = place.start + first * self.run();
            let columns = ([&*even, &*odd], [&*left, &*right]);
            self.combine_columns::<S, GRADIENT>(simd, columns, block.len(), target, Place { start, ..place });
        }
    }

    /// Rows of pixels to combinations of them, for the rows of tiles of a block.
    #[inline(always)]
    fn combine_rows<S: Simd, const GRADIENT: bool>(
        &self,
        simd: S,
        rows: &[f32],
        block: Range<usize>,
        combined: &mut [f32],
    ) {
        let (row, stride) = (self.row(), self.combination());
        let (in_tile, in_image) = if GRADIENT { (ROWS, self.tile_rows() * ROWS) } else { (ROW_PRODUCTS, self.rows()) };
        assert!(rows.len() >= self.images * in_image * row + WIDEST && lanes::<S>() <= WIDEST);
        assert!(combined.len() >= ROW_PRODUCTS * stride && stride >= block.len() * row + WIDEST);
        for (index, tile_row) in block.enumerate() {
            let (image, tile) = (tile_row / self.tile_rows(), tile_row % self.tile_rows());
            let from = (image * in_image + tile * ROWS) * row;
            for at in (0..row).step_by(lanes::<S>()) {
                let mut pixels = [simd.splat_f32s(0.0); ROW_PRODUCTS];
                for (r, pixels) in pixels.iter_mut().enumerate().take(in_tile) {
                    // SAFETY: a row of the image, with room for a vector after the last.
                    *pixels = unsafe { load::<S>(rows, from + r * row + at) };
                }
                let sums = if GRADIENT {
                    let [y0, y1, y2, y3, ..] = pixels;
                    winograd::gradient_rows(simd, [y0, y1, y2, y3])
                } else {
                    winograd::input_rows(simd, pixels)
                };
                for (product, sum) in sums.iter().enumerate() {
                    // SAFETY: a row of the block, with room for a vector after the last.
                    unsafe { store::<S>(combined, product * stride + index * row + at, *sum) };
                }
            }
        }
    }

    /// Even and odd columns of combined rows to the products of so many rows of tiles.
    #[inline(always)]
    fn combine_columns<S: Simd, const GRADIENT: bool>(
        &self,
        simd: S,
        ([even, odd], inner): ([&[f32]; COLUMNS], [&[f32]; 2]),
        tile_rows: usize,
        target: &mut [f32],
        place: Place,
    ) {
        let depth = self.depth;
        let tiles = tile_rows * self.run();
        let vectors = tiles.next_multiple_of(lanes::<S>());
        assert!(place.start + (PRODUCTS - 1) * place.stride + vectors <= target.len() && depth <= WIDEST);
        assert!(inner.iter().all(|inner| inner.len() >= vectors) && self.half() >= WIDEST + vectors + depth);
        let mut plane = place.start;
        for (even, odd) in even.chunks_exact(self.half()).zip(odd.chunks_exact(self.half())) {
            for at in (0..tiles).step_by(lanes::<S>()) {
                let from = WIDEST + at;
                // SAFETY: within the halves by the assertion, with what is before and after.
                let products = unsafe {
                    let (even_here, odd_here) = (load::<S>(even, from), load::<S>(odd, from));
                    if GRADIENT {
                        winograd::gradient_columns(simd, [even_here, odd_here])
                    } else {
                        // Columns 2t - 1 to 2t + 2 of tile t; outside the image there is nothing.
                        let left = and(simd, load::<S>(odd, from - depth), load::<S>(inner[0], at));
                        let right = and(simd, load::<S>(even, from + depth), load::<S>(inner[1], at));
                        winograd::input_columns(simd, [left, even_here, odd_here, right])
                    }
                };
                for (column, product) in products.iter().enumerate() {
                    // SAFETY: by the assertion.
                    unsafe { store::<S>(target, plane + column * place.stride + at, *product) };
                }
            }
            plane += COLUMN_PRODUCTS * place.stride;
        }
    }
}

/// The bits that both have.
#[inline(always)]
fn and<S: Simd>(simd: S, a: S::f32s, b: S::f32s) -> S::f32s {
    simd.transmute_f32s_u32s(simd.and_u32s(simd.transmute_u32s_f32s(a), simd.transmute_u32s_f32s(b)))
}

/// Every other `depth` numbers to `even`, the rest to `odd`.
#[inline(always)]
fn halve(even: &mut [f32], odd: &mut [f32], numbers: &[f32], depth: usize) {
    if depth == 1 {
        let count = numbers.len() / COLUMNS;
        let (even, odd, numbers) = (&mut even[..count], &mut odd[..count], &numbers[..count * COLUMNS]);
        for i in 0..count {
            even[i] = numbers[2 * i];
            odd[i] = numbers[2 * i + 1];
        }
        return;
    }
    let halves = even.chunks_exact_mut(depth).zip(odd.chunks_exact_mut(depth));
    for ((even, odd), pair) in halves.zip(numbers.chunks_exact(COLUMNS * depth)) {
        even.copy_from_slice(&pair[..depth]);
        odd.copy_from_slice(&pair[depth..]);
    }
}
