//! The plane through three pictures, with coordinates in pixel units, and the lines of equal height on a map of it.

/// A plane in the space of pictures: a point and two directions of length 1 at a right angle.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane {
    origin: Vec<f32>,
    right: Vec<f32>,
    up: Vec<f32>,
    /// Where the three pictures lie.
    pub corners: [[f32; 2]; 3],
}

impl Plane {
    /// The plane through three pictures, unless they lie on one line.
    pub fn through(a: &[f32], b: &[f32], c: &[f32]) -> Option<Self> {
        let minus = |x: &[f32]| x.iter().zip(a).map(|(x, a)| x - a).collect::<Vec<f32>>();
        let (mut right, mut up) = (minus(b), minus(c));
        let width = normalize(&mut right)?;
        let along = dot(&up, &right);
        up.iter_mut().zip(&right).for_each(|(up, right)| *up -= along * right);
        let height = normalize(&mut up)?;
        let corners = [[0.0, 0.0], [width, 0.0], [along, height]];
        Some(Self { origin: a.to_vec(), right, up, corners })
    }

    /// The picture at a point of the plane.
    pub fn picture(&self, [x, y]: [f32; 2]) -> Vec<f32> {
        let directions = self.right.iter().zip(&self.up);
        self.origin.iter().zip(directions).map(|(origin, (right, up))| origin + x * right + y * up).collect()
    }

    /// The point of the plane that is nearest to a picture.
    pub fn project(&self, picture: &[f32]) -> [f32; 2] {
        let from: Vec<f32> = picture.iter().zip(&self.origin).map(|(x, origin)| x - origin).collect();
        [dot(&from, &self.right), dot(&from, &self.up)]
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Gives the length, unless it is next to nothing.
fn normalize(x: &mut [f32]) -> Option<f32> {
    let length = dot(x, x).sqrt();
    x.iter_mut().for_each(|x| *x /= length);
    (length > 1e-3).then_some(length)
}

/// A piece of a line of equal height, in units of the map's cells.
pub type Segment = [(f32, f32); 2];

/// The line where a map, rows of `width` values, has the value `level`: marching squares.
pub fn contour(map: &[f32], width: usize, level: f32) -> Vec<Segment> {
    let mut segments = Vec::new();
    let (across, down) = (width.saturating_sub(1), (map.len() / width.max(1)).saturating_sub(1));
    for (y, x) in (0..down).flat_map(|y| (0..across).map(move |x| (y, x))) {
        let corners = [(x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1)];
        let height = |(x, y): (usize, usize)| map[y * width + x] - level;
        let mut crossings = Vec::new();
        for (&a, &b) in corners.iter().zip(corners.iter().cycle().skip(1)) {
            let (low, high) = (height(a), height(b));
            if (low < 0.0) != (high < 0.0) {
                let t = low / (low - high);
                let between = |a: usize, b: usize| a as f32 + t * (b as f32 - a as f32);
                crossings.push((between(a.0, b.0), between(a.1, b.1)));
            }
        }
        segments.extend(crossings.as_chunks::<2>().0);
    }
    segments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_pictures_lie_where_the_corners_say() {
        let pictures = [[0.0, 0.0, 1.0, 0.5], [3.0, 0.0, 1.0, 0.5], [1.0, 4.0, 1.0, 0.5]];
        let plane = Plane::through(&pictures[0], &pictures[1], &pictures[2]);
        let plane = plane.unwrap_or_else(|| panic!("three points make a plane"));
        assert_eq!(plane.corners, [[0.0, 0.0], [3.0, 0.0], [1.0, 4.0]]);
        for (picture, corner) in pictures.iter().zip(plane.corners) {
            assert_eq!(plane.project(picture), corner);
            assert_eq!(plane.picture(corner), picture);
        }
        assert_eq!(plane.project(&[1.0, 2.0, 7.0, -3.0]), [1.0, 2.0], "what is off the plane does not count");
        assert_eq!(Plane::through(&pictures[0], &pictures[1], &pictures[1]), None);
        assert_eq!(Plane::through(&pictures[0], &pictures[0], &pictures[1]), None);
    }

    #[test]
    fn a_contour_of_a_slope_is_straight() {
        let map: Vec<f32> = (0..9).map(|i| (i % 3) as f32).collect();
        assert_eq!(contour(&map, 3, 0.5), [[(0.5, 0.0), (0.5, 1.0)], [(0.5, 1.0), (0.5, 2.0)]]);
        assert!(
            contour(&map, 3, 5.0).is_empty() && contour(&[], 0, 1.0).is_empty() && contour(&[1.0], 1, 1.0).is_empty()
        );
    }
}
