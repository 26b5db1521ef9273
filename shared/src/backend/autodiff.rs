//! First-order derivatives of the operations, which are those operations again.

use burn::backend::{
    Autodiff, Backend,
    autodiff::{
        checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
        grads::Gradients,
        ops::{Backward, NodeGuard, Ops, OpsKind, unary},
    },
    tensor::FloatTensor,
};

use super::{BlockOps, HeadOps, ImageOps, Optional};
use options::Activation;

impl<B: ImageOps, C: CheckpointStrategy> ImageOps for Autodiff<B, C> {
    fn convolution(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: Optional<Self>,
        residual: Optional<Self>,
        activation: Option<Activation>,
    ) -> FloatTensor<Self> {
        let (bias_value, residual_value) = (value::<B, C>(&bias), value::<B, C>(&residual));
        let nodes = [x.node(), weight.node(), node::<B, C>(bias, &x), node::<B, C>(residual, &x)];
        let (x, weight) = (x.into_primitive(), weight.into_primitive());
        let output = |x, weight| B::convolution(x, weight, bias_value, residual_value, activation);
        match Convolution.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let state = ConvolutionState { x: x.clone(), weight: weight.clone(), activation };
                prep.finish(state, output(x, weight))
            }
            OpsKind::UnTracked(prep) => prep.finish(output(x, weight)),
        }
    }

    fn convolution_vjp(
        dy: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        x: FloatTensor<Self>,
        residual: Optional<Self>,
        activation: Option<Activation>,
    ) -> FloatTensor<Self> {
        let residual_value = value::<B, C>(&residual);
        let nodes = [dy.node(), weight.node(), x.node(), node::<B, C>(residual, &x)];
        let (dy, weight, x) = (dy.into_primitive(), weight.into_primitive(), x.into_primitive());
        match ConvolutionVjp.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let Some(activation) = activation else {
                    let state = VjpState { dy: dy.clone(), weight: weight.clone(), gate: None };
                    return prep.finish(state, B::convolution_vjp(dy, weight, x, residual_value, None));
                };
                // What the activation's derivative multiplies is needed again.
                let q = B::convolution_vjp(dy.clone(), weight.clone(), x.clone(), Optional::Absent, None);
                let output = B::gate(x.clone(), q.clone(), residual_value, activation);
                prep.finish(VjpState { dy, weight, gate: Some((x, q, activation)) }, output)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::convolution_vjp(dy, weight, x, residual_value, activation)),
        }
    }

    fn pool(x: FloatTensor<Self>, scale: f32) -> FloatTensor<Self> {
        let node = x.node();
        let output = B::pool(x.into_primitive(), scale);
        match Pool.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(scale, output),
            OpsKind::UnTracked(prep) => prep.finish(output),
        }
    }

    fn unpool(x: FloatTensor<Self>, scale: f32) -> FloatTensor<Self> {
        let node = x.node();
        let output = B::unpool(x.into_primitive(), scale);
        match Unpool.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(scale, output),
            OpsKind::UnTracked(prep) => prep.finish(output),
        }
    }
}

impl<B: ImageOps, C: CheckpointStrategy> BlockOps for Autodiff<B, C> {}

impl<B: ImageOps, C: CheckpointStrategy> HeadOps for Autodiff<B, C> {}

#[derive(Debug)]
struct Convolution;

#[derive(Clone, Debug)]
struct ConvolutionState<T> {
    x: T,
    weight: T,
    activation: Option<Activation>,
}

impl<B: ImageOps> Backward<B, 4> for Convolution {
    type State = ConvolutionState<FloatTensor<B>>;

    fn backward(self, ops: Ops<Self::State, 4>, grads: &mut Gradients, _: &mut Checkpointer) {
        let ConvolutionState { x, weight, activation } = ops.state;
        let [to_x, to_weight, to_bias, to_residual] = ops.parents;
        let dy = grads.consume::<B>(&ops.node);
        if to_weight.is_some() || to_bias.is_some() {
            let (dweight, dbias) = B::weight_gradient(x.clone(), dy.clone(), weight.clone(), activation);
            if let Some(node) = to_weight {
                grads.register::<B>(node.id, dweight);
            }
            if let Some(node) = to_bias {
                grads.register::<B>(node.id, dbias);
            }
        }
        if let Some(node) = to_x {
            grads.register::<B>(node.id, B::convolution_vjp(dy.clone(), weight, x, Optional::Absent, activation));
        }
        if let Some(node) = to_residual {
            grads.register::<B>(node.id, dy);
        }
    }
}

#[derive(Debug)]
struct ConvolutionVjp;

#[derive(Clone, Debug)]
struct VjpState<T> {
    dy: T,
    weight: T,
    /// The input, what its derivative multiplies, and the activation.
    gate: Option<(T, T, Activation)>,
}

impl<B: ImageOps> Backward<B, 4> for ConvolutionVjp {
    type State = VjpState<FloatTensor<B>>;

    fn backward(self, ops: Ops<Self::State, 4>, grads: &mut Gradients, _: &mut Checkpointer) {
        let VjpState { dy, weight, gate } = ops.state;
        let [to_dy, to_weight, to_x, to_residual] = ops.parents;
        let u = grads.consume::<B>(&ops.node);
        let tangent = match gate {
            None => u.clone(),
            Some((x, q, activation)) => {
                let (tangent, dx) = B::gate_vjp(x, q, u.clone(), activation);
                if let Some(node) = to_x {
                    grads.register::<B>(node.id, dx);
                }
                tangent
            }
        };
        if let Some(node) = to_weight {
            let (dweight, _) = B::weight_gradient(tangent.clone(), dy, weight.clone(), None);
            grads.register::<B>(node.id, dweight);
        }
        if let Some(node) = to_dy {
            grads.register::<B>(node.id, B::convolution(tangent, weight, Optional::Absent, Optional::Absent, None));
        }
        if let Some(node) = to_residual {
            grads.register::<B>(node.id, u);
        }
    }
}

#[derive(Debug)]
struct Pool;

impl<B: ImageOps> Backward<B, 1> for Pool {
    type State = f32;

    fn backward(self, ops: Ops<f32, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        unary::<B, _>(ops.parents, ops.node, grads, |dy| B::unpool(dy, ops.state));
    }
}

#[derive(Debug)]
struct Unpool;

impl<B: ImageOps> Backward<B, 1> for Unpool {
    type State = f32;

    fn backward(self, ops: Ops<f32, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        unary::<B, _>(ops.parents, ops.node, grads, |dy| B::pool(dy, ops.state));
    }
}

fn value<B: Backend, C: CheckpointStrategy>(tensor: &Optional<Autodiff<B, C>>) -> Optional<B> {
    match tensor {
        Optional::Given(tensor) => Optional::Given(tensor.primitive().clone()),
        Optional::Absent => Optional::Absent,
    }
}

/// Where there is no tensor a constant stands for it: nothing is pulled back to a constant.
fn node<B: Backend, C: CheckpointStrategy>(
    tensor: Optional<Autodiff<B, C>>,
    like: &FloatTensor<Autodiff<B, C>>,
) -> NodeGuard {
    tensor.get().unwrap_or_else(|| FloatTensor::<Autodiff<B, C>>::new(like.primitive().clone())).node()
}
