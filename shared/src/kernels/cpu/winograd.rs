//! Winograd's minimal filtering F(4, 3) along the columns of an image (Winograd 1980; Lavin and Gray 2016, in one dimension).
//!
//! Four rows of output of a 3x3 convolution need six rows of input. Instead of `4 * 3` products of a row of pixels and a row of
//! the kernel, six suffice: of six combinations of the rows of input, and as many of the rows of the kernel. Along the rows
//! nothing changes. It halves the multiplications; rows are combined where they lie, without shuffling pixels; and rounding errors
//! grow by less than ten, while the transform in two dimensions saves more multiplications but shuffles, and rounds worse.

/// Products for one tile of rows.
pub const PRODUCTS: usize = 6;

/// Rows of output of a tile.
pub const ROWS: usize = 4;

/// Rows of input of a tile to the rows that are multiplied.
#[inline(always)]
pub fn input(d: [&[f32]; PRODUCTS], t: [&mut [f32]; PRODUCTS]) {
    let [d0, d1, d2, d3, d4, d5] = d;
    let [t0, t1, t2, t3, t4, t5] = t;
    let columns = t0.len();
    let (d0, d1, d2, d3, d4, d5) =
        (&d0[..columns], &d1[..columns], &d2[..columns], &d3[..columns], &d4[..columns], &d5[..columns]);
    let (t1, t2, t3, t4, t5) =
        (&mut t1[..columns], &mut t2[..columns], &mut t3[..columns], &mut t4[..columns], &mut t5[..columns]);
    for c in 0..columns {
        let (even, odd) = (d4[c] - 4.0 * d2[c], d3[c] - 4.0 * d1[c]);
        let (near, far) = (d4[c] - d2[c], 2.0 * (d3[c] - d1[c]));
        t0[c] = even + 4.0 * d0[c] - d2[c];
        t1[c] = even + odd;
        t2[c] = even - odd;
        t3[c] = near + far;
        t4[c] = near - far;
        t5[c] = d5[c] - 4.0 * d3[c] + (4.0 * d1[c] - d3[c]);
    }
}

/// Products of a tile to its rows of output.
#[inline(always)]
pub fn output(m: [&[f32]; PRODUCTS], y: [&mut [f32]; ROWS]) {
    let [m0, m1, m2, m3, m4, m5] = m;
    let [y0, y1, y2, y3] = y;
    let columns = y0.len();
    let (m0, m1, m2, m3, m4, m5) =
        (&m0[..columns], &m1[..columns], &m2[..columns], &m3[..columns], &m4[..columns], &m5[..columns]);
    let (y1, y2, y3) = (&mut y1[..columns], &mut y2[..columns], &mut y3[..columns]);
    for c in 0..columns {
        let (near_sum, near_difference) = (m1[c] + m2[c], m1[c] - m2[c]);
        let (far_sum, far_difference) = (m3[c] + m4[c], m3[c] - m4[c]);
        y0[c] = m0[c] + near_sum + far_sum;
        y1[c] = near_difference + 2.0 * far_difference;
        y2[c] = near_sum + 4.0 * far_sum;
        y3[c] = near_difference + 8.0 * far_difference + m5[c];
    }
}

/// The adjoint of [`output`]: gradients at a tile's rows of output to gradients at its products.
#[inline(always)]
pub fn output_adjoint(y: [&[f32]; ROWS], m: [&mut [f32]; PRODUCTS]) {
    let [y0, y1, y2, y3] = y;
    let [m0, m1, m2, m3, m4, m5] = m;
    let columns = m0.len();
    let (y0, y1, y2, y3) = (&y0[..columns], &y1[..columns], &y2[..columns], &y3[..columns]);
    let (m1, m2, m3, m4, m5) =
        (&mut m1[..columns], &mut m2[..columns], &mut m3[..columns], &mut m4[..columns], &mut m5[..columns]);
    for c in 0..columns {
        let (even, odd) = (y0[c] + y2[c], y1[c] + y3[c]);
        let (even_far, odd_far) = (y0[c] + 4.0 * y2[c], 2.0 * y1[c] + 8.0 * y3[c]);
        m0[c] = y0[c];
        m1[c] = even + odd;
        m2[c] = even - odd;
        m3[c] = even_far + odd_far;
        m4[c] = even_far - odd_far;
        m5[c] = y3[c];
    }
}

/// What each product's row of the kernel takes of the kernel's three rows.
pub const KERNEL: [[f32; 3]; PRODUCTS] = [
    [1.0 / 4.0, 0.0, 0.0],
    [-1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0],
    [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
    [1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
    [1.0 / 24.0, -1.0 / 12.0, 1.0 / 6.0],
    [0.0, 0.0, 1.0],
];
