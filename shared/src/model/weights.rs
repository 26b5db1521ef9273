//! Named tensors in the safetensors format.

use std::collections::{BTreeMap, BTreeSet};

use burn::{
    module::{ModuleMapper, ModuleVisitor, Param, ParamId},
    tensor::{Device, Tensor, TensorData},
};
use half::f16;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use super::{GuideCard, ModelError};
use crate::network::{EnergyNetwork, NetworkConfig, Parameter};

/// Named, finite f32 tensors.
#[derive(Clone, Debug, Default)]
pub struct Weights(BTreeMap<String, TensorData>);

impl Weights {
    /// More than the widest network needs together with a guide (tested beside [`NetworkConfig::validate`]).
    pub(crate) const LIMIT: usize = 1 << 31;

    /// Reads a safetensors file with f32 or f16 tensors.
    ///
    /// # Errors
    /// Not a safetensors file, or a tensor of another type or with a value that is not finite.
    pub fn parse(bytes: &[u8]) -> Result<Self, ModelError> {
        if bytes.len() > Self::LIMIT {
            let (found, limit) = (bytes.len() as u64, Self::LIMIT as u64);
            return Err(ModelError::TooLarge { what: "weights file", found, limit });
        }
        let file = SafeTensors::deserialize(bytes).map_err(|error| ModelError::Format(error.to_string()))?;
        let mut tensors = BTreeMap::new();
        for (name, view) in file.iter() {
            let values = read_floats(name, &view)?;
            if let Some(position) = values.iter().position(|v| !v.is_finite()) {
                let problem =
                    format!("has the value {} at position {position}; every value must be finite", values[position]);
                return Err(ModelError::tensor(name, problem));
            }
            tensors.insert(name.to_owned(), TensorData::new(values, view.shape().to_vec()));
        }
        Ok(Self(tensors))
    }

    /// The weights of a network. Reads the device synchronously, so it is for the trainer only.
    pub fn of(network: &EnergyNetwork) -> Self {
        let names: Vec<String> = network.parameters().into_iter().map(|parameter| parameter.name).collect();
        let mut collect = Collect { names: names.into_iter(), tensors: BTreeMap::new() };
        network.visit_parameters(&mut collect);
        Self(collect.tensors)
    }

    /// The names in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Takes one tensor out.
    ///
    /// # Errors
    /// There is none of this name.
    pub fn take(&mut self, name: &str) -> Result<TensorData, ModelError> {
        self.0.remove(name).ok_or_else(|| ModelError::tensor(name, "is missing"))
    }

    /// Takes out every tensor whose name has this prefix, under what follows it.
    #[must_use]
    pub fn take_prefix(&mut self, prefix: &str) -> Self {
        let names: Vec<String> = self.names().filter(|name| name.starts_with(prefix)).map(str::to_owned).collect();
        let taken = names.into_iter().filter_map(|name| {
            let data = self.0.remove(&name)?;
            Some((name[prefix.len()..].to_owned(), data))
        });
        Self(taken.collect())
    }

    /// Adds one tensor.
    pub fn insert(&mut self, name: impl Into<String>, data: TensorData) {
        self.0.insert(name.into(), data);
    }

    /// Adds those of a guide, with [`GuideCard::PREFIX`] before their names.
    pub fn insert_guide(&mut self, guide: Self) {
        self.0.extend(guide.0.into_iter().map(|(name, data)| (format!("{}{name}", GuideCard::PREFIX), data)));
    }

    /// Takes out those of a guide: the network that `config` describes, with them.
    ///
    /// # Errors
    /// As of [`Weights::into_network`]; tensors have the names that they have here.
    pub fn take_guide(&mut self, config: &NetworkConfig, device: &Device) -> Result<EnergyNetwork, ModelError> {
        let guide = self.take_prefix(GuideCard::PREFIX);
        guide.into_network(config, device).map_err(|error| error.behind(GuideCard::PREFIX))
    }

    /// The network that `config` describes, with these weights: exactly its parameters, in exactly its shapes.
    ///
    /// # Errors
    /// A missing, misshapen or unknown tensor, or an impossible configuration.
    pub fn into_network(self, config: &NetworkConfig, device: &Device) -> Result<EnergyNetwork, ModelError> {
        let network = EnergyNetwork::new(config, device)?;
        // Shapes first: nothing is allocated for a file that does not fit.
        let parameters = network.parameters();
        for Parameter { name, shape: wanted, .. } in &parameters {
            let data = self.0.get(name).ok_or_else(|| ModelError::tensor(name, "is missing"))?;
            let found = &data.shape()[..];
            if found != wanted {
                return Err(ModelError::tensor(
                    name,
                    format!("has shape {found:?} where the network needs {wanted:?}"),
                ));
            }
        }
        let known: BTreeSet<&str> = parameters.iter().map(|parameter| parameter.name.as_str()).collect();
        if let Some(name) = self.names().find(|name| !known.contains(name)) {
            return Err(ModelError::tensor(name, "is unknown to this network"));
        }
        let names: Vec<String> = parameters.into_iter().map(|parameter| parameter.name).collect();
        Ok(network.map_parameters(&mut Apply { names: names.into_iter().enumerate(), tensors: self.0 }))
    }

    /// The bytes of a safetensors file, in half precision if asked.
    ///
    /// # Errors
    /// The format cannot hold them: half precision ends at 65,504.
    pub fn to_safetensors(&self, half: bool) -> Result<Vec<u8>, ModelError> {
        let too_large = |value: f32| value.is_finite() && !f16::from_f32(value).is_finite();
        if half && let Some((name, _)) = self.0.iter().find(|(_, data)| data.iter::<f32>().any(too_large)) {
            return Err(ModelError::tensor(name, "has a value that half precision cannot hold"));
        }
        let format = |error: safetensors::SafeTensorError| ModelError::Format(error.to_string());
        let dtype = if half { Dtype::F16 } else { Dtype::F32 };
        let encoded: Vec<(&str, &[usize], Vec<u8>)> = self
            .0
            .iter()
            .map(|(name, data)| {
                let values = data.iter::<f32>();
                let bytes = if half {
                    values.flat_map(|v| f16::from_f32(v).to_le_bytes()).collect()
                } else {
                    values.flat_map(f32::to_le_bytes).collect()
                };
                (name.as_str(), &data.shape()[..], bytes)
            })
            .collect();
        let mut views = Vec::new();
        for (name, shape, bytes) in &encoded {
            views.push((*name, TensorView::new(dtype, shape.to_vec(), bytes).map_err(format)?));
        }
        safetensors::serialize(views, None).map_err(format)
    }
}

fn read_floats(name: &str, view: &TensorView<'_>) -> Result<Vec<f32>, ModelError> {
    let bytes = view.data();
    match view.dtype() {
        Dtype::F32 => Ok(bytes.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect()),
        Dtype::F16 => Ok(bytes.as_chunks().0.iter().map(|&b| f16::from_le_bytes(b).to_f32()).collect()),
        other => Err(ModelError::tensor(name, format!("has type {other:?}; only F32 and F16 are read"))),
    }
}

/// Reads every parameter's value, filed by name.
struct Collect {
    names: std::vec::IntoIter<String>,
    tensors: BTreeMap<String, TensorData>,
}

impl ModuleVisitor for Collect {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(name) = self.names.next() {
            self.tensors.insert(name, param.val().into_data());
        }
    }
}

/// Replaces every parameter's value, and its random id by its position: optimizer state is filed by id, and must find
/// its parameter again in another process.
struct Apply {
    names: std::iter::Enumerate<std::vec::IntoIter<String>>,
    tensors: BTreeMap<String, TensorData>,
}

impl ModuleMapper for Apply {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let next = self.names.next().and_then(|(position, name)| Some((position, self.tensors.remove(&name)?)));
        match next {
            Some((position, data)) => {
                let tensor = Tensor::from_data(data, &param.lazy_device());
                param.transform_for_load(tensor, ParamId::from(position as u64))
            }
            None => param,
        }
    }
}
