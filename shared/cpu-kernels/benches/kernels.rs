//! The kernels one by one, at every vector width of this machine, on layers of the U-Net of width 16 and of res12 of
//! width 32, and of larger pictures; batches of 64 images of 32x32, or as many pixels. `cargo xtask bench` runs them;
//! an "item" is a floating-point operation of the plain algorithm, so that Gitem/s are GFLOP/s.

use std::fmt::{Display, Formatter, Result};

use cpu_kernels::{Activation, Convolution, Epilogue, Geometry, Vectors, WeightGradient, pool};
use divan::{Bencher, black_box, counter::ItemsCount};

const SILU: Option<Activation> = Some(Activation::Silu);

fn main() {
    divan::main();
}

/// A convolution with the activation before it.
#[derive(Clone, Copy)]
struct Layer {
    vectors: Vectors,
    geometry: Geometry,
}

impl Display for Layer {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        let Geometry { channels_in, channels_out, height, width, kernel, .. } = self.geometry;
        write!(out, "{}, {height}x{width}, {channels_in} -> {channels_out}, kernel {kernel}", self.vectors)
    }
}

/// Side, channels in, channels out, kernel.
const LAYERS: [[usize; 4]; 12] = [
    [32, 1, 16, 3],
    [32, 16, 16, 3],
    [32, 16, 16, 1],
    [16, 32, 32, 3],
    [8, 64, 64, 3],
    [4, 256, 256, 3],
    [8, 128, 128, 3],
    [16, 64, 64, 3],
    [32, 32, 32, 3],
    [32, 24, 24, 3],
    [64, 16, 16, 3],
    [128, 16, 16, 3],
];

fn layers() -> Vec<Layer> {
    let layer = |vectors, [side, channels_in, channels_out, kernel]: [usize; 4]| {
        let images = 64 * (32 * 32) / (side * side).max(32 * 32);
        Layer { vectors, geometry: Geometry { images, channels_in, channels_out, height: side, width: side, kernel } }
    };
    Vectors::all().into_iter().flat_map(|vectors| LAYERS.map(|sides| layer(vectors, sides))).collect()
}

impl Layer {
    fn images(&self, channels: usize) -> Vec<f32> {
        numbers(self.geometry.images * channels * self.geometry.plane())
    }

    fn weight(&self) -> Vec<f32> {
        numbers(self.geometry.channels_out * self.geometry.channels_in * self.geometry.kernel.pow(2))
    }

    fn flop(&self) -> ItemsCount {
        let Geometry { images, channels_in, channels_out, kernel, .. } = self.geometry;
        ItemsCount::new(2 * images * channels_in * channels_out * kernel * kernel * self.geometry.plane())
    }
}

/// Numbers between -1 and 1.
fn numbers(length: usize) -> Vec<f32> {
    (0..length).map(|i| (i % 1009) as f32 / 504.0 - 1.0).collect()
}

#[divan::bench(args = layers())]
fn forward(bencher: Bencher<'_, '_>, layer: Layer) {
    let Layer { vectors, geometry } = layer;
    let (x, weight) = (layer.images(geometry.channels_in), layer.weight());
    let run = || Convolution::forward(vectors, geometry, &x, &weight, SILU, Epilogue::default()).run();
    bencher.counter(layer.flop()).bench(|| black_box(run()));
}

#[divan::bench(args = layers())]
fn adjoint(bencher: Bencher<'_, '_>, layer: Layer) {
    let Layer { vectors, geometry } = layer;
    let (x, dy, weight) = (layer.images(geometry.channels_in), layer.images(geometry.channels_out), layer.weight());
    // The adjoint reads the forward convolution's output channels.
    let turned = Geometry { channels_in: geometry.channels_out, channels_out: geometry.channels_in, ..geometry };
    let epilogue = || Epilogue { gate: Some((&x[..], Activation::Silu)), ..Epilogue::default() };
    let run = || Convolution::adjoint(vectors, turned, &dy, &weight, epilogue()).run();
    bencher.counter(layer.flop()).bench(|| black_box(run()));
}

#[divan::bench(args = layers())]
fn weight_gradient(bencher: Bencher<'_, '_>, layer: Layer) {
    let Layer { vectors, geometry } = layer;
    let (x, dy) = (layer.images(geometry.channels_in), layer.images(geometry.channels_out));
    let run = || WeightGradient { vectors, geometry, input: &x, activation: SILU, dy: &dy }.run();
    bencher.counter(layer.flop()).bench(|| black_box(run()));
}

/// Of 64 images of so many channels.
#[divan::bench(args = [16, 32])]
fn pooling(bencher: Bencher<'_, '_>, channels: usize) {
    let x = numbers(64 * channels * 32 * 32);
    bencher.counter(ItemsCount::new(x.len())).bench(|| black_box(pool(Vectors::widest(), &x, 32, 0.25)));
}
