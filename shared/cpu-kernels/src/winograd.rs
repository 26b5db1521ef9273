//! Winograd's minimal filtering F(4x2, 3x3) (Winograd 1980; Lavin and Gray 2016).
//!
//! A tile of four rows by two columns of a 3x3 convolution's output takes `8 * 9` products of a pixel and a weight.
//! Instead, 24 suffice: of as many combinations of the tile's input (six rows by four columns), and as many of the
//! kernel. Of each combination, all tiles of all channels together are one product of matrices. It leaves a third of
//! the multiplications. Larger tiles leave fewer, but round worse: with four rows errors grow by less than ten, and two
//! columns take only sums and halves.
//!
//! Every transform is one along the rows after one along the columns, and works on whatever can be added: vectors of
//! tiles, or arrays of channels.

use pulp::Simd;

use crate::lanes::mul_add;

/// Rows of output of a tile.
pub(crate) const ROWS: usize = 4;

/// Columns of output of a tile.
pub(crate) const COLUMNS: usize = 2;

/// Combinations of rows.
pub(crate) const ROW_PRODUCTS: usize = ROWS + 2;

/// Combinations of columns.
pub(crate) const COLUMN_PRODUCTS: usize = COLUMNS + 2;

/// Products of a tile: combination `r` of rows and `c` of columns is number `r * COLUMN_PRODUCTS + c`.
pub(crate) const PRODUCTS: usize = ROW_PRODUCTS * COLUMN_PRODUCTS;

/// Six rows of a tile's input to the combinations.
#[inline(always)]
pub(crate) fn input_rows<S: Simd>(simd: S, d: [S::f32s; ROW_PRODUCTS]) -> [S::f32s; ROW_PRODUCTS] {
    let [d0, d1, d2, d3, d4, d5] = d;
    let times = |factor, v, plus| mul_add(simd, simd.splat_f32s(factor), v, plus);
    let (even, odd) = (times(-4.0, d2, d4), times(-4.0, d1, d3));
    let (near, half_far) = (simd.sub_f32s(d4, d2), simd.sub_f32s(d3, d1));
    [
        times(4.0, d0, times(-5.0, d2, d4)),
        simd.add_f32s(even, odd),
        simd.sub_f32s(even, odd),
        times(2.0, half_far, near),
        times(-2.0, half_far, near),
        times(4.0, d1, times(-5.0, d3, d5)),
    ]
}

/// Four columns of a tile's input to the combinations.
#[inline(always)]
pub(crate) fn input_columns<S: Simd>(simd: S, d: [S::f32s; COLUMN_PRODUCTS]) -> [S::f32s; COLUMN_PRODUCTS] {
    let [d0, d1, d2, d3] = d;
    [simd.sub_f32s(d0, d2), simd.add_f32s(d1, d2), simd.sub_f32s(d2, d1), simd.sub_f32s(d1, d3)]
}

/// Products to the two columns of output.
#[inline(always)]
pub(crate) fn output_columns<S: Simd>(simd: S, m: [S::f32s; COLUMN_PRODUCTS]) -> [S::f32s; COLUMNS] {
    let [m0, m1, m2, m3] = m;
    [simd.add_f32s(m0, simd.add_f32s(m1, m2)), simd.sub_f32s(simd.sub_f32s(m1, m2), m3)]
}

/// Products to the four rows of output.
#[inline(always)]
pub(crate) fn output_rows<S: Simd>(simd: S, m: [S::f32s; ROW_PRODUCTS]) -> [S::f32s; ROWS] {
    let [m0, m1, m2, m3, m4, m5] = m;
    let times = |factor, v, plus| mul_add(simd, simd.splat_f32s(factor), v, plus);
    let (near_sum, near_difference) = (simd.add_f32s(m1, m2), simd.sub_f32s(m1, m2));
    let (far_sum, far_difference) = (simd.add_f32s(m3, m4), simd.sub_f32s(m3, m4));
    [
        simd.add_f32s(m0, simd.add_f32s(near_sum, far_sum)),
        times(2.0, far_difference, near_difference),
        times(4.0, far_sum, near_sum),
        times(8.0, far_difference, simd.add_f32s(near_difference, m5)),
    ]
}

/// The adjoint of [`output_columns`]: the gradient at two columns of output to that at the products.
#[inline(always)]
pub(crate) fn gradient_columns<S: Simd>(simd: S, y: [S::f32s; COLUMNS]) -> [S::f32s; COLUMN_PRODUCTS] {
    let [y0, y1] = y;
    [y0, simd.add_f32s(y0, y1), simd.sub_f32s(y0, y1), simd.neg_f32s(y1)]
}

/// The adjoint of [`output_rows`].
#[inline(always)]
pub(crate) fn gradient_rows<S: Simd>(simd: S, y: [S::f32s; ROWS]) -> [S::f32s; ROW_PRODUCTS] {
    let [y0, y1, y2, y3] = y;
    let times = |factor, v, plus| mul_add(simd, simd.splat_f32s(factor), v, plus);
    let (even, odd) = (simd.add_f32s(y0, y2), simd.add_f32s(y1, y3));
    let (even_far, half_odd_far) = (times(4.0, y2, y0), times(4.0, y3, y1));
    [
        y0,
        simd.add_f32s(even, odd),
        simd.sub_f32s(even, odd),
        times(2.0, half_odd_far, even_far),
        times(-2.0, half_odd_far, even_far),
        y3,
    ]
}

/// `N` kernels, row by row, to what each product takes of them.
#[inline(always)]
pub(crate) fn kernels<const N: usize>(kernels: &[[f32; N]; 9]) -> [[f32; N]; PRODUCTS] {
    let mut rows = [[[0.0; N]; 3]; ROW_PRODUCTS];
    for x in 0..3 {
        let [k0, k1, k2] = [&kernels[x], &kernels[3 + x], &kernels[6 + x]];
        for n in 0..N {
            let sum = (k0[n] + k2[n]) * (-1.0 / 6.0);
            let far = k0[n] * (1.0 / 24.0) + k2[n] * (1.0 / 6.0);
            rows[0][x][n] = k0[n] * 0.25;
            rows[1][x][n] = sum - k1[n] * (1.0 / 6.0);
            rows[2][x][n] = sum + k1[n] * (1.0 / 6.0);
            rows[3][x][n] = far + k1[n] * (1.0 / 12.0);
            rows[4][x][n] = far - k1[n] * (1.0 / 12.0);
            rows[5][x][n] = k2[n];
        }
    }
    let mut products = [[0.0; N]; PRODUCTS];
    for ([k0, k1, k2], products) in rows.iter().zip(products.as_chunks_mut::<COLUMN_PRODUCTS>().0) {
        for n in 0..N {
            let sum = (k0[n] + k2[n]) * 0.5;
            products[0][n] = k0[n];
            products[1][n] = sum + k1[n] * 0.5;
            products[2][n] = sum - k1[n] * 0.5;
            products[3][n] = k2[n];
        }
    }
    products
}

/// The adjoint of [`kernels`].
#[inline(always)]
pub(crate) fn kernels_adjoint<const N: usize>(products: &[[f32; N]; PRODUCTS]) -> [[f32; N]; 9] {
    let mut rows = [[[0.0; N]; 3]; ROW_PRODUCTS];
    for (row, [p0, p1, p2, p3]) in rows.iter_mut().zip(products.as_chunks::<COLUMN_PRODUCTS>().0) {
        for n in 0..N {
            let sum = (p1[n] + p2[n]) * 0.5;
            row[0][n] = p0[n] + sum;
            row[1][n] = (p1[n] - p2[n]) * 0.5;
            row[2][n] = sum + p3[n];
        }
    }
    let mut kernels = [[0.0; N]; 9];
    for x in 0..3 {
        let [r0, r1, r2, r3, r4, r5] = rows.each_ref().map(|row| &row[x]);
        for n in 0..N {
            let near = (r1[n] + r2[n]) * (-1.0 / 6.0);
            let far = r3[n] + r4[n];
            kernels[x][n] = r0[n] * 0.25 + near + far * (1.0 / 24.0);
            kernels[3 + x][n] = (r2[n] - r1[n]) * (1.0 / 6.0) + (r3[n] - r4[n]) * (1.0 / 12.0);
            kernels[6 + x][n] = near + far * (1.0 / 6.0) + r5[n];
        }
    }
    kernels
}
