//! What is known of a picture, as chains are told of it.

use std::{path::Path, sync::Arc};

use burn::tensor::{Device, Tensor, TensorData};
use nalgebra::{DMatrix, SVD};
use shared::{
    restoration::{Blocks, Blurred, Cosines, Dense, Grey, Linear, Part, Pixels, cosine_gains},
    sampling::Given,
};

use crate::{
    chains::around,
    error::{Error, Result},
    model::LoadedModel,
    output,
    pictures::{self, Picture},
};

/// A blur.
pub enum Blur {
    /// By a Gaussian of this standard deviation in pixels.
    Gaussian(f64),
    /// By any kernel of odd sides.
    Kernel(Kernel),
}

/// What becomes of one pixel.
pub struct Kernel {
    height: usize,
    width: usize,
    /// Their sum is 1.
    weights: Vec<f64>,
}

/// The part of a picture that is known, with noise of this standard deviation.
fn linear(
    model: &LoadedModel,
    picture: &Picture,
    part: impl Part + 'static,
    noise: f32,
    device: &Device,
) -> Arc<dyn Given> {
    let picture = output::tensor(std::slice::from_ref(picture), device);
    Arc::new(Linear { picture, part, noise, frame: model.frame })
}

/// The pixels that are not marked as unknown, `[H, W]`.
pub fn pixels(model: &LoadedModel, picture: &Picture, unknown: &[bool], noise: f32, device: &Device) -> Arc<dyn Given> {
    if noise == 0.0 {
        return around(model, picture, unknown, device);
    }
    let known: Vec<f32> = unknown.iter().map(|&unknown| if unknown { 0.0 } else { 1.0 }).collect();
    let known = Tensor::from_data(TensorData::new(known, [1, 1, picture.height, picture.width]), device);
    linear(model, picture, Pixels { known }, noise, device)
}

/// The means of blocks: those of `picture` where it has the model's size, else `picture` itself, which is smaller by the
/// factor.
pub fn blocks(model: &LoadedModel, picture: &Picture, factor: usize, noise: f32, device: &Device) -> Arc<dyn Given> {
    let (size, part) = (model.data.size, Blocks { side: factor });
    let given = output::tensor(std::slice::from_ref(picture), device);
    let large = if picture.width == size { given } else { part.spread(given, size, size) };
    Arc::new(Linear { picture: large, part, noise, frame: model.frame })
}

/// The brightness.
pub fn grey(model: &LoadedModel, picture: &Picture, noise: f32, device: &Device) -> Arc<dyn Given> {
    linear(model, picture, Grey::of_colours(), noise, device)
}

/// The picture before a blur.
///
/// # Errors
/// The kernel is of pictures that are too large for it.
pub fn blurred(
    model: &LoadedModel,
    picture: &Picture,
    blur: &Blur,
    noise: f32,
    device: &Device,
) -> Result<Arc<dyn Given>> {
    let given = output::tensor(std::slice::from_ref(picture), device);
    let (height, width) = (picture.height, picture.width);
    Ok(match blur {
        Blur::Gaussian(deviation) => {
            let gains = cosine_gains(*deviation, height, width);
            Arc::new(Blurred::new(given, Cosines::new(height, width, device), &gains, noise, model.frame))
        }
        Blur::Kernel(kernel) => {
            let (basis, gains) = kernel.singular_vectors(height, width, device)?;
            Arc::new(Blurred::new(given, basis, &gains, noise, model.frame))
        }
    })
}

impl Kernel {
    /// The longest side of a picture whose blur is taken apart: the matrix of a larger one would take minutes.
    const LONGEST: usize = 32;

    /// Reads the picture of a kernel.
    ///
    /// # Errors
    /// It cannot be read, is black, or has an even side and so no middle.
    pub fn read(path: &Path) -> Result<Self> {
        let picture = pictures::decode(path)?.into_luma8();
        let (height, width) = (picture.height() as usize, picture.width() as usize);
        let wrong = |what: &str| Err(Error::input(format!("--kernel {}: {what}", path.display())));
        if height.is_multiple_of(2) || width.is_multiple_of(2) {
            return wrong(&format!("it is {width}x{height}; both sides must be odd, so that it has a middle pixel"));
        }
        let sum: f64 = picture.iter().map(|&value| f64::from(value)).sum();
        if sum == 0.0 {
            return wrong("it is black; white is where a pixel's light goes");
        }
        Ok(Self { height, width, weights: picture.iter().map(|&value| f64::from(value) / sum).collect() })
    }

    /// The matrix of the blur of pictures of this size, mirrored at their edges, taken apart: its singular vectors and
    /// values.
    fn singular_vectors(&self, height: usize, width: usize, device: &Device) -> Result<(Dense, Vec<f32>)> {
        if height.max(width) > Self::LONGEST {
            return Err(Error::input(format!(
                "--kernel: the model's pictures have {width}x{height} pixels, and kernels are for at most {0}x{0}; --blur takes any size",
                Self::LONGEST
            )));
        }
        if self.height > 2 * height || self.width > 2 * width {
            return Err(Error::input(format!(
                "--kernel: it has {}x{} pixels; for pictures of {width}x{height} it may have at most {}x{}",
                self.width,
                self.height,
                2 * width,
                2 * height
            )));
        }
        let size = height * width;
        let parts = SVD::new(self.matrix(height, width), true, true);
        let (Some(outside), Some(inside)) = (parts.u, parts.v_t) else {
            return Err(Error::failed("the kernel's matrix could not be decomposed"));
        };
        let gains = parts.singular_values.iter().map(|&gain| gain as f32).collect();
        // nalgebra lies by columns.
        let rows = |matrix: DMatrix<f64>| {
            let values: Vec<f32> = matrix.transpose().iter().map(|&value| value as f32).collect();
            Tensor::from_data(TensorData::new(values, [size, size]), device)
        };
        Ok((Dense { inside: rows(inside), outside: rows(outside.transpose()) }, gains))
    }

    /// `[H W, H W]`: blurred pixels by sharp ones.
    fn matrix(&self, height: usize, width: usize) -> DMatrix<f64> {
        let mut matrix = DMatrix::zeros(height * width, height * width);
        for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
            for (at, weight) in self.weights.iter().enumerate() {
                // Light that goes to the right comes from the left.
                let (below, right) = (at / self.width, at % self.width);
                let row = mirrored(y + self.height - 1 - below, self.height / 2, height);
                let column = mirrored(x + self.width - 1 - right, self.width / 2, width);
                matrix[(y * width + x, row * width + column)] += weight;
            }
        }
        matrix
    }
}

/// The place `at - back` of a line of this length that goes on mirrored at its ends.
fn mirrored(at: usize, back: usize, length: usize) -> usize {
    let period = 2 * length;
    let place = (at + period * (back / period + 1) - back) % period;
    if place < length { place } else { period - 1 - place }
}

#[cfg(test)]
mod tests {
    use shared::restoration::Basis;

    use super::*;

    #[test]
    fn lines_are_mirrored_at_their_ends() {
        let line: Vec<usize> = (0..8).map(|at| mirrored(at, 2, 3)).collect();
        assert_eq!(line, [1, 0, 0, 1, 2, 2, 1, 0]);
    }

    #[test]
    fn a_kernel_is_what_the_blur_makes_of_one_white_pixel() {
        let weights: Vec<f64> = (1..=15).map(f64::from).collect();
        let kernel = Kernel { height: 3, width: 5, weights: weights.clone() };
        let white = nalgebra::DVector::from_fn(7 * 9, |at, _| if at == 3 * 9 + 4 { 1.0 } else { 0.0 });
        let spot = kernel.matrix(7, 9) * white;
        let around = (2..5).flat_map(|y| (2..7).map(move |x| y * 9 + x));
        assert_eq!(around.map(|at| spot[at]).collect::<Vec<_>>(), weights);
        assert_eq!(spot.sum(), weights.iter().sum::<f64>());
    }

    #[test]
    fn a_kernel_is_taken_apart_into_its_blur() {
        let device = Device::flex();
        // Light goes to the right and a little down.
        let kernel = Kernel { height: 3, width: 3, weights: vec![0.0, 0.0, 0.0, 0.0, 0.5, 0.3, 0.0, 0.0, 0.2] };
        let picture: Vec<f32> = (0..30).map(|at| ((at * 7) % 11) as f32 / 10.0).collect();
        let sharp = nalgebra::DVector::from_iterator(30, picture.iter().map(|&v| f64::from(v)));
        let expected = kernel.matrix(5, 6) * sharp;
        assert!((expected[7] - f64::from(0.5 * picture[7] + 0.3 * picture[6] + 0.2 * picture[0])).abs() < 1e-6);

        let (basis, gains) = kernel.singular_vectors(5, 6, &device).unwrap();
        let x = Tensor::<1>::from_floats(picture.as_slice(), &device).reshape([1, 1, 5, 6]);
        let gains = Tensor::<1>::from_floats(gains.as_slice(), &device).reshape([1, 1, 5, 6]);
        let values: Vec<f32> = expected.iter().map(|&v| v as f32).collect();
        let blurred = Tensor::<1>::from_floats(values.as_slice(), &device).reshape([1, 1, 5, 6]);
        let difference = basis.seen(blurred) - basis.coefficients(x.clone()) * gains;
        assert!(difference.abs().max().into_scalar::<f32>() < 1e-5);
        let same = basis.pictures(basis.coefficients(x.clone())) - x;
        assert!(same.abs().max().into_scalar::<f32>() < 1e-5);
    }
}
