//! The optimizer of a run.

use burn::{
    module::ParamGroup,
    optim::{
        AdamConfig, LearningRate, ModuleOptimizer, MuonState, Optimizer,
        momentum::{Momentum, MomentumConfig},
    },
    tensor::{Device, Tensor},
};
use shared::network::Parameter;

/// Adam's decay rates (the paper's code, `train.py`).
const BETAS: (f32, f32) = (0.9, 0.95);
/// Adam's guard against division by zero.
const EPSILON: f32 = 1e-8;

/// What an optimizer is called on a model card.
pub fn optimizer_title(optimizer: options::Optimizer) -> &'static str {
    match optimizer {
        options::Optimizer::Adam => "Adam",
        options::Optimizer::Muon => "Muon, and Adam outside of the blocks",
    }
}

/// A new optimizer of a network with these parameters.
pub fn init(optimizer: options::Optimizer, parameters: &[Parameter]) -> ModuleOptimizer {
    let (beta_1, beta_2) = BETAS;
    let adam = AdamConfig::new().with_beta_1(beta_1).with_beta_2(beta_2).with_epsilon(EPSILON).init();
    match optimizer {
        options::Optimizer::Adam => adam,
        options::Optimizer::Muon => {
            let kernels = parameters.iter().filter(|parameter| is_kernel_of_a_block(parameter));
            let kernels = ParamGroup::from_ids(kernels.map(|parameter| parameter.id).collect());
            adam.with_group(kernels, Muon::new(), None)
        }
    }
}

/// The first and the last layer have a channel or three on one side: there is little to orthogonalise.
fn is_kernel_of_a_block(parameter: &Parameter) -> bool {
    parameter.shape.len() == 4 && !["stem.", "out."].iter().any(|layer| parameter.name.starts_with(layer))
}

/// Muon (Jordan and others 2024) for convolutions: a kernel `[out, in, k, k]` counts as the matrix `[out, in k k]`.
/// Burn's takes matrices alone, and its iteration passes over them fifteen times; this one does so twice: a tenth more
/// images a second.
#[derive(Clone)]
struct Muon {
    momentum: Momentum,
}

impl Muon {
    /// The iteration's polynomial `a x + b x^3 + c x^5`, and how often it is applied (Jordan and others).
    const POLYNOMIAL: [f32; 3] = [3.4445, -4.775, 2.0315];
    const ITERATIONS: usize = 5;
    /// The root mean square of a step in units of the learning rate: about Adam's, so that one rate fits both (Liu and
    /// others 2025).
    const SIZE: f64 = 0.2;

    fn new() -> Self {
        Self { momentum: Momentum::new(&MomentumConfig { momentum: 0.95, dampening: 0.0, nesterov: true }) }
    }

    /// The matrix with all singular values brought to about 1, by Newton and Schulz's iteration. Every iterate is a
    /// matrix times `x`, and a polynomial in `x x^T`, so all but the last product are of the shorter side.
    fn orthogonalize(x: Tensor<2>) -> Tensor<2> {
        let [rows, columns] = x.dims();
        if rows > columns {
            return Self::orthogonalize(x.transpose()).transpose();
        }
        let [a, b, c] = Self::POLYNOMIAL;
        let one = Tensor::<2>::eye(rows, &x.device());
        let gram = x.clone().matmul(x.clone().transpose());
        // By rows: a sum over a large matrix at once would depend on how threads share it.
        let squared_norm = (gram.clone() * one.clone()).sum_dim(1).sum().clamp_min(1e-14).reshape([1, 1]);
        let mut gram = gram / squared_norm.clone();
        let mut product = one.clone() / squared_norm.sqrt();
        for _ in 0..Self::ITERATIONS {
            let factor = one.clone() * a + gram.clone() * b + gram.clone().matmul(gram.clone()) * c;
            product = factor.clone().matmul(product);
            gram = factor.clone().matmul(gram).matmul(factor);
        }
        product.matmul(x)
    }
}

impl Optimizer for Muon {
    type State<const D: usize> = MuonState<2>;

    fn step<const D: usize>(
        &self,
        lr: LearningRate,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let shape = tensor.shape();
        let (rows, columns) = (shape[0], shape.num_elements() / shape[0]);
        let (direction, momentum) =
            self.momentum.transform(grad.reshape([rows, columns]), state.map(|state| state.momentum));
        let length = lr * Self::SIZE * (rows.max(columns) as f64).sqrt();
        let step = Self::orthogonalize(direction) * length;
        (tensor - step.reshape(shape), Some(MuonState::new(momentum)))
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        MuonState::new(state.momentum.to_device(device))
    }
}

#[cfg(test)]
mod tests {
    use burn::optim::{AdjustLrFn, MuonConfig};
    use options::{Activation, Architecture};
    use shared::{
        network::{EnergyNetwork, NetworkConfig},
        sampling::{Draw, Noise},
    };

    use super::*;

    #[test]
    fn muon_takes_the_kernels_of_the_blocks() {
        let config = NetworkConfig {
            preset: Architecture::Unet,
            scales: None,
            width: 2,
            channels: 1,
            image_size: 8,
            activation: Activation::Elu,
            sigma_0: 0.1,
        };
        let network = EnergyNetwork::new(&config, &Device::flex()).unwrap();
        let parameters = network.parameters();
        let names: Vec<_> = parameters.iter().filter(|p| is_kernel_of_a_block(p)).map(|p| p.name.as_str()).collect();
        // Six blocks of three convolutions.
        assert_eq!(names.len(), 18);
        assert!(names.contains(&"up.0.shortcut.weight") && !names.contains(&"out.weight"), "{names:?}");
    }

    #[test]
    fn steps_are_those_of_burns_muon() {
        let device = Device::flex();
        // Not of the device's generator, which other tests draw from at the same time.
        let random = |chain, shape: [usize; 4]| Noise::new(1).tensor(chain, Draw::Probe, shape, &device);
        let reference = MuonConfig::new().with_adjust_lr_fn(AdjustLrFn::MatchRmsAdamW).build();
        for shape in [[4, 2, 3, 3], [12, 5, 1, 1]] {
            let flat = |tensor: Tensor<4>| tensor.flatten::<2>(1, 3);
            let (mut ours, mut state) = (random(100, shape), None);
            let (mut theirs, mut their_state) = (flat(ours.clone()), None);
            // The second has a momentum.
            for step in 0..2 {
                let gradient = random(100 * (step + 2), shape);
                (ours, state) = Muon::new().step(0.1, ours, gradient.clone(), state);
                (theirs, their_state) = reference.step(0.1, theirs, flat(gradient), their_state);
                let difference = (flat(ours.clone()) - theirs.clone()).abs().max().into_scalar::<f32>();
                assert!(difference < 1e-4, "{shape:?}: {difference}");
            }
        }
    }

    #[test]
    fn a_gradient_of_nothing_is_a_step_of_nothing() {
        let zero = Tensor::<4>::zeros([2, 2, 3, 3], &Device::flex());
        let (after, _) = Muon::new().step(1.0, zero.clone(), zero, None);
        assert_eq!(after.abs().max().into_scalar::<f32>(), 0.0);
    }
}
