//! `trainer bench`.

use std::time::Instant;

use burn::{
    optim::GradientsParams,
    tensor::{Device, Distribution, Tensor},
};
use options::Spacing;
use serde::Serialize;
use shared::{
    network::{Energy, EnergyNetwork, NetworkConfig},
    training::{NoiseLevels, mdsm_loss},
};

use crate::{
    cli::BenchArgs,
    error::{Error, Result},
    output,
};

#[derive(Serialize)]
struct Report {
    backend: &'static str,
    device: String,
    preset: options::Architecture,
    width: usize,
    image_size: usize,
    channels: usize,
    batch: usize,
    threads: usize,
    /// That the CPU computes with; null on a GPU.
    vectors: Option<&'static str>,
    parameters: usize,
    forward_gflop_per_image: f64,
    energy_gradient: Speed,
    training_step: Speed,
    /// The most bytes of memory that this process has had while it did both; null where the system does not say.
    peak_memory: Option<u64>,
    /// Of the same library in the same run; null on a GPU.
    gemm_peak_gflops: Option<f64>,
    fraction_of_peak: Option<Fractions>,
}

#[derive(Serialize)]
struct Speed {
    images_per_second: f64,
    gflops: f64,
}

#[derive(Serialize)]
struct Fractions {
    energy_gradient: f64,
    training_step: f64,
}

/// Timed repetitions, whose median counts.
const REPETITIONS: usize = 7;
/// Untimed ones before.
const WARM_UP: usize = 2;

/// Measures the energy gradient (2 forward passes' worth) and the training step (6).
pub fn bench(args: BenchArgs) -> Result<()> {
    let (device, backend) = args.backend.device()?;
    let config = NetworkConfig {
        preset: args.network.preset,
        scales: NetworkConfig::scales_for(args.network.preset, args.image_size),
        width: args.network.width,
        channels: args.channels,
        image_size: args.image_size,
        activation: args.network.activation(),
        sigma_0: 0.1,
    };
    let network = new_network(&config, &device)?;
    let batch = args.batch;
    let forward_gflop = network.forward_flop(config.image_size) / 1e9;
    let speed = |seconds: f64, passes: f64| Speed {
        images_per_second: batch as f64 / seconds,
        gflops: passes * forward_gflop * batch as f64 / seconds,
    };

    let energy_gradient = speed(time_energy_gradient(&network, &config, batch, &device)?, 2.0);
    let training_step = speed(time_training_step(&config, batch, &device.clone().autodiff())?, 6.0);
    let peak_memory = peak_memory();
    let gemm_peak_gflops = if backend == "flex" { Some(gemm_peak(&device)?) } else { None };
    let report = Report {
        backend,
        device: format!("{device:?}"),
        preset: config.preset,
        width: config.width,
        image_size: config.image_size,
        channels: config.channels,
        batch,
        threads: rayon::current_num_threads(),
        vectors: (backend == "flex").then(|| shared::backend::vectors().name()),
        parameters: network.parameters().iter().map(|p| p.shape.iter().product::<usize>()).sum(),
        forward_gflop_per_image: forward_gflop,
        fraction_of_peak: gemm_peak_gflops.map(|peak| Fractions {
            energy_gradient: energy_gradient.gflops / peak,
            training_step: training_step.gflops / peak,
        }),
        energy_gradient,
        training_step,
        peak_memory,
        gemm_peak_gflops,
    };
    print(&report, args.json)
}

fn new_network(config: &NetworkConfig, device: &Device) -> Result<EnergyNetwork> {
    EnergyNetwork::new(config, device).map_err(|error| Error::input(error.to_string()))
}

fn time_energy_gradient(network: &EnergyNetwork, config: &NetworkConfig, batch: usize, device: &Device) -> Result<f64> {
    let x = random(config, batch, device);
    median(|| {
        let (_, gradient) = network.energy_and_gradient(x.clone());
        output::floats(gradient.sum()).map(drop)
    })
}

/// The loss and the gradient of every parameter; the optimizer's update is not counted.
fn time_training_step(config: &NetworkConfig, batch: usize, device: &Device) -> Result<f64> {
    let network = new_network(config, device)?;
    let (x, z) = (random(config, batch, device), random(config, batch, device));
    let levels = NoiseLevels { min: 0.05, max: 2.0, spacing: Spacing::Geometric }.levels(batch);
    let sigma = Tensor::<1>::from_floats(levels.as_slice(), device);
    let stem = network.parameters().into_iter().find(|parameter| parameter.shape.len() == 4);
    median(|| {
        let loss = mdsm_loss(&network, config.sigma_0, x.clone(), z.clone(), sigma.clone()).mean();
        let gradients = GradientsParams::from_grads(loss.backward(), &network);
        // Reading a gradient waits for a GPU to finish.
        match stem.as_ref().and_then(|stem| gradients.get::<4>(stem.id)) {
            Some(gradient) => output::floats(gradient.sum()).map(drop),
            None => output::floats(loss).map(drop),
        }
    })
}

/// The best of five 1024^3 products in GFLOP/s.
fn gemm_peak(device: &Device) -> Result<f64> {
    const SIDE: usize = 1024;
    let random = || Tensor::<2>::random([SIDE, SIDE], Distribution::Default, device);
    let (a, b) = (random(), random());
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let begun = Instant::now();
        let product = a.clone().matmul(b.clone());
        best = best.min(begun.elapsed().as_secs_f64());
        output::floats(product.sum())?;
    }
    Ok(2.0 * (SIDE as f64).powi(3) / best / 1e9)
}

fn random(config: &NetworkConfig, batch: usize, device: &Device) -> Tensor<4> {
    Tensor::random(config.batch_shape(batch), Distribution::Default, device)
}

/// What Linux calls the high-water mark of the resident set, in bytes.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kilobytes| 1024 * kilobytes)
}

/// Median seconds of `work`.
fn median(mut work: impl FnMut() -> Result<()>) -> Result<f64> {
    let mut seconds = Vec::new();
    for repetition in 0..WARM_UP + REPETITIONS {
        let begun = Instant::now();
        work()?;
        if repetition >= WARM_UP {
            seconds.push(begun.elapsed().as_secs_f64());
        }
    }
    seconds.sort_by(f64::total_cmp);
    Ok(seconds[seconds.len() / 2])
}

fn print(report: &Report, json: bool) -> Result<()> {
    if json {
        let text = serde_json::to_string_pretty(report).map_err(|error| Error::failed(error.to_string()))?;
        println!("{text}");
        return Ok(());
    }
    for (what, speed) in [("energy gradient", &report.energy_gradient), ("training step", &report.training_step)] {
        println!("{what:16} {:8.0} images/s  {:6.1} GFLOP/s", speed.images_per_second, speed.gflops);
    }
    if let Some(bytes) = report.peak_memory {
        println!("peak memory      {:8.0} MB", bytes as f64 / 1e6);
    }
    if let Some(peak) = report.gemm_peak_gflops {
        println!("matrix product   {peak:27.1} GFLOP/s");
    }
    Ok(())
}
