//! Sums from scratch memory to pixels.

use pulp::Simd;

use super::{
    lanes::{WIDEST, lanes, load, store},
    layout::{Layout, Place},
    winograd::{self, COLUMN_PRODUCTS, COLUMNS, PRODUCTS, ROW_PRODUCTS, ROWS},
};

impl Layout {
    /// Writes rows of pixels of one image from the sums of a channel, plus `bias`; `target` is the part of the tensor's plane.
    #[inline(always)]
    pub fn collect<S: Simd>(
        &self,
        simd: S,
        sums: &[f32],
        place: Place,
        work: &mut [f32],
        index: usize,
        (target, bias): (&mut [f32], f32),
    ) {
        let start = place.start + index * self.tiles();
        if self.kernel == 1 {
            target.iter_mut().zip(&sums[start..start + self.tiles()]).for_each(|(target, sum)| *target = sum + bias);
            return;
        }
        let (columns, tiles) = (self.tile_columns(), self.tiles());
        let stride = tiles.next_multiple_of(WIDEST) + WIDEST;
        let (combined, work) = work.split_at_mut(COLUMNS * ROW_PRODUCTS * stride);
        let (evens, odds) = combined.split_at_mut(ROW_PRODUCTS * stride);
        let (even, odd) = work.split_at_mut(tiles * ROWS + WIDEST);
        // Whatever is read and written begins before the last tile.
        assert!(start + (PRODUCTS - 1) * place.stride + tiles - 1 + lanes::<S>() <= sums.len());
        assert!(odd.len() >= even.len() && lanes::<S>() <= WIDEST);
        let mut plane = start;
        for (evens, odds) in evens.chunks_exact_mut(stride).zip(odds.chunks_exact_mut(stride)) {
            for at in (0..tiles).step_by(lanes::<S>()) {
                let mut products = [simd.splat_f32s(0.0); COLUMN_PRODUCTS];
                for (column, product) in products.iter_mut().enumerate() {
                    // SAFETY: by the assertion.
                    *product = unsafe { load::<S>(sums, plane + column * place.stride + at) };
                }
                let [left, right] = winograd::output_columns(simd, products);
                // SAFETY: a combination has room for the widest vector beyond the last tile.
                unsafe {
                    store::<S>(evens, at, left);
                    store::<S>(odds, at, right);
                }
            }
            plane += COLUMN_PRODUCTS * place.stride;
        }
        for (combined, half) in [(&*evens, &mut *even), (&*odds, &mut *odd)] {
            for tile in 0..self.tile_rows() {
                let mut next = 0;
                while next < columns {
                    // The last vector of a row ends where the row does, if it is long enough: no row is written into the next.
                    let at = next.min(columns.saturating_sub(lanes::<S>()));
                    let mut rows = [simd.splat_f32s(0.0); ROW_PRODUCTS];
                    for (row, vector) in rows.iter_mut().enumerate() {
                        // SAFETY: as above.
                        *vector = unsafe { load::<S>(combined, row * stride + tile * columns + at) };
                    }
                    let rows = winograd::output_rows(simd, rows);
                    for (row, pixels) in rows.iter().enumerate() {
                        // SAFETY: a half has room for the widest vector beyond the last row.
                        unsafe { store::<S>(half, (tile * ROWS + row) * columns + at, *pixels) };
                    }
                    next += lanes::<S>();
                }
            }
        }
        if columns * COLUMNS == self.width {
            return join(target, even, odd, bias);
        }
        let halves = even.chunks_exact(columns).zip(odd.chunks_exact(columns));
        for (target, (even, odd)) in target.chunks_exact_mut(self.width).zip(halves) {
            join(target, even, odd, bias);
            target[self.width - 1] = even[columns - 1] + bias;
        }
    }
}

/// A number of `even` and one of `odd`, again and again, plus `bias`.
#[inline(always)]
fn join(target: &mut [f32], even: &[f32], odd: &[f32], bias: f32) {
    let (pairs, _) = target.as_chunks_mut::<COLUMNS>();
    for (pair, (even, odd)) in pairs.iter_mut().zip(even.iter().zip(odd)) {
        *pair = [even + bias, odd + bias];
    }
}
