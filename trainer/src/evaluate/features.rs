//! Rows of numbers that sets of pictures are compared by: their pixels, or what a network sees in them.

use std::{borrow::Cow, ops::Range};

use crate::{data::Images, pictures::Picture};

/// Rows of one length, which can be had a few at a time.
pub trait Rows {
    /// How many there are.
    fn count(&self) -> usize;

    /// Numbers in a row.
    fn size(&self) -> usize;

    /// These rows, `[rows, size]`.
    fn values(&self, rows: Range<usize>) -> Cow<'_, [f32]>;
}

/// Rows of features, all in memory.
#[derive(Clone, Debug)]
pub struct Features {
    /// Numbers in a row.
    pub size: usize,
    /// `[count, size]`
    pub values: Vec<f32>,
}

impl Features {
    /// The rows.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.values.chunks_exact(self.size)
    }

    /// All rows but the `first` and every one that is so many `steps` after it.
    pub fn without_every(&self, steps: usize, first: usize) -> Self {
        let kept = self.rows().enumerate().filter(|(row, _)| row % steps != first);
        Self { size: self.size, values: kept.flat_map(|(_, row)| row).copied().collect() }
    }

    /// These rows alone.
    pub fn part(&self, rows: Range<usize>) -> Self {
        Self { size: self.size, values: self.values[rows.start * self.size..rows.end * self.size].to_vec() }
    }
}

impl Rows for Features {
    fn count(&self) -> usize {
        self.values.len() / self.size
    }

    fn size(&self) -> usize {
        self.size
    }

    fn values(&self, rows: Range<usize>) -> Cow<'_, [f32]> {
        Cow::Borrowed(&self.values[rows.start * self.size..rows.end * self.size])
    }
}

/// The pixels of a set, 0..1.
impl Rows for Images {
    fn count(&self) -> usize {
        self.len()
    }

    fn size(&self) -> usize {
        self.channels * self.height * self.width
    }

    fn values(&self, rows: Range<usize>) -> Cow<'_, [f32]> {
        let bytes = &self.pixels[rows.start * self.size()..rows.end * self.size()];
        Cow::Owned(bytes.iter().map(|&byte| f32::from(byte) / 255.0).collect())
    }
}

/// The pixels of pictures of one size.
impl Rows for [Picture] {
    fn count(&self) -> usize {
        self.len()
    }

    fn size(&self) -> usize {
        self.first().map_or(1, |picture| picture.pixels.len())
    }

    fn values(&self, rows: Range<usize>) -> Cow<'_, [f32]> {
        Cow::Owned(self[rows].iter().flat_map(|picture| picture.pixels.iter().copied()).collect())
    }
}
