//! What the two-dimensional toy learns.

use crate::words::option;

option! {
    /// A distribution of points in the plane.
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
}
