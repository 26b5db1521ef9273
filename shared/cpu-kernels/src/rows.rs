//! Rows of pixels in the work space.

use pulp::Simd;

use crate::{Activation, layout::Layout, pointwise, winograd::COLUMNS};

impl Layout {
    /// One channel's rows of pixels with those above and below, through the activation; zeros where the image ends.
    #[inline(always)]
    pub(crate) fn activate_rows<S: Simd>(&self, rows: &mut [f32], activation: Option<Activation>, pixels: &[f32]) {
        // The rows begin with the one above the first.
        let begin = self.first.saturating_sub(1) * self.width;
        let skipped = if self.first == 0 { self.tile_columns() * COLUMNS } else { 0 };
        rows[..skipped].fill(0.0);
        self.copy_rows::<S>(&mut rows[skipped..], activation, &pixels[begin..]);
    }

    /// Rows of pixels, through the activation, to rows of an even number of columns; zeros where there are no more.
    #[inline(always)]
    pub(crate) fn copy_rows<S: Simd>(&self, rows: &mut [f32], activation: Option<Activation>, pixels: &[f32]) {
        let columns = self.tile_columns() * COLUMNS;
        let count = (rows.len() / columns).min(pixels.len() / self.width);
        let (rows, rest) = rows.split_at_mut(count * columns);
        let pixels = &pixels[..count * self.width];
        rest.fill(0.0);
        if columns == self.width {
            return activate::<S>(activation, rows, pixels);
        }
        for (row, pixels) in rows.chunks_exact_mut(columns).zip(pixels.chunks_exact(self.width)) {
            activate::<S>(activation, &mut row[..self.width], pixels);
            row[self.width..].fill(0.0);
        }
    }
}

/// Pixels, through the activation.
#[inline(always)]
pub(crate) fn activate<S: Simd>(activation: Option<Activation>, target: &mut [f32], pixels: &[f32]) {
    match activation {
        None => target.copy_from_slice(pixels),
        Some(activation) => pointwise::activate::<S>(activation, target, pixels),
    }
}

/// From `depth` channels one after the other to a number of each, again and again. Four by four, which compilers know
/// how to shuffle in registers.
#[inline(always)]
pub(crate) fn interleave(target: &mut [f32], source: &[f32], depth: usize) {
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
