//! How much memory a measurement may take beside its data: what needs more is done in pieces.

use std::ops::Range;

use shared::network::EnergyNetwork;

/// Bytes of the arrays that one measurement has at a time. A set of pictures that is worth cutting has gigabytes, so
/// this is little beside it; and in pieces of this size the work takes as long as in one.
pub const BYTES: usize = 512 << 20;

/// How many things of so many bytes are held at a time; at least one, whatever it takes.
pub fn at_a_time(bytes_of_each: usize) -> usize {
    (BYTES / bytes_of_each.max(1)).max(1)
}

/// `0..count` in parts of at most `most`.
pub fn parts(count: usize, most: usize) -> impl Iterator<Item = Range<usize>> + Clone {
    (0..count).step_by(most.max(1)).map(move |first| first..count.min(first.saturating_add(most.max(1))))
}

/// How many pictures of this side, at most `most`, go through a network at a time. Its largest layers have the pictures'
/// size and as many channels as its first, and about sixteen of them live at once.
pub fn pictures(network: &EnergyNetwork, side: usize, most: usize) -> usize {
    const LAYERS: usize = 16;
    let first = network.parameters().into_iter().find(|parameter| parameter.name == "stem.weight");
    let width = first.and_then(|parameter| parameter.shape.first().copied()).unwrap_or(1);
    at_a_time(side * side * width * LAYERS * size_of::<f32>()).min(most)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use options::{Activation, Architecture};
    use shared::network::NetworkConfig;

    use super::*;

    #[test]
    fn parts_cover_everything_once_and_none_is_too_large() {
        for (count, most) in [(0, 3), (1, 3), (7, 3), (9, 3), (5, usize::MAX), (4, 0)] {
            let parts: Vec<_> = parts(count, most).collect();
            assert_eq!(parts.iter().cloned().flatten().collect::<Vec<_>>(), (0..count).collect::<Vec<_>>());
            assert!(parts.iter().all(|part| (1..=most.max(1)).contains(&part.len())), "{count} by {most}: {parts:?}");
        }
    }

    #[test]
    fn what_is_held_at_a_time_fits_and_is_never_nothing() {
        for bytes in [0, 1, 4096, 200_000_000, BYTES, 3 * BYTES] {
            let count = at_a_time(bytes);
            assert!(count == 1 || count * bytes <= BYTES, "{count} of {bytes} bytes");
        }
    }

    #[test]
    fn fewer_large_pictures_go_through_a_network_at_a_time() {
        let config = |image_size| NetworkConfig {
            preset: Architecture::Unet,
            scales: None,
            width: 16,
            channels: 3,
            image_size,
            activation: Activation::Silu,
            sigma_0: 0.1,
        };
        let count = |side| pictures(&EnergyNetwork::new(&config(side), &Device::flex()).unwrap(), side, 100);
        assert_eq!([32, 64, 128, 256].map(count), [100, 100, 32, 8]);
    }
}
