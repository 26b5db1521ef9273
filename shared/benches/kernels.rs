//! The CPU kernels one by one, on layers of the U-Net of width 16 and of res12 of width 32, and batches of 64.
//! `cargo xtask bench` runs them; an "item" is a floating-point operation of the plain algorithm, so that Gitem/s are
//! GFLOP/s.

use std::fmt::{Display, Formatter, Result};

use burn::{
    backend::Dispatch,
    tensor::{Device, Distribution, Tensor},
};
use divan::{Bencher, black_box, counter::ItemsCount};
use shared::{
    Activation,
    kernels::{ImageOps, convolution, convolution_vjp, pool},
};

const BATCH: usize = 64;
const SILU: Option<Activation> = Some(Activation::Silu);

fn main() {
    divan::main();
}

/// A convolution with the activation before it.
#[derive(Clone, Copy)]
struct Layer {
    side: usize,
    channels_in: usize,
    channels_out: usize,
    kernel: usize,
}

impl Display for Layer {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        let Self { side, channels_in, channels_out, kernel } = self;
        write!(out, "{side}x{side}, {channels_in} -> {channels_out}, kernel {kernel}")
    }
}

impl Layer {
    const fn new(side: usize, channels_in: usize, channels_out: usize, kernel: usize) -> Self {
        Self { side, channels_in, channels_out, kernel }
    }

    fn images(&self, channels: usize) -> Tensor<4> {
        Tensor::random([BATCH, channels, self.side, self.side], Distribution::Default, &Device::flex())
    }

    fn weight(&self) -> Tensor<4> {
        let shape = [self.channels_out, self.channels_in, self.kernel, self.kernel];
        Tensor::random(shape, Distribution::Default, &Device::flex())
    }

    fn flop(&self) -> ItemsCount {
        let taps = self.channels_in * self.channels_out * self.kernel * self.kernel;
        ItemsCount::new(2 * BATCH * taps * self.side * self.side)
    }
}

const LAYERS: [Layer; 9] = [
    Layer::new(32, 1, 16, 3),
    Layer::new(32, 16, 16, 3),
    Layer::new(32, 16, 16, 1),
    Layer::new(16, 32, 32, 3),
    Layer::new(8, 64, 64, 3),
    Layer::new(4, 256, 256, 3),
    Layer::new(8, 128, 128, 3),
    Layer::new(16, 64, 64, 3),
    Layer::new(32, 32, 32, 3),
];

#[divan::bench(args = LAYERS)]
fn forward(bencher: Bencher, layer: Layer) {
    let (x, weight) = (layer.images(layer.channels_in), layer.weight());
    bencher.counter(layer.flop()).bench(|| black_box(convolution(x.clone(), weight.clone(), None, None, SILU)));
}

#[divan::bench(args = LAYERS)]
fn vjp(bencher: Bencher, layer: Layer) {
    let (x, dy, weight) = (layer.images(layer.channels_in), layer.images(layer.channels_out), layer.weight());
    bencher
        .counter(layer.flop())
        .bench(|| black_box(convolution_vjp(dy.clone(), weight.clone(), x.clone(), None, SILU)));
}

#[divan::bench(args = LAYERS)]
fn weight_gradient(bencher: Bencher, layer: Layer) {
    let (x, dy, weight) = (layer.images(layer.channels_in), layer.images(layer.channels_out), layer.weight());
    let [x, dy, weight] = [x, dy, weight].map(Tensor::into_dispatch);
    bencher
        .counter(layer.flop())
        .bench(|| black_box(<Dispatch as ImageOps>::weight_gradient(x.clone(), dy.clone(), weight.clone(), SILU)));
}

/// By the number of channels.
#[divan::bench(args = [16, 32])]
fn pooling(bencher: Bencher, channels: usize) {
    let x = Layer::new(32, channels, channels, 1).images(channels);
    bencher.counter(ItemsCount::new(x.shape().num_elements())).bench(|| black_box(pool(x.clone(), 0.25)));
}
