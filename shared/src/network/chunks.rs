//! A large batch on a processor, some images at a time.

use std::ops::RangeInclusive;

use burn::tensor::{Device, Tensor};

use cpu_kernels::threads;

/// Images that go through a network together on a processor. Of fewer, the work on the weights would be too much of it;
/// of more, activations would no longer stay in the last-level cache, which is several times as fast as main memory.
const CHUNK: RangeInclusive<usize> = 16..=32;

/// Energies and energy gradients of the images `x`, `[N, C, H, W]`: by chunks on a processor, each on a core of its
/// own, at once elsewhere. An image's numbers do not depend on those that it shares a chunk with.
///
/// What is to be differentiated is not cut: a gradient of the weights wants many images at once.
pub(super) fn in_chunks<N: Clone + Send>(
    network: &N,
    x: Tensor<4>,
    work: impl Fn(&N, Tensor<4>) -> (Tensor<1>, Tensor<4>) + Sync + Send,
) -> (Tensor<1>, Tensor<4>) {
    let images = x.dims()[0];
    let chunk = (images / threads()).clamp(*CHUNK.start(), *CHUNK.end());
    if images <= chunk || x.device() != Device::flex() || x.device().is_autodiff() {
        return work(network, x);
    }
    let chunks: Vec<_> = x.split(chunk, 0).into_iter().map(|x| (network.clone(), x)).collect();
    let (energies, gradients) = map(chunks, |(network, x)| work(&network, x));
    (Tensor::cat(energies, 0), Tensor::cat(gradients, 0))
}

#[cfg(not(target_family = "wasm"))]
fn map<T: Send, A: Send, B: Send>(items: Vec<T>, work: impl Fn(T) -> (A, B) + Sync + Send) -> (Vec<A>, Vec<B>) {
    use rayon::prelude::*;
    items.into_par_iter().map(work).unzip()
}

#[cfg(target_family = "wasm")]
fn map<T, A, B>(items: Vec<T>, work: impl Fn(T) -> (A, B)) -> (Vec<A>, Vec<B>) {
    items.into_iter().map(work).unzip()
}
