//! A picture of which a blurred one is given.

use core::fmt::Debug;

use burn::tensor::{Device, Tensor, TensorData};

use super::{linear::framed, nearly_within};
use crate::{backend::convolution, network::Frame, sampling::Given};

/// An orthonormal basis in which a blur only scales: of what goes in, and of what comes out.
pub trait Basis: Debug + Send + Sync {
    /// Coefficients of blurred pictures, `[N, C, H, W]`, in the basis of what comes out.
    fn seen(&self, blurred: Tensor<4>) -> Tensor<4>;
    /// Coefficients of pictures, `[N, C, H, W]`, in the basis of what goes in.
    fn coefficients(&self, x: Tensor<4>) -> Tensor<4>;
    /// The pictures with these coefficients.
    fn pictures(&self, coefficients: Tensor<4>) -> Tensor<4>;
}

/// What chains are told of a picture by a blurred one. A component that the blur scales by `g` is known to the noise of
/// the blurred picture over `g`: it is shown at levels above that (as in SNIPS; Kawar, Vaksman and Elad 2021), and is put
/// in place at the end where that is next to nothing.
#[derive(Clone, Debug)]
pub struct Blurred<B> {
    basis: B,
    /// Of sharp components, `[1, C, H, W]`.
    known: Tensor<4>,
    /// Squares of the noise that each is known to, `[1, 1, H, W]`.
    variances: Tensor<4>,
    /// 1 where the component is put in place at the end, `[1, 1, H, W]`.
    exact: Tensor<4>,
    /// Whether any is: not where the blurred picture is noisy.
    keeps: bool,
    frame: Frame,
}

impl<B: Basis> Blurred<B> {
    /// Standard deviation of rounding to 256 values.
    const ROUNDING: f32 = 0.001_132;
    /// The least gain of a component that is put in place: a blurred value is rounded, and what is divided by this is off
    /// by three steps of 256.
    pub const EXACT: f32 = 0.1;
    /// A component of less is as good as gone.
    const GONE: f32 = 1e-4;

    /// By the blurred picture, `[1, C, H, W]`, the gains of the components, `[H W]`, and the noise on the blurred picture
    /// beside rounding, less than the largest level.
    pub fn new(blurred: Tensor<4>, basis: B, gains: &[f32], noise: f32, frame: Frame) -> Self {
        let device = blurred.device();
        let [.., height, width] = blurred.dims();
        let plane = |of: &dyn Fn(f32) -> f32| {
            let values: Vec<f32> = gains.iter().map(|&gain| of(gain)).collect();
            Tensor::<4>::from_data(TensorData::new(values, [1, 1, height, width]), &device)
        };
        let square = noise * noise + Self::ROUNDING * Self::ROUNDING;
        let inverse = plane(&|gain| if gain.abs() > Self::GONE { 1.0 / gain } else { 0.0 });
        let variances = plane(&|gain| if gain.abs() > Self::GONE { square / (gain * gain) } else { f32::MAX });
        let exact = plane(&|gain| if noise == 0.0 && gain.abs() >= Self::EXACT { 1.0 } else { 0.0 });
        let known = basis.seen(blurred) * inverse;
        Self { basis, known, variances, exact, keeps: noise == 0.0, frame }
    }

    /// The components of pictures that are put in place, as pictures.
    fn part(&self, x: Tensor<4>) -> Tensor<4> {
        self.basis.pictures(self.basis.coefficients(x) * self.exact.clone())
    }
}

impl<B: Basis> Given for Blurred<B> {
    fn show(&self, x: Tensor<4>, z: Tensor<4>, level: f32) -> Tensor<4> {
        let own = self.basis.coefficients(self.frame.remove(x));
        let noise = self.basis.coefficients(self.frame.remove(z.clone()));
        let more = -(self.variances.clone() - level * level);
        let shown = self.known.clone() + noise * more.clone().clamp(0.0, f32::MAX).sqrt();
        let is_known = more.greater_elem(0.0).expand(own.dims());
        let coefficients = own.clone().mask_where(is_known, shown.expand(own.dims()));
        framed(&self.frame, self.basis.pictures(coefficients), z, level)
    }

    fn keep(&self, x: Tensor<4>) -> Tensor<4> {
        let inside = self.frame.remove(x);
        if !self.keeps {
            return self.frame.add(inside);
        }
        let known = self.basis.pictures(self.known.clone() * self.exact.clone());
        self.frame.add(nearly_within(inside, &known, |x| self.part(x)))
    }

    fn told_down_to(&self) -> f32 {
        // At every level there are components that are told no more.
        f32::INFINITY
    }
}

/// Cosines: the basis of every blur that is symmetric in both directions and mirrors pictures at their edges.
#[derive(Clone, Debug)]
pub struct Cosines {
    /// `[H, H, 1, 1]`, a row for each cosine: a matrix as the kernel of a convolution over single pixels, which the page has
    /// anyhow, where one product of matrices would bring every kind of them. Then its transpose.
    rows: [Tensor<4>; 2],
    /// `[W, W, 1, 1]`
    columns: [Tensor<4>; 2],
}

impl Cosines {
    /// For pictures of this size.
    pub fn new(height: usize, width: usize, device: &Device) -> Self {
        Self { rows: cosines(height, device), columns: cosines(width, device) }
    }
}

impl Basis for Cosines {
    fn seen(&self, blurred: Tensor<4>) -> Tensor<4> {
        self.coefficients(blurred)
    }

    fn coefficients(&self, x: Tensor<4>) -> Tensor<4> {
        products(x, self.rows[0].clone(), self.columns[0].clone())
    }

    fn pictures(&self, coefficients: Tensor<4>) -> Tensor<4> {
        products(coefficients, self.rows[1].clone(), self.columns[1].clone())
    }
}

/// `rows x columns^T` of every plane of `[N, C, H, W]`, by matrices `[n, n, 1, 1]`.
fn products(x: Tensor<4>, rows: Tensor<4>, columns: Tensor<4>) -> Tensor<4> {
    let shape @ [count, channels, height, width] = x.dims();
    let planes = count * channels;
    let x = convolution(x.reshape([planes, height, 1, width]), rows, None, None, None);
    let x = x.reshape([planes, height, width]).swap_dims(1, 2).reshape([planes, width, 1, height]);
    let x = convolution(x, columns, None, None, None);
    x.reshape([planes, width, height]).swap_dims(1, 2).reshape(shape)
}

/// The orthonormal cosines of a length (DCT-II), `[n, n, 1, 1]`, and their transpose.
fn cosines(length: usize, device: &Device) -> [Tensor<4>; 2] {
    let n = length as f64;
    let value = |frequency: usize, place: usize| {
        let scale = if frequency == 0 { 1.0 / n } else { 2.0 / n };
        let angle = core::f64::consts::PI * frequency as f64 * (place as f64 + 0.5) / n;
        (libm::sqrt(scale) * libm::cos(angle)) as f32
    };
    let cells = || (0..length).flat_map(|row| (0..length).map(move |column| (row, column)));
    let matrix = |values: Vec<f32>| Tensor::from_data(TensorData::new(values, [length, length, 1, 1]), device);
    // Both as they lie: a GPU would copy a transposed view at every product.
    [
        matrix(cells().map(|(row, column)| value(row, column)).collect()),
        matrix(cells().map(|(row, column)| value(column, row)).collect()),
    ]
}

/// What a Gaussian blur of this standard deviation, in pixels, leaves of each cosine, `[H W]`.
pub fn cosine_gains(deviation: f64, height: usize, width: usize) -> Vec<f32> {
    // The kernel as it is sampled.
    let kernel = options::gaussian(deviation);
    let reach = (kernel.len() / 2) as f64;
    let gains = |length: usize| -> Vec<f64> {
        let gain = |frequency: usize| {
            let angle = core::f64::consts::PI * frequency as f64 / length as f64;
            let left = |(place, weight): (usize, &f64)| weight * libm::cos(angle * (place as f64 - reach));
            kernel.iter().enumerate().map(left).sum::<f64>()
        };
        (0..length).map(gain).collect()
    };
    let columns = gains(width);
    gains(height).iter().flat_map(|row| columns.iter().map(move |column| (row * column) as f32)).collect()
}

/// Pictures `[N, C, H, W]` under a Gaussian blur of this standard deviation, in pixels, mirrored at their edges.
pub fn gaussian_blur(x: Tensor<4>, deviation: f64) -> Tensor<4> {
    let [.., height, width] = x.dims();
    let gains = TensorData::new(cosine_gains(deviation, height, width), [1, 1, height, width]);
    let (basis, gains) = (Cosines::new(height, width, &x.device()), Tensor::from_data(gains, &x.device()));
    basis.pictures(basis.coefficients(x) * gains)
}

/// Any blur, by its singular vectors.
#[derive(Clone, Debug)]
pub struct Dense {
    /// `[H W, H W]`, a row for each vector of what goes in.
    pub inside: Tensor<2>,
    /// `[H W, H W]`, a row for each vector of what comes out.
    pub outside: Tensor<2>,
}

impl Dense {
    fn by(vectors: Tensor<2>, x: Tensor<4>) -> Tensor<4> {
        let shape @ [count, channels, height, width] = x.dims();
        x.reshape([count * channels, height * width]).matmul(vectors).reshape(shape)
    }
}

impl Basis for Dense {
    fn seen(&self, blurred: Tensor<4>) -> Tensor<4> {
        Self::by(self.outside.clone().transpose(), blurred)
    }

    fn coefficients(&self, x: Tensor<4>) -> Tensor<4> {
        Self::by(self.inside.clone().transpose(), x)
    }

    fn pictures(&self, coefficients: Tensor<4>) -> Tensor<4> {
        Self::by(self.inside.clone(), coefficients)
    }
}
