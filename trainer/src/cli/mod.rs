//! The command line.

mod drawing;
mod experiments;
mod measuring;
mod model;
mod publishing;
mod training;
mod values;

use std::{
    env,
    ffi::OsString,
    io::{self, Write},
    path::PathBuf,
    process,
};

use clap::{
    Args, CommandFactory, FromArgMatches, Parser, Subcommand,
    error::{ContextKind, ContextValue, ErrorKind},
};
use clap_complete::Shell;
use options::{Activation, Architecture};

use crate::{console, train::TrainingPreset};

pub use drawing::{ChainArgs, ChurnArgs, DenoiseArgs, InpaintArgs, RestoreArgs, SampleArgs, SamplerArgs};
pub use experiments::{
    ExperimentCommand, MixingArgs, NoiseLevelsArgs, RestorationArgs, SamplersArgs, SettingsTrialArgs, StartsArgs,
};
pub use measuring::{EvaluateArgs, MeasurementArgs, ScoreArgs, SubjectArgs};
pub use model::{BackendArgs, GuideArgs};
pub use publishing::{ExportArgs, MeasureArgs};
pub use training::{LayersArgs, TrainArgs};
use values::{count_parser, network_side};

/// Train, sample and export energy-based models by multi-scale denoising score matching.
#[derive(Parser)]
#[command(version, about, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// The command line of this process. Ends it where that is wrong, with one line that says what is.
    pub fn of_process() -> Self {
        let matches = with_negative_numbers(Self::command()).try_get_matches();
        let parsed = matches.and_then(|matches| Self::from_arg_matches(&matches));
        parsed.unwrap_or_else(|error| {
            if !error.use_stderr() || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
                console::check(error.print().and_then(|()| io::stdout().flush()));
                process::exit(error.exit_code());
            }
            let dashed = dashed_name(&error, env::args_os().skip(1));
            eprintln!("{}", dashed.unwrap_or_else(|| in_a_line(&error.to_string())));
            process::exit(2);
        })
    }
}

/// What clap says of a wrong command line, without how the command is used, which `--help` tells.
fn in_a_line(text: &str) -> String {
    let told = text.lines().take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"));
    told.map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// What to do about the name of a file that begins with a dash and was taken for flags of one letter, which there are none
/// of but `-h` and `-V`; nothing where something else is wrong.
fn dashed_name(error: &clap::Error, mut arguments: impl Iterator<Item = OsString>) -> Option<String> {
    if error.kind() != ErrorKind::UnknownArgument {
        return None;
    }
    let Some(ContextValue::String(flag)) = error.get(ContextKind::InvalidArg) else { return None };
    let is_whole = |argument: &String| argument.starts_with(flag) && argument.len() > 2 && !argument.starts_with("--");
    let name = arguments.find_map(|argument| argument.into_string().ok().filter(is_whole))?;
    Some(format!("error: unexpected argument '{name}'; a file of that name is ./{name}, or comes after --"))
}

/// Lets every flag have a negative number, so that it is the flag that says what is wrong with it.
fn with_negative_numbers(command: clap::Command) -> clap::Command {
    let numbers = |argument: clap::Arg| {
        let takes = argument.get_action().takes_values();
        argument.allow_negative_numbers(takes)
    };
    command.mut_args(numbers).mut_subcommands(with_negative_numbers)
}

#[derive(Subcommand)]
pub enum Command {
    /// List data sets, or fetch one.
    #[command(subcommand)]
    Data(DataCommand),
    /// Train an energy-based model.
    ///
    /// Every setting can also come from a file (--config), such as the `run.toml` of a run folder. A flag overrides the file.
    /// Defaults in brackets are those of the presets `unet` to `res18`; the paper's presets have their own.
    Train(TrainArgs),
    /// Turn noise into pictures.
    Sample(SampleArgs),
    /// Fill in the unknown part of a picture.
    Inpaint(InpaintArgs),
    /// Restore a picture from what is left of it: some pixels, a smaller version, a grey version, a blur.
    Restore(RestoreArgs),
    /// Remove noise from a picture in a single step.
    Denoise(DenoiseArgs),
    /// Say how likely pictures are, where they are unusual, and which model fits them best.
    Score(ScoreArgs),
    /// Evaluate a model on held-out pictures, and write a report: samples, denoising, inpainting, outliers.
    Evaluate(EvaluateArgs),
    /// Run an experiment about the method.
    #[command(subcommand)]
    Experiment(ExperimentCommand),
    /// Write a model folder, which the page can load.
    Export(ExportArgs),
    /// Add measurements to an exported model: how likely held-out pictures are and, with --evaluation, the results of an
    /// evaluation. Also renews the recorded run that the page begins with.
    Measure(MeasureArgs),
    /// Check this implementation against an independent one.
    Verify(VerifyArgs),
    /// Measure the speed of the energy gradient and of a training step.
    Bench(BenchArgs),
    /// Print a script for shell completion.
    Completions {
        /// The shell.
        #[arg(value_enum)]
        shell: Shell,
    },
}

#[derive(Subcommand)]
pub enum DataCommand {
    /// List the data sets that are known by name.
    List,
    /// Download a data set and check it against its published SHA-256, or draw it with packages of Node.js (faces, avatars,
    /// emoji).
    Fetch {
        /// Its name; see `trainer data list`.
        name: String,
        /// Where to put it, instead of the user's cache folder.
        #[arg(long)]
        dir: Option<PathBuf>,
    },
}

#[derive(Args)]
pub struct NetworkArgs {
    /// The shape of the network.
    #[arg(long, value_enum, default_value_t = Architecture::Unet)]
    pub preset: Architecture,
    /// Channels after the first convolution.
    #[arg(long, default_value_t = 16, value_parser = count_parser(256))]
    pub width: usize,
    /// The non-linearity [default: silu for unet, elu for the others].
    #[arg(long, value_enum)]
    pub activation: Option<Activation>,
}

#[derive(Args)]
pub struct VerifyArgs {
    /// A reference file: a network, inputs, and the results of an independent implementation.
    #[arg(long)]
    pub reference: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub backend: BackendArgs,
}

#[derive(Args)]
pub struct BenchArgs {
    #[command(flatten)]
    pub network: NetworkArgs,
    /// Side of the square images, a multiple of 8.
    #[arg(long, default_value_t = 32, value_parser = network_side)]
    pub image_size: usize,
    /// Channels of the images.
    #[arg(long, default_value_t = 1, value_parser = count_parser(4))]
    pub channels: usize,
    /// Images in a batch.
    #[arg(long, default_value_t = 64, value_parser = count_parser(8192))]
    pub batch: usize,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub backend: BackendArgs,
}

impl NetworkArgs {
    /// The non-linearity: as asked, else as in training.
    pub fn activation(&self) -> Activation {
        self.activation.unwrap_or_else(|| TrainingPreset::of(self.preset).settings().network.activation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said where each flag of each command has this value.
    fn said(command: &clap::Command, path: &[&str], value: &str, told: &mut Vec<String>) {
        for flag in command.get_arguments().filter(|argument| argument.get_action().takes_values()) {
            let Some(long) = flag.get_long() else { continue };
            let flag = format!("--{long}={value}");
            let given = [path, &[&flag]].concat();
            let Err(error) = with_negative_numbers(Cli::command()).try_get_matches_from(given) else { continue };
            told.push(in_a_line(&error.to_string()));
        }
        for inner in command.get_subcommands() {
            said(inner, &[path, &[inner.get_name()]].concat(), value, told);
        }
    }

    #[test]
    fn numbers_are_refused_in_our_own_words() {
        let mut told = Vec::new();
        for value in ["-1", "1.5", "9999999999999999999999999", "many", ""] {
            said(&Cli::command(), &["trainer"], value, &mut told);
        }
        for libraries in ["invalid digit", "too large to fit", "is not in", "cannot parse", "invalid float"] {
            let found: Vec<_> = told.iter().filter(|line| line.contains(libraries)).collect();
            assert!(found.is_empty(), "{found:#?}");
        }
        let whole = told.iter().filter(|line| line.contains("must be a whole number from ")).count();
        assert!(whole > 100, "{whole} of {told:#?}");
    }

    #[test]
    fn a_file_whose_name_begins_with_a_dash_is_named_whole() {
        let told = |arguments: &[&str]| {
            let command = with_negative_numbers(Cli::command());
            let error = command.try_get_matches_from([&["trainer"], arguments].concat()).unwrap_err();
            dashed_name(&error, arguments.iter().map(OsString::from))
        };
        let wanted = "error: unexpected argument '-dash.png'; a file of that name is ./-dash.png, or comes after --";
        assert_eq!(told(&["score", "--model", "m", "a.png", "-dash.png"]).as_deref(), Some(wanted));
        assert_eq!(told(&["score", "--model", "m", "--dash", "a.png"]), None);
    }
}
