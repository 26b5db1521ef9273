//! A large batch on a processor, some images at a time.

use std::ops::RangeInclusive;

use burn::tensor::{Device, Tensor};

use cpu_kernels::threads;

/// Images of this many pixels that go through a network together on a processor. Of fewer, the work on the weights would
/// be too much of it; of more, activations would no longer stay in the last-level cache, which is several times as fast
/// as main memory.
const CHUNK: RangeInclusive<usize> = 16..=32;
const PIXELS: usize = 32 * 32;

/// The images of each chunk of a batch: fewer where they are larger.
fn chunk(images: usize, pixels: usize, threads: usize) -> usize {
    let larger = pixels.div_ceil(PIXELS).max(1);
    let [least, most] = [CHUNK.start(), CHUNK.end()].map(|images| (images / larger).max(1));
    (images / threads).clamp(least, most)
}

/// What a network says of the images `x`, `[N, C, H, W]`: by chunks on a processor, each on a core of its own, at once
/// elsewhere. An image's numbers do not depend on those that it shares a chunk with.
///
/// What is to be differentiated is not cut: a gradient of the weights wants many images at once.
pub(super) fn in_chunks<N: Clone + Send, T: Send>(
    network: &N,
    x: Tensor<4>,
    work: impl Fn(&N, Tensor<4>) -> T + Sync + Send,
) -> Vec<T> {
    let [images, _, height, width] = x.dims();
    let chunk = chunk(images, height * width, threads());
    if images <= chunk || x.device() != Device::flex() || x.device().is_autodiff() {
        return vec![work(network, x)];
    }
    let chunks: Vec<_> = x.split(chunk, 0).into_iter().map(|x| (network.clone(), x)).collect();
    map(chunks, |(network, x)| work(&network, x))
}

/// The chunks as one.
pub(super) fn joined<const D: usize>(mut chunks: Vec<Tensor<D>>) -> Tensor<D> {
    if chunks.len() == 1 { chunks.remove(0) } else { Tensor::cat(chunks, 0) }
}

#[cfg(not(target_family = "wasm"))]
fn map<T: Send, A: Send>(items: Vec<T>, work: impl Fn(T) -> A + Sync + Send) -> Vec<A> {
    use rayon::prelude::*;
    items.into_par_iter().map(work).collect()
}

#[cfg(target_family = "wasm")]
fn map<T, A>(items: Vec<T>, work: impl Fn(T) -> A) -> Vec<A> {
    items.into_iter().map(work).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_have_about_as_many_pixels_whatever_the_size() {
        let of = |side: usize, images| chunk(images, side * side, 2);
        assert_eq!([of(32, 8), of(32, 48), of(32, 64), of(32, 1000)], [16, 24, 32, 32]);
        assert_eq!([of(64, 4), of(64, 16), of(64, 1000)], [4, 8, 8]);
        assert_eq!([of(128, 4), of(256, 4)], [2, 1]);
        assert_eq!(of(16, 1000), 32);
    }
}
