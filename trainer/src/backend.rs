//! Where tensors live and are computed, chosen at run time.

#[cfg(feature = "wgpu")]
use burn::tensor::DeviceKind;
use burn::tensor::{Device, DeviceType};
use clap::ValueEnum;

use crate::error::{Error, Result};

/// A value of `--backend`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Backend {
    /// A GPU where there is one, else the CPU.
    Auto,
    /// The CPU.
    Flex,
    /// Any GPU, through WGSL; takes a software adapter where there is no other.
    #[cfg(feature = "wgpu")]
    Wgpu,
    /// A Vulkan GPU, through SPIR-V.
    #[cfg(feature = "vulkan")]
    Vulkan,
    /// An Apple GPU.
    #[cfg(feature = "metal")]
    Metal,
    /// An NVIDIA GPU.
    #[cfg(feature = "cuda")]
    Cuda,
}

impl Backend {
    /// The device, and the name of the backend that was chosen.
    ///
    /// # Errors
    /// The machine has no such device.
    pub fn device(self) -> Result<(Device, &'static str)> {
        match self {
            Self::Auto => Ok(gpu().unwrap_or_else(|| (Device::flex(), "flex"))),
            Self::Flex => Ok((Device::flex(), "flex")),
            #[cfg(feature = "wgpu")]
            Self::Wgpu => Device::wgpu_options()
                .init()
                .map(|device| (device, "wgpu"))
                .map_err(|error| Error::input(format!("--backend wgpu: no adapter ({error}); try --backend flex"))),
            // Asked for where there is none, these end the program without a word of ours.
            #[cfg(feature = "vulkan")]
            Self::Vulkan => {
                there_is(DeviceType::Vulkan, "vulkan")?;
                Ok((Device::vulkan(DeviceKind::DefaultDevice), "vulkan"))
            }
            #[cfg(feature = "metal")]
            Self::Metal => {
                there_is(DeviceType::Metal, "metal")?;
                Ok((Device::metal(DeviceKind::DefaultDevice), "metal"))
            }
            #[cfg(feature = "cuda")]
            Self::Cuda => {
                there_is(DeviceType::Cuda, "cuda")?;
                Ok((Device::cuda(0), "cuda"))
            }
        }
    }

    /// Several devices of one kind, and the name of the backend.
    ///
    /// # Errors
    /// The machine has fewer.
    pub fn devices(self, count: usize) -> Result<(Vec<Device>, &'static str)> {
        let (first, name) = self.device()?;
        if count == 1 {
            return Ok((vec![first], name));
        }
        let kind = match name {
            #[cfg(feature = "wgpu")]
            "wgpu" => DeviceType::Wgpu,
            #[cfg(feature = "vulkan")]
            "vulkan" => DeviceType::Vulkan,
            #[cfg(feature = "metal")]
            "metal" => DeviceType::Metal,
            #[cfg(feature = "cuda")]
            "cuda" => DeviceType::Cuda,
            _ => DeviceType::Flex,
        };
        let mut devices = match name {
            // A software adapter is no GPU to share work with.
            #[cfg(feature = "wgpu")]
            "wgpu" => gpus().take(count).collect(),
            _ => Device::enumerate(kind).into_vec(),
        };
        if devices.len() < count {
            return Err(Error::input(format!("--devices {count}: {name} finds {} here", devices.len())));
        }
        devices.truncate(count);
        Ok((devices, name))
    }
}

/// Whether this machine has such a device.
#[cfg(any(feature = "vulkan", feature = "metal", feature = "cuda"))]
fn there_is(kind: DeviceType, name: &str) -> Result<()> {
    if Device::enumerate(kind).into_vec().is_empty() {
        return Err(Error::input(format!("--backend {name}: this machine has no such GPU; try --backend flex")));
    }
    Ok(())
}

/// The GPUs of this machine, those with a memory of their own first.
#[cfg(feature = "wgpu")]
fn gpus() -> impl Iterator<Item = Device> {
    let of_kind = |kind: fn(usize) -> DeviceKind| {
        (0..).map_while(move |number| Device::wgpu_options().device_kind(kind(number)).init().ok())
    };
    [DeviceKind::DiscreteGpu, DeviceKind::IntegratedGpu].into_iter().flat_map(of_kind)
}

/// A hardware GPU, if there is one; a software adapter is slower than the CPU backend.
fn gpu() -> Option<(Device, &'static str)> {
    #[cfg(feature = "cuda")]
    if there_is(DeviceType::Cuda, "cuda").is_ok() {
        return Some((Device::cuda(0), "cuda"));
    }
    #[cfg(feature = "wgpu")]
    {
        // Looking for one takes a second, and graphics drivers complain on stderr where there is no display.
        let files = ["/dev/dri", "/dev/nvidiactl", "/dev/dxg"];
        if cfg!(target_os = "linux") && !files.iter().any(|file| std::path::Path::new(file).exists()) {
            return None;
        }
        gpus().next().map(|device| (device, "wgpu"))
    }
    #[cfg(not(feature = "wgpu"))]
    None
}
