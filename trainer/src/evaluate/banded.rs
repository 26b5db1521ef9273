//! Linear systems of which only what is near the diagonal is not zero.

/// A symmetric matrix of which only what is near the diagonal is not zero: its lower half, a row after the other, each from
/// `width` before the diagonal up to it.
#[derive(Clone)]
pub(super) struct Banded {
    width: usize,
    rows: Vec<f64>,
}

impl Banded {
    pub(super) fn zeros(size: usize, width: usize) -> Self {
        let width = width.min(size.saturating_sub(1));
        Self { width, rows: vec![0.0; size * (width + 1)] }
    }

    fn size(&self) -> usize {
        self.rows.len() / (self.width + 1)
    }

    /// Where `row, column` lies, of `row - width <= column <= row`.
    fn at(&self, row: usize, column: usize) -> usize {
        row * (self.width + 1) + self.width + column - row
    }

    pub(super) fn add(&mut self, row: usize, column: usize, value: f64) {
        let at = self.at(row, column);
        self.rows[at] += value;
    }

    /// The solution for a right side with this much more on the diagonal, by Cholesky's factor, which has the same width; none
    /// where the matrix is not positive.
    pub(super) fn solve(mut self, mut side: Vec<f64>, ridge: f64) -> Option<Vec<f64>> {
        let (size, width) = (self.size(), self.width);
        (0..size).for_each(|row| self.add(row, row, ridge));
        for row in 0..size {
            for column in row.saturating_sub(width)..=row {
                let both = row.saturating_sub(width)..column;
                let product: f64 = both.map(|k| self.rows[self.at(row, k)] * self.factor(column, k)).sum();
                let (at, rest) = (self.at(row, column), self.rows[self.at(row, column)] - product);
                self.rows[at] = if column == row {
                    Some(rest.sqrt()).filter(|root| *root > 0.0)?
                } else {
                    rest / self.factor(column, column)
                };
            }
        }
        for row in 0..size {
            let known: f64 = (row.saturating_sub(width)..row).map(|k| self.factor(row, k) * side[k]).sum();
            side[row] = (side[row] - known) / self.factor(row, row);
        }
        for row in (0..size).rev() {
            let known: f64 = (row + 1..size.min(row + width + 1)).map(|k| self.factor(k, row) * side[k]).sum();
            side[row] = (side[row] - known) / self.factor(row, row);
        }
        Some(side)
    }

    /// A number of it, 0 beyond its width.
    fn factor(&self, row: usize, column: usize) -> f64 {
        if row - column > self.width { 0.0 } else { self.rows[self.at(row, column)] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_banded_system_is_solved_as_a_whole_one() {
        // Of a matrix that is its diagonal more than all beside it.
        for width in [0, 1, 3, 8] {
            let mut matrix = Banded::zeros(9, width);
            let value = |row: usize, column: usize| match row - column {
                0 => 9.0 + row as f64,
                apart if apart <= width => ((row * 7 + column * 3) % 5) as f64 / 4.0 - 0.5,
                _ => 0.0,
            };
            for row in 0..9_usize {
                (row.saturating_sub(width)..=row).for_each(|column| matrix.add(row, column, value(row, column)));
            }
            let wanted: Vec<f64> = (0..9).map(|at| f64::from(at) - 4.0).collect();
            let side = |row: usize| (0..9).map(|column| value(row.max(column), row.min(column)) * wanted[column]).sum();
            let found = matrix.solve((0..9).map(side).collect(), 0.0).unwrap();
            assert!(found.iter().zip(&wanted).all(|(a, b)| (a - b).abs() < 1e-12), "{width}: {found:?}");
        }
        let mut negative = Banded::zeros(1, 0);
        negative.add(0, 0, -1.0);
        assert!(negative.solve(vec![1.0], 0.0).is_none());
    }
}
