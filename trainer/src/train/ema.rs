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

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use options::{Activation, Architecture};
    use shared::network::NetworkConfig;

    use super::*;
    use crate::train::flat::pack_weights;

    #[test]
    fn the_average_keeps_its_share_and_takes_the_rest_from_the_weights() {
        struct Change;
        impl ModuleMapper for Change {
            fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
                param.map(|values| values * 3.0 + 1.0)
            }
        }
        let config = NetworkConfig {
            preset: Architecture::Unet,
            scales: None,
            width: 2,
            channels: 1,
            image_size: 8,
            activation: Activation::Silu,
            sigma_0: 0.1,
        };
        let average = EnergyNetwork::new(&config, &Device::flex().autodiff()).unwrap();
        let weights = average.clone().map(&mut Change);
        let average = average.valid();
        let before = pack_weights(&average).unwrap();
        let after = pack_weights(&update(average, &weights, 0.75)).unwrap();
        assert!(before.len() > 100 && before.len() == after.len());
        for (before, after) in before.into_iter().zip(after) {
            let expected = 0.75 * before + 0.25 * (3.0 * before + 1.0);
            assert!((after - expected).abs() < 1e-5, "{after} where {expected} should be");
        }
    }
}
