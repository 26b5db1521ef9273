//! A training on a terminal: in its background, and the keys of its dashboard.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{
    fs,
    io::{Read, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread::{self, sleep},
    time::{Duration, Instant},
};

use common::{complete_checkpoints, tiny};

const TRAINER: &str = env!("CARGO_BIN_EXE_trainer");

/// The system stops a program in the background that changes the mode of its terminal.
#[test]
fn a_training_goes_on_in_the_background_of_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let arguments = tiny(&run, 4).iter().map(|argument| format!(" '{argument}'")).collect::<String>();
    // A shell with jobs, on a terminal of its own.
    let lines = format!(
        "set -m\n'{TRAINER}'{arguments} &\nfor i in $(seq 300); do kill -0 $! 2>&- || exit 0; sleep 0.1; done\nkill -9 $!; exit 9\n"
    );
    let shell = folder.path().join("background.sh");
    fs::write(&shell, lines).unwrap();
    let mut terminal = Command::new("script");
    let output =
        terminal.args(["--quiet", "--return", "--command", &format!("bash '{}'", shell.display()), "/dev/null"]);
    let output = output.stdin(Stdio::null()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("step 4/4") && told.contains("done: "), "{told}");
}

/// Runs a training on a terminal of its own until it has a dashboard: the terminal's process, its keys, its screen, and
/// what that has shown.
fn on_a_terminal(line: &str) -> (Child, ChildStdin, ChildStdout, Vec<u8>) {
    let mut terminal = Command::new("script");
    terminal.args(["--quiet", "--return", "--command", line, "/dev/null"]);
    let mut child = terminal.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut keys, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    // A dashboard asks the terminal where its cursor is.
    let mut told = Vec::new();
    while !told.ends_with(b"\x1b[6n") {
        let mut byte = [0];
        screen.read_exact(&mut byte).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&told)));
        told.push(byte[0]);
    }
    keys.write_all(b"\x1b[1;1R").unwrap();
    (child, keys, screen, told)
}

/// A window that is closed, a connection that breaks: the end of the session asks a training to stop. One that is to
/// outlive its session goes on.
#[test]
fn a_terminal_that_has_gone_holds_no_training_up() {
    let folder = tempfile::tempdir().unwrap();
    for (name, before) in [("stops", ""), ("goes-on", "trap '' HUP; ")] {
        let run = folder.path().join(name);
        let arguments = tiny(&run, 1_000_000).iter().map(|argument| format!(" '{argument}'")).collect::<String>();
        let pid = folder.path().join(format!("{name}.pid"));
        // Nothing is saved but by the signal.
        let line =
            format!("{before}echo $$ > '{}'; exec '{TRAINER}'{arguments} --checkpoint-every 1000000", pid.display());
        let (mut terminal, _keys, _screen, _) = on_a_terminal(&line);
        let measured = || fs::metadata(run.join("metrics.jsonl")).map_or(0, |file| file.len());
        let wait_for = |what: &str, come: &dyn Fn() -> bool| {
            let begun = Instant::now();
            while !come() {
                assert!(begun.elapsed() < Duration::from_secs(60), "{name}: no {what}");
                sleep(Duration::from_millis(20));
            }
        };
        wait_for("first steps", &|| measured() > 300);
        terminal.kill().unwrap();
        terminal.wait().unwrap();
        let training = Training(fs::read_to_string(&pid).unwrap().trim().to_owned());
        if !before.is_empty() {
            let then = measured();
            wait_for("steps after the terminal", &|| measured() > then + 1000);
            training.signal("-TERM");
        }
        wait_for("checkpoint", &|| complete_checkpoints(&run).len() == 1);
        wait_for("end", &|| !training.signal("-0"));
    }
}

/// A training that nobody waits for.
struct Training(String);

impl Training {
    /// Whether there is somebody to get it.
    fn signal(&self, name: &str) -> bool {
        Command::new("kill").args([name, &self.0]).stderr(Stdio::null()).status().unwrap().success()
    }
}

impl Drop for Training {
    fn drop(&mut self) {
        self.signal("-KILL");
    }
}

/// On a terminal in raw mode Ctrl-C is a key, and no signal.
#[test]
fn a_key_on_the_dashboard_saves_and_stops() {
    let folder = tempfile::tempdir().unwrap();
    for (name, key) in [("q", "q"), ("ctrl-c", "\u{3}")] {
        let run = folder.path().join(name);
        let arguments = tiny(&run, 1_000_000).iter().map(|argument| format!(" '{argument}'")).collect::<String>();
        // Nothing is saved but by the key.
        let line = format!("'{TRAINER}'{arguments} --checkpoint-every 1000000");
        let (mut child, mut keys, mut screen, mut told) = on_a_terminal(&line);
        let rest = thread::spawn(move || {
            screen.read_to_end(&mut told).unwrap();
            told
        });
        sleep(Duration::from_secs(1));
        keys.write_all(key.as_bytes()).unwrap();
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if begun.elapsed() > Duration::from_secs(60) {
                child.kill().unwrap();
            }
            sleep(Duration::from_millis(20));
        };
        drop(keys);
        let told = rest.join().unwrap();
        let told = String::from_utf8_lossy(&told);
        assert_eq!(status.code(), Some(1), "{name}: {told}");
        assert!(told.contains("interrupted at step"), "{name}: {told}");
        assert_eq!(complete_checkpoints(&run).len(), 1, "{name}");
    }
}
