//! A model at work.

use burn::tensor::Device;
use shared::{model::Model, network::Frame};
use web::Backend;

/// A model that has passed its self-test.
pub struct Ready {
    /// The model.
    pub model: Model,
    /// Where it computes.
    pub device: Device,
    /// Which kind of device that is.
    pub backend: Backend,
    /// How its pictures lie in what the network sees.
    pub frame: Frame,
}
