//! Runs programs of tests two at a time. Cargo runs them one after the other, and those that use a software GPU keep one
//! processor busy: it does its work for one thread at a time.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
    thread,
    time::Instant,
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

const AT_ONCE: usize = 2;

/// A program of tests that Cargo has built.
#[derive(Debug, PartialEq)]
pub struct TestProgram {
    /// Package and target.
    pub name: String,
    /// The program.
    pub executable: PathBuf,
    /// The package's folder, which tests are run in.
    pub folder: PathBuf,
}

/// The programs of tests among the messages of `cargo test --no-run --message-format json`, in their order.
pub fn among(messages: &str) -> Vec<TestProgram> {
    messages.lines().filter_map(|line| program(&serde_json::from_str(line).ok()?)).collect()
}

fn program(message: &Value) -> Option<TestProgram> {
    let is_test = message["reason"] == "compiler-artifact" && message["profile"]["test"] == true;
    let is_bench = message["target"]["kind"].as_array()?.contains(&Value::from("bench"));
    if !is_test || is_bench {
        return None;
    }
    let folder = Path::new(message["manifest_path"].as_str()?).parent()?.to_owned();
    let package = folder.file_name()?.to_string_lossy();
    let name = format!("{package}, {}", message["target"]["name"].as_str()?);
    Some(TestProgram { name, executable: message["executable"].as_str()?.into(), folder })
}

/// Runs them and prints what each says when it has ended. After one that fails no further one begins.
///
/// # Errors
/// One failed: its name.
pub fn run(programs: Vec<TestProgram>) -> Result<()> {
    let left = Mutex::new(VecDeque::from(programs));
    let failed = Mutex::new(Vec::new());
    let next = || left.lock().ok()?.pop_front();
    let work = || {
        while let Some(program) = next() {
            let begin = Instant::now();
            let ended = program.run();
            let seconds = begin.elapsed().as_secs();
            let trouble = match ended {
                Ok((true, said)) => {
                    eprint!("\n--- {}: {seconds} s ---\n{said}", program.name);
                    continue;
                }
                Ok((false, said)) => said,
                Err(error) => format!("{error:#}\n"),
            };
            eprint!("\n--- {}: failed after {seconds} s ---\n{trouble}", program.name);
            if let (Ok(mut failed), Ok(mut left)) = (failed.lock(), left.lock()) {
                failed.push(program.name);
                left.clear();
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(work);
        }
    });
    let failed = failed.into_inner().unwrap_or_default();
    if failed.is_empty() { Ok(()) } else { bail!("tests failed: {}", failed.join("; ")) }
}

impl TestProgram {
    /// Whether all tests passed, and what it said.
    fn run(&self) -> Result<(bool, String)> {
        let mut command = Command::new(&self.executable);
        // As Cargo has them.
        command.current_dir(&self.folder).env("CARGO_MANIFEST_DIR", &self.folder);
        let output = command.output().with_context(|| format!("{}", self.executable.display()))?;
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        Ok((output.status.success(), said))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_programs_of_tests_are_taken() {
        let artifact = |kind: &str, test: bool, executable: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","manifest_path":"/p/trainer/Cargo.toml","target":{{"kind":["{kind}"],"name":"verify"}},"profile":{{"test":{test}}},"executable":{executable}}}"#
            )
        };
        let messages = [
            artifact("test", true, r#""/t/verify-1""#),
            artifact("bench", true, r#""/t/bench-1""#),
            artifact("bin", false, r#""/t/trainer""#),
            artifact("lib", false, "null"),
            r#"{"reason":"build-finished","success":true}"#.to_owned(),
            "not JSON".to_owned(),
        ];
        let wanted = TestProgram {
            name: "trainer, verify".to_owned(),
            executable: "/t/verify-1".into(),
            folder: "/p/trainer".into(),
        };
        assert_eq!(among(&messages.join("\n")), [wanted]);
    }

    #[cfg(unix)]
    #[test]
    fn a_failure_is_named_and_ends_the_rest() {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
        let program = |name: &str, executable: &str| TestProgram {
            name: name.to_owned(),
            executable: executable.into(),
            folder: folder.path().to_owned(),
        };
        let passing = || program("good", "/bin/true");
        assert!(run(vec![passing(), passing(), passing()]).is_ok());
        let failed = run(vec![passing(), program("bad", "/bin/false"), program("none", "/no/such/program")]);
        assert!(failed.is_err_and(|error| error.to_string().contains("bad")));
        assert!(run(vec![program("none", "/no/such/program")]).is_err());
    }
}
