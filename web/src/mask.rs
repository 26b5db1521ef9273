//! Which pixels of a picture are to be found.

use options::Region;

use crate::Pictures;

/// A square of pixels, each known or unknown.
#[derive(Clone, Debug, PartialEq)]
pub struct Mask {
    side: usize,
    unknown: Vec<bool>,
}

impl Mask {
    /// A mask of `side * side` known pixels.
    pub fn known(side: usize) -> Self {
        Self { side, unknown: vec![false; side * side] }
    }

    /// A mask with one unknown region.
    pub fn region(side: usize, region: Region) -> Self {
        let unknown = (0..side * side).map(|i| region.contains((i / side, i % side), (side, side))).collect();
        Self { side, unknown }
    }

    /// The side in pixels.
    pub fn side(&self) -> usize {
        self.side
    }

    /// The pixels, row by row: true = unknown.
    pub fn unknown(&self) -> &[bool] {
        &self.unknown
    }

    /// Whether there is nothing to find.
    pub fn is_empty(&self) -> bool {
        !self.unknown.contains(&true)
    }

    /// The same part of a picture of another side: a pixel is unknown where any of those is that it covers.
    #[must_use]
    pub fn fitted(&self, side: usize) -> Self {
        let values = self.unknown.iter().map(|&unknown| f32::from(u8::from(unknown))).collect();
        let fitted = Pictures { side: self.side, channels: 1, values }.fitted(side, 1);
        Self { side, unknown: fitted.values.iter().map(|&share| share > 0.0).collect() }
    }

    /// Makes what is known unknown, and the other way round.
    pub fn invert(&mut self) {
        self.unknown.iter_mut().for_each(|unknown| *unknown = !*unknown);
    }

    /// Makes the pixels whose middle lies within `radius` of the segment from `a` to `b` unknown or known. Points are
    /// (x, y) in pixels, (0, 0) the upper left corner of the picture.
    pub fn stroke(&mut self, a: (f32, f32), b: (f32, f32), radius: f32, unknown: bool) {
        for pixel in stroke(self.side, a, b, radius) {
            self.unknown[pixel] = unknown;
        }
    }
}

/// The pixels of a square whose middle lies within `radius` of the segment from `a` to `b`.
pub fn stroke(side: usize, a: (f32, f32), b: (f32, f32), radius: f32) -> impl Iterator<Item = usize> {
    let along = (b.0 - a.0, b.1 - a.1);
    let length_squared = along.0 * along.0 + along.1 * along.1;
    (0..side * side).filter(move |i| {
        let from_a = ((i % side) as f32 + 0.5 - a.0, (i / side) as f32 + 0.5 - a.1);
        let t = if length_squared > 0.0 {
            ((from_a.0 * along.0 + from_a.1 * along.1) / length_squared).clamp(0.0, 1.0)
        } else {
            0.0
        };
        let off = (from_a.0 - t * along.0, from_a.1 - t * along.1);
        off.0 * off.0 + off.1 * off.1 <= radius * radius
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(mask: &Mask) -> Vec<String> {
        let row = |row: &[bool]| row.iter().map(|&u| if u { '#' } else { '.' }).collect();
        mask.unknown().chunks(mask.side()).map(row).collect()
    }

    #[test]
    fn regions_are_the_trainers() {
        assert_eq!(drawn(&Mask::region(4, Region::Left)), ["##..", "##..", "##..", "##.."]);
        assert_eq!(drawn(&Mask::region(4, Region::Right)), ["..##", "..##", "..##", "..##"]);
        assert_eq!(drawn(&Mask::region(4, Region::Top)), ["####", "####", "....", "...."]);
        assert_eq!(drawn(&Mask::region(4, Region::Bottom)), ["....", "....", "####", "####"]);
        assert_eq!(drawn(&Mask::region(4, Region::Centre)), ["....", ".##.", ".##.", "...."]);
        assert_eq!(drawn(&Mask::region(4, Region::Stripes)), ["....", "....", "####", "####"]);
        let random = Mask::region(32, Region::Random).unknown().iter().filter(|unknown| **unknown).count();
        assert!((700..840).contains(&random), "about three quarters: {random}");
        // Where halves do not come out even, the left and the upper one are the smaller.
        assert_eq!(drawn(&Mask::region(3, Region::Left)), ["#..", "#..", "#.."]);
    }

    #[test]
    fn a_mask_fits_another_side() {
        let mut mask = Mask::known(4);
        mask.stroke((3.5, 0.5), (3.5, 3.5), 0.6, true);
        assert_eq!(drawn(&mask.fitted(8)), vec!["......##"; 8]);
        assert_eq!(drawn(&mask.fitted(2)), vec![".#"; 2], "a thin line stays");
        assert_eq!(drawn(&mask.fitted(3)), vec!["..#"; 3]);
        assert_eq!(mask.fitted(4), mask);
        assert!(Mask::known(4).fitted(3).is_empty());
    }

    #[test]
    fn a_stroke_paints_along_its_way_and_another_erases() {
        let mut mask = Mask::known(5);
        assert!(mask.is_empty());
        mask.invert();
        assert!(!mask.unknown().contains(&false));
        mask.invert();
        mask.stroke((0.5, 1.5), (4.5, 1.5), 0.6, true);
        assert_eq!(drawn(&mask), [".....", "#####", ".....", ".....", "....."]);
        mask.stroke((2.5, 1.5), (2.5, 1.5), 0.6, false);
        assert_eq!(drawn(&mask), [".....", "##.##", ".....", ".....", "....."]);
        mask.stroke((-3.0, -3.0), (-3.0, 9.0), 1.0, true);
        assert_eq!(drawn(&mask), [".....", "##.##", ".....", ".....", "....."], "outside the picture nothing happens");
    }
}
