//! How noise levels are spaced.

use crate::words::option;

option! {
    /// How levels lie between the smallest and the largest.
    pub enum Spacing {
        /// A constant ratio (the paper's code for MNIST and Fashion-MNIST).
        Geometric,
        /// A constant difference (the paper's code for CIFAR-10).
        Linear,
    }
}
