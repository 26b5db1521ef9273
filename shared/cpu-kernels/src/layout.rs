//! Where tiles of pixels lie in scratch memory, so that a convolution there is products of matrices.

use std::ops::Range;

use crate::{
    Geometry,
    lanes::WIDEST,
    winograd::{COLUMNS, PRODUCTS, ROWS},
};

/// Rows of several images, transformed by [`winograd`](crate::winograd).
///
/// Scratch memory holds, for each product, planes of channels, and in a plane a number for each tile: tile by tile in a
/// row of tiles, row by row, image by image. A 1x1 kernel has one product, and its tiles are pixels.
///
/// A plane is of one channel, or of a panel of several: then a tile has a number of each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// First image.
    pub image: usize,
    /// Images.
    pub images: usize,
    /// First row of pixels of each image.
    pub first: usize,
    /// Rows of pixels of each image.
    pub pixel_rows: usize,
    /// Columns of pixels.
    pub width: usize,
    /// Side of the kernel.
    pub kernel: usize,
    /// Channels of a plane.
    pub depth: usize,
}

/// The planes of one channel, one for each product.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// Where the first begins.
    pub start: usize,
    /// From one to the next.
    pub stride: usize,
}

impl Layout {
    /// Rows `first..first + pixel_rows` of images `image..image + images`.
    pub(crate) fn new(geometry: &Geometry, image: usize, images: usize, first: usize, pixel_rows: usize) -> Self {
        Self { image, images, first, pixel_rows, width: geometry.width, kernel: geometry.kernel, depth: 1 }
    }

    /// The same with panels of so many channels in place of channels.
    #[inline(always)]
    pub(crate) fn of_panels(self, depth: usize) -> Self {
        Self { depth, ..self }
    }

    /// Planes of a channel.
    #[inline(always)]
    pub(crate) fn products(&self) -> usize {
        if self.kernel == 1 { 1 } else { PRODUCTS }
    }

    /// Rows of tiles of each image.
    #[inline(always)]
    pub(crate) fn tile_rows(&self) -> usize {
        if self.kernel == 1 { self.pixel_rows } else { self.pixel_rows.div_ceil(ROWS) }
    }

    /// Tiles of a row.
    #[inline(always)]
    pub(crate) fn tile_columns(&self) -> usize {
        if self.kernel == 1 { self.width } else { self.width.div_ceil(COLUMNS) }
    }

    /// Tiles of each image.
    #[inline(always)]
    pub(crate) fn tiles(&self) -> usize {
        self.tile_rows() * self.tile_columns()
    }

    /// Tiles of all images.
    #[inline(always)]
    pub(crate) fn positions(&self) -> usize {
        self.images * self.tiles()
    }

    /// From one plane to the next: whole vectors, and an odd number of cache lines if there are many, so that the same
    /// tile of all channels does not compete for the same few places in the cache.
    #[inline(always)]
    pub(crate) fn plane(&self) -> usize {
        let lines = (self.positions() * self.depth).div_ceil(WIDEST);
        WIDEST * if lines > 4 { lines | 1 } else { lines }
    }

    /// From one product to the next, for so many planes: with room for a vector that reaches beyond the last.
    #[inline(always)]
    fn product(&self, planes: usize) -> usize {
        planes * self.plane() + WIDEST
    }

    /// Numbers of so many planes of each product.
    pub(crate) fn scratch(&self, planes: usize) -> usize {
        self.products() * self.product(planes)
    }

    /// Plane `index` of `planes`.
    #[inline(always)]
    pub(crate) fn place(&self, index: usize, planes: usize) -> Place {
        Place { start: index * self.plane(), stride: self.product(planes) }
    }

    /// The part of a tensor's plane that belongs to this layout.
    #[inline(always)]
    pub(crate) fn part(&self) -> Range<usize> {
        self.first * self.width..(self.first + self.pixel_rows) * self.width
    }
}
