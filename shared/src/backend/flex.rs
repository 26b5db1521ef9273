//! The CPU kernels as operations of Burn's CPU backend.

use std::sync::{PoisonError, RwLock};

use burn::{
    backend::{Flex, TensorMetadata, flex::FlexTensor, tensor::FloatTensor},
    tensor::{Shape, TensorData},
};
use cpu_kernels::{Convolution, Epilogue, Geometry, Vectors, WeightGradient};

use super::{BlockOps, HeadOps, ImageOps, Optional};
use options::Activation;

/// What [`use_vectors`] chose.
static CHOSEN: RwLock<Option<Vectors>> = RwLock::new(None);

/// Has the CPU backend of this process compute with these vectors, in place of the widest that the machine has. Results
/// then differ by rounding.
pub fn use_vectors(vectors: Vectors) {
    *CHOSEN.write().unwrap_or_else(PoisonError::into_inner) = Some(vectors);
}

/// The vectors that the CPU backend computes with.
pub fn vectors() -> Vectors {
    let chosen = *CHOSEN.read().unwrap_or_else(PoisonError::into_inner);
    chosen.unwrap_or_else(Vectors::widest)
}

impl ImageOps for Flex {
    fn convolution(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: Optional<Self>,
        residual: Optional<Self>,
        activation: Option<Activation>,
    ) -> FloatTensor<Self> {
        let (x, weight, bias, residual) = (dense(x), dense(weight), bias.get().map(dense), residual.get().map(dense));
        let [channels_out, channels_in, kernel, _] = weight.shape().dims();
        let geometry = geometry(&x, channels_in, channels_out, kernel);
        let epilogue =
            Epilogue { bias: bias.as_ref().map(floats), gate: None, residual: residual.as_ref().map(floats) };
        let convolution = Convolution::forward(vectors(), geometry, floats(&x), floats(&weight), activation, epilogue);
        output(&convolution, geometry)
    }

    fn convolution_vjp(
        dy: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        x: FloatTensor<Self>,
        residual: Optional<Self>,
        activation: Option<Activation>,
    ) -> FloatTensor<Self> {
        let (dy, weight, x, residual) = (dense(dy), dense(weight), dense(x), residual.get().map(dense));
        // The adjoint reads the forward convolution's output channels.
        let [channels_in, channels_out, kernel, _] = weight.shape().dims();
        let geometry = geometry(&dy, channels_in, channels_out, kernel);
        let gate = activation.map(|activation| (floats(&x), activation));
        let epilogue = Epilogue { bias: None, gate, residual: residual.as_ref().map(floats) };
        output(&Convolution::adjoint(vectors(), geometry, floats(&dy), floats(&weight), epilogue), geometry)
    }

    fn weight_gradient(
        x: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        activation: Option<Activation>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let (x, dy) = (dense(x), dense(dy));
        let [channels_out, channels_in, kernel, _] = weight.shape().dims();
        let geometry = geometry(&x, channels_in, channels_out, kernel);
        let (dweight, dbias) =
            WeightGradient { vectors: vectors(), geometry, input: floats(&x), activation, dy: floats(&dy) }.run();
        (tensor(dweight, weight.shape()), tensor(dbias, Shape::new([channels_out])))
    }

    fn gate(
        x: FloatTensor<Self>,
        u: FloatTensor<Self>,
        residual: Optional<Self>,
        activation: Activation,
    ) -> FloatTensor<Self> {
        let (x, u, residual) = (dense(x), dense(u), residual.get().map(dense));
        tensor(
            cpu_kernels::gate(vectors(), floats(&x), floats(&u), residual.as_ref().map(floats), activation),
            x.shape(),
        )
    }

    fn gate_vjp(
        x: FloatTensor<Self>,
        q: FloatTensor<Self>,
        u: FloatTensor<Self>,
        activation: Activation,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let (x, q, u) = (dense(x), dense(q), dense(u));
        let (first, second) = cpu_kernels::gate_vjp(vectors(), floats(&x), floats(&q), floats(&u), activation);
        (tensor(first, x.shape()), tensor(second, x.shape()))
    }

    fn pool(x: FloatTensor<Self>, scale: f32) -> FloatTensor<Self> {
        let x = dense(x);
        let [n, c, h, w] = x.shape().dims();
        assert!(h % 2 == 0 && w % 2 == 0, "{h}x{w} pixels have no cells of 2x2");
        tensor(cpu_kernels::pool(vectors(), floats(&x), w, scale), Shape::new([n, c, h / 2, w / 2]))
    }

    fn unpool(x: FloatTensor<Self>, scale: f32) -> FloatTensor<Self> {
        let x = dense(x);
        let [n, c, h, w] = x.shape().dims();
        tensor(cpu_kernels::unpool(vectors(), floats(&x), w, scale), Shape::new([n, c, 2 * h, 2 * w]))
    }
}

impl BlockOps for Flex {}

impl HeadOps for Flex {}

fn geometry(images: &FlexTensor, channels_in: usize, channels_out: usize, kernel: usize) -> Geometry {
    let [images, channels, height, width] = images.shape().dims();
    assert_eq!(channels, channels_in, "the channels of the images and of the weight");
    assert!(kernel == 1 || kernel == 3, "a kernel of side {kernel}: only 1 and 3 are made");
    Geometry { images, channels_in, channels_out, height, width, kernel }
}

fn output(convolution: &Convolution<'_>, geometry: Geometry) -> FlexTensor {
    let Geometry { images, channels_out, height, width, .. } = geometry;
    tensor(convolution.run(), Shape::new([images, channels_out, height, width]))
}

/// In row-major order: views are copied.
fn dense(tensor: FlexTensor) -> FlexTensor {
    if tensor.as_slice::<f32>().is_some() { tensor } else { tensor.to_contiguous() }
}

fn floats(dense: &FlexTensor) -> &[f32] {
    dense.as_slice().unwrap_or_else(|| panic!("a {:?} tensor: the kernels compute in 32 bits", dense.dtype()))
}

fn tensor(values: Vec<f32>, shape: Shape) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}
