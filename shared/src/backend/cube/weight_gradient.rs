//! The gradient of a convolution's weight and bias: a sum over all positions of all images.
//!
//! A cube lays a patch of positions of some input and output channels into its shared memory, where a unit sums the
//! products of one input channel, at all taps, with several output channels. The patches go round several cubes, whose
//! sums another dispatch adds up, always in the same order.

use burn_cubecl::tensor::CubeTensor;
use cubecl::{calculate_cube_count_elemwise, prelude::*};

use super::{
    activation::activate,
    dense, empty, spread,
    sum::{self, sum_of_cube},
};
use options::Activation;

/// Output channels of one unit.
const OUT: usize = 8;
/// Channels of one cube.
const TILE_OUT: usize = 32;
const TILE_IN: usize = 8;
/// Units with the same channels, which share the positions of a patch.
const GROUPS: usize = 4;
/// Units of one group, which are all pairs of a cube's channels.
const PAIRS: usize = TILE_IN * TILE_OUT / OUT;
const UNITS: usize = GROUPS * PAIRS;
/// Positions of a patch, and images that it may come from, at most: a cube has 16 KiB of shared memory where there is
/// least.
const POSITIONS: usize = 64;
const IMAGES: usize = 4;
/// Cubes of one dispatch, about: enough to fill a large GPU.
const CUBES: usize = 1024;

/// What the compiler of the kernel knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Plan {
    /// Of the convolution's kernel.
    side: usize,
    activation: Option<Activation>,
    patch: Patch,
}

/// Positions that are summed together: the same rows and columns of a few images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Patch {
    images: usize,
    rows: usize,
    columns: usize,
}

/// The gradient at the weight, of its shape, and at the bias, of the convolution of `s(x)` whose output has the
/// gradient `dy`.
pub(super) fn weight_gradient(
    x: CubeTensor,
    dy: CubeTensor,
    weight: &CubeTensor,
    activation: Option<Activation>,
) -> (CubeTensor, CubeTensor) {
    let (x, dy) = (dense(x), dense(dy));
    let [images, channels_in, height, width] = x.meta.shape().dims();
    let [channels_out, _, side, _] = weight.meta.shape().dims();
    let patch = Patch::of(height, width);
    let patches = images.div_ceil(patch.images) * height.div_ceil(patch.rows) * width.div_ceil(patch.columns);
    let tiles = channels_in.div_ceil(TILE_IN) * channels_out.div_ceil(TILE_OUT);
    let splits = (CUBES / tiles).clamp(1, patches);
    let parts = empty(&x, [splits, channels_out, channels_in, side, side]);
    // SAFETY: every position that is read or written is inside its tensor, or its unit does neither.
    unsafe {
        sum_patches::launch_unchecked(
            &x.client.clone(),
            CubeCount::new_1d((tiles * splits) as u32),
            CubeDim::new_1d(UNITS as u32),
            x.into_tensor_arg(),
            dy.clone().into_tensor_arg(),
            parts.clone().into_tensor_arg(),
            Plan { side, activation, patch },
        );
    }
    (sum_parts(parts, &[channels_out, channels_in, side, side]), sum_parts(sum_images(dy), &[channels_out]))
}

impl Patch {
    fn of(height: usize, width: usize) -> Self {
        let columns = width.next_power_of_two().min(POSITIONS / 2);
        let rows = height.next_power_of_two().min(POSITIONS / columns);
        Self { images: (POSITIONS / (rows * columns)).min(IMAGES), rows, columns }
    }

    const fn positions(self) -> usize {
        self.images * self.rows * self.columns
    }
}

/// `[N, C, H, W]` to the sum over each image, `[N, C]`.
fn sum_images(dy: CubeTensor) -> CubeTensor {
    let [images, channels, height, width] = dy.meta.shape().dims();
    let sums = empty(&dy, [images, channels]);
    let dim = CubeDim::new_1d(sum::UNITS as u32);
    let count = calculate_cube_count_elemwise(&dy.client, images * channels * sum::UNITS, dim);
    sum_planes::launch(
        &dy.client.clone(),
        count,
        dim,
        dy.into_tensor_arg(),
        sums.clone().into_tensor_arg(),
        height * width,
    );
    sums
}

/// The sum over the first axis.
fn sum_parts(parts: CubeTensor, shape: &[usize]) -> CubeTensor {
    let sum = empty(&parts, shape.to_vec());
    let units = shape.iter().product();
    let (count, dim) = spread(&parts.client, units);
    sum_first::launch(&parts.client.clone(), count, dim, parts.into_tensor_arg(), sum.clone().into_tensor_arg());
    sum
}

/// Each cube sums its part of the patches, in strides as long as there are cubes, for a tile of channels of both sides.
#[cube(launch_unchecked)]
fn sum_patches(x: &Tensor<f32>, dy: &Tensor<f32>, parts: &mut Tensor<f32>, #[comptime] plan: Plan) {
    let patch = comptime!(plan.patch);
    let (side, reach, taps) = comptime!((plan.side, plan.side / 2, plan.side * plan.side));
    let (window_columns, window) =
        comptime!((patch.columns + 2 * reach, (patch.rows + 2 * reach) * (patch.columns + 2 * reach)));
    // Odd, so that the channels of neighbouring units lie in different banks of the memory.
    let (stride_in, stride_out) = comptime!(((patch.images * window) | 1, patch.positions() | 1));
    let mut inputs = Shared::<[f32]>::new_slice(comptime!((TILE_IN * stride_in).max((GROUPS - 1) * PAIRS * taps)));
    let mut outputs = Shared::<[f32]>::new_slice(comptime!(TILE_OUT * stride_out));

    let (images, channels_in, height, width) = (x.shape(0), x.shape(1), x.shape(2), x.shape(3));
    let channels_out = dy.shape(1);
    let tiles_in = channels_in.div_ceil(TILE_IN);
    let tiles_out = channels_out.div_ceil(TILE_OUT);
    let (split, splits) = (CUBE_POS / (tiles_in * tiles_out), parts.shape(0));
    let first_in = CUBE_POS % tiles_in * TILE_IN;
    let first_out = CUBE_POS / tiles_in % tiles_out * TILE_OUT;
    let unit = UNIT_POS as usize;
    let (group, pair) = (unit / PAIRS, unit % PAIRS);
    let (of_in, of_out) = (pair % TILE_IN, pair / TILE_IN * OUT);

    let mut sums = Array::<f32>::new(comptime!(OUT * taps));
    #[unroll]
    for at in 0..comptime!(OUT * taps) {
        sums[at] = 0.0;
    }
    let (down, across) = (height.div_ceil(patch.rows), width.div_ceil(patch.columns));
    let patches = images.div_ceil(patch.images) * down * across;
    for index in range_stepped(split, patches, splits) {
        let column = index % across * patch.columns;
        let row = index / across % down * patch.rows;
        let image = index / (across * down) * patch.images;

        for at in range_stepped(unit, comptime!(TILE_IN * patch.images * window), UNITS) {
            let (channel, within) = (at / comptime!(patch.images * window), at % comptime!(patch.images * window));
            let n = image + within / window;
            let y = row + within % window / window_columns;
            let x_ = column + within % window_columns;
            let c = first_in + channel;
            // Positions count from `reach` before the image.
            let inside =
                n < images && c < channels_in && y >= reach && y < height + reach && x_ >= reach && x_ < width + reach;
            let mut value = 0f32;
            if inside {
                value = activate(x[((n * channels_in + c) * height + y - reach) * width + x_ - reach], plan.activation);
            }
            inputs[channel * stride_in + within] = value;
        }
        for at in range_stepped(unit, comptime!(TILE_OUT * patch.positions()), UNITS) {
            let (channel, within) = (at / comptime!(patch.positions()), at % comptime!(patch.positions()));
            let n = image + within / comptime!(patch.rows * patch.columns);
            let y = row + within / patch.columns % patch.rows;
            let x_ = column + within % patch.columns;
            let c = first_out + channel;
            let inside = n < images && c < channels_out && y < height && x_ < width;
            let mut value = 0f32;
            if inside {
                value = dy[((n * channels_out + c) * height + y) * width + x_];
            }
            outputs[channel * stride_out + within] = value;
        }
        sync_cube();

        let each = comptime!(patch.positions() / GROUPS);
        for step in 0..each {
            let at = group * each + step;
            let corner = at / comptime!(patch.rows * patch.columns) * window
                + at / patch.columns % patch.rows * window_columns
                + at % patch.columns;
            let mut values = Array::<f32>::new(taps);
            #[unroll]
            for tap in 0..taps {
                let offset = comptime!(tap / side * window_columns + tap % side);
                values[tap] = inputs[of_in * stride_in + corner + offset];
            }
            #[unroll]
            for out in 0..OUT {
                let v = outputs[(of_out + out) * stride_out + at];
                #[unroll]
                for tap in 0..taps {
                    sums[comptime!(out * taps + tap)] += v * values[tap];
                }
            }
        }
        sync_cube();
    }

    // The groups' sums, one output channel after the other, through the memory of the inputs.
    #[unroll]
    for out in 0..OUT {
        if group > 0 {
            #[unroll]
            for tap in 0..taps {
                inputs[((group - 1) * PAIRS + pair) * taps + tap] = sums[comptime!(out * taps + tap)];
            }
        }
        sync_cube();
        let (channel_in, channel_out) = (first_in + of_in, first_out + of_out + out);
        if group == 0 && channel_in < channels_in && channel_out < channels_out {
            let to = ((split * channels_out + channel_out) * channels_in + channel_in) * taps;
            #[unroll]
            for tap in 0..taps {
                let mut sum = sums[comptime!(out * taps + tap)];
                #[unroll]
                for other in 0..comptime!(GROUPS - 1) {
                    sum += inputs[(other * PAIRS + pair) * taps + tap];
                }
                parts[to + tap] = sum;
            }
        }
        sync_cube();
    }
}

/// Each cube sums one plane.
#[cube(launch)]
fn sum_planes(x: &Tensor<f32>, sums: &mut Tensor<f32>, pixels: usize) {
    // There may be more cubes than planes: those do the last one again, as some may not leave where all wait for each
    // other.
    let plane = CUBE_POS.min(sums.len() - 1);
    let mut sum = 0f32;
    for pixel in range_stepped(UNIT_POS as usize, pixels, sum::UNITS) {
        sum += x[plane * pixels + pixel];
    }
    let sum = sum_of_cube(sum);
    if UNIT_POS == 0 {
        sums[plane] = sum;
    }
}

/// Each unit sums one number of every part.
#[cube(launch)]
fn sum_first(parts: &Tensor<f32>, sum: &mut Tensor<f32>) {
    if ABSOLUTE_POS >= sum.len() {
        terminate!();
    }
    let (mut total, length) = (0f32, sum.len());
    for part in 0..parts.shape(0) {
        total += parts[part * length + ABSOLUTE_POS];
    }
    sum[ABSOLUTE_POS] = total;
}
