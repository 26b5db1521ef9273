//! Orthogonal projections onto what is known of pictures.

use core::fmt::Debug;

use burn::tensor::{Device, Tensor, TensorData, ops::PadMode};

/// A linear part of pictures: some numbers, each a weighted sum of values that no other number counts. No weight is negative.
pub trait Part: Debug + Send + Sync {
    /// The part of pictures of the data's own size, `[N, C, H, W]`, as pictures; the part of the part is itself.
    fn of(&self, x: Tensor<4>) -> Tensor<4>;
}

/// Some of the pixels. Known without noise they are [`crate::sampling::Known`].
#[derive(Clone, Debug)]
pub struct Pixels {
    /// 1 where the pixel is known, else 0, `[1, 1, H, W]`.
    pub known: Tensor<4>,
}

impl Part for Pixels {
    fn of(&self, x: Tensor<4>) -> Tensor<4> {
        x * self.known.clone()
    }
}

/// The means of square blocks of pixels, of each channel: a picture of lower resolution. Blocks at the right and at the
/// bottom are smaller where the side is no multiple of theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocks {
    /// Side of a block in pixels, at least 1.
    pub side: usize,
}

impl Blocks {
    /// The means themselves, `[N, C, ceil(H / side), ceil(W / side)]`.
    pub fn means(&self, x: Tensor<4>) -> Tensor<4> {
        let shape @ [.., height, width] = x.dims();
        let (rows, columns) = (height.div_ceil(self.side), width.div_ceil(self.side));
        let counts = self.counts(height, width, &x.device());
        (self.sums(self.padded(x)) / counts).reshape([shape[0], shape[1], rows, columns])
    }

    /// How many pixels lie in each block of a picture, `[1, 1, rows, columns]`.
    fn counts(&self, height: usize, width: usize, device: &Device) -> Tensor<4> {
        let along = |length: usize| (0..length).step_by(self.side).map(move |first| self.side.min(length - first));
        let counts: Vec<f32> =
            along(height).flat_map(|rows| along(width).map(move |columns| (rows * columns) as f32)).collect();
        let shape = [1, 1, height.div_ceil(self.side), width.div_ceil(self.side)];
        Tensor::from_data(TensorData::new(counts, shape), device)
    }

    /// The picture of `height` x `width` whose blocks have these means all over.
    pub fn spread(&self, means: Tensor<4>, height: usize, width: usize) -> Tensor<4> {
        let [count, channels, rows, columns] = means.dims();
        let side = self.side;
        let cells = means.reshape([count, channels, rows, 1, columns, 1]);
        let pixels = cells.expand([count, channels, rows, side, columns, side]);
        let whole = pixels.reshape([count, channels, rows * side, columns * side]);
        whole.narrow(2, 0, height).narrow(3, 0, width)
    }

    fn padded(&self, x: Tensor<4>) -> Tensor<4> {
        let [.., height, width] = x.dims();
        let more = |length: usize| length.next_multiple_of(self.side) - length;
        if more(height) + more(width) == 0 {
            return x;
        }
        x.pad((0, more(width), 0, more(height)), PadMode::Constant(0.0))
    }

    fn sums(&self, x: Tensor<4>) -> Tensor<4> {
        let [count, channels, height, width] = x.dims();
        let side = self.side;
        let cells: Tensor<6> = x.reshape([count, channels, height / side, side, width / side, side]);
        cells.sum_dim(3).sum_dim(5).reshape([count, channels, height / side, width / side])
    }
}

impl Part for Blocks {
    fn of(&self, x: Tensor<4>) -> Tensor<4> {
        let [.., height, width] = x.dims();
        self.spread(self.means(x), height, width)
    }
}

/// The brightness of each pixel of a colour picture: the sum of its channels, each times its weight.
#[derive(Clone, Debug, PartialEq)]
pub struct Grey {
    /// One for each channel; their sum is 1, so that grey has the brightness of its value.
    pub weights: Vec<f32>,
}

impl Grey {
    /// The brightness of red, green and blue.
    pub fn of_colours() -> Self {
        Self { weights: options::BRIGHTNESS.to_vec() }
    }

    fn weights(&self, x: &Tensor<4>) -> Tensor<4> {
        Tensor::<1>::from_floats(self.weights.as_slice(), &x.device()).reshape([1, self.weights.len(), 1, 1])
    }

    /// `[N, C, H, W]` to `[N, 1, H, W]`.
    pub fn brightness(&self, x: Tensor<4>) -> Tensor<4> {
        let weights = self.weights(&x);
        (x * weights).sum_dim(1)
    }
}

impl Part for Grey {
    fn of(&self, x: Tensor<4>) -> Tensor<4> {
        let weights = self.weights(&x);
        let square: f32 = self.weights.iter().map(|weight| weight * weight).sum();
        self.brightness(x) * weights / square
    }
}
