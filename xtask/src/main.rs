//! `cargo xtask demo`, `cargo xtask site`, `cargo xtask test` and `cargo xtask bench`.

use std::env;
use std::iter::once;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use xshell::Shell;
use xtask::consent::Consent;
use xtask::misuse::Misuse;
use xtask::site::Profile;
use xtask::{bench, demo, forecast, models, needs, paths, site, test};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Builds, serves and tests the project")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Do not ask before packages of the system are installed, where Rust's own installer cannot help
    #[arg(long, short, global = true)]
    yes: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Install what is missing, build the page and serve it on this machine
    Demo(demo::Options),
    /// Build the page with your own models, into a folder for any static host
    Site {
        /// The folder with the models: a folder for each, as `trainer export` writes them
        #[arg(long, value_name = "DIR")]
        models: PathBuf,
        /// Where the site goes: an empty or new folder, or one with an earlier site
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Measure this project beside its peers and write docs/benchmarks.md
    Bench {
        /// Measure this part again and keep the others
        #[arg(long, value_enum)]
        only: Option<bench::Part>,
    },
    /// Run every test: native, WebAssembly, and in Chromium, and in Firefox and WebKit where they are installed
    Test {
        /// Only check the format, and lint and build what the native tests run
        #[arg(long)]
        build_only: bool,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments.command, Consent::new(arguments.yes)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(if error.is::<Misuse>() { 2 } else { 1 })
        }
    }
}

fn run(command: Command, consent: Consent) -> Result<()> {
    let shell = Shell::new()?;
    // Before the shell changes folder: paths are relative to where the user is.
    let here = shell.current_dir();
    shell.change_dir(paths::root());
    // What is built is looked for there, whatever cargo's own settings say.
    shell.set_var("CARGO_TARGET_DIR", paths::target());
    // The project's own tools before others of their names.
    let tools = paths::tools().join("bin");
    shell.set_var(
        "PATH",
        env::join_paths(once(tools).chain(env::split_paths(&env::var_os("PATH").unwrap_or_default())))?,
    );
    match command {
        Command::Demo(mut options) => {
            options.dist = options.dist.map(|dist| here.join(dist));
            demo::run(&shell, consent, options)
        }
        Command::Site { models, out } => {
            let (models, out) = (here.join(models), here.join(out));
            // Before anything is said of the build.
            models::list(&models)?;
            let destination = site::destination(&out, &models)?;
            needs::tell_page();
            forecast::tell(&shell, Profile::Site)?;
            site::build(&shell, consent, Profile::Site, &models, &destination)?;
            eprintln!("{}: ready for any static host", out.display());
            Ok(())
        }
        Command::Bench { only } => bench::run(&shell, consent, only),
        Command::Test { build_only: true } => test::lint_and_build(&shell).map(drop),
        Command::Test { build_only: false } => test::run(&shell, consent),
    }
}
