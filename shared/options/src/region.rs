//! Parts of a picture that have a name.

use crate::words::option;

option! {
    /// The part of a picture that inpainting is to find.
    pub enum Region {
        /// The left half.
        Left,
        /// The right half.
        Right,
        /// The upper half.
        Top,
        /// The lower half.
        Bottom,
        /// The middle square of half the side.
        #[strum(to_string = "centre", serialize = "center")]
        #[serde(alias = "center")]
        #[cfg_attr(feature = "clap", value(alias = "center"))]
        Centre,
        /// Two of every four rows.
        Stripes,
        /// Three quarters of the pixels, always the same ones.
        Random,
    }
}

impl Region {
    /// Whether the pixel in row `y`, column `x` of `height` x `width` is in it.
    #[must_use]
    pub fn contains(self, (y, x): (usize, usize), (height, width): (usize, usize)) -> bool {
        let middle = |at: usize, length: usize| at >= length / 4 && at < length - length / 4;
        match self {
            Self::Left => x < width / 2,
            Self::Right => x >= width / 2,
            Self::Top => y < height / 2,
            Self::Bottom => y >= height / 2,
            Self::Centre => middle(y, height) && middle(x, width),
            Self::Stripes => y % 4 >= 2,
            Self::Random => {
                let number = (y * width + x) as u32;
                number.wrapping_mul(0x9E37_79B1).rotate_left(16).wrapping_mul(0x85EB_CA6B) >> 30 > 0
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(region: Region, size: (usize, usize)) -> Vec<String> {
        let row = |y| (0..size.1).map(move |x| if region.contains((y, x), size) { '?' } else { '.' }).collect();
        (0..size.0).map(row).collect()
    }

    #[test]
    fn regions_are_where_their_names_say() {
        assert_eq!(drawn(Region::Left, (4, 8)), ["????...."; 4]);
        assert_eq!(drawn(Region::Right, (4, 8)), ["....????"; 4]);
        assert_eq!(drawn(Region::Top, (4, 8)), ["????????", "????????", "........", "........"]);
        assert_eq!(drawn(Region::Bottom, (4, 8)), ["........", "........", "????????", "????????"]);
        assert_eq!(drawn(Region::Centre, (4, 8)), ["........", "..????..", "..????..", "........"]);
        assert_eq!(drawn(Region::Stripes, (5, 2)), ["..", "..", "??", "??", ".."]);
        let random = drawn(Region::Random, (32, 32)).concat().matches('?').count();
        assert!((700..840).contains(&random), "about three quarters of 1,024: {random}");
    }

    #[test]
    fn halves_complete_each_other_at_odd_sizes() {
        for (one, other) in [(Region::Left, Region::Right), (Region::Top, Region::Bottom)] {
            let pixels = (0..5).flat_map(|y| (0..7).map(move |x| (y, x)));
            assert!(pixels.into_iter().all(|at| one.contains(at, (5, 7)) != other.contains(at, (5, 7))));
        }
    }

    #[test]
    fn both_spellings_of_the_centre_are_read() {
        assert_eq!("center".parse(), Ok(Region::Centre));
        assert_eq!(Region::Centre.to_string(), "centre");
    }
}
