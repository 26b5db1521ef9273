//! The energies' last operations: features or pictures to one number each, with the gradient of that.

use burn::{
    backend::{Backend, Dispatch, ExtensionType, TensorMetadata, backend_extension, tensor::FloatTensor},
    tensor::{Shape, Tensor},
};

/// Three affine maps from `F` features to one number: weights `[1, F]`, biases `[1]`.
#[derive(Clone, Debug, ExtensionType)]
pub struct Functionals<B: Backend> {
    /// The first factor's weight.
    pub a: FloatTensor<B>,
    /// The first factor's bias.
    pub a_bias: FloatTensor<B>,
    /// The second factor's weight.
    pub c: FloatTensor<B>,
    /// The second factor's bias.
    pub c_bias: FloatTensor<B>,
    /// The weight of the squares.
    pub e: FloatTensor<B>,
    /// The bias of the squares.
    pub e_bias: FloatTensor<B>,
}

/// What ends an energy.
#[backend_extension(Flex, Cube: cfg(feature = "cube"), Autodiff: cfg(feature = "autodiff"))]
pub trait HeadOps: Backend {
    /// `scale |x - y|^2 / 2` of each image, `[N]`, and `x - y`, `[N, C, H, W]`.
    fn squared_distance(
        x: FloatTensor<Self>,
        y: FloatTensor<Self>,
        scale: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let [n, c, h, w] = x.shape().dims();
        let difference = Self::float_sub(x, y);
        let squares = Self::float_mul(difference.clone(), difference.clone());
        let sums = Self::float_sum_dim(Self::float_reshape(squares, Shape::new([n, c * h * w])), 1);
        let energies = Self::float_mul_scalar(Self::float_reshape(sums, Shape::new([n])), (0.5 * scale).into());
        (energies, difference)
    }

    /// `(a.h + a_bias)(c.h + c_bias) + e.(h*h) + e_bias` for features `h`, `[N, F]`: the values, `[N]`, and their
    /// gradient.
    fn quadratic(
        h: FloatTensor<Self>,
        #[extension_type] functionals: Functionals<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let Functionals { a, a_bias, c, c_bias, e, e_bias } = functionals;
        let n = h.shape()[0];
        let apply = |h: FloatTensor<Self>, weight: &FloatTensor<Self>, bias: FloatTensor<Self>| {
            let product = Self::float_matmul(h, Self::float_transpose(weight.clone()));
            Self::float_add(product, Self::float_reshape(bias, Shape::new([1, 1])))
        };
        let at_a = apply(h.clone(), &a, a_bias);
        let at_c = apply(h.clone(), &c, c_bias);
        let at_e = apply(Self::float_mul(h.clone(), h.clone()), &e, e_bias);
        let cross = Self::float_add(Self::float_mul(at_a.clone(), c), Self::float_mul(at_c.clone(), a));
        let gradient = Self::float_add(cross, Self::float_mul_scalar(Self::float_mul(h, e), 2f32.into()));
        let values = Self::float_add(Self::float_mul(at_a, at_c), at_e);
        (Self::float_reshape(values, Shape::new([n])), gradient)
    }
}

/// [`HeadOps::squared_distance`] on tensors of any backend.
pub fn squared_distance(x: Tensor<4>, y: Tensor<4>, scale: f32) -> (Tensor<1>, Tensor<4>) {
    let (energies, difference) = <Dispatch as HeadOps>::squared_distance(x.into_dispatch(), y.into_dispatch(), scale);
    (Tensor::from_dispatch(energies), Tensor::from_dispatch(difference))
}

/// [`HeadOps::quadratic`] on tensors of any backend.
pub fn quadratic(h: Tensor<2>, functionals: Functionals<Dispatch>) -> (Tensor<1>, Tensor<2>) {
    let (values, gradient) = <Dispatch as HeadOps>::quadratic(h.into_dispatch(), functionals);
    (Tensor::from_dispatch(values), Tensor::from_dispatch(gradient))
}
