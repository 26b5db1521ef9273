//! What a classifier sees in pictures: a row of numbers for each.

/// Rows of features.
#[derive(Clone, Debug)]
pub struct Features {
    /// Numbers in a row.
    pub size: usize,
    /// `[count, size]`
    pub values: Vec<f32>,
}

impl Features {
    /// The number of rows.
    pub fn count(&self) -> usize {
        self.values.len() / self.size
    }

    /// The rows.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.values.chunks_exact(self.size)
    }

    /// The first rows, at most `count`.
    pub fn first(&self, count: usize) -> Self {
        Self { size: self.size, values: self.values[..self.size * count.min(self.count())].to_vec() }
    }
}
