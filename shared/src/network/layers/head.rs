//! The quadratic head: features to one scalar.

use burn::{
    backend::{Dispatch, tensor::FloatTensor},
    module::{Module, Param},
    tensor::{Device, Tensor},
};

use super::uniform::uniform;
use crate::backend::{self, Functionals};

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
        let [(a, a_bias), (c, c_bias), (e, e_bias)] =
            [&self.linear1, &self.linear2, &self.square].map(Functional::to_dispatch);
        backend::quadratic(h, Functionals { a, a_bias, c, c_bias, e, e_bias })
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

    /// Weight and bias, as operations of heads take them.
    fn to_dispatch(&self) -> (FloatTensor<Dispatch>, FloatTensor<Dispatch>) {
        (self.weight.val().into_dispatch(), self.bias.val().into_dispatch())
    }
}
