//! Runs programs of tests two at a time. Cargo runs them one after the other, and those that use a software GPU keep one
//! processor busy: it does its work for one thread at a time.

use std::{
    collections::VecDeque,
    io::Read,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

const AT_ONCE: usize = 2;
/// The targets that take longest, the longest first. They begin before all others: none is then left to run alone.
const LONGEST: [&str; 7] = ["evaluation", "verify", "trainer", "shared", "experiments", "small_sets", "many_machines"];
/// After so long a program hangs: it is ended, so that what it said tells which of its tests does.
const LIMIT: Duration = Duration::from_secs(25 * 60);

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

/// The place among [`LONGEST`]; behind them, the others stay in their order.
fn turn(program: &TestProgram) -> usize {
    let target = program.name.rsplit(", ").next();
    LONGEST.iter().position(|name| Some(*name) == target).unwrap_or(LONGEST.len())
}

/// Runs them and prints what each says when it has ended. After one that fails no further one begins.
///
/// # Errors
/// One failed: its name.
pub fn run(mut programs: Vec<TestProgram>) -> Result<()> {
    programs.sort_by_key(turn);
    let left = Mutex::new(VecDeque::from(programs));
    let failed = Mutex::new(Vec::new());
    let next = || left.lock().ok()?.pop_front();
    let work = || {
        while let Some(program) = next() {
            let begin = Instant::now();
            let ended = program.run(LIMIT);
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
    /// Whether all tests passed within this time, and what it said.
    fn run(&self, limit: Duration) -> Result<(bool, String)> {
        let mut command = Command::new(&self.executable);
        // As Cargo has them.
        command.current_dir(&self.folder).env("CARGO_MANIFEST_DIR", &self.folder);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("{}", self.executable.display()))?;
        let (out, err) = (Reading::of(child.stdout.take()), Reading::of(child.stderr.take()));
        let begin = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break Some(status);
            }
            if begin.elapsed() > limit {
                child.kill()?;
                child.wait()?;
                break None;
            }
            thread::sleep(Duration::from_millis(50));
        };
        let mut said = [out, err].map(Reading::text).concat();
        if status.is_none() {
            said += &format!("still running after {} s, and was ended\n", limit.as_secs());
        }
        Ok((status.is_some_and(|status| status.success()), said))
    }
}

/// What a program says, read while it runs.
struct Reading {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: thread::JoinHandle<()>,
}

impl Reading {
    fn of(mut pipe: Option<impl Read + Send + 'static>) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&bytes);
        let reader = thread::spawn(move || {
            let mut part = [0; 4096];
            while let Some(pipe) = pipe.as_mut()
                && let Ok(length @ 1..) = pipe.read(&mut part)
            {
                if let Ok(mut bytes) = kept.lock() {
                    bytes.extend_from_slice(&part[..length]);
                }
            }
        });
        Self { bytes, reader }
    }

    /// All of it, once the program has ended. What a test has started may outlive it, and keep the pipe open.
    fn text(self) -> String {
        let begin = Instant::now();
        while !self.reader.is_finished() && begin.elapsed() < Duration::from_secs(5) {
            thread::sleep(Duration::from_millis(10));
        }
        self.bytes.lock().map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
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

    #[test]
    fn the_longest_begin_first() {
        let program = |name: &str| TestProgram { name: name.to_owned(), executable: "".into(), folder: "".into() };
        let mut programs = ["xtask, b", "shared, shared", "xtask, a", "trainer, verify"].map(program);
        programs.sort_by_key(turn);
        assert_eq!(programs.map(|program| program.name), ["trainer, verify", "shared, shared", "xtask, b", "xtask, a"]);
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

    #[cfg(unix)]
    #[test]
    fn a_program_that_hangs_is_ended_and_what_it_said_is_told() {
        use std::{fs, os::unix::fs::PermissionsExt};
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
        let executable = folder.path().join("hangs.sh");
        let script = "#!/bin/sh\necho test one has been running for over 60 seconds\nexec sleep 600\n";
        let made = fs::write(&executable, script)
            .and_then(|()| fs::set_permissions(&executable, PermissionsExt::from_mode(0o755)));
        assert!(made.is_ok());
        let program = TestProgram { name: "x".to_owned(), executable, folder: folder.path().to_owned() };
        let ended = program.run(Duration::from_secs(3));
        let (passed, said) = ended.unwrap_or_else(|error| panic!("{error:#}"));
        assert!(!passed && said.contains("test one has been") && said.contains("still running after"), "{said}");
    }
}
