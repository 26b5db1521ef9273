//! Pictures of other kinds than a model was trained on, to see how it judges them.

use crate::texts;

/// A picture of another kind, with what it is called.
#[derive(Debug)]
pub struct Kind {
    /// What it is called.
    pub name: &'static str,
    /// `[H, W, C]`.
    pub picture: Vec<f32>,
}

/// The kinds, some of them made from a held-out picture `[H, W, C]`.
pub fn kinds(held_out: &[f32], side: usize, channels: usize) -> Vec<Kind> {
    let mut random = Random(1);
    let mut drawn = |value: &mut dyn FnMut(usize, usize, &mut Random) -> f32| -> Vec<f32> {
        let pixels = (0..side * side).flat_map(|i| vec![value(i % side, i / side, &mut random); channels]);
        pixels.collect()
    };
    let mut kinds = vec![
        Kind { name: texts::kind_black(), picture: drawn(&mut |_, _, _| 0.0) },
        Kind { name: texts::kind_grey(), picture: drawn(&mut |_, _, _| 0.5) },
        Kind { name: texts::kind_stripes(), picture: drawn(&mut |x, _, _| (x / 2 % 2) as f32) },
        Kind { name: texts::kind_gradient(), picture: drawn(&mut |x, y, _| (x + y) as f32 / (2 * side).max(1) as f32) },
        Kind { name: texts::kind_noise(), picture: drawn(&mut |_, _, random| random.unit()) },
    ];
    if held_out.len() == side * side * channels {
        let pixels: Vec<&[f32]> = held_out.chunks(channels.max(1)).collect();
        let mut shuffled = pixels.clone();
        for i in (1..shuffled.len()).rev() {
            shuffled.swap(i, (random.unit() * (i + 1) as f32) as usize % (i + 1));
        }
        kinds.extend([
            Kind {
                name: texts::kind_upside_down(),
                picture: pixels.iter().rev().copied().flatten().copied().collect(),
            },
            Kind { name: texts::kind_inverted(), picture: held_out.iter().map(|value| 1.0 - value).collect() },
            Kind { name: texts::kind_shuffled(), picture: shuffled.concat() },
        ]);
    }
    kinds
}

/// Marsaglia's generator: good enough to look random.
struct Random(u32);

impl Random {
    fn unit(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        (self.0 >> 8) as f32 / (1 << 24) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_fits_the_model() {
        for (side, channels) in [(28, 1), (16, 3)] {
            let held_out: Vec<f32> = (0..side * side * channels).map(|i| (i % 11) as f32 / 10.0).collect();
            for kind in kinds(&held_out, side, channels) {
                assert_eq!(kind.picture.len(), held_out.len(), "{}", kind.name);
                assert!(kind.picture.iter().all(|value| (0.0..=1.0).contains(value)), "{}", kind.name);
                assert_ne!(kind.picture, held_out, "{}", kind.name);
            }
            assert_eq!(kinds(&[], side, channels).len(), 5, "without a held-out picture");
        }
    }
}
