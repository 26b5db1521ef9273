//! Coarse grids over pictures: each cell stands for the pixels in it.

/// The cell of a value by its place in `[C, size, size]`, as a place in `[C, side, side]`.
pub(crate) fn cell(at: usize, size: usize, side: usize) -> usize {
    let (channel, row, column) = (at / (size * size), at / size % size, at % size);
    (channel * side + row * side / size) * side + column * side / size
}
