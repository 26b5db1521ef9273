//! The operations that take nearly all of the time: a convolution with what stands before and after it, as one
//! operation.
//!
//! [`ImageOps`] extends Burn's backends. Its bodies in plain tensor operations (`reference`) define what is computed;
//! the CPU backend has kernels of its own (`flex`, of the crate `cpu-kernels`), so have GPUs (`cube`), and autodiff
//! knows the derivatives (`autodiff`), which are again these operations. [`BlockOps`] and [`HeadOps`] are larger pieces of the networks,
//! whose bodies are made of smaller ones; GPUs do them in fewer dispatches. Everywhere `s` is the activation, or
//! nothing where there is none.

#[cfg(feature = "autodiff")]
mod autodiff;
mod block;
#[cfg(all(feature = "cube", not(feature = "plain")))]
mod cube;
#[cfg(not(feature = "plain"))]
mod flex;
mod head;
#[cfg(feature = "plain")]
mod plain;
mod reference;
#[cfg(all(test, feature = "autodiff", not(target_family = "wasm")))]
mod tests;

use burn::{
    backend::{Backend, Dispatch, ExtensionType, backend_extension, tensor::FloatTensor},
    tensor::Tensor,
};

pub use block::{BlockOps, BlockWeights, block, block_vjp};
#[cfg(not(feature = "plain"))]
pub use flex::{use_vectors, vectors};
pub use head::{Functionals, HeadOps, quadratic, squared_distance};

use options::Activation;

/// A tensor that an operation may do without: `Option`, in the form that Burn's dispatch understands.
#[derive(Clone, Debug, ExtensionType)]
pub enum Optional<B: Backend> {
    /// It is there.
    Given(FloatTensor<B>),
    /// It is not.
    Absent,
}

impl<B: Backend> Optional<B> {
    /// What there is.
    pub fn of(tensor: Option<FloatTensor<B>>) -> Self {
        tensor.map_or(Self::Absent, Self::Given)
    }

    fn get(self) -> Option<FloatTensor<B>> {
        match self {
            Self::Given(tensor) => Some(tensor),
            Self::Absent => None,
        }
    }
}

/// What a backend must be able to do. All images are `[N, C, H, W]`, all kernels `[channels_out, channels_in, k, k]`
/// with `k` 1 or 3, and every convolution keeps height and width.
#[backend_extension(Flex, Cube: cfg(feature = "cube"), Autodiff: cfg(feature = "autodiff"))]
pub trait ImageOps: Backend {
    /// `conv(s(x), weight) + bias + residual`, `[N, channels_out, H, W]`; `bias` is `[channels_out]`.
    fn convolution(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        #[extension_type] bias: Optional<Self>,
        #[extension_type] residual: Optional<Self>,
        activation: Option<Activation>,
    ) -> FloatTensor<Self> {
        reference::convolution::<Self>(x, weight, bias.get(), residual.get(), activation)
    }

    /// The gradient `dy` at the output of [`ImageOps::convolution`] pulled back to its input `x`:
    /// `s'(x) conv^T(dy, weight) + residual`, `[N, channels_in, H, W]`.
    fn convolution_vjp(
        dy: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        x: FloatTensor<Self>,
        #[extension_type] residual: Optional<Self>,
        activation: Option<Activation>,
    ) -> FloatTensor<Self> {
        reference::convolution_vjp::<Self>(dy, weight, x, residual.get(), activation)
    }

    /// The gradient `dy` at the output pulled back to the weight, of the shape of `weight`, and to the bias,
    /// `[channels_out]`.
    fn weight_gradient(
        x: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        activation: Option<Activation>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        reference::weight_gradient::<Self>(x, dy, weight, activation)
    }

    /// `s'(x) u + residual`, of the shape of `x`.
    fn gate(
        x: FloatTensor<Self>,
        u: FloatTensor<Self>,
        #[extension_type] residual: Optional<Self>,
        activation: Activation,
    ) -> FloatTensor<Self> {
        reference::gate::<Self>(x, u, residual.get(), activation)
    }

    /// `s'(x) u` and `s''(x) q u`, both of the shape of `x`: how a gradient `u` at the output of
    /// [`ImageOps::gate`]`(x, q)` is pulled back to `q` and to `x`.
    fn gate_vjp(
        x: FloatTensor<Self>,
        q: FloatTensor<Self>,
        u: FloatTensor<Self>,
        activation: Activation,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        reference::gate_vjp::<Self>(x, q, u, activation)
    }

    /// `scale` times the sum of each cell of 2x2 pixels: `[N, C, H, W]`, of even height and width, to `[N, C, H/2, W/2]`.
    fn pool(x: FloatTensor<Self>, scale: f32) -> FloatTensor<Self> {
        reference::pool::<Self>(x, scale)
    }

    /// The adjoint of [`ImageOps::pool`]: `scale` times each pixel for all of its cell, `[N, C, H, W]` to
    /// `[N, C, 2H, 2W]`.
    fn unpool(x: FloatTensor<Self>, scale: f32) -> FloatTensor<Self> {
        reference::unpool::<Self>(x, scale)
    }

    /// [`ImageOps::unpool`], plus `residual`, `[N, C, 2H, 2W]`.
    fn unpool_onto(x: FloatTensor<Self>, scale: f32, residual: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::float_add(Self::unpool(x, scale), residual)
    }

    /// `factors[0] x + factors[1] y + factors[2] z`, all of one shape.
    fn combination(
        x: FloatTensor<Self>,
        y: FloatTensor<Self>,
        #[extension_type] z: Optional<Self>,
        factors: [f32; 3],
    ) -> FloatTensor<Self> {
        reference::combination::<Self>(x, y, z.get(), factors)
    }
}

/// [`ImageOps::convolution`] on tensors of any backend.
pub fn convolution(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    residual: Option<Tensor<4>>,
    activation: Option<Activation>,
) -> Tensor<4> {
    Tensor::from_dispatch(<Dispatch as ImageOps>::convolution(
        x.into_dispatch(),
        weight.into_dispatch(),
        Optional::of(bias.map(Tensor::into_dispatch)),
        Optional::of(residual.map(Tensor::into_dispatch)),
        activation,
    ))
}

/// [`ImageOps::convolution_vjp`] on tensors of any backend.
pub fn convolution_vjp(
    dy: Tensor<4>,
    weight: Tensor<4>,
    x: Tensor<4>,
    residual: Option<Tensor<4>>,
    activation: Option<Activation>,
) -> Tensor<4> {
    Tensor::from_dispatch(<Dispatch as ImageOps>::convolution_vjp(
        dy.into_dispatch(),
        weight.into_dispatch(),
        x.into_dispatch(),
        Optional::of(residual.map(Tensor::into_dispatch)),
        activation,
    ))
}

/// [`ImageOps::pool`] on tensors of any backend.
pub fn pool(x: Tensor<4>, scale: f32) -> Tensor<4> {
    Tensor::from_dispatch(<Dispatch as ImageOps>::pool(x.into_dispatch(), scale))
}

/// [`ImageOps::unpool`] on tensors of any backend.
pub fn unpool(x: Tensor<4>, scale: f32) -> Tensor<4> {
    Tensor::from_dispatch(<Dispatch as ImageOps>::unpool(x.into_dispatch(), scale))
}

/// [`ImageOps::unpool_onto`] on tensors of any backend.
pub fn unpool_onto(x: Tensor<4>, scale: f32, residual: Tensor<4>) -> Tensor<4> {
    Tensor::from_dispatch(<Dispatch as ImageOps>::unpool_onto(x.into_dispatch(), scale, residual.into_dispatch()))
}

/// The sum of two tensors of one shape, each times its factor.
pub fn combination2(x: (f32, Tensor<4>), y: (f32, Tensor<4>)) -> Tensor<4> {
    combination(x, y, None)
}

/// The sum of three tensors of one shape, each times its factor.
pub fn combination3(x: (f32, Tensor<4>), y: (f32, Tensor<4>), z: (f32, Tensor<4>)) -> Tensor<4> {
    combination(x, y, Some(z))
}

/// The sum of two or three tensors of one shape, each times its factor.
pub(crate) fn combination(x: (f32, Tensor<4>), y: (f32, Tensor<4>), z: Option<(f32, Tensor<4>)>) -> Tensor<4> {
    // A GPU's kernel reads them all at one place.
    debug_assert!(x.1.dims() == y.1.dims() && z.as_ref().is_none_or(|z| z.1.dims() == x.1.dims()));
    let factors = [x.0, y.0, z.as_ref().map_or(0.0, |z| z.0)];
    let z = Optional::of(z.map(|z| z.1.into_dispatch()));
    Tensor::from_dispatch(<Dispatch as ImageOps>::combination(x.1.into_dispatch(), y.1.into_dispatch(), z, factors))
}
