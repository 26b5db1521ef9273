//! `trainer train`.

use std::{
    collections::HashSet,
    env,
    fs::{self, File},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::run_pictures::{Place, files_in, run_pictures};
use crate::{
    cli::{LayersArgs, TrainArgs},
    console,
    data::{self, DataSet, Wanted},
    error::{Error, Result},
    files, folders, overwriting,
    ranks::Ranks,
    train::{self, Checkpoint, Hold, Optimization, RunConfig, RunFolder, Start, TrainingPreset},
};

/// Trains, or goes on training, with the processes that were started together with this one.
pub fn train(args: TrainArgs) -> Result<()> {
    let (ranks, _session) = Ranks::join()?;
    let outcome = if ranks.leads() { lead(&args, &ranks) } else { work(&args, &ranks) };
    ranks.end(outcome)
}

/// What the others have to know.
#[derive(Serialize, Deserialize)]
struct Task {
    /// The hash of the leader's program.
    program: String,
    /// What it computes with.
    backend: String,
    /// `run.toml`
    config: String,
    /// Steps that are done.
    done: u64,
    /// Exchanges of which nothing is learned, before the first step.
    rehearsals: usize,
    /// Of the pictures, as the leader has them: how many to learn from, and what their content is.
    pictures: (usize, String),
}

impl Task {
    fn pictures(data: &DataSet) -> (usize, String) {
        // Sets have none where their files are what the name stands for, or are in the program itself.
        let content = || files::sha256(&data.train.pixels);
        (data.train.len(), data.fingerprint.clone().unwrap_or_else(content))
    }

    /// The hash of this program.
    fn program() -> Result<String> {
        let hash = env::current_exe().and_then(File::open).and_then(files::sha256_of);
        hash.map_err(|error| Error::failed(format!("this program itself cannot be read: {}", files::reason(&error))))
    }

    /// What results depend on in their last digits.
    fn backend(name: &str) -> String {
        if name == "flex" { format!("the CPU, {}", shared::backend::vectors().name()) } else { name.to_owned() }
    }
}

/// Computes a part of every batch for the process that leads.
fn work(args: &TrainArgs, ranks: &Ranks) -> Result<()> {
    let (devices, backend) = args.backend.devices(args.devices)?;
    let task = ranks.broadcast(Vec::new())?;
    if task.is_empty() {
        return Ok(());
    }
    let other =
        || Error::input("this trainer and the leading one are different builds; have the same file on every machine");
    let task: Task = serde_json::from_slice(&task).map_err(|_| other())?;
    if task.program != Task::program()? {
        return Err(other());
    }
    let own = Task::backend(backend);
    if task.backend != own {
        eprintln!(
            "warning: {} computes with {own}, the first with {}: results will depend on which of them computes what",
            ranks.name(),
            task.backend
        );
    }
    let config: RunConfig =
        toml::from_str(&task.config).map_err(|error| Error::failed(format!("the settings that came: {error}")))?;
    check_shares(&config, args, ranks)?;
    let given = args.layers.settings.data.as_deref().filter(|_| !Path::new(&config.data).is_dir());
    let given = given.map(|data| (data, format!("--data {data}")));
    let data = run_pictures(&config, Path::new("this run"), &place(args, given, args.data_dir.as_deref()))?;
    if Task::pictures(&data) != task.pictures {
        // A file that cannot be read here may be why.
        data.tell();
        return Err(Error::input(format!("the pictures in {} are not those of the leading process", data.source)));
    }
    if task.rehearsals == 0 {
        // The leader saves and says when it is enough: what asks a program to stop may ask one of them or all.
        train::heed_interruptions()?;
    }
    train::work(&config, &data, (task.done, task.rehearsals), &devices, ranks)
}

fn lead(args: &TrainArgs, ranks: &Ranks) -> Result<()> {
    let out = out(args)?;
    folders::check("--out", &out)?;
    let folder = RunFolder::at(&out);
    if folder.has_checkpoint() && !args.resume {
        return Err(Error::input(format!(
            "--out {}: there is a run already; add --resume to go on with it, or choose another folder",
            out.display()
        )));
    }
    if !args.resume {
        folder.check_free()?;
    }
    let (devices, backend) = args.backend.devices(args.devices)?;

    let there = folder.steps();
    let (config, start, data) = if args.resume { resume(args, &folder, &out, ranks)? } else { begin(args, ranks)? };
    check_shares(&config, args, ranks)?;
    if args.devices > config.optimization.batch {
        return Err(Error::input(format!("--devices {}: more devices than images in a batch", args.devices)));
    }
    overwriting::not_among(&out, &data)?;
    data.tell();
    let done = start.as_ref().map_or(0, |checkpoint| checkpoint.progress.step);
    let start = match start {
        Some(checkpoint) => Start::Checkpoint(out.clone(), Box::new(checkpoint)),
        None => Start::of(&config)?,
    };
    let device = if backend == "flex" { "the CPU (flex)" } else { backend };
    let send_task = |config: &RunConfig, rehearsals: usize| -> Result<()> {
        if ranks.count() == 1 {
            return Ok(());
        }
        let (program, backend, pictures) = (Task::program()?, Task::backend(backend), Task::pictures(&data));
        let task = Task { program, backend, config: config.to_toml()?, done, rehearsals, pictures };
        let task = serde_json::to_vec(&task).map_err(|error| Error::failed(error.to_string()))?;
        ranks.broadcast(task).map(drop)
    };
    if args.dry_run {
        send_task(&config, train::REHEARSALS)?;
        train::dry_run(&config, &data, start, &devices, device, ranks)?;
        return ranks.broadcast(Vec::new()).map(drop);
    }
    let mut hold = Hold::of(&folder)?;
    if folder.steps() != there {
        let text = "another training has saved into it while the pictures were read; give the same command again";
        return Err(Error::input(format!("--out {}: {text}", out.display())));
    }
    if done == 0 && folder.exists() {
        eprintln!("{}: begun before, with nothing saved; it begins again", out.display());
        folder.forget_metrics()?;
    }
    folder.set_aside_after(done)?;
    let steps = config.optimization.steps;
    if done == steps {
        eprintln!("{}: step {done} of {steps} is done already; --steps {} trains for longer", out.display(), 2 * steps);
    } else {
        folder.save_config(&config)?;
        let count = data.train.len();
        let images = if count == 1 { "image" } else { "images" };
        eprintln!(
            "training on {} ({count} {images}) with {device}, from step {done} to {steps}, into {}",
            data.name,
            out.display()
        );
        eprintln!(
            "{}",
            if config.optimization.flip {
                "half of the pictures are mirrored; --flip false leaves all as they are"
            } else {
                "no picture is mirrored; --flip mirrors half of them"
            }
        );
    }
    if ranks.count() > 1 {
        let (count, slices) = (ranks.count(), config.optimization.slices.unwrap_or(1));
        eprintln!("{count} processes share every batch, {} of its {slices} slices each", slices / count);
    }
    send_task(&config, 0)?;
    train::heed_interruptions()?;
    let outcome = train::train(&config, &data, &mut hold, start, &devices, ranks);
    if matches!(outcome, Ok(()) | Err(Error::Interrupted(_))) {
        // No more weights: the others have done their work.
        ranks.broadcast(Vec::new())?;
    }
    outcome?;
    if done == steps {
        return Ok(());
    }
    eprintln!("done: {}; next: trainer sample --model {} --out samples.png", out.display(), console::quoted(&out));
    Ok(())
}

/// Has the processes, and the devices of each, share the slices of a batch evenly: as many as was asked for, or as the run
/// has always had for such a batch, or more if nobody asked.
fn share_slices(config: &mut RunConfig, args: &TrainArgs, ranks: &Ranks, before: Option<&RunConfig>) -> Result<()> {
    let plan = &mut config.optimization;
    let LayersArgs { config: file, settings, .. } = &args.layers;
    let decided = before.is_some_and(|before| before.optimization.batch == plan.batch)
        || settings.optimization.slices.is_some()
        || file.as_deref().is_some_and(RunConfig::has_slices);
    if !decided {
        plan.slices = Some(more_slices(plan.slices.unwrap_or(1), ranks.count(), args.devices, plan.batch)?);
    }
    Ok(())
}

/// At least so many slices, of which each device of each process has as many.
fn more_slices(slices: usize, processes: usize, devices: usize, batch: usize) -> Result<usize> {
    // The devices of one process alone share the batch, not its slices.
    let sharing = if processes > 1 { processes * devices } else { 1 };
    if sharing > batch {
        let devices = if devices > 1 { format!(" of {devices} devices each") } else { String::new() };
        return Err(Error::input(format!("{processes} processes{devices} cannot share a batch of {batch}")));
    }
    Ok(slices.next_multiple_of(sharing).min(batch / sharing * sharing))
}

/// Whether all processes have as many slices, and each device of this one has one.
fn check_shares(config: &RunConfig, args: &TrainArgs, ranks: &Ranks) -> Result<()> {
    let (count, slices) = (ranks.count(), config.optimization.slices.unwrap_or(1));
    if !slices.is_multiple_of(count) {
        return Err(Error::input(format!(
            "slices {slices}: {count} processes cannot share them evenly; start a number of processes that divides {slices}"
        )));
    }
    if count > 1 && args.devices > slices / count {
        let text = format!("each of {count} processes has {} of the {slices} slices of a batch", slices / count);
        return Err(Error::input(format!("--devices {}: {text}; give fewer devices, or more --slices", args.devices)));
    }
    Ok(())
}

/// The settings of a run, the checkpoint that it goes on from, and its pictures.
type Opened = (RunConfig, Option<Checkpoint>, DataSet);

/// A new run.
fn begin(args: &TrainArgs, ranks: &Ranks) -> Result<Opened> {
    let LayersArgs { config: file, preset, settings } = &args.layers;
    let config = RunConfig::layered(*preset, file.as_deref(), settings)?;
    let named = match (&settings.data, file) {
        (Some(data), _) => {
            if let Some(line) = data::namesake(data) {
                eprintln!("{line}");
            }
            format!("--data {data}")
        }
        (None, Some(file)) if config.data != config.preset.settings().data => {
            format!("--config {}: data {}", file.display(), config.data)
        }
        (None, _) => of_preset(&config)?,
    };
    let whose = file.as_ref().map_or_else(|| config.data.clone(), |file| format!("--config {}", file.display()));
    let dir = files_in(&config, args.data_dir.as_deref(), whose)?;
    let wanted = Wanted { source: &config.data, named: &named, dir, side: config.image_size, keep: !args.dry_run };
    let data = data::read(&wanted)?;
    let data_dir = dir.and_then(|dir| fs::canonicalize(dir).ok());
    let mut config = RunConfig { data_dir, ..config.with_pictures(&data)? };
    share_slices(&mut config, args, ranks, None)?;
    Ok((config, None, data))
}

/// What the data of a preset are called, if they are here or can be had.
fn of_preset(config: &RunConfig) -> Result<String> {
    if config.preset == TrainingPreset::PaperCeleba && !Path::new(&config.data).is_dir() {
        let text = "CelebA cannot be fetched; give a folder of its pictures with --data FOLDER";
        return Err(Error::input(format!("--preset paper-celeba: {text}")));
    }
    Ok(config.data.clone())
}

/// A run that goes on from its newest checkpoint, or from its beginning where it has none.
fn resume(args: &TrainArgs, folder: &RunFolder, out: &Path, ranks: &Ranks) -> Result<Opened> {
    let LayersArgs { config: file, preset, settings } = &args.layers;
    let before = folder.load_config()?;
    let anew = |error: Error| {
        Error::input(format!("{error}; delete the folder to train anew into it, or choose another --out"))
    };
    let start = if folder.has_checkpoint() { Some(folder.newest().map_err(anew)?) } else { None };
    let step = start.as_ref().map_or(0, |checkpoint| checkpoint.progress.step);
    let mut config = before.resumed(step, *preset, file.as_deref(), settings)?;
    let named = match (&settings.data, file) {
        (None, Some(file)) => format!("--config {}: data {}", file.display(), config.data),
        _ => format!("--data {}", config.data),
    };
    let given = (config.data != before.data).then_some((config.data.as_str(), named));
    // Where a file says that they are is where the user says so now.
    let by_file = file.as_ref().filter(|_| config.data_dir != before.data_dir);
    let dir = match by_file {
        Some(file) => files_in(&config, args.data_dir.as_deref(), format!("--config {}", file.display()))?,
        None => args.data_dir.as_deref(),
    };
    let data = run_pictures(&before, out, &place(args, given, dir))?;
    let found = dir.filter(|_| data::is_named(&before.data)).and_then(|dir| fs::canonicalize(dir).ok());
    config.data_dir = found.or_else(|| before.data_dir.clone());
    let mut config = config.with_pictures(&data)?;
    if step > 0 && step == config.optimization.steps {
        // Other settings would be said of steps that were made without them.
        let optimization = Optimization { steps: step, ..before.optimization };
        return Ok((RunConfig { optimization, ..before }, start, data));
    }
    share_slices(&mut config, args, ranks, Some(&before))?;
    tell_changes(&before, &config)?;
    Ok((config, start, data))
}

/// Where the user says that the pictures of a run are.
fn place<'a>(args: &'a TrainArgs, data: Option<(&'a str, String)>, dir: Option<&'a Path>) -> Place<'a> {
    Place { data, dir, keep: !args.dry_run, otherwise: "train anew into another --out" }
}

/// Says which settings a run goes on with that it did not have before.
fn tell_changes(before: &RunConfig, now: &RunConfig) -> Result<()> {
    let (before, now) = (before.to_toml()?, now.to_toml()?);
    let old: HashSet<&str> = before.lines().collect();
    // What follows from other changes, which are told.
    let follows =
        |line: &&str| ["warm_up_from", "changed", "fingerprint", "count"].iter().any(|found| line.starts_with(found));
    let new = now.lines().filter(|line| !old.contains(line) && !follows(line));
    new.for_each(|line| eprintln!("changed: {line}"));
    Ok(())
}

/// The run folder: as asked, or one that is called as the data.
fn out(args: &TrainArgs) -> Result<PathBuf> {
    if let Some(out) = &args.out {
        return Ok(out.clone());
    }
    let LayersArgs { config, preset, settings } = &args.layers;
    let data = RunConfig::layered(*preset, config.as_deref(), settings)?.data;
    Ok(Path::new("runs").join(data::short_name(&data)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_device_of_every_process_has_a_slice() {
        // Slices, processes, devices of each, batch.
        for (asked, wanted) in [
            ((1, 1, 1, 64), 1),
            ((1, 1, 4, 64), 1),
            ((3, 1, 2, 64), 3),
            ((1, 2, 1, 64), 2),
            ((1, 2, 4, 64), 8),
            ((4, 2, 4, 64), 8),
            ((5, 4, 1, 64), 8),
            ((64, 3, 1, 64), 63),
            ((1, 8, 8, 64), 64),
        ] {
            let (slices, processes, devices, batch) = asked;
            assert_eq!(more_slices(slices, processes, devices, batch).unwrap(), wanted, "{asked:?}");
        }
        let told = more_slices(1, 8, 9, 64).unwrap_err().to_string();
        assert_eq!(told, "8 processes of 9 devices each cannot share a batch of 64");
        assert_eq!(more_slices(1, 65, 1, 64).unwrap_err().to_string(), "65 processes cannot share a batch of 64");
    }
}
