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
///
/// A plane is of one channel, or of a panel of several: then a position holds a number of each.
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
    /// Channels of a plane.
    depth: usize,
}

impl Layout {
    /// Rows `first..first + pixel_rows` of images `image..image + images`.
    pub fn new(geometry: &Geometry, image: usize, images: usize, first: usize, pixel_rows: usize) -> Self {
        Self { image, images, first, pixel_rows, width: geometry.width, kernel: geometry.kernel, depth: 1 }
    }

    /// The same with panels of so many channels in place of channels.
    #[inline(always)]
    pub fn of_panels(self, depth: usize) -> Self {
        Self { depth, ..self }
    }

    /// Planes of a channel.
    pub fn products(&self) -> usize {
        if self.kernel == 1 { 1 } else { PRODUCTS }
    }

    /// Rows of each image.
    fn rows(&self) -> usize {
        if self.kernel == 1 { 1 } else { self.pixel_rows.div_ceil(ROWS) }
    }

    /// Numbers of a row of pixels.
    fn pixels(&self) -> usize {
        self.width * self.depth
    }

    /// Numbers of a row.
    fn columns(&self) -> usize {
        if self.kernel == 1 { self.pixel_rows * self.pixels() } else { self.pixels() }
    }

    fn padding(&self) -> usize {
        self.kernel / 2 * self.depth
    }

    fn stride(&self) -> usize {
        self.columns() + self.padding()
    }

    /// Output positions from the first to the last, the zeros between rows included.
    pub fn outputs(&self) -> usize {
        (self.images * self.rows() * self.stride() - self.padding()) / self.depth
    }

    /// From one plane to the next: whole cache lines, with room for vectors that reach beyond the last row.
    #[inline(always)]
    pub fn plane(&self) -> usize {
        (self.images * self.rows() * self.stride() + SLACK).next_multiple_of(16)
    }

    /// From one channel, or panel, to the next.
    #[inline(always)]
    pub fn channel(&self) -> usize {
        self.products() * self.plane()
    }

    /// Numbers of the work space that filling takes.
    pub fn work(&self) -> usize {
        // A panel's channels one after the other, and then together.
        let copies = if self.depth == 1 { 1 } else { 2 };
        copies * self.image_work()
    }

    /// The rows of pixels of one image, for a 3x3 kernel with those above and below.
    fn image_work(&self) -> usize {
        if self.kernel == 1 { self.columns() } else { (self.rows() * ROWS + 2) * self.pixels() }
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
                activate(activation, self.whole_row(target, index), self.part(pixels));
                continue;
            }
            let work = &mut work[..self.image_work()];
            self.activate_rows(work, activation, pixels);
            self.transform(target, work, index);
        }
    }

    /// Lays out a panel of channels, of which there may be fewer than a position holds. `pixels` gives a channel's plane of an
    /// image.
    #[inline(always)]
    pub fn fill_panel<'a>(
        &self,
        target: &mut [f32],
        work: &mut [f32],
        activation: Option<Activation>,
        channels: usize,
        pixels: impl Fn(usize, usize) -> &'a [f32],
    ) {
        self.clear_borders(target);
        let length = self.image_work() / self.depth;
        let (apart, together) = work.split_at_mut(length * self.depth);
        apart[channels * length..].fill(0.0);
        for index in 0..self.images {
            for (channel, apart) in apart.chunks_exact_mut(length).take(channels).enumerate() {
                let pixels = pixels(self.image + index, channel);
                if self.kernel == 1 {
                    activate(activation, apart, self.part(pixels));
                } else {
                    self.activate_rows(apart, activation, pixels);
                }
            }
            if self.kernel == 1 {
                interleave(self.whole_row(target, index), apart, self.depth);
            } else {
                let together = &mut together[..self.image_work()];
                interleave(together, apart, self.depth);
                self.transform(target, together, index);
            }
        }
    }

    /// The row of an image for a 1x1 kernel.
    #[inline(always)]
    fn whole_row<'a>(&self, target: &'a mut [f32], index: usize) -> &'a mut [f32] {
        &mut target[index * self.stride()..][..self.columns()]
    }

    /// Rows of pixels of one image to its rows in every plane.
    #[inline(always)]
    fn transform(&self, target: &mut [f32], work: &[f32], index: usize) {
        for tile in 0..self.rows() {
            let row = |r: usize| &work[(tile * ROWS + r) * self.pixels()..][..self.pixels()];
            let rows = [row(0), row(1), row(2), row(3), row(4), row(5)];
            winograd::input(rows, self.rows_of(target, index * self.rows() + tile, self.padding()));
        }
    }

    /// One channel's rows of pixels with those above and below, through the activation; zeros where the image ends.
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
        core::array::from_fn(|_| planes.next().map_or(&mut [][..], |plane| &mut plane[start..start + self.pixels()]))
    }

    /// Zeros between the rows and beyond the last.
    #[inline(always)]
    fn clear_borders(&self, target: &mut [f32]) {
        let (rows, stride, padding) = (self.images * self.rows(), self.stride(), self.padding());
        for plane in target.chunks_exact_mut(self.plane()) {
            if padding > 0 {
                // Pixels begin after the first zeros, gradients before them: both have some at the end of the row.
                for row in plane[..rows * stride].chunks_exact_mut(stride) {
                    row[..padding].fill(0.0);
                    row[stride - padding..].fill(0.0);
                }
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
