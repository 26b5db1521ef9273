//! What the toy learns: points along curves and in clusters, within about 1.5 of the origin.

use core::f32::consts::{PI, TAU};

use options::ToyShape;

use super::Point;
use crate::sampling::{Draw, Noise};

/// How far the points scatter around their curve or centre.
const SCATTER: f32 = 0.04;

/// `count` points of a shape.
pub fn points(shape: ToyShape, count: usize) -> Vec<Point> {
    let scatter = Noise::new(0).normal(0, Draw::Start, 2 * count);
    let scattered = scatter.as_chunks::<2>().0.iter().enumerate();
    scattered
        .map(|(index, [dx, dy])| {
            let [x, y] = center(shape, index, (index as f32 + 0.5) / count as f32);
            [x + SCATTER * dx, y + SCATTER * dy]
        })
        .collect()
}

/// Where point `index`, at `along` 0..1 of all, would be without scatter. Neighbours in the list lie on different
/// parts.
fn center(shape: ToyShape, index: usize, along: f32) -> Point {
    let circle = |radius: f32, angle: f32| [radius * angle.cos(), radius * angle.sin()];
    match (shape, index % 2) {
        (ToyShape::Moons, 0) => {
            let [x, y] = circle(0.8, along * PI);
            [x - 0.4, y - 0.2]
        }
        (ToyShape::Moons, _) => {
            let [x, y] = circle(0.8, PI + along * PI);
            [x + 0.4, y + 0.2]
        }
        (ToyShape::Rings, 0) => circle(0.4, along * TAU),
        (ToyShape::Rings, _) => circle(1.1, along * TAU),
        (ToyShape::Grid, _) => [(index % 3) as f32 - 1.0, (index / 3 % 3) as f32 - 1.0],
        // Evenly spaced along the arm, not by angle.
        (ToyShape::Spiral, _) => circle(0.15 + 1.05 * along.sqrt(), 3.5 * PI * along.sqrt()),
    }
}
