//! How parameters begin.

use burn::{
    module::{Param, ParamId},
    tensor::{Device, Distribution, Shape, Tensor},
};

/// A parameter uniform in ±1/sqrt(fan in), PyTorch's default, which the paper's code uses (`models/ResNet.py`); drawn
/// on first use.
///
/// Not by Burn's `Initializer`: the ones it has beside bring QR decomposition and, with it, every GPU kernel of a
/// matrix product into the page's download.
pub(super) fn uniform<const D: usize>(shape: [usize; D], fan_in: usize, device: &Device) -> Param<Tensor<D>> {
    let bound = 1.0 / (fan_in as f64).sqrt();
    let draw = move |device: &Device, require_grad| {
        let tensor = Tensor::random(shape, Distribution::Uniform(-bound, bound), device);
        if require_grad { tensor.require_grad() } else { tensor }
    };
    Param::uninitialized(ParamId::new(), draw, device.clone(), true, Shape::new(shape))
}
