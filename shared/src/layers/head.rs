//! The quadratic head: features to one scalar.

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor},
};

use super::uniform::uniform;

/// `E = (a.h + b_a)(c.h + b_c) + e.(h*h) + b_e` for features `h` (the paper's code, `models/ResNet.py`).
#[derive(Module, Debug)]
pub struct QuadraticHead {
    linear1: Functional,
    linear2: Functional,
    square: Functional,
}

impl QuadraticHead {
    /// A head over `features` inputs.
    pub fn new(features: usize, device: &Device) -> Self {
        Self {
            linear1: Functional::new(features, device),
            linear2: Functional::new(features, device),
            square: Functional::new(features, device),
        }
    }

    /// Features `[N, F]` to energies `[N]` and their gradient `[N, F]`.
    pub fn value_and_gradient(&self, h: Tensor<2>) -> (Tensor<1>, Tensor<2>) {
        let a = self.linear1.apply(h.clone());
        let c = self.linear2.apply(h.clone());
        let e = self.square.apply(h.clone().square());
        let gradient = a.clone() * self.linear2.weight.val()
            + c.clone() * self.linear1.weight.val()
            + h * self.square.weight.val() * 2.0;
        ((a * c + e).squeeze_dim(1), gradient)
    }
}

/// An affine map to one number.
#[derive(Module, Debug)]
struct Functional {
    /// `[1, F]`
    weight: Param<Tensor<2>>,
    /// `[1]`
    bias: Param<Tensor<1>>,
}

impl Functional {
    fn new(features: usize, device: &Device) -> Self {
        Self { weight: uniform([1, features], features, device), bias: uniform([1], features, device) }
    }

    /// `[N, F]` to `[N, 1]`. Not a matrix product, whose GPU kernels of all kinds would be a large part of the page's download.
    fn apply(&self, h: Tensor<2>) -> Tensor<2> {
        (h * self.weight.val()).sum_dim(1) + self.bias.val().unsqueeze()
    }
}
