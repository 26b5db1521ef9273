//! What a training would need, told before it begins.

use std::{
    thread,
    time::{Duration, Instant},
};

use burn::tensor::Device;
use indicatif::DecimalBytes;
use options::Words;
use shared::{network::Frame, training::NoiseLevels};

use super::{
    RunConfig, Start, memory,
    prefetch::prefetch,
    replicas::Replicas,
    run::State,
    timing::{time, timed_steps},
};
use crate::{
    data::DataSet,
    error::{Error, Result},
    output,
    ranks::Ranks,
};

/// No further step is timed after this.
const ENOUGH: Duration = Duration::from_secs(5);
/// How often processes that share the batches send each other what they do in a step, before the first.
pub const REHEARSALS: usize = 10;

/// Prints the size of the pictures, of the network and of a batch, the memory that the training will need and, by a few
/// steps, the time, and that of what goes between processes.
///
/// # Errors
/// A device fails, or another process cannot be reached.
pub fn dry_run(
    config: &RunConfig,
    data: &DataSet,
    start: Start,
    devices: &[Device],
    backend: &str,
    ranks: &Ranks,
) -> Result<()> {
    let device = devices.first().ok_or_else(|| Error::failed("there is no device to train on"))?;
    let (plan, shape) = (&config.optimization, config.network());
    let frame = Frame::new(config.card().size, shape.image_size)
        .ok_or_else(|| Error::failed("the pictures are larger than the network's input"))?;
    let mut state = State::new(config, start, device)?;
    let done = state.progress.step;
    let bytes = (data.train.pixels.len() + data.held_out.pixels.len()) as u64;
    let (colour, size) = (if shape.channels == 1 { "grey" } else { "colour" }, config.card().size);
    println!(
        "pictures: {} to train on, {} held out; {size}x{size}, {colour}; {}{}",
        data.train.len(),
        data.held_out.len(),
        DecimalBytes(bytes),
        if data.classes.is_empty() { String::new() } else { format!("; classes: {}", data.classes.join(", ")) }
    );
    let numbers: usize =
        state.network.parameters().iter().map(|parameter| parameter.shape.iter().product::<usize>()).sum();
    let scales = shape.scales.map_or_else(String::new, |scales| format!(", {scales} scales"));
    let framed = match shape.image_size {
        side if side == size => String::new(),
        side => format!("; pictures lie in a frame of {side}x{side}"),
    };
    println!("network: {}, width {}{scales}, {numbers} parameters{framed}", shape.preset, shape.width);
    let NoiseLevels { min, max, spacing } = config.noise;
    println!("noise: levels from {min} to {max}, {}", spacing.word());
    let targets = match plan.references {
        0 => "one picture each".to_owned(),
        references => format!("means of {} pictures", references.min(data.train.len()).max(plan.batch)),
    };
    let mirrored = if plan.flip { "half of the pictures are mirrored" } else { "no picture is mirrored (--flip)" };
    let slices = match plan.slices.unwrap_or(1) {
        1 => "at once".to_owned(),
        slices => format!("in {slices} slices"),
    };
    println!("batch: {} pictures, {slices}; targets: {targets}; {mirrored}", plan.batch);
    println!("memory: about {} at most", DecimalBytes(memory::estimate(config, bytes, data.decoding)?));
    if done >= plan.steps {
        println!("time: none, as all {} steps are done", plan.steps);
        return Ok(());
    }

    let replicas = Replicas::new(config, &data.train, frame, devices, ranks);
    if ranks.count() > 1 {
        let mut times = Vec::with_capacity(REHEARSALS);
        for _ in 0..REHEARSALS {
            let begun = Instant::now();
            replicas.rehearse(&state.network)?;
            times.push(begun.elapsed().as_secs_f64());
        }
        // The first ones open connections.
        times.sort_by(f64::total_cmp);
        println!(
            "exchange: {:.1} ms a step between {} processes, weights there and gradients back",
            1e3 * times[REHEARSALS / 2],
            ranks.count()
        );
    }
    let mut times = [Vec::new(), Vec::new()];
    thread::scope(|scope| -> Result<()> {
        let batches = prefetch(scope, &data.train, config, timed_steps(plan, done));
        let first = Instant::now();
        let mut begun = first;
        while let Ok(batch) = batches.recv() {
            let (next, [loss, _]) = state.step(config, &replicas, &batch)?;
            state = next;
            output::floats(loss)?;
            let kind = usize::from(!plan.is_denoiser_step(batch.step));
            times[kind].push(begun.elapsed().as_secs_f64());
            begun = Instant::now();
            if first.elapsed() > ENOUGH && times.iter().all(|times| times.len() != 1) {
                break;
            }
        }
        Ok(())
    })?;
    println!("{}", time(plan, done, backend, times));
    Ok(())
}
