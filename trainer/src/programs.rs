//! Running other programs, where what is needed is published as a package of theirs.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Command, Stdio},
};

use crate::{
    error::{Error, Result},
    files::reason,
};

/// Runs a program that tells its progress in lines. `purpose` begins the message of an error, `advice` says what a
/// machine without the program needs.
///
/// # Errors
/// The program is missing, or fails.
pub fn run(purpose: &str, advice: &str, command: &mut Command, mut progress: impl FnMut(&str)) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let missing = |error: std::io::Error| {
        Error::input(format!("{purpose}: {program} cannot be started ({}); {advice}", reason(&error)))
    };
    let failed = |what: String| Error::failed(format!("{purpose}: {program} failed: {what}"));
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(missing)?;
    let stderr = child.stderr.take();
    // Read beside the progress, or a full pipe would stop the program.
    let complaints = std::thread::spawn(move || {
        let mut text = String::new();
        stderr.map(|mut pipe| pipe.read_to_string(&mut text));
        text
    });
    for line in child.stdout.take().into_iter().flat_map(|pipe| BufReader::new(pipe).lines()) {
        progress(&line.map_err(|error| failed(reason(&error)))?);
    }
    let status = child.wait().map_err(|error| failed(reason(&error)))?;
    if status.success() {
        return Ok(());
    }
    let complaints = complaints.join().unwrap_or_default();
    let lines = complaints.lines().map(str::trim).filter(|line| !line.is_empty());
    Err(failed(lines.take(3).collect::<Vec<_>>().join(" ")))
}
