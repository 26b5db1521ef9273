//! The energy network of any architecture.

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId},
    tensor::{Device, Tensor},
};
use options::Architecture;

use crate::network::{
    ConfigError, Energy, NetworkConfig, ResNet, UNet,
    chunks::{in_chunks, joined},
};

/// The network that a [`NetworkConfig`] describes. It sees the image only, never the noise level: one static energy
/// serves all levels (the paper, section 3).
#[derive(Module, Debug)]
pub enum EnergyNetwork {
    /// The paper's encoder with a quadratic head.
    ResNet(ResNet),
    /// The U-Net energy.
    UNet(UNet),
}

impl EnergyNetwork {
    /// A network with random weights (drawn on first use from the device's generator: seed it first).
    ///
    /// # Errors
    /// An impossible configuration.
    pub fn new(config: &NetworkConfig, device: &Device) -> Result<Self, ConfigError> {
        config.validate()?;
        Ok(match config.preset {
            Architecture::Res6 => Self::ResNet(ResNet::new(config, 1, device)),
            Architecture::Res12 => Self::ResNet(ResNet::new(config, 2, device)),
            Architecture::Res18 => Self::ResNet(ResNet::new(config, 3, device)),
            Architecture::Unet => Self::UNet(UNet::new(config, config.scales.unwrap_or(3), device)),
            Architecture::Unet4 => Self::UNet(UNet::new(config, config.scales.unwrap_or(4), device)),
        })
    }

    /// Images `[N, C, H, W]` to energies `[N]`, where no gradient is wanted: less than half of the work.
    pub fn energy(&self, x: Tensor<4>) -> Tensor<1> {
        joined(in_chunks(self, x, |network, x| match network {
            Self::ResNet(net) => net.energy(x),
            Self::UNet(net) => net.energy(x),
        }))
    }

    /// What the U-Net inside makes of images, `[N, C, H, W]`: `f(x)` of `sigma0^2 E = |x - f(x)|^2 / 2`. `None` for a
    /// network without one.
    pub fn reconstruction(&self, x: Tensor<4>) -> Option<Tensor<4>> {
        match self {
            Self::ResNet(_) => None,
            Self::UNet(net) => Some(net.reconstruction(x)),
        }
    }

    /// Floating-point operations of one forward pass for an image of this side (a multiply-add counts two; convolutions
    /// only).
    pub fn forward_flop(&self, side: usize) -> f64 {
        match self {
            Self::ResNet(net) => net.forward_flop(side),
            Self::UNet(net) => net.forward_flop(side),
        }
    }

    /// Numbers that the convolutions of one forward pass give for an image of this side: what memory grows with.
    pub fn forward_values(&self, side: usize) -> usize {
        match self {
            Self::ResNet(net) => net.forward_values(side),
            Self::UNet(net) => net.forward_values(side),
        }
    }

    /// The parameters under the names that the weights file uses, in the order of the network.
    pub fn parameters(&self) -> Vec<Parameter> {
        let mut list = List::default();
        self.visit_parameters(&mut list);
        list.parameters
    }

    /// Visits the parameters under the names that the weights file uses, without the variant's name in front.
    pub(crate) fn visit_parameters(&self, visitor: &mut impl ModuleVisitor) {
        match self {
            Self::ResNet(net) => net.visit(visitor),
            Self::UNet(net) => net.visit(visitor),
        }
    }

    /// Like [`EnergyNetwork::visit_parameters`], replacing them.
    pub(crate) fn map_parameters(self, mapper: &mut impl ModuleMapper) -> Self {
        match self {
            Self::ResNet(net) => Self::ResNet(net.map(mapper)),
            Self::UNet(net) => Self::UNet(net.map(mapper)),
        }
    }
}

impl Energy for EnergyNetwork {
    fn energy_and_gradient(&self, x: Tensor<4>) -> (Tensor<1>, Tensor<4>) {
        let chunks = in_chunks(self, x, |network, x| match network {
            Self::ResNet(net) => net.energy_and_gradient(x),
            Self::UNet(net) => net.energy_and_gradient(x),
        });
        let (energies, gradients) = chunks.into_iter().unzip();
        (joined(energies), joined(gradients))
    }
}

/// One parameter tensor of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its name in the weights file, such as `blocks.0.conv1.weight`.
    pub name: String,
    /// What gradients and optimizer state are filed under.
    pub id: ParamId,
    /// Its shape.
    pub shape: Vec<usize>,
}

#[derive(Default)]
struct List {
    path: Vec<String>,
    parameters: Vec<Parameter>,
}

impl ModuleVisitor for List {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let shape = param.lazy_shape().as_slice().to_vec();
        self.parameters.push(Parameter { name: self.path.join("."), id: param.id, shape });
    }
}
