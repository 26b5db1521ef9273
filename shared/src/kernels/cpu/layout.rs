//! Where rows of pixels lie in scratch memory, so that a convolution reads and writes whole vectors.

use super::{
    Geometry,
    lanes::SLACK,
    pointwise,
    winograd::{self, PRODUCTS, ROWS},
};
use crate::Activation;

/// Rows of several images, one after the other, with a zero between them that is the right border of one row and the left
/// border of the next at once. Output position `row * stride + column` then reads at the fixed distances `0..kernel`.
///
/// For a 3x3 kernel a row stands for a tile of four rows of pixels and there are six planes of them for each channel (see
/// [`winograd`]); the kernel has then one row. For a 1x1 kernel all rows of an image are one row, and nothing is transformed.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// First image.
    pub image: usize,
    /// Images.
    pub images: usize,
    /// First row of pixels of each image.
    pub first: usize,
    /// Rows of pixels of each image.
    pub pixel_rows: usize,
    width: usize,
    kernel: usize,
}

impl Layout {
    /// Rows `first..first + pixel_rows` of images `image..image + images`.
    pub fn new(geometry: &Geometry, image: usize, images: usize, first: usize, pixel_rows: usize) -> Self {
        Self { image, images, first, pixel_rows, width: geometry.width, kernel: geometry.kernel }
    }

    /// Planes of a channel.
    pub fn products(&self) -> usize {
        if self.kernel == 1 { 1 } else { PRODUCTS }
    }

    /// Rows of each image.
    fn rows(&self) -> usize {
        if self.kernel == 1 { 1 } else { self.pixel_rows.div_ceil(ROWS) }
    }

    /// Columns of a row.
    fn columns(&self) -> usize {
        if self.kernel == 1 { self.pixel_rows * self.width } else { self.width }
    }

    fn padding(&self) -> usize {
        self.kernel / 2
    }

    fn stride(&self) -> usize {
        self.columns() + self.padding()
    }

    /// Output positions from the first to the last, the zeros between rows included.
    pub fn outputs(&self) -> usize {
        self.images * self.rows() * self.stride() - self.padding()
    }

    /// From one plane to the next: whole cache lines, with room for vectors that reach beyond the last row.
    #[inline(always)]
    pub fn plane(&self) -> usize {
        (self.images * self.rows() * self.stride() + SLACK).next_multiple_of(16)
    }

    /// From one channel to the next.
    #[inline(always)]
    pub fn channel(&self) -> usize {
        self.products() * self.plane()
    }

    /// Numbers of [`Layout::fill`]'s work space.
    pub fn work(&self) -> usize {
        (self.rows() * ROWS + 2) * self.width
    }

    /// The part of `pixels`, a plane of the tensor, that belongs to this layout.
    fn part<'a>(&self, pixels: &'a [f32]) -> &'a [f32] {
        &pixels[self.first * self.width..(self.first + self.pixel_rows) * self.width]
    }

    /// Lays out one channel of all images, through the activation. `pixels` gives an image's plane.
    #[inline(always)]
    pub fn fill<'a>(
        &self,
        target: &mut [f32],
        work: &mut [f32],
        activation: Option<Activation>,
        pixels: impl Fn(usize) -> &'a [f32],
    ) {
        self.clear_borders(target);
        for index in 0..self.images {
            let pixels = pixels(self.image + index);
            if self.kernel == 1 {
                let start = index * self.stride();
                activate(activation, &mut target[start..start + self.columns()], self.part(pixels));
                continue;
            }
            let work = &mut work[..self.work()];
            self.activate_rows(work, activation, pixels);
            for tile in 0..self.rows() {
                let row = |r: usize| &work[(tile * ROWS + r) * self.width..][..self.width];
                let rows = [row(0), row(1), row(2), row(3), row(4), row(5)];
                winograd::input(rows, self.rows_of(target, index * self.rows() + tile, self.padding()));
            }
        }
    }

    /// The rows of pixels with those above and below, through the activation; zeros where the image ends.
    #[inline(always)]
    fn activate_rows(&self, work: &mut [f32], activation: Option<Activation>, pixels: &[f32]) {
        let width = self.width;
        // The work space begins with the row above the first.
        let begin = self.first.saturating_sub(1) * width;
        let skipped = if self.first == 0 { width } else { 0 };
        let length = (work.len() - skipped).min(pixels.len() - begin);
        work[..skipped].fill(0.0);
        activate(activation, &mut work[skipped..skipped + length], &pixels[begin..begin + length]);
        work[skipped + length..].fill(0.0);
    }

    /// Lays out one channel of the gradient at the output, as the adjoint of [`Layout::collect`] does.
    #[inline(always)]
    pub fn fill_gradient<'a>(&self, target: &mut [f32], work: &mut [f32], pixels: impl Fn(usize) -> &'a [f32]) {
        self.clear_borders(target);
        for index in 0..self.images {
            let pixels = self.part(pixels(self.image + index));
            if self.kernel == 1 {
                let start = index * self.stride();
                target[start..start + self.columns()].copy_from_slice(pixels);
                continue;
            }
            // A last tile of fewer than four rows is filled up with zeros.
            let work = &mut work[..self.rows() * ROWS * self.width];
            work[..pixels.len()].copy_from_slice(pixels);
            work[pixels.len()..].fill(0.0);
            for tile in 0..self.rows() {
                let row = |r: usize| &work[(tile * ROWS + r) * self.width..][..self.width];
                let rows = [row(0), row(1), row(2), row(3)];
                winograd::output_adjoint(rows, self.rows_of(target, index * self.rows() + tile, 0));
            }
        }
    }

    /// Writes rows of pixels of one image from a channel of sums; `target` is the part of the tensor's plane.
    #[inline(always)]
    pub fn collect(&self, sums: &[f32], index: usize, target: &mut [f32], work: &mut [f32]) {
        if self.kernel == 1 {
            target.copy_from_slice(&sums[index * self.stride()..][..self.columns()]);
            return;
        }
        let plane = self.plane();
        for (tile, target) in target.chunks_mut(ROWS * self.width).enumerate() {
            let start = (index * self.rows() + tile) * self.stride();
            let product = |p: usize| &sums[p * plane + start..][..self.width];
            let products = [product(0), product(1), product(2), product(3), product(4), product(5)];
            let whole = target.len() == ROWS * self.width;
            let rows = if whole { &mut *target } else { &mut work[..ROWS * self.width] };
            let (y0, rows) = rows.split_at_mut(self.width);
            let (y1, rows) = rows.split_at_mut(self.width);
            let (y2, y3) = rows.split_at_mut(self.width);
            winograd::output(products, [y0, y1, y2, y3]);
            if !whole {
                target.copy_from_slice(&work[..target.len()]);
            }
        }
    }

    /// The same row of all planes of a channel, from `shift` on.
    #[inline(always)]
    fn rows_of<'a>(&self, target: &'a mut [f32], row: usize, shift: usize) -> [&'a mut [f32]; PRODUCTS] {
        let (plane, start) = (self.plane(), row * self.stride() + shift);
        let mut planes = target.chunks_exact_mut(plane);
        core::array::from_fn(|_| planes.next().map_or(&mut [][..], |plane| &mut plane[start..start + self.width]))
    }

    /// Zeros between the rows and beyond the last.
    #[inline(always)]
    fn clear_borders(&self, target: &mut [f32]) {
        let (rows, stride, padding) = (self.images * self.rows(), self.stride(), self.padding());
        for plane in target.chunks_exact_mut(self.plane()) {
            if padding == 1 {
                // Pixels begin after the first zero, gradients before it: both have one at the end of the row.
                plane[..rows * stride].iter_mut().step_by(stride).for_each(|border| *border = 0.0);
                plane[..rows * stride].iter_mut().skip(stride - 1).step_by(stride).for_each(|border| *border = 0.0);
            }
            plane[rows * stride..].fill(0.0);
        }
    }
}

#[inline(always)]
fn activate(activation: Option<Activation>, target: &mut [f32], pixels: &[f32]) {
    match activation {
        None => target.copy_from_slice(pixels),
        Some(activation) => pointwise::activate(activation, target, pixels),
    }
}
