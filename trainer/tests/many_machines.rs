//! A training on two machines: two network namespaces of this one, joined by a cable that can be cut.
#![cfg(all(feature = "mpi", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{
    env, fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
    time::{Duration, Instant},
};

use common::{
    processes::{leftovers, mpirun, said, wait_for, with_mpi},
    tiny, weights,
};

/// Long enough for the cable to be cut before.
const STEPS: u32 = 400;

/// Two machines, `a` and `b`, with nothing between them but a cable.
struct Machines {
    names: [String; 2],
}

impl Machines {
    /// Sets them up.
    ///
    /// # Errors
    /// What this machine does not allow.
    fn new() -> Result<Self, String> {
        let names = ["a", "b"].map(|machine| format!("trainer-{machine}-{}", process::id()));
        // What is set up is taken down again, even if only in part.
        let machines = Self { names };
        let [a, b] = &machines.names;
        for line in [
            format!("netns add {a}"),
            format!("netns add {b}"),
            format!("link add cable netns {a} type veth peer name cable netns {b}"),
            format!("-n {a} addr add 10.77.0.1/24 dev cable"),
            format!("-n {b} addr add 10.77.0.2/24 dev cable"),
            format!("-n {a} link set lo up"),
            format!("-n {b} link set lo up"),
            format!("-n {a} link set cable up"),
            format!("-n {b} link set cable up"),
            // `unshare` gives each a name of its own; it may be missing, or not allowed.
            format!("netns exec {a} unshare --uts --mount hostname a"),
        ] {
            ip(&line)?;
        }
        Ok(machines)
    }

    fn cut(&self) {
        ip(&format!("-n {} link set cable down", self.names[0])).unwrap();
    }

    /// What `mpirun` calls in the place of `ssh`, with the name of the machine and a command. As there, the environment
    /// does not come along. The second machine has nothing in the folder `first`.
    fn agent(&self, folder: &Path) -> PathBuf {
        let (path, first) = (folder.join("agent"), folder.join("first"));
        fs::create_dir(&first).unwrap();
        let (machine, first) = (&self.names[1], first.display());
        let script = format!(
            r#"#!/bin/sh
            shift
            exec env -i PATH="$PATH" ip netns exec {machine} unshare --uts --mount sh -c '
                hostname b && mount -t tmpfs none "{first}" && exec sh -c "$0"' "$*"
            "#
        );
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// `mpirun` on the first machine, with a process of the trainer on each.
    fn mpirun(&self, agent: &Path, arguments: &[String]) -> Command {
        let mut command = with_mpi("ip");
        command
            .args(["netns", "exec", &self.names[0], "unshare", "--uts", "sh", "-c", "hostname a; exec \"$@\"", "sh"])
            .args(["mpirun", "--host", "a,b", "-x", "RAYON_NUM_THREADS", "--mca", "plm_rsh_agent"])
            .arg(agent)
            .args(["--mca", "oob_tcp_keepalive_time", "3", "--mca", "oob_tcp_keepalive_intvl", "1"])
            .args(["--mca", "oob_tcp_keepalive_probes", "3", env!("CARGO_BIN_EXE_trainer")])
            .args(arguments);
        command
    }
}

impl Drop for Machines {
    fn drop(&mut self) {
        for name in &self.names {
            ip(&format!("netns del {name}")).ok();
        }
    }
}

/// Runs `ip`.
///
/// # Errors
/// It is not there, or what it said.
fn ip(line: &str) -> Result<(), String> {
    let output = Command::new("ip").args(line.split(' ')).output().map_err(|error| format!("ip: {error}"))?;
    if output.status.success() { Ok(()) } else { Err(format!("ip {line}: {}", said(&output).trim())) }
}

/// Whether this is a machine that builds, as `xtask` tells it.
fn on_build_machine() -> bool {
    env::var("CI").is_ok_and(|ci| !["", "0", "false"].contains(&ci.as_str()))
}

#[test]
fn a_training_on_two_machines_has_the_bytes_of_one_and_ends_when_the_cable_is_cut() {
    let machines = match Machines::new() {
        Ok(machines) => machines,
        // `.ci/run` has installed what it needs, but a container may not make networks.
        Err(lack) if on_build_machine() && !lack.contains("not permitted") => {
            panic!("a training on two machines: {lack}")
        }
        // Past the test's own record, which nobody sees of a test that passes.
        Err(lack) => return writeln!(std::io::stderr(), "not run here: a training on two machines: {lack}").unwrap(),
    };
    let folder = tempfile::tempdir().unwrap();
    let agent = machines.agent(folder.path());
    let of = |run: &Path, data: &str| -> Vec<String> {
        let more = ["--slices", "2", "--checkpoint-every", "20"].map(str::to_owned);
        let given = tiny(run, STEPS).into_iter().chain(more);
        given.map(|argument| if argument == "digits" { data.to_owned() } else { argument }).collect()
    };
    let [alone, both, cut] = ["alone", "both", "cut"].map(|name| folder.path().join(name));
    common::trainer().args(of(&alone, "digits")).assert().success();
    let output = machines.mpirun(&agent, &of(&both, "digits")).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("2 processes share every batch"), "{}", said(&output));
    assert!(weights(&both, STEPS) == weights(&alone, STEPS));

    // Pictures that only the first machine has.
    let pictures = folder.path().join("first/pictures");
    fs::create_dir(&pictures).unwrap();
    for shade in 0..12 {
        common::picture(&pictures.join(format!("{shade}.png")), 16, 16, |x, y| (20 * shade + x + y) as u8);
    }
    let pictures = pictures.to_str().unwrap();
    let output = machines.mpirun(&agent, &of(&folder.path().join("none"), pictures)).output().unwrap();
    let told = said(&output);
    assert!(output.status.code() == Some(2) && told.contains("error: rank 1 on b: "), "{told}");
    assert!(told.contains(pictures), "{told}");

    let mut training = machines.mpirun(&agent, &of(&cut, "digits")).stderr(Stdio::null()).spawn().unwrap();
    wait_for("checkpoint", || cut.join("checkpoints/step-0000020").exists());
    machines.cut();
    let begun = Instant::now();
    assert!(!training.wait().unwrap().success());
    let ended = begun.elapsed();
    assert!(!cut.join(format!("checkpoints/step-{STEPS:07}")).exists(), "it was cut too late");
    assert!(ended < Duration::from_secs(30), "it took {ended:?} to end");
    wait_for("end of the other machine's process", || leftovers(&cut).is_empty());
    println!("the job ended {ended:?} after the cut, all processes after {:?}", begun.elapsed());
    // Goes on with what is left.
    let output = mpirun(1, &cut, STEPS, &["--resume"]).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    assert!(weights(&cut, STEPS) == weights(&alone, STEPS));
}
