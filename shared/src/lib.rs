//! Multi-scale denoising score matching (MDSM; Li, Chen, Sommer: "Learning Energy-Based Models in High-Dimensional
//! Spaces with Multi-scale Denoising Score Matching", arXiv 1910.07762), the network and the mathematics, without I/O
//! and without UI.
//!
//! Read in this order: [`NoiseLevels`] corrupt images, [`EnergyNetwork`] gives each image one scalar and its gradient,
//! [`mdsm_loss`] trains that gradient as a denoiser at every level at once, with less chance in it where its targets
//! are [`stable_targets`], [`Annealing`] and [`langevin`] turn noise into images as in the paper, [`consistent`] in
//! fewer steps, [`Sampler`] runs chains from a seed, [`Guided`] away from a weaker model's errors, [`hmc`] and
//! [`importance`] measure densities, [`OutlierScore`] finds unusual pictures, [`Model`] carries a trained network
//! between the trainer and the page. [`toy`] is all of it once more in the plane.

mod activation;
mod annealing;
mod chunks;
mod config;
pub mod consistent;
mod energy;
mod frame;
mod guidance;
pub mod hmc;
pub mod importance;
pub mod kernels;
pub mod langevin;
pub mod layers;
mod model;
mod network;
mod noise;
mod noise_levels;
mod objective;
mod outliers;
mod posterior;
mod product;
mod resnet;
mod sampler;
mod schedule;
mod threads;
pub mod toy;
mod unet;
mod weighting;

pub use activation::Activation;
pub use annealing::Annealing;
pub use config::{ConfigError, NetworkConfig, Preset};
pub use energy::Energy;
pub use frame::Frame;
pub use guidance::Guided;
pub use model::{DataCard, GuideCard, Manifest, Metric, Model, ModelError, Probe, TrainingCard, Weights, WeightsCard};
pub use network::{EnergyNetwork, Parameter};
pub use noise::{Draw, Noise};
pub use noise_levels::{NoiseLevels, Spacing};
pub use objective::mdsm_loss;
pub use outliers::OutlierScore;
pub use posterior::{StableTargets, stable_targets};
pub use product::Product;
pub use resnet::ResNet;
pub use sampler::{Known, Sampler, Step};
pub use schedule::{Fall, Method, Schedule};
pub use unet::UNet;
pub use weighting::Weighting;
