//! What flags take.

use clap::ValueEnum;
use serde::Serialize;
use shared::{Activation, Method, Preset};

/// A value of `--preset`.
#[derive(Clone, Copy, ValueEnum)]
pub enum PresetArg {
    /// The paper's small network.
    Res6,
    /// The paper's network for MNIST and Fashion-MNIST.
    Res12,
    /// The paper's network for CIFAR-10.
    Res18,
    /// The energy of a small U-Net, which trains several times faster.
    Unet,
    /// The same with a fourth scale: better pictures for little more time.
    Unet4,
}

impl From<PresetArg> for Preset {
    fn from(arg: PresetArg) -> Self {
        match arg {
            PresetArg::Res6 => Self::Res6,
            PresetArg::Res12 => Self::Res12,
            PresetArg::Res18 => Self::Res18,
            PresetArg::Unet => Self::Unet,
            PresetArg::Unet4 => Self::Unet4,
        }
    }
}

/// A value of `--activation`.
#[derive(Clone, Copy, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum ActivationArg {
    Elu,
    Silu,
}

impl From<ActivationArg> for Activation {
    fn from(arg: ActivationArg) -> Self {
        match arg {
            ActivationArg::Elu => Self::Elu,
            ActivationArg::Silu => Self::Silu,
        }
    }
}

/// A value of `--optimizer`.
#[derive(Clone, Copy, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerArg {
    /// As in the paper.
    Adam,
    /// Muon for the kernels of the blocks, Adam for the rest.
    Muon,
}

/// A value of `--spacing`.
#[derive(Clone, Copy, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum SpacingArg {
    /// A constant ratio.
    Geometric,
    /// A constant difference.
    Linear,
}

/// A value of `--weighting`.
#[derive(Clone, Copy, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum WeightingArg {
    /// `1 / sigma^2`, the paper's: an error counts by what it is of the noise, so that errors under large noise hardly
    /// count, where a picture's class is decided.
    InverseVariance,
    /// `1 / sigma^2 + 1 / sigma_data^2` (EDM; Karras and others 2022, table 1): an error counts by what it is of the
    /// noise or of the pictures themselves, whichever is less.
    Edm,
}

/// A value of `--sampler`.
#[derive(Clone, Copy, ValueEnum)]
pub enum SamplerArg {
    /// Annealed Langevin dynamics: the paper's sampler.
    Annealed,
    /// Consistent annealed sampling: fewer steps, each injecting the noise that the next level has.
    Consistent,
    /// The deterministic flow: fewest steps.
    Ode,
}

impl From<SamplerArg> for Method {
    fn from(arg: SamplerArg) -> Self {
        match arg {
            SamplerArg::Annealed => Self::Annealed,
            SamplerArg::Consistent => Self::Consistent,
            SamplerArg::Ode => Self::Ode,
        }
    }
}

/// A whole number from 1 to `most`.
pub fn count_parser(most: usize) -> impl Fn(&str) -> Result<usize, String> + Clone {
    move |text: &str| match text.parse() {
        Ok(count) if (1..=most).contains(&count) => Ok(count),
        _ => Err(format!("it must be a whole number from 1 to {most}")),
    }
}

pub fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value > 0.0 && value.is_finite() => Ok(value),
        _ => Err("it must be a positive number".to_owned()),
    }
}

pub fn at_least_one(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value >= 1.0 && value.is_finite() => Ok(value),
        _ => Err("it must be a number of at least 1".to_owned()),
    }
}

pub fn not_negative(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value >= 0.0 && value.is_finite() => Ok(value),
        _ => Err("it must be a number of at least 0".to_owned()),
    }
}

pub fn fraction(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.0..1.0).contains(&value) => Ok(value),
        _ => Err("it must be at least 0 and below 1".to_owned()),
    }
}
