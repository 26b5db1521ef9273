//! What happens when tools are installed, with a script in the place of cargo.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;
use xshell::Shell;
use xtask::tools::{Tool, ensure};

/// A path that has this script for cargo, and nothing else of ours.
struct Machine {
    folder: TempDir,
    shell: Shell,
}

impl Machine {
    fn new(cargo: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let shell = Shell::new().unwrap();
        shell.set_var("PATH", format!("{0}/tools/bin:{0}:/usr/bin:/bin", folder.path().display()));
        shell.set_var("HERE", folder.path());
        let machine = Self { folder, shell };
        // No binstall unless a script has it.
        let script = format!("echo \"$*\" >> $HERE/calls\n{cargo}");
        machine.add("cargo", &script);
        machine
    }

    fn add(&self, name: &str, script: &str) {
        let file = self.folder.path().join(name);
        fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Installs a tool; the error's line, empty without one.
    fn install(&self) -> String {
        let tool = Tool { program: "press", package: "press-cli", version: "1.2.3".to_owned() };
        ensure(&self.shell, &[tool], &self.folder.path().join("tools"))
            .err()
            .map(|error| format!("{error:#}"))
            .unwrap_or_default()
    }

    /// How cargo was called to install, in order.
    fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.folder.path().join("calls")).unwrap_or_default();
        let place = format!("{}/", self.folder.path().display());
        calls.lines().filter(|call| *call != "binstall -V").map(|call| call.replace(&place, "")).collect()
    }
}

const INSTALL: &str = "mkdir -p $HERE/tools/bin; printf '#!/bin/sh\\necho press 1.2.3\\n' > $HERE/tools/bin/press; chmod +x \
                       $HERE/tools/bin/press";

#[test]
fn a_tool_of_the_right_version_is_left_alone() {
    let machine = Machine::new("exit 1");
    machine.add("press", "echo press 1.2.3");
    assert_eq!(machine.install(), "");
    assert!(machine.calls().is_empty());
}

#[test]
fn a_missing_tool_and_one_of_another_version_are_built_from_their_lock_file() {
    for other in [None, Some("echo press 1.2.2")] {
        let machine = Machine::new(&format!("case $1 in binstall) exit 101;; esac\n{INSTALL}"));
        if let Some(other) = other {
            machine.add("press", other);
        }
        let before = fs::read(machine.folder.path().join("press")).ok();
        assert_eq!(machine.install(), "");
        let call = "install --force --root tools --locked press-cli --version 1.2.3 --no-default-features";
        assert_eq!(machine.calls(), [call]);
        // That of another project stays what it was.
        assert_eq!(fs::read(machine.folder.path().join("press")).ok(), before);
    }
}

#[test]
fn only_a_lock_file_that_does_not_fit_is_left_out() {
    let machine = Machine::new(&format!(
        "case \"$*\" in binstall*) exit 101;; *--locked*) echo 'error: cannot update the lock file x because --locked was \
         passed' >&2; exit 101;; esac\n{INSTALL}"
    ));
    assert_eq!(machine.install(), "");
    assert_eq!(machine.calls().len(), 2);
    assert!(!machine.calls()[1].contains("--locked"));
}

#[test]
fn another_failure_is_told_and_not_tried_again() {
    let machine = Machine::new("echo 'error: linker `cc` not found' >&2; exit 101");
    let message = machine.install();
    assert!(message.starts_with("press-cli 1.2.3: cannot be installed: "), "{message}");
    assert!(message.contains("linker `cc` not found") && message.contains("install one"), "{message}");
    assert!(!message.contains('\n') && !message.contains("lock file"), "{message}");
    assert_eq!(machine.calls().len(), 1, "tried once");
}

#[test]
fn a_prebuilt_tool_is_taken_where_there_is_binstall_and_built_where_that_fails() {
    let machine = Machine::new(INSTALL);
    assert_eq!(machine.install(), "");
    assert_eq!(machine.calls(), ["binstall --no-confirm --root tools --disable-strategies compile press-cli@1.2.3"]);
    let machine = Machine::new(&format!("case \"$*\" in 'binstall -V') exit 0;; binstall*) exit 94;; esac\n{INSTALL}"));
    assert_eq!(machine.install(), "");
    assert_eq!(machine.calls().len(), 2);
    assert!(machine.calls()[1].starts_with("install --force --root tools --locked"));
}

#[test]
fn a_tool_that_is_not_where_it_should_be_is_told() {
    let message = Machine::new("exit 0").install();
    assert!(message.contains("tools, but cannot be run"), "{message}");
}
