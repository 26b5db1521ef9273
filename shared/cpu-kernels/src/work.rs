//! The work space of a thread: pixels on their way into scratch memory and out of it.

use crate::{
    lanes::WIDEST,
    layout::Layout,
    winograd::{COLUMNS, ROW_PRODUCTS, ROWS},
};

/// Numbers of combined rows that are made before they are read: few enough for the first-level cache.
const BLOCK: usize = 2048;

/// The work space, cut up.
pub(crate) struct Work<'a> {
    /// Rows of pixels of all images, with those above and below; or their even columns and then their odd ones.
    pub rows: &'a mut [f32],
    /// For panels, the rows of one image, channels one after the other.
    pub apart: &'a mut [f32],
    /// Combinations of rows of pixels of a block.
    pub combined: &'a mut [f32],
    /// Their even columns, and their odd ones.
    pub halves: [&'a mut [f32]; COLUMNS],
    /// For each tile of a block, all bits, or none where it is the first of its row; and the last.
    pub inner: [&'a mut [f32]; 2],
}

impl Layout {
    /// Numbers of a thread's work space.
    pub(crate) fn work(&self) -> usize {
        let [rows, apart, combined, half, inner] = self.parts();
        rows + apart + combined + COLUMNS * half + 2 * inner
    }

    /// Writes what stays the same in a work space. Everything else there is for the moment.
    pub(crate) fn prepare(&self, work: &mut [f32]) {
        if self.kernel == 1 {
            return;
        }
        let Work { inner: [left, right], .. } = self.cut(work);
        left.fill(f32::from_bits(u32::MAX));
        right.fill(f32::from_bits(u32::MAX));
        let rows = left.chunks_exact_mut(self.run()).zip(right.chunks_exact_mut(self.run()));
        for (left, right) in rows {
            left[..self.depth].fill(0.0);
            right[self.run() - self.depth..].fill(0.0);
        }
    }

    /// Cuts a work space up.
    #[inline(always)]
    pub(crate) fn cut<'a>(&self, work: &'a mut [f32]) -> Work<'a> {
        let [rows, apart, combined, half, inner] = self.parts();
        let (rows, work) = work.split_at_mut(rows);
        let (apart, work) = work.split_at_mut(apart);
        let (combined, work) = work.split_at_mut(combined);
        let (even, work) = work.split_at_mut(half);
        let (odd, work) = work.split_at_mut(half);
        let (left, work) = work.split_at_mut(inner);
        Work { rows, apart, combined, halves: [even, odd], inner: [left, &mut work[..inner]] }
    }

    #[inline(always)]
    fn parts(&self) -> [usize; 5] {
        if self.kernel == 1 {
            // Nothing is transformed; panels are put together.
            return [0, if self.depth > 1 { self.tiles() * self.depth } else { 0 }, 0, 0, 0];
        }
        let image = self.rows() * self.row();
        let apart = if self.depth > 1 { image } else { 0 };
        let (combined, half) = (ROW_PRODUCTS * self.combination(), ROW_PRODUCTS * self.half());
        [self.images * image + COLUMNS * WIDEST, apart, combined, half, self.block() * self.run() + WIDEST]
    }

    /// Rows of pixels of an image, with those above and below.
    #[inline(always)]
    pub(crate) fn rows(&self) -> usize {
        self.tile_rows() * ROWS + ROW_PRODUCTS - ROWS
    }

    /// Numbers of a row of pixels, whose columns are even in number.
    #[inline(always)]
    pub(crate) fn row(&self) -> usize {
        COLUMNS * self.run()
    }

    /// Numbers of a row of tiles.
    #[inline(always)]
    pub(crate) fn run(&self) -> usize {
        self.tile_columns() * self.depth
    }

    /// Rows of tiles that are transformed at a time, of one image or of several.
    #[inline(always)]
    pub(crate) fn block(&self) -> usize {
        (BLOCK / (ROW_PRODUCTS * self.row())).clamp(1, self.images * self.tile_rows())
    }

    /// From one combination of rows of pixels to the next: with room for a vector beyond the last.
    #[inline(always)]
    pub(crate) fn combination(&self) -> usize {
        (self.block() * self.row()).next_multiple_of(WIDEST) + WIDEST
    }

    /// From one combination of even, or of odd, columns to the next: with room for a panel or a vector before and
    /// after.
    #[inline(always)]
    pub(crate) fn half(&self) -> usize {
        WIDEST + (self.block() * self.run()).next_multiple_of(WIDEST) + WIDEST
    }
}
