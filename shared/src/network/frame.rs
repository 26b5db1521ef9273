//! Pictures smaller than the network's input are framed by zeros (28x28 in 32x32, as in the paper's code) and cropped
//! back.

use burn::tensor::{Tensor, ops::PadMode};

/// Where a picture of side `inner` lies in the network's square of side `outer`: in the middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    inner: usize,
    outer: usize,
}

impl Frame {
    /// A frame around pictures of side `inner`, or `None` where they do not fit into `outer`.
    pub fn new(inner: usize, outer: usize) -> Option<Self> {
        (inner <= outer).then_some(Self { inner, outer })
    }

    /// `[N, C, inner, inner]` to `[N, C, outer, outer]`.
    pub fn add(&self, x: Tensor<4>) -> Tensor<4> {
        if self.inner == self.outer {
            return x;
        }
        let before = self.before();
        let after = self.outer - self.inner - before;
        x.pad((before, after, before, after), PadMode::Constant(0.0))
    }

    /// `[N, C, outer, outer]` to `[N, C, inner, inner]`.
    pub fn remove(&self, x: Tensor<4>) -> Tensor<4> {
        let before = self.before();
        x.narrow(2, before, self.inner).narrow(3, before, self.inner)
    }

    fn before(&self) -> usize {
        (self.outer - self.inner) / 2
    }
}
