//! The energy networks.
//!
//! A [`NetworkConfig`] describes an [`EnergyNetwork`]: the paper's [`ResNet`] or a [`UNet`], made of [`layers`]. It gives
//! each image one scalar, the [`Energy`], and its gradient. A [`Frame`] fits smaller pictures into it.

mod cells;
mod chunks;
mod config;
mod energy;
mod energy_network;
mod frame;
pub mod layers;
mod resnet;
mod unet;

pub(crate) use cells::cell;
pub use config::{ConfigError, NetworkConfig};
pub use energy::Energy;
pub use energy_network::{EnergyNetwork, Parameter};
pub use frame::Frame;
pub use resnet::ResNet;
pub use unet::UNet;
