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
        let mut text = Vec::new();
        stderr.map(|mut pipe| pipe.read_to_end(&mut text));
        // Programs speak as their system does, which need not be UTF-8.
        String::from_utf8_lossy(&text).into_owned()
    });
    for line in child.stdout.take().into_iter().flat_map(|pipe| BufReader::new(pipe).lines()) {
        progress(&line.map_err(|error| failed(reason(&error)))?);
    }
    let status = child.wait().map_err(|error| failed(reason(&error)))?;
    if status.success() {
        return Ok(());
    }
    let complaints = complaints.join().unwrap_or_default();
    Err(failed(format!("{}; {advice}", gist(&complaints))))
}

/// What a program complains about: the lines that name an error, or else the first ones.
fn gist(complaints: &str) -> String {
    const LINES: usize = 3;
    let lines: Vec<&str> = complaints.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let errors = lines.iter().filter(|line| line.to_lowercase().contains("error"));
    let named: Vec<&str> = errors.copied().take(LINES).collect();
    if named.is_empty() { lines.into_iter().take(LINES).collect::<Vec<_>>().join(" ") } else { named.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn what_a_program_says_in_any_encoding_is_told() {
        let mut shell = Command::new("sh");
        shell.args([
            "-c",
            "printf 'a.mjs:21\\n  this ??= x\\n  ^^^\\n\\377 SyntaxError: unexpected token\\n' >&2; exit 1",
        ]);
        let told = run("fetch", "install another", &mut shell, |_| ()).unwrap_err().to_string();
        assert!(told.contains("SyntaxError: unexpected token") && told.ends_with("; install another"), "{told}");
        let mut shell = Command::new("sh");
        shell.args(["-c", "printf 'no network\\n' >&2; exit 1"]);
        assert!(run("fetch", "go", &mut shell, |_| ()).unwrap_err().to_string().contains("failed: no network; go"));
    }
}
