//! Zero-padded planes in scratch memory.

use super::lanes::SLACK;

/// The layout of padded planes: row after row with `padding` zeros between them, which are the right border of one row and the
/// left border of the next at once, and rows of zeros above and below. The pixels around an output pixel at `row * stride +
/// column` are then at fixed distances: tap `(ky, kx)` at `(row + ky) * stride + column + kx`.
#[derive(Clone, Copy, Debug)]
pub struct Padded {
    /// Rows of pixels, without the padding.
    pub rows: usize,
    /// Columns of pixels, without the padding.
    pub columns: usize,
    /// Half of the kernel: 0 or 1.
    pub padding: usize,
}

impl Padded {
    /// From one row to the next.
    pub fn stride(&self) -> usize {
        self.columns + self.padding
    }

    /// From one plane to the next: whole cache lines, with room for vectors that reach beyond the last row.
    pub fn plane(&self) -> usize {
        ((self.rows + 2 * self.padding) * self.stride() + SLACK).next_multiple_of(16)
    }

    /// Output positions from the first pixel to the last, the padding between rows included.
    pub fn outputs(&self) -> usize {
        self.rows * self.stride() - self.padding
    }

    /// Copies rows `first..first + rows` of a plane of pixels, and their neighbours above and below, through `map`.
    #[inline(always)]
    pub fn fill(&self, target: &mut [f32], pixels: &[f32], first: usize, map: impl Fn(&mut [f32], &[f32])) {
        let Self { rows, columns, padding, .. } = *self;
        let stride = self.stride();
        for row in 0..rows + 2 * padding {
            let target = &mut target[row * stride..];
            target[..padding].fill(0.0);
            let target = &mut target[padding..padding + columns];
            match (first + row).checked_sub(padding).and_then(|row| pixels.get(row * columns..(row + 1) * columns)) {
                Some(pixels) => map(target, pixels),
                None => target.fill(0.0),
            }
        }
        // Read, in the end, only beside pixels that do not count; but NaN left by others would spread in a sum over pixels.
        target[(rows + 2 * padding) * stride..self.plane()].fill(0.0);
    }

    /// Copies a plane of pixels to where the outputs are, with zeros between the rows and beyond the end.
    #[inline(always)]
    pub fn fill_outputs(&self, target: &mut [f32], pixels: &[f32]) {
        let stride = self.stride();
        for (row, pixels) in pixels.chunks_exact(self.columns).enumerate() {
            let target = &mut target[row * stride..(row + 1) * stride];
            target[..self.columns].copy_from_slice(pixels);
            target[self.columns..].fill(0.0);
        }
        target[self.rows * stride..self.plane()].fill(0.0);
    }
}
