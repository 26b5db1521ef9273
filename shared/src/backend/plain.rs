//! No kernels at all: every operation is what it is by default.

use burn::backend::Flex;

use super::{BlockOps, HeadOps, ImageOps};

impl ImageOps for Flex {}
impl BlockOps for Flex {}
impl HeadOps for Flex {}

#[cfg(feature = "cube")]
mod gpu {
    use burn::backend::Cube;

    use super::{BlockOps, HeadOps, ImageOps};

    impl ImageOps for Cube {}
    impl BlockOps for Cube {}
    impl HeadOps for Cube {}
}
