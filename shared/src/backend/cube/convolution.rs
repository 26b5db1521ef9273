//! The convolution, forward and adjoint, with what stands before and after it: one dispatch.
//!
//! A unit computes a block of pixels of several output channels. A value of the input is read and sent through the
//! activation once for all of them, and a weight is read once for all pixels: on every GPU, and on those made of
//! software even more so, reading takes longer than multiplying.

use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::{
    activation::{activate, slope},
    dense, empty, spread,
};
use options::Activation;

/// Pixels of one unit, down and across: more would not fit the registers of a GPU.
const ROWS: usize = 2;
const COLUMNS: usize = 4;
const BLOCK: usize = ROWS * COLUMNS;
/// Output channels of one unit, at most.
const TILE: usize = 8;

/// Which way a kernel is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Direction {
    /// Weights `[channels_out, channels_in, k, k]`.
    Forward,
    /// Weights `[channels_in, channels_out, k, k]`, the kernel turned by 180 degrees.
    Adjoint,
}

/// A weight, and the tensors whose channels, one after the other, it is applied to.
pub(super) struct Weighted {
    pub weight: CubeTensor,
    /// Each `[N, _, H, W]`.
    pub parts: Vec<CubeTensor>,
}

/// A sum of convolutions and what else goes into it.
pub(super) struct Convolution {
    pub direction: Direction,
    /// The activation before the main convolution.
    pub activation: Option<Activation>,
    pub main: Weighted,
    /// Of the output's shape, with the activation whose derivative there multiplies the main convolution.
    pub gate: Option<(CubeTensor, Activation)>,
    /// A convolution beside the main one, which neither the activation nor the gate touches.
    pub side: Option<Weighted>,
    /// Each `[channels_out]`.
    pub biases: Vec<CubeTensor>,
    /// Of the output's shape.
    pub residual: Option<CubeTensor>,
    /// Where only some of the output's channels are wanted: the first, and how many.
    pub channels: Option<(usize, usize)>,
}

/// What the compiler of the kernel knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Plan {
    direction: Direction,
    /// Side of the main kernel, and of the one beside it.
    sides: [usize; 2],
    /// Output channels of one unit.
    tile: usize,
    activation: Option<Activation>,
    gate: Option<Activation>,
    /// Whether every unit has all of its pixels and channels.
    whole: bool,
}

impl Convolution {
    /// With nothing before and after it.
    pub(super) fn new(direction: Direction, main: Weighted) -> Self {
        let biases = Vec::new();
        Self { direction, activation: None, main, gate: None, side: None, biases, residual: None, channels: None }
    }

    /// Computes it: `[N, channels_out, H, W]`.
    pub(super) fn launch(self) -> CubeTensor {
        let main = self.main.dense();
        let [images, _, height, width] = main.parts[0].meta.shape().dims();
        let (first_channel, channels_out) =
            self.channels.unwrap_or_else(|| (0, main.channels(self.direction.opposite())));
        let tile = TILE.min(channels_out);
        let gate_activation = self.gate.as_ref().map(|(_, activation)| *activation);
        let side = self.side.map(Weighted::dense);
        for weighted in [Some(&main), side.as_ref()].into_iter().flatten() {
            let channels: usize = weighted.parts.iter().map(|part| part.meta.shape()[1]).sum();
            assert_eq!(channels, weighted.channels(self.direction), "the channels of the images and of the weight");
        }
        let plan = Plan {
            direction: self.direction,
            sides: [main.side(), side.as_ref().map_or(1, Weighted::side)],
            tile,
            activation: self.activation,
            gate: gate_activation,
            whole: height % ROWS == 0 && width % COLUMNS == 0 && channels_out % tile == 0,
        };
        let client = main.weight.client.clone();
        let output = empty(&main.weight, [images, channels_out, height, width]);
        let units = images * channels_out.div_ceil(tile) * height.div_ceil(ROWS) * width.div_ceil(COLUMNS);
        let (count, dim) = spread(&client, units);
        let (side_weight, side_parts) = side.map_or((None, Vec::new()), |side| (Some(side.weight), side.parts));
        // SAFETY: units beyond the output end at once, and every position that is read or written is inside its tensor.
        unsafe {
            convolution::launch_unchecked(
                &client,
                count,
                dim,
                tensors(main.parts),
                main.weight.into_tensor_arg(),
                tensors(side_parts),
                tensors(side_weight),
                tensors(self.biases),
                tensors(self.gate.map(|(gate, _)| gate)),
                tensors(self.residual),
                output.clone().into_tensor_arg(),
                first_channel,
                plan,
            );
        }
        output
    }
}

impl Direction {
    fn opposite(self) -> Self {
        match self {
            Self::Forward => Self::Adjoint,
            Self::Adjoint => Self::Forward,
        }
    }
}

impl Weighted {
    fn dense(self) -> Self {
        Self { weight: dense(self.weight), parts: self.parts.into_iter().map(dense).collect() }
    }

    /// The channels that the weight reads in this direction.
    fn channels(&self, direction: Direction) -> usize {
        match direction {
            Direction::Forward => self.weight.meta.shape()[1],
            Direction::Adjoint => self.weight.meta.shape()[0],
        }
    }

    fn side(&self) -> usize {
        self.weight.meta.shape()[2]
    }
}

fn tensors(list: impl IntoIterator<Item = CubeTensor>) -> SequenceArg<OwnedTensor<f32>> {
    let mut sequence = SequenceArg::new();
    list.into_iter().for_each(|tensor| sequence.push(dense(tensor).into_tensor_arg()));
    sequence
}

/// Each unit computes [`ROWS`] by [`COLUMNS`] pixels of a tile of output channels.
#[cube(launch_unchecked)]
#[allow(clippy::too_many_arguments, reason = "a kernel takes its tensors one by one")]
fn convolution(
    parts: &Sequence<OwnedTensor<f32>>,
    weight: &Tensor<f32>,
    side_parts: &Sequence<OwnedTensor<f32>>,
    side_weight: &Sequence<OwnedTensor<f32>>,
    biases: &Sequence<OwnedTensor<f32>>,
    gate: &Sequence<OwnedTensor<f32>>,
    residual: &Sequence<OwnedTensor<f32>>,
    output: &mut Tensor<f32>,
    first_channel: usize,
    #[comptime] plan: Plan,
) {
    let channels = output.shape(1);
    let (height, width) = (output.shape(2), output.shape(3));
    let across = width.div_ceil(COLUMNS);
    let down = height.div_ceil(ROWS);
    let tiles = channels.div_ceil(plan.tile);
    let image = ABSOLUTE_POS / (tiles * down * across);
    if image >= output.shape(0) {
        terminate!();
    }
    let column = ABSOLUTE_POS % across * COLUMNS;
    let row = ABSOLUTE_POS / across % down * ROWS;
    let channel = ABSOLUTE_POS / (across * down) % tiles * plan.tile;
    let block = Block { image, channel, row, column, channels, height, width };

    let mut sums = Array::<f32>::new(comptime!(plan.tile * BLOCK));
    #[unroll]
    for at in 0..comptime!(plan.tile * BLOCK) {
        sums[at] = 0.0;
    }
    let mut first_in = 0usize;
    #[unroll]
    for part in 0..parts.len() {
        let input = parts.index(part);
        add_products(&mut sums, input, weight, &block, first_in, first_channel, plan, 0usize);
        first_in += input.shape(1);
    }

    if comptime!(plan.gate.is_some()) {
        let gate = gate.index(0);
        #[unroll]
        for at in 0..comptime!(plan.tile * BLOCK) {
            let v = gate[position(&block, at)];
            sums[at] *= slope(v, plan.gate);
        }
    }
    let mut first_in = 0usize;
    #[unroll]
    for part in 0..side_parts.len() {
        let input = side_parts.index(part);
        let weight = side_weight.index(0);
        add_products(&mut sums, input, weight, &block, first_in, first_channel, plan, 1usize);
        first_in += input.shape(1);
    }
    #[unroll]
    for index in 0..biases.len() {
        #[unroll]
        for t in 0..plan.tile {
            let value = biases.index(index)[(channel + t).min(channels - 1)];
            #[unroll]
            for pixel in 0..BLOCK {
                sums[t * BLOCK + pixel] += value;
            }
        }
    }
    #[unroll]
    for index in 0..residual.len() {
        #[unroll]
        for at in 0..comptime!(plan.tile * BLOCK) {
            sums[at] += residual.index(index)[position(&block, at)];
        }
    }
    #[unroll]
    for at in 0..comptime!(plan.tile * BLOCK) {
        if comptime!(plan.whole) {
            let to = position(&block, at);
            output[to] = sums[at];
        } else {
            let inside = channel + comptime!(at / BLOCK) < channels
                && row + comptime!(at % BLOCK / COLUMNS) < height
                && column + comptime!(at % COLUMNS) < width;
            if inside {
                let to = position(&block, at);
                output[to] = sums[at];
            }
        }
    }
}

/// What a unit computes: its first channel, row and column of an output of this shape.
#[derive(CubeType)]
struct Block {
    image: usize,
    channel: usize,
    row: usize,
    column: usize,
    channels: usize,
    height: usize,
    width: usize,
}

/// Where the sum of this number belongs, or another position of the output if it is outside.
#[cube]
fn position(block: &Block, #[comptime] at: usize) -> usize {
    let channel = (block.channel + comptime!(at / BLOCK)).min(block.channels - 1);
    let row = (block.row + comptime!(at % BLOCK / COLUMNS)).min(block.height - 1);
    let column = (block.column + comptime!(at % COLUMNS)).min(block.width - 1);
    ((block.image * block.channels + channel) * block.height + row) * block.width + column
}

/// Adds the convolution of one part of an input, whose first channel is the weight's channel `first_in`, to the sums.
#[cube]
#[allow(clippy::too_many_arguments, reason = "a kernel takes its tensors one by one")]
fn add_products(
    sums: &mut Array<f32>,
    input: &Tensor<f32>,
    weight: &Tensor<f32>,
    block: &Block,
    first_in: usize,
    first_out: usize,
    #[comptime] plan: Plan,
    #[comptime] which: usize,
) {
    let side = comptime!(plan.sides[which]);
    let reach = comptime!(side / 2);
    let (window_rows, window_columns) = comptime!((ROWS + 2 * reach, COLUMNS + 2 * reach));
    let taps = comptime!(side * side);
    let (height, width) = (block.height, block.width);

    // One more than each position, so that it is not negative beside the image.
    let mut row_starts = Array::<usize>::new(window_rows);
    let mut row_inside = Array::<bool>::new(window_rows);
    #[unroll]
    for r in 0..window_rows {
        let y = block.row + comptime!(r + 1 - reach);
        row_inside[r] = y >= 1 && y <= height;
        row_starts[r] = (y.max(1) - 1).min(height - 1) * width;
    }
    let mut columns = Array::<usize>::new(window_columns);
    let mut column_inside = Array::<bool>::new(window_columns);
    #[unroll]
    for q in 0..window_columns {
        let x = block.column + comptime!(q + 1 - reach);
        column_inside[q] = x >= 1 && x <= width;
        columns[q] = (x.max(1) - 1).min(width - 1);
    }
    // Where the weights of each output channel begin, and how far the next input channel's are.
    let mut weights = Array::<usize>::new(plan.tile);
    #[unroll]
    for t in 0..plan.tile {
        let out = first_out + (block.channel + t).min(block.channels - 1);
        weights[t] = match comptime!(plan.direction) {
            Direction::Forward => (out * weight.shape(1) + first_in) * taps,
            Direction::Adjoint => (first_in * weight.shape(1) + out) * taps,
        };
    }
    let stride = match comptime!(plan.direction) {
        Direction::Forward => taps.runtime(),
        Direction::Adjoint => weight.shape(1) * taps,
    };

    let mut window = Array::<f32>::new(comptime!(window_rows * window_columns));
    let channels_in = input.shape(1);
    for channel in 0..channels_in {
        let start = (block.image * channels_in + channel) * height * width;
        #[unroll]
        for r in 0..window_rows {
            #[unroll]
            for q in 0..window_columns {
                let v = input[start + row_starts[r] + columns[q]];
                let v = if comptime!(which == 0) { activate(v, plan.activation) } else { v };
                window[r * window_columns + q] = select(row_inside[r] && column_inside[q], v, 0.0);
            }
        }
        #[unroll]
        for t in 0..plan.tile {
            #[unroll]
            for tap in 0..taps {
                let of_tap = match comptime!(plan.direction) {
                    Direction::Forward => tap,
                    Direction::Adjoint => comptime!(taps - 1 - tap),
                };
                let w = weight[weights[t] + channel * stride + of_tap];
                #[unroll]
                for pixel in 0..BLOCK {
                    let at = comptime!((pixel / COLUMNS + tap / side) * window_columns + pixel % COLUMNS + tap % side);
                    sums[comptime!(t * BLOCK + pixel)] += w * window[at];
                }
            }
        }
    }
}
