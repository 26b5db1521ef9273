//! The gradient of the weights and of the bias.

use pulp::{Arch, Simd, WithSimd};

use super::{
    Geometry,
    lanes::{SLACK, lanes},
    output::Target,
    parallel::{self, Scratch, aligned},
    planes::Padded,
    pointwise,
};
use crate::Activation;

/// Images whose gradients one thread adds up, for this many pixels each. It does not depend on the number of threads, so that
/// neither does the sum, and with it a whole training.
const fn images_of_a_unit(plane: usize) -> usize {
    if plane > 64 { 8 } else { 16 }
}

/// Output channels of a register tile. With the most taps of [`TAPS`] its sums and what goes into them just fit AVX-512's 32
/// registers, and the planes of so few channels stay in the first-level cache.
const TILE: usize = 4;

/// Taps of a register tile, and what is used for the rest of them.
const TAPS: [usize; 3] = [5, 3, 1];

/// Numbers that a group of images may have in scratch memory: they should stay in the second-level cache.
const CACHE: usize = 192 * 1024;

/// A weight gradient that is ready to run.
pub struct WeightGradient<'a> {
    /// Of the forward convolution.
    pub geometry: Geometry,
    /// `[images, channels_in, height, width]`
    pub input: &'a [f32],
    /// What the input went through before the convolution.
    pub activation: Option<Activation>,
    /// The gradient at the output, `[images, channels_out, height, width]`.
    pub dy: &'a [f32],
}

impl WeightGradient<'_> {
    /// The gradients of the weight, `[channels_out, channels_in, k, k]`, and of the bias, `[channels_out]`.
    pub fn run(&self) -> (Vec<f32>, Vec<f32>) {
        let Geometry { images, channels_out, .. } = self.geometry;
        let weights = channels_out * self.taps();
        let images_of_a_unit = images_of_a_unit(self.geometry.plane());
        let units = images.div_ceil(images_of_a_unit);
        let mut partial = vec![0.0; units * (weights + channels_out)];
        let target = Target::of(&mut partial);
        parallel::for_each(units, |unit, scratch| {
            // SAFETY: each unit has its own part, which is zero at first.
            let sums = unsafe { target.part(unit * (weights + channels_out), weights + channels_out) };
            let (weight, bias) = sums.split_at_mut(weights);
            let first = unit * images_of_a_unit;
            self.run_images(first, images_of_a_unit.min(images - first), scratch, weight, bias);
        });
        let mut weight = vec![0.0; weights + channels_out];
        partial.chunks_exact(weights + channels_out).for_each(|part| pointwise::add(&mut weight, part));
        let bias = weight.split_off(weights);
        (weight, bias)
    }

    /// Numbers of a weight for one output channel.
    fn taps(&self) -> usize {
        self.geometry.channels_in * self.geometry.kernel * self.geometry.kernel
    }

    fn run_images(&self, first: usize, count: usize, scratch: &mut Scratch, weight: &mut [f32], bias: &mut [f32]) {
        let Geometry { channels_in, channels_out, height, width, kernel, .. } = self.geometry;
        let padded = Padded { rows: height, columns: width, padding: kernel / 2 };
        let tile = TILE.min(channels_out);
        // The last tile may reach beyond the last channel.
        let planes_out = channels_out.next_multiple_of(tile);
        let per_image = (channels_in + planes_out) * padded.plane();
        let group = (CACHE / per_image).clamp(1, count);
        let input = aligned(&mut scratch.input, group * channels_in * padded.plane());
        let dy = aligned(&mut scratch.output, group * planes_out * padded.plane());
        let mut begun = 0;
        while begun < count {
            let images = group.min(count - begun);
            let first = first + begun;
            Arch::new().dispatch(Group {
                whole: self,
                first,
                images,
                planes_out,
                tile,
                padded,
                input,
                dy,
                weight,
                bias,
            });
            begun += images;
        }
    }
}

/// Some images, whose planes are in scratch memory together.
struct Group<'a> {
    whole: &'a WeightGradient<'a>,
    first: usize,
    images: usize,
    planes_out: usize,
    tile: usize,
    padded: Padded,
    input: &'a mut [f32],
    dy: &'a mut [f32],
    weight: &'a mut [f32],
    bias: &'a mut [f32],
}

impl WithSimd for Group<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        self.fill();
        for channel in (0..self.planes_out).step_by(self.tile) {
            match self.tile {
                4 => self.sum::<S, TILE>(simd, channel),
                _ => (channel..channel + self.tile).for_each(|channel| self.sum::<S, 1>(simd, channel)),
            }
        }
    }
}

impl Group<'_> {
    #[inline(always)]
    fn fill(&mut self) {
        let WeightGradient { geometry, input, activation, dy } = *self.whole;
        let (plane, padded) = (geometry.plane(), self.padded);
        let pixels = input[self.first * geometry.channels_in * plane..].chunks_exact(plane);
        let targets = self.input.chunks_exact_mut(padded.plane()).take(self.images * geometry.channels_in);
        for (target, pixels) in targets.zip(pixels) {
            match activation {
                None => padded.fill(target, pixels, 0, |target, pixels| target.copy_from_slice(pixels)),
                Some(activation) => padded.fill(
                    target,
                    pixels,
                    0,
                    #[inline(always)]
                    |target, pixels| pointwise::activate(activation, target, pixels),
                ),
            }
        }
        for image in 0..self.images {
            for channel in 0..self.planes_out {
                let target = &mut self.dy[(image * self.planes_out + channel) * padded.plane()..][..padded.plane()];
                if channel < geometry.channels_out {
                    let start = ((self.first + image) * geometry.channels_out + channel) * plane;
                    let pixels = &dy[start..start + plane];
                    padded.fill_outputs(target, pixels);
                    self.bias[channel] += sum(pixels);
                } else {
                    target.fill(0.0);
                }
            }
        }
    }

    /// All taps of `T` output channels from `channel` on.
    #[inline(always)]
    fn sum<S: Simd, const T: usize>(&mut self, simd: S, channel: usize) {
        let taps = self.whole.taps();
        let mut tap = 0;
        while tap + TAPS[0] <= taps {
            self.sum_taps::<S, T, { TAPS[0] }>(simd, channel, tap);
            tap += TAPS[0];
        }
        while tap + TAPS[1] <= taps {
            self.sum_taps::<S, T, { TAPS[1] }>(simd, channel, tap);
            tap += TAPS[1];
        }
        while tap < taps {
            self.sum_taps::<S, T, { TAPS[2] }>(simd, channel, tap);
            tap += TAPS[2];
        }
    }

    /// One register tile: `T` output channels by `R` taps, summed over the pixels of all images of the group.
    #[inline(always)]
    fn sum_taps<S: Simd, const T: usize, const R: usize>(&mut self, simd: S, channel: usize, first_tap: usize) {
        let lanes = lanes::<S>();
        let Geometry { channels_in, channels_out, kernel, .. } = self.whole.geometry;
        let (plane, stride) = (self.padded.plane(), self.padded.stride());
        let shifts: [usize; R] = core::array::from_fn(|r| {
            let tap = first_tap + r;
            let (channel_in, ky, kx) = (tap / (kernel * kernel), tap / kernel % kernel, tap % kernel);
            channel_in * plane + ky * stride + kx
        });
        let vectors = self.padded.outputs().div_ceil(lanes);
        assert!(self.input.len() >= self.images * channels_in * plane && lanes < SLACK);
        assert!(self.dy.len() >= self.images * self.planes_out * plane && channel + T <= self.planes_out);
        let mut sums = [[simd.splat_f32s(0.0); R]; T];
        for image in 0..self.images {
            // SAFETY: within the planes of this image by the assertions; a plane ends with SLACK numbers beyond its last row.
            let input = unsafe { self.input.as_ptr().add(image * channels_in * plane) };
            // SAFETY: as above.
            let dy = unsafe { self.dy.as_ptr().add((image * self.planes_out + channel) * plane) };
            for vector in 0..vectors {
                let at = vector * lanes;
                let mut gradients = [simd.splat_f32s(0.0); T];
                for (t, gradient) in gradients.iter_mut().enumerate() {
                    // SAFETY: as above.
                    *gradient = unsafe { dy.add(t * plane + at).cast::<S::f32s>().read_unaligned() };
                }
                for (r, shift) in shifts.into_iter().enumerate() {
                    // SAFETY: as above.
                    let pixels = unsafe { input.add(shift + at).cast::<S::f32s>().read_unaligned() };
                    for (sums, gradient) in sums.iter_mut().zip(gradients) {
                        sums[r] = simd.mul_add_e_f32s(gradient, pixels, sums[r]);
                    }
                }
            }
        }
        let taps = channels_in * kernel * kernel;
        for (t, sums) in sums.into_iter().enumerate().take(channels_out.saturating_sub(channel)) {
            for (r, sum) in sums.into_iter().enumerate() {
                self.weight[(channel + t) * taps + first_tap + r] += simd.reduce_sum_f32s(sum);
            }
        }
    }
}

/// In eight lanes, so that the compiler may use vectors.
#[inline(always)]
fn sum(x: &[f32]) -> f32 {
    let (chunks, rest) = x.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for chunk in chunks {
        for (sum, x) in sums.iter_mut().zip(chunk) {
            *sum += x;
        }
    }
    sums.into_iter().sum::<f32>() + rest.iter().sum::<f32>()
}
