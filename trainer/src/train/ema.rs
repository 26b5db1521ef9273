//! The exponential moving average of the weights, which is what is sampled from and exported.

use std::{any::Any, collections::HashMap};

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId},
    tensor::Tensor,
};
use shared::network::EnergyNetwork;

/// `average <- decay * average + (1 - decay) * weights`. `weights` may carry autodiff; the average does not.
pub fn update(average: EnergyNetwork, weights: &EnergyNetwork, decay: f64) -> EnergyNetwork {
    let mut current = Current::default();
    weights.valid().visit(&mut current);
    average.map(&mut Blend { current: current.0, decay })
}

/// The values by parameter, whatever their rank.
#[derive(Default)]
struct Current(HashMap<ParamId, Box<dyn Any>>);

impl ModuleVisitor for Current {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.insert(param.id, Box::new(param.val()));
    }
}

struct Blend {
    current: HashMap<ParamId, Box<dyn Any>>,
    decay: f64,
}

impl ModuleMapper for Blend {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let current = self.current.remove(&param.id).and_then(|value| value.downcast::<Tensor<D>>().ok());
        match current {
            Some(current) => param.map(|average| average * self.decay + *current * (1.0 - self.decay)),
            None => param,
        }
    }
}
