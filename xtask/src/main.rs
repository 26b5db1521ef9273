//! `cargo xtask demo`, `cargo xtask site`, `cargo xtask test` and `cargo xtask bench`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use xshell::Shell;
use xtask::{bench, models, paths, serve, site, test};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Builds, serves and tests the project")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what is missing, build the site and serve it on 127.0.0.1
    Demo {
        /// Build only: the folder is ready for any static host, under any path
        #[arg(long)]
        build_only: bool,
        /// Port to serve on; 0 takes any free one
        #[arg(long, default_value_t = 8080)]
        port: u16,
        /// Where the built site goes [default: dist]
        #[arg(long, value_name = "DIR")]
        dist: Option<PathBuf>,
    },
    /// Build the site with your own models, into a folder for any static host
    Site {
        /// The folder with the models: a folder for each, as `trainer export` writes them
        #[arg(long, value_name = "DIR")]
        models: PathBuf,
        /// Where the site goes
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Measure this project beside its peers and write docs/benchmarks.md
    Bench {
        /// Measure this part again and keep the others
        #[arg(long, value_enum)]
        only: Option<bench::Part>,
    },
    /// Run every test: native, WebAssembly and in headless Chromium
    Test,
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    let shell = Shell::new()?;
    // Before the shell changes folder: --dist is relative to where the user is.
    let here = shell.current_dir();
    shell.change_dir(paths::root());
    match command {
        Command::Demo { build_only, port, dist } => {
            let dist = dist.map_or_else(paths::dist, |dist| here.join(dist));
            if build_only {
                site::build(&shell, &dist)?;
                eprintln!("{}: ready for any static host", dist.display());
                return Ok(());
            }
            // Before the build: a port in use should not be found out after ten minutes.
            let listener = serve::bind(port)?;
            site::build(&shell, &dist)?;
            let server = serve::Server::start(listener, &dist, "/")?;
            eprintln!("open {} in a browser; Ctrl-C stops", server.url());
            server.wait()
        }
        Command::Site { models, out } => {
            let (models, out) = (here.join(models), here.join(out));
            // Before the build: a wrong folder should not be found out after ten minutes.
            let list = models::list(&models)?;
            site::build(&shell, &out)?;
            models::replace(&models, &list, &out)?;
            eprintln!("{}: ready for any static host", out.display());
            Ok(())
        }
        Command::Bench { only } => bench::run(&shell, only),
        Command::Test => test::run(&shell),
    }
}
