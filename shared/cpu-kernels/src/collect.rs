//! Sums from scratch memory to pixels.

use std::{mem::MaybeUninit, ops::Range};

use pulp::Simd;

use crate::{
    lanes::{WIDEST, lanes, load, store},
    layout::{Layout, Place},
    winograd::{self, COLUMN_PRODUCTS, COLUMNS, PRODUCTS, ROW_PRODUCTS, ROWS},
    work::Work,
};

impl Layout {
    /// Writes rows of pixels of all images from the sums of a channel, plus `bias`; `target` gives an image's part of
    /// the tensor's plane, which is then written completely.
    #[inline(always)]
    pub(crate) fn collect<'a, S: Simd>(
        &self,
        simd: S,
        sums: &[f32],
        place: Place,
        work: &mut [f32],
        bias: f32,
        target: impl Fn(usize) -> &'a mut [MaybeUninit<f32>],
    ) {
        if self.kernel == 1 {
            for (index, sums) in sums[place.start..].chunks_exact(self.tiles()).enumerate().take(self.images) {
                for (target, sum) in target(index).iter_mut().zip(sums) {
                    target.write(sum + bias);
                }
            }
            return;
        }
        let Work { rows, halves: [even, odd], .. } = self.cut(work);
        let (evens, odds) = rows.split_at_mut(rows.len() / COLUMNS);
        let tile_rows = self.images * self.tile_rows();
        for first in (0..tile_rows).step_by(self.block()) {
            let block = first..tile_rows.min(first + self.block());
            let start = place.start + first * self.run();
            self.separate_columns(simd, sums, Place { start, ..place }, block.len(), [&mut *even, &mut *odd]);
            self.separate_rows(simd, even, block.clone(), evens);
            self.separate_rows(simd, odd, block, odds);
        }
        let columns = self.tile_columns();
        let image = self.tile_rows() * ROWS * columns;
        for (index, (evens, odds)) in
            evens.chunks_exact(image).zip(odds.chunks_exact(image)).enumerate().take(self.images)
        {
            let target = target(index);
            if columns * COLUMNS == self.width {
                join(target, evens, odds, bias);
                continue;
            }
            let halves = evens.chunks_exact(columns).zip(odds.chunks_exact(columns));
            for (target, (evens, odds)) in target.chunks_exact_mut(self.width).zip(halves) {
                join(target, evens, odds, bias);
                target[self.width - 1].write(evens[columns - 1] + bias);
            }
        }
    }

    /// Products of so many rows of tiles to even and odd columns of combined rows.
    #[inline(always)]
    fn separate_columns<S: Simd>(
        &self,
        simd: S,
        sums: &[f32],
        place: Place,
        tile_rows: usize,
        [even, odd]: [&mut [f32]; COLUMNS],
    ) {
        let tiles = tile_rows * self.run();
        let vectors = tiles.next_multiple_of(lanes::<S>());
        assert!(place.start + (PRODUCTS - 1) * place.stride + vectors <= sums.len() && self.half() >= vectors);
        let mut plane = place.start;
        for (even, odd) in even.chunks_exact_mut(self.half()).zip(odd.chunks_exact_mut(self.half())) {
            for at in (0..tiles).step_by(lanes::<S>()) {
                let mut products = [simd.splat_f32s(0.0); COLUMN_PRODUCTS];
                for (column, product) in products.iter_mut().enumerate() {
                    // SAFETY: by the assertions.
                    *product = unsafe { load::<S>(sums, plane + column * place.stride + at) };
                }
                let [left, right] = winograd::output_columns(simd, products);
                // SAFETY: by the assertions.
                unsafe {
                    store::<S>(even, at, left);
                    store::<S>(odd, at, right);
                }
            }
            plane += COLUMN_PRODUCTS * place.stride;
        }
    }

    /// Even, or odd, columns of the combined rows of a block to those of rows of pixels.
    #[inline(always)]
    fn separate_rows<S: Simd>(&self, simd: S, half: &[f32], block: Range<usize>, rows: &mut [f32]) {
        let (run, stride) = (self.run(), self.half());
        assert!(half.len() >= ROW_PRODUCTS * stride && stride >= block.len() * run + WIDEST);
        assert!(rows.len() >= block.end * ROWS * run + WIDEST && lanes::<S>() <= WIDEST);
        for (index, tile_row) in block.enumerate() {
            let mut next = 0;
            while next < run {
                // The last vector of a row ends where the row does, if it is long enough: no row is written into the
                // next.
                let at = next.min(run.saturating_sub(lanes::<S>()));
                let mut products = [simd.splat_f32s(0.0); ROW_PRODUCTS];
                for (product, vector) in products.iter_mut().enumerate() {
                    // SAFETY: a row of the block, with room for a vector after the last.
                    *vector = unsafe { load::<S>(half, product * stride + index * run + at) };
                }
                let pixels = winograd::output_rows(simd, products);
                for (r, pixels) in pixels.iter().enumerate() {
                    // SAFETY: a row of the images, with room for a vector after the last.
                    unsafe { store::<S>(rows, (tile_row * ROWS + r) * run + at, *pixels) };
                }
                next += lanes::<S>();
            }
        }
    }
}

/// A number of `even` and one of `odd`, again and again, plus `bias`.
#[inline(always)]
fn join(target: &mut [MaybeUninit<f32>], even: &[f32], odd: &[f32], bias: f32) {
    let (pairs, _) = target.as_chunks_mut::<COLUMNS>();
    for (pair, (even, odd)) in pairs.iter_mut().zip(even.iter().zip(odd)) {
        *pair = [MaybeUninit::new(even + bias), MaybeUninit::new(odd + bias)];
    }
}
