//! Pixels into scratch memory, through the activation and the transform of tiles.

use pulp::Simd;

use super::{
    lanes::{WIDEST, lanes, load, store},
    layout::{Layout, Place},
    pointwise,
    winograd::{self, COLUMN_PRODUCTS, COLUMNS, PRODUCTS, ROW_PRODUCTS, ROWS},
};
use crate::Activation;

/// Numbers of combined rows that are made before they are read: enough that what is written has arrived, few enough for the
/// first-level cache.
const COMBINED: usize = 4096;

/// The work space, cut up.
struct Work<'a> {
    /// The even columns of the rows of pixels, those above and below among them, and the odd ones: channels one after the other.
    apart: [&'a mut [f32]; COLUMNS],
    /// The same, a number of each channel for each column. Empty without panels.
    together: [&'a mut [f32]; COLUMNS],
    /// Combinations of rows.
    combined: &'a mut [f32],
}

impl Layout {
    /// Numbers of the work space that filling and collecting take.
    #[inline(always)]
    pub fn work(&self) -> usize {
        let panels = if self.depth > 1 { 2 } else { 1 };
        COLUMNS * panels * self.half() + self.combined()
    }

    /// Numbers of the even or the odd columns, of each channel.
    #[inline(always)]
    fn columns(&self) -> usize {
        if self.kernel == 1 {
            self.tiles()
        } else {
            (self.tile_rows() * ROWS + ROW_PRODUCTS - ROWS) * self.tile_columns()
        }
    }

    /// The same of all channels, with room for a vector that reaches beyond the last.
    #[inline(always)]
    fn half(&self) -> usize {
        self.columns() * self.depth + WIDEST
    }

    /// Numbers of a row of tiles.
    #[inline(always)]
    fn run(&self) -> usize {
        self.tile_columns() * self.depth
    }

    /// From one combination of rows to the next: with the zeros left or right of the image, and room for a vector beyond.
    #[inline(always)]
    fn combination(&self) -> usize {
        WIDEST + self.run().next_multiple_of(WIDEST) + WIDEST
    }

    /// Rows of tiles that are combined before they are read.
    #[inline(always)]
    fn combined_rows(&self) -> usize {
        (COMBINED / (COLUMNS * ROW_PRODUCTS * self.combination())).clamp(1, self.tile_rows())
    }

    /// Of the input's combinations, or those of all tiles of an image at the output.
    #[inline(always)]
    fn combined(&self) -> usize {
        let output = self.tiles().next_multiple_of(WIDEST) + WIDEST;
        COLUMNS * ROW_PRODUCTS * output.max(self.combined_rows() * self.combination())
    }

    #[inline(always)]
    fn cut<'a>(&self, work: &'a mut [f32]) -> Work<'a> {
        let (even, work) = work.split_at_mut(self.half());
        let (odd, work) = work.split_at_mut(self.half());
        let together = if self.depth > 1 { self.half() } else { 0 };
        let (even_together, work) = work.split_at_mut(together);
        let (odd_together, work) = work.split_at_mut(together);
        Work { apart: [even, odd], together: [even_together, odd_together], combined: &mut work[..self.combined()] }
    }

    /// Lays out one channel of all images, through the activation. `pixels` gives an image's plane.
    #[inline(always)]
    pub fn fill<'a, S: Simd>(
        &self,
        simd: S,
        target: &mut [f32],
        place: Place,
        work: &mut [f32],
        activation: Option<Activation>,
        pixels: impl Fn(usize) -> &'a [f32],
    ) {
        for index in 0..self.images {
            let pixels = pixels(self.image + index);
            if self.kernel == 1 {
                let target = &mut target[place.start + index * self.tiles()..][..self.tiles()];
                activate::<S>(activation, target, &pixels[self.part()]);
                continue;
            }
            let Work { apart: [even, odd], combined, .. } = self.cut(work);
            self.halve_input::<S>([&mut *even, &mut *odd], activation, pixels);
            self.transform(simd, target, place, [even, odd], combined, index);
        }
    }

    /// Lays out a panel of channels, of which there may be fewer than a tile holds. `pixels` gives a channel's plane of an image.
    #[inline(always)]
    #[allow(clippy::too_many_arguments, reason = "`fill`, with a number of channels")]
    pub fn fill_panel<'a, S: Simd>(
        &self,
        simd: S,
        target: &mut [f32],
        place: Place,
        work: &mut [f32],
        activation: Option<Activation>,
        channels: usize,
        pixels: impl Fn(usize, usize) -> &'a [f32],
    ) {
        let (depth, columns) = (self.depth, self.columns());
        let length = columns * depth;
        for index in 0..self.images {
            let Work { apart: [even, odd], together, combined } = self.cut(work);
            even[channels * columns..length].fill(0.0);
            odd[channels * columns..length].fill(0.0);
            for channel in 0..channels {
                let (pixels, part) = (pixels(self.image + index, channel), channel * columns..(channel + 1) * columns);
                if self.kernel == 1 {
                    activate::<S>(activation, &mut even[part], &pixels[self.part()]);
                } else {
                    self.halve_input::<S>([&mut even[part.clone()], &mut odd[part]], activation, pixels);
                }
            }
            if self.kernel == 1 {
                interleave(&mut target[place.start + index * length..][..length], &even[..length], depth);
                continue;
            }
            let [even_together, odd_together] = together;
            interleave(&mut even_together[..length], &even[..length], depth);
            interleave(&mut odd_together[..length], &odd[..length], depth);
            self.transform(simd, target, place, [even_together, odd_together], combined, index);
        }
    }

    /// Lays out one channel of the gradient at the output, as the adjoint of [`Layout::collect`] does.
    #[inline(always)]
    pub fn fill_gradient<'a, S: Simd>(
        &self,
        simd: S,
        target: &mut [f32],
        place: Place,
        work: &mut [f32],
        pixels: impl Fn(usize) -> &'a [f32],
    ) {
        for index in 0..self.images {
            let pixels = &pixels(self.image + index)[self.part()];
            if self.kernel == 1 {
                target[place.start + index * self.tiles()..][..self.tiles()].copy_from_slice(pixels);
                continue;
            }
            let Work { apart: [even, odd], combined, .. } = self.cut(work);
            // A last row of tiles of fewer than four rows of pixels is filled up with zeros.
            let columns = self.tile_rows() * ROWS * self.tile_columns();
            self.halve::<S>([&mut even[..columns], &mut odd[..columns]], None, pixels);
            let (run, tiles) = (self.run(), self.tile_rows() * self.run());
            let first = place.start + index * tiles;
            self.check::<S>(target, place, first, even);
            let stride = tiles.next_multiple_of(WIDEST) + WIDEST;
            let (evens, odds) = combined.split_at_mut(ROW_PRODUCTS * stride);
            assert!(odds.len() >= ROW_PRODUCTS * stride);
            for (half, combined) in [(&*even, &mut *evens), (&*odd, &mut *odds)] {
                for tile in 0..self.tile_rows() {
                    for at in (0..run).step_by(lanes::<S>()) {
                        let mut rows = [simd.splat_f32s(0.0); ROWS];
                        for (row, vector) in rows.iter_mut().enumerate() {
                            // SAFETY: by the check.
                            *vector = unsafe { load::<S>(half, (tile * ROWS + row) * run + at) };
                        }
                        let products = winograd::gradient_rows(simd, rows);
                        for (row, product) in products.iter().enumerate() {
                            // SAFETY: a combination has room for the widest vector beyond the last tile.
                            unsafe { store::<S>(combined, row * stride + tile * run + at, *product) };
                        }
                    }
                }
            }
            let mut plane = first;
            for (evens, odds) in evens.chunks_exact(stride).zip(odds.chunks_exact(stride)).take(ROW_PRODUCTS) {
                for at in (0..tiles).step_by(lanes::<S>()) {
                    // SAFETY: as above.
                    let columns = unsafe { [load::<S>(evens, at), load::<S>(odds, at)] };
                    let products = winograd::gradient_columns(simd, columns);
                    for (column, product) in products.iter().enumerate() {
                        // SAFETY: by the check.
                        unsafe { store::<S>(target, plane + column * place.stride + at, *product) };
                    }
                }
                plane += COLUMN_PRODUCTS * place.stride;
            }
        }
    }

    /// That the tiles of an image, of which the first is at `first`, and its halves may be read and written by whole vectors, which
    /// begin before the last of them.
    #[inline(always)]
    fn check<S: Simd>(&self, target: &[f32], place: Place, first: usize, half: &[f32]) {
        let (count, lanes) = (self.tile_rows() * self.run(), lanes::<S>());
        assert!((PRODUCTS - 1) * place.stride + first + count - 1 + lanes <= target.len());
        assert!(count * ROWS - 1 + lanes <= half.len() && lanes <= WIDEST);
    }

    /// Rows of pixels of one image, in halves, to its tiles in every product.
    #[inline(always)]
    fn transform<S: Simd>(
        &self,
        simd: S,
        target: &mut [f32],
        place: Place,
        halves: [&[f32]; COLUMNS],
        combined: &mut [f32],
        index: usize,
    ) {
        let (run, stride) = (self.run(), self.combination());
        let start = place.start + index * self.tile_rows() * run;
        self.check::<S>(target, place, start, halves[0]);
        let [even, odd] = halves;
        let needed = (self.tile_rows() * ROWS + ROW_PRODUCTS - ROWS) * run - 1 + lanes::<S>();
        assert!(even.len() >= needed && odd.len() >= needed);
        for first in (0..self.tile_rows()).step_by(self.combined_rows()) {
            let tiles = first..self.tile_rows().min(first + self.combined_rows());
            let length = tiles.len() * stride;
            let (evens, odds) = combined.split_at_mut(ROW_PRODUCTS * length);
            assert!(odds.len() >= ROW_PRODUCTS * length);
            for (half, combined) in [(even, &mut *evens), (odd, &mut *odds)] {
                for (index, tile) in tiles.clone().enumerate() {
                    for at in (0..run).step_by(lanes::<S>()) {
                        let mut rows = [simd.splat_f32s(0.0); ROW_PRODUCTS];
                        for (row, vector) in rows.iter_mut().enumerate() {
                            // SAFETY: by the assertions.
                            *vector = unsafe { load::<S>(half, (tile * ROWS + row) * run + at) };
                        }
                        let sums = winograd::input_rows(simd, rows);
                        for (row, sum) in sums.iter().enumerate() {
                            // SAFETY: a combination has room for the widest vector beyond the row.
                            unsafe { store::<S>(combined, row * length + index * stride + WIDEST + at, *sum) };
                        }
                    }
                }
            }
            // Left of the image lies an odd column, right of it an even one.
            for (evens, odds) in evens.chunks_exact_mut(stride).zip(odds.chunks_exact_mut(stride)) {
                evens[WIDEST + run..][..WIDEST].fill(0.0);
                odds[..WIDEST].fill(0.0);
            }
            let mut plane = start + first * run;
            for (evens, odds) in evens.chunks_exact(length).zip(odds.chunks_exact(length)).take(ROW_PRODUCTS) {
                let mut to = plane;
                for (evens, odds) in evens.chunks_exact(stride).zip(odds.chunks_exact(stride)) {
                    for at in (0..run).step_by(lanes::<S>()) {
                        let from = WIDEST + at;
                        // Columns 2t - 1 to 2t + 2 of tile t.
                        // SAFETY: as above, with zeros of a panel's depth on each side.
                        let columns = unsafe {
                            [
                                load::<S>(odds, from - self.depth),
                                load::<S>(evens, from),
                                load::<S>(odds, from),
                                load::<S>(evens, from + self.depth),
                            ]
                        };
                        let products = winograd::input_columns(simd, columns);
                        for (column, product) in products.iter().enumerate() {
                            // SAFETY: by the check.
                            unsafe { store::<S>(target, to + column * place.stride + at, *product) };
                        }
                    }
                    to += run;
                }
                plane += COLUMN_PRODUCTS * place.stride;
            }
        }
    }

    /// One channel's rows of pixels with those above and below, through the activation; zeros where the image ends.
    #[inline(always)]
    fn halve_input<S: Simd>(&self, [even, odd]: [&mut [f32]; COLUMNS], activation: Option<Activation>, pixels: &[f32]) {
        let (columns, skipped) = (self.columns(), if self.first == 0 { self.tile_columns() } else { 0 });
        even[..skipped].fill(0.0);
        odd[..skipped].fill(0.0);
        let begin = self.first.saturating_sub(1) * self.width;
        self.halve::<S>([&mut even[skipped..columns], &mut odd[skipped..columns]], activation, &pixels[begin..]);
    }

    /// Rows of pixels, through the activation, as even and odd columns; zeros where there are no more.
    #[inline(always)]
    fn halve<S: Simd>(&self, [even, odd]: [&mut [f32]; COLUMNS], activation: Option<Activation>, pixels: &[f32]) {
        let (width, columns) = (self.width, self.tile_columns());
        let rows = (even.len() / columns).min(pixels.len() / width);
        let (even, rest) = even.split_at_mut(rows * columns);
        rest.fill(0.0);
        let (odd, rest) = odd.split_at_mut(rows * columns);
        rest.fill(0.0);
        let pixels = &pixels[..rows * width];
        if width.is_multiple_of(COLUMNS) {
            return pointwise::activate_halves::<S>(activation, [even, odd], pixels);
        }
        let halves = even.chunks_exact_mut(columns).zip(odd.chunks_exact_mut(columns));
        for ((even, odd), pixels) in halves.zip(pixels.chunks_exact(width)) {
            pointwise::activate_halves::<S>(activation, [&mut *even, &mut *odd], pixels);
            activate::<S>(activation, &mut even[columns - 1..], &pixels[width - 1..]);
            odd[columns - 1] = 0.0;
        }
    }
}

#[inline(always)]
fn activate<S: Simd>(activation: Option<Activation>, target: &mut [f32], pixels: &[f32]) {
    match activation {
        None => target.copy_from_slice(pixels),
        Some(activation) => pointwise::activate::<S>(activation, target, pixels),
    }
}

/// From `depth` channels one after the other to a number of each, again and again. Four by four, which compilers know how to
/// shuffle in registers.
#[inline(always)]
fn interleave(target: &mut [f32], source: &[f32], depth: usize) {
    let length = source.len() / depth;
    let blocks = length - length % 4;
    assert!(depth.is_multiple_of(4) && source.len() == length * depth && target.len() == source.len());
    for at in (0..blocks).step_by(4) {
        for channel in (0..depth).step_by(4) {
            // SAFETY: four numbers of a channel, which ends at `length`.
            let row = |c: usize| unsafe {
                source.as_ptr().add((channel + c) * length + at).cast::<[f32; 4]>().read_unaligned()
            };
            let rows: [[f32; 4]; 4] = core::array::from_fn(row);
            for i in 0..4 {
                let column = rows.map(|row| row[i]);
                // SAFETY: four channels of a position before `length`.
                unsafe {
                    target.as_mut_ptr().add((at + i) * depth + channel).cast::<[f32; 4]>().write_unaligned(column);
                }
            }
        }
    }
    for at in blocks..length {
        for channel in 0..depth {
            target[at * depth + channel] = source[channel * length + at];
        }
    }
}
