//! `trainer`: trains energy models on real images, samples from them, and exports them for the page.

// Before the modules, which all shall say what they say by these.
macro_rules! println {
    ($($line:tt)*) => { $crate::console::print(format_args!($($line)*)) };
}
macro_rules! eprintln {
    ($($line:tt)*) => { $crate::console::tell(format_args!($($line)*)) };
}

mod backend;
mod budget;
mod cache;
mod chains;
mod cli;
mod commands;
mod console;
mod data;
mod error;
mod evaluate;
mod experiments;
mod export;
mod features;
mod files;
mod folders;
mod likelihood;
mod model;
mod npy;
mod output;
mod overwriting;
mod page;
mod pictures;
mod plots;
mod programs;
mod progress;
mod ranks;
mod recording;
mod restoration;
mod threads;
mod train;
mod validation;
mod verify;

use std::process::ExitCode;

use crate::cli::{Cli, Command, ExperimentCommand};
use crate::error::Error;

/// Tensors of a few megabytes come and go all the time: the system's allocator gives such memory back at once, and the
/// time that the kernel takes to clear it again is a third of that of an energy gradient.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Burn reads the state of an optimizer onto its default device before it moves it: where that is a GPU that is not
    // there, it panics, so it shall be the CPU.
    // SAFETY: nothing else runs yet that could read the environment.
    unsafe { std::env::set_var("BURN_DEVICE", "flex") };
    threads::limit();
    // clap exits by itself with 2 on wrong use, as the interface asks.
    match run(Cli::of_process()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            match &error {
                Error::Interrupted(_) => eprintln!("{error}"),
                _ => eprintln!("error: {error}"),
            }
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(cli: Cli) -> error::Result<()> {
    match cli.command {
        Command::Data(args) => commands::data(args),
        Command::Train(args) => commands::train(args),
        Command::Sample(args) => commands::sample(args),
        Command::Inpaint(args) => commands::inpaint(args),
        Command::Restore(args) => commands::restore(args),
        Command::Denoise(args) => commands::denoise(args),
        Command::Score(args) => commands::score(args),
        Command::Evaluate(args) => commands::evaluate(args),
        Command::Experiment(ExperimentCommand::Samplers(args)) => experiments::samplers(args),
        Command::Experiment(ExperimentCommand::Starts(args)) => experiments::starts(args),
        Command::Experiment(ExperimentCommand::Mixing(args)) => experiments::mixing(args),
        Command::Experiment(ExperimentCommand::Settings(args)) => experiments::settings(args),
        Command::Experiment(ExperimentCommand::Restoration(args)) => experiments::restoration(args),
        Command::Experiment(ExperimentCommand::NoiseLevels(args)) => experiments::noise_levels(args),
        Command::Export(args) => commands::export(args),
        Command::Measure(args) => commands::measure(args),
        Command::Verify(args) => commands::verify(args),
        Command::Bench(args) => commands::bench(args),
        Command::Completions { shell } => commands::completions(shell),
    }
}
