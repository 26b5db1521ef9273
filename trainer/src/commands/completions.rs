//! `trainer completions`.

use clap::CommandFactory;
use clap_complete::{Shell, generate};

use crate::{
    cli::Cli,
    error::{Error, Result},
};

/// Prints the script for a shell.
pub fn completions(shell: Shell) -> Result<()> {
    let mut script = Vec::new();
    generate(shell, &mut Cli::command(), "trainer", &mut script);
    let script = String::from_utf8(script).map_err(|error| Error::failed(error.to_string()))?;
    println!("{}", script.trim_end());
    Ok(())
}
