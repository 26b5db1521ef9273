//! `trainer restore`.

use std::{path::Path, sync::Arc};

use burn::tensor::Device;
use options::Task;
use serde::Serialize;
use shared::sampling::Given;

use super::chains;
use crate::{
    cli::RestoreArgs,
    error::{Error, Result},
    likelihood::Plan,
    model::LoadedModel,
    output,
    overwriting::Named,
    pictures::{self, Picture},
    restoration::{self, Blur, Kernel},
};

/// Energy gradients by which bits are measured where nobody says how many.
const GRADIENTS: usize = 64;

/// What is printed as JSON.
#[derive(Serialize)]
struct Restored {
    task: Task,
    out: String,
    /// The file of their values; null without one.
    npy: Option<Array>,
    /// The side of an answer, in pixels.
    size: usize,
    /// Of the noise that they came from.
    seed: u64,
    /// The level that the bits are of.
    noise_level: f32,
    /// The largest difference of a value to what is known, over all answers; null where that is noisy, and so not kept.
    known_error: Option<f32>,
    answers: Vec<Answer>,
}

/// The values of all answers.
#[derive(Serialize)]
struct Array {
    path: String,
    /// `[N, H, W, C]`
    shape: [usize; 4],
}

/// How likely one answer is; null for a model of one noise level.
#[derive(Clone, Serialize)]
struct Answer {
    bits: f64,
    bits_standard_error: f64,
    bits_per_dim: f64,
}

/// Restores a picture, several times over, and says how likely each answer is.
pub fn restore(args: RestoreArgs) -> Result<()> {
    check(&args)?;
    let read = [("--mask", args.mask.as_deref().map(Path::new)), ("--kernel", args.kernel.as_deref())];
    let read = read.into_iter().filter_map(|(flag, path)| Some((flag, path?)));
    let inputs: Vec<Named<'_>> = [("--image", args.image.as_path())].into_iter().chain(read).collect();
    chains::check_outputs(&args.chains, &inputs, &[])?;
    let (device, _) = args.model.backend.device()?;
    let model = LoadedModel::open("--model", &args.model.model, &device)?;
    if args.noise > 0.0 && args.noise as f32 >= model.noise.max {
        return Err(Error::input(format!(
            "--noise {}: the model was trained with noise up to {}; a picture with that much noise or more cannot be restored",
            args.noise, model.noise.max
        )));
    }
    // Bits are an integral over noise levels: where there is one, there are none.
    let has_bits = model.noise.min < model.noise.max;
    if let (Some(samples), false) = (args.samples, has_bits) {
        let text = "bits are an integral over noise levels, and the model was trained at one; leave it out";
        return Err(Error::input(format!("--samples {samples}: {text}")));
    }
    // Before a kernel is taken apart, which takes its time.
    chains::check_writable(&args.chains, &model)?;
    let given = given(&args, &model, &device)?;
    let images = chains::run(&args.chains, &model, Some(&given), 0, &device)?;
    let lines = chains::save(&args.chains, &images)?;

    let x = model.frame.add(output::tensor(&images, &device));
    let exact = args.noise == 0.0;
    let known_error =
        exact.then(|| output::floats((given.keep(x.clone()) - x).abs().max())).transpose()?.map(|all| all[0]);
    let plan = Plan::integral(model.noise, args.samples.unwrap_or(GRADIENTS), 0);
    let answers = if has_bits {
        let read = plan.read(&model, &images, &model.prior(), false, &device)?.into_iter().map(|read| Answer {
            bits: read.excess.bits,
            bits_standard_error: read.excess.standard_error,
            bits_per_dim: read.bits_per_dim,
        });
        read.collect()
    } else {
        vec![Answer { bits: f64::NAN, bits_standard_error: f64::NAN, bits_per_dim: f64::NAN }; images.len()]
    };
    let size = model.data.size;
    let shape = [images.len(), size, size, model.config.channels];
    let restored = Restored {
        task: args.task,
        out: args.chains.out.display().to_string(),
        npy: args.chains.npy.as_deref().map(|path| Array { path: path.display().to_string(), shape }),
        size,
        seed: args.chains.seed,
        noise_level: plan.noise.min,
        known_error,
        answers,
    };
    if args.json {
        let text = serde_json::to_string_pretty(&restored).map_err(|error| Error::failed(error.to_string()))?;
        println!("{text}");
        return Ok(());
    }
    lines.iter().for_each(|line| println!("{line}"));
    match restored.known_error {
        Some(0.0) => println!("every answer has exactly what is known"),
        Some(error) => println!("every answer has what is known to within {error:.6}, of values from 0 to 1"),
        None => {}
    }
    if !has_bits {
        println!("(no bits: they are an integral over noise levels, and the model has one)");
        return Ok(());
    }
    for (number, Answer { bits, bits_standard_error, bits_per_dim }) in restored.answers.iter().enumerate() {
        println!(
            "answer {}: {bits:.0} ± {bits_standard_error:.0} bits above noise of {} ({bits_per_dim:.3} bits a value with it)",
            number + 1,
            restored.noise_level
        );
    }
    Ok(())
}

/// Checks that the flags are those of the task.
fn check(args: &RestoreArgs) -> Result<()> {
    let flags = [
        ("--mask", args.mask.is_some(), Task::Inpaint),
        ("--factor", args.factor.is_some(), Task::SuperResolution),
        ("--blur", args.blur.is_some(), Task::Deblur),
        ("--kernel", args.kernel.is_some(), Task::Deblur),
    ];
    if let Some((flag, _, task)) = flags.iter().find(|(_, given, task)| *given && *task != args.task) {
        return Err(Error::input(format!("{flag}: only works with --task {task}, not with {}", args.task)));
    }
    let missing = match args.task {
        Task::Inpaint => {
            args.mask.is_none().then_some("--mask: a picture, white = unknown, or left, centre and the like")
        }
        Task::SuperResolution => args.factor.is_none().then_some("--factor: how many times longer the sides become"),
        Task::Deblur => (args.blur.is_none() && args.kernel.is_none()).then_some(
            "--blur, the standard deviation of a Gaussian blur in pixels, or --kernel, a picture of another",
        ),
        Task::Colour => None,
    };
    missing.map_or(Ok(()), |missing| Err(Error::input(format!("--task {}: give {missing}", args.task))))
}

/// What is known, from the files.
fn given(args: &RestoreArgs, model: &LoadedModel, device: &Device) -> Result<Arc<dyn Given>> {
    let (channels, size, noise) = (model.config.channels, model.data.size, args.noise as f32);
    let whole = || pictures::read(&args.image, channels, size, size);
    Ok(match args.task {
        Task::Inpaint => {
            let mask = args.mask.as_deref().unwrap_or_default();
            let (picture, unknown) = pictures::read_masked(&args.image, mask, channels, size, size)?;
            restoration::pixels(model, &picture, &unknown, noise, device)
        }
        Task::SuperResolution => {
            let factor = args.factor.unwrap_or(1);
            restoration::blocks(model, &small(args, factor, channels, size)?, factor, noise, device)
        }
        Task::Colour if channels == 1 => {
            return Err(Error::input("--task colour: the model's pictures are grey; give a model of colour pictures"));
        }
        Task::Colour => restoration::grey(model, &whole()?, noise, device),
        Task::Deblur => {
            let blur = match (&args.kernel, args.blur) {
                (Some(path), _) => Blur::Kernel(Kernel::read(path)?),
                (None, deviation) => Blur::Gaussian(deviation.unwrap_or_default()),
            };
            restoration::blurred(model, &whole()?, &blur, noise, device)?
        }
    })
}

/// The smaller picture, or one of the model's size of which only the means of blocks will count.
fn small(args: &RestoreArgs, factor: usize, channels: usize, size: usize) -> Result<Picture> {
    if factor > size {
        return Err(Error::input(format!(
            "--factor {factor}: the model's pictures have sides of {size}, so it can be at most that"
        )));
    }
    let side = size.div_ceil(factor);
    if pictures::dimensions(&args.image) == Some((side, side)) {
        return pictures::read(&args.image, channels, side, side);
    }
    let picture = pictures::read(&args.image, channels, size, size)?;
    eprintln!(
        "{}: not {side}x{side}, so it is brought to {size}x{size}, and only the means of its {factor}x{factor} blocks count",
        args.image.display()
    );
    Ok(picture)
}
