//! How the images of a batch are cut into units of work.

use crate::{Geometry, lanes::WIDEST, layout::Layout, winograd::ROWS};

/// What a unit of work should look like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    /// Numbers that it may have in scratch memory: they should stay in the second-level cache.
    pub cache: usize,
    /// Tiles: small images are joined until they have so many.
    pub positions: usize,
    /// Units in all, if the batch can be cut so far.
    pub units: usize,
}

/// Groups of images by bands of rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Units {
    images: usize,
    groups: usize,
    rows: usize,
    bands: usize,
}

impl Units {
    /// Cuts a batch whose scratch memory holds this many channels.
    pub(crate) fn new(geometry: &Geometry, channels: usize, wish: Wish) -> Self {
        let rows_of_tiles = geometry.height.div_ceil(ROWS);
        let layout = |images| Layout::new(geometry, 0, images, 0, geometry.height);
        let fits = |images: &usize| layout(*images).scratch(channels) <= wish.cache;
        let for_cache = (1..=geometry.images).rev().find(fits).unwrap_or(1);
        let whole = layout(1);
        // Two vectors of tiles at least, for a register tile, even if there are fewer units then; and whole pairs of
        // vectors.
        let pair = (2 * WIDEST).div_ceil(whole.tiles());
        let images = (wish.positions / whole.tiles()).min(geometry.images / wish.units).max(pair);
        let images = images.min(for_cache).min(geometry.images);
        let images = if images > pair { images - images % pair } else { images };
        let groups = geometry.images.div_ceil(images);
        let for_cache = whole.scratch(channels).div_ceil(wish.cache);
        let for_threads = wish.units.div_ceil(groups.max(1));
        let bands = if images > 1 { 1 } else { for_cache.max(for_threads).min(rows_of_tiles) };
        let rows = rows_of_tiles.div_ceil(bands) * ROWS;
        Self { images, groups, rows, bands: geometry.height.div_ceil(rows) }
    }

    /// The number of units.
    pub(crate) fn count(&self) -> usize {
        self.groups * self.bands
    }

    /// What unit `unit` computes.
    pub(crate) fn layout(&self, geometry: &Geometry, unit: usize) -> Layout {
        let (image, first) = (unit / self.bands * self.images, unit % self.bands * self.rows);
        let images = self.images.min(geometry.images - image);
        Layout::new(geometry, image, images, first, self.rows.min(geometry.height - first))
    }
}
