//! What the toy learns: points along curves and in clusters, within about 1.3 of the origin.

use core::f32::consts::{PI, TAU};

use serde::{Deserialize, Serialize};

use super::Point;
use crate::{Draw, Noise};

/// A distribution of points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ToyShape {
    /// Two half circles that hold each other.
    Moons,
    /// Two circles with one middle.
    Rings,
    /// Nine clusters, three by three.
    Grid,
    /// One arm that winds outwards.
    Spiral,
}

impl ToyShape {
    /// How far the points scatter around their curve or centre.
    const SCATTER: f32 = 0.04;

    /// `count` points of the shape.
    pub fn points(self, count: usize) -> Vec<Point> {
        let scatter = Noise::new(0).normal(0, Draw::Start, 2 * count);
        let scattered = scatter.as_chunks::<2>().0.iter().enumerate();
        scattered
            .map(|(index, [dx, dy])| {
                let [x, y] = self.center(index, (index as f32 + 0.5) / count as f32);
                [x + Self::SCATTER * dx, y + Self::SCATTER * dy]
            })
            .collect()
    }

    /// Where point `index`, at `along` 0..1 of all, would be without scatter. Neighbours in the list lie on different
    /// parts.
    fn center(self, index: usize, along: f32) -> Point {
        let circle = |radius: f32, angle: f32| [radius * angle.cos(), radius * angle.sin()];
        match (self, index % 2) {
            (Self::Moons, 0) => {
                let [x, y] = circle(0.8, along * PI);
                [x - 0.4, y - 0.2]
            }
            (Self::Moons, _) => {
                let [x, y] = circle(0.8, PI + along * PI);
                [x + 0.4, y + 0.2]
            }
            (Self::Rings, 0) => circle(0.4, along * TAU),
            (Self::Rings, _) => circle(1.1, along * TAU),
            (Self::Grid, _) => [(index % 3) as f32 - 1.0, (index / 3 % 3) as f32 - 1.0],
            // Evenly spaced along the arm, not by angle.
            (Self::Spiral, _) => circle(0.15 + 1.05 * along.sqrt(), 3.5 * PI * along.sqrt()),
        }
    }
}
