//! Trainings that several processes share, as `mpirun` starts them.
#![cfg(feature = "mpi")]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use common::{
    processes::{leftovers, mpirun, said, trains, wait_for, with_mpi},
    tiny, weights,
};

#[test]
fn any_number_of_processes_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let alone = folder.path().join("alone");
    common::trainer().args(tiny(&alone, 6)).args(["--slices", "4"]).assert().success();
    let wanted = weights(&alone, 6);
    for processes in [2, 4] {
        let run = folder.path().join(processes.to_string());
        let output = mpirun(processes, &run, 6, &["--slices", "4"]).output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        assert!(said(&output).contains(&format!("{processes} processes share every batch")), "{}", said(&output));
        assert_eq!(said(&output).matches("training on digits").count(), 1, "only one speaks: {}", said(&output));
        assert!(weights(&run, 6) == wanted, "{processes} processes");
    }
    // What was begun by two goes on with four, and with one, as one alone would have gone on.
    let (run, alone) = (folder.path().join("on"), folder.path().join("alone-on"));
    assert!(mpirun(2, &run, 3, &["--slices", "4"]).status().unwrap().success());
    assert!(mpirun(4, &run, 5, &["--resume"]).status().unwrap().success());
    common::trainer().args(tiny(&run, 6)).arg("--resume").assert().success();
    common::trainer().args(tiny(&alone, 3)).args(["--slices", "4"]).assert().success();
    for steps in [5, 6] {
        common::trainer().args(tiny(&alone, steps)).arg("--resume").assert().success();
    }
    assert!(weights(&run, 6) == weights(&alone, 6));

    let output = mpirun(3, &folder.path().join("3"), 6, &["--slices", "4"]).output().unwrap();
    assert!(!output.status.success());
    let told = said(&output);
    assert_eq!(told.matches("error: ").count(), 1, "{told}");
    assert!(told.contains("error: rank 0 on "), "{told}");
    assert!(told.contains("slices 4: 3 processes cannot share them evenly"), "{told}");
}

#[test]
fn a_process_that_dies_ends_all_and_the_run_goes_on_as_if_nothing_had_been() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, torn) = (folder.path().join("whole"), folder.path().join("torn"));
    let flags = ["--slices", "2", "--checkpoint-every", "50"];
    assert!(mpirun(2, &whole, 400, &flags).status().unwrap().success());
    let mut training = mpirun(2, &torn, 400, &flags).stderr(Stdio::null()).spawn().unwrap();
    wait_for("a checkpoint", || torn.join("checkpoints/step-0000050").exists());
    let killed = Command::new("pkill").args(["-KILL", "-f", "--newest"]).arg(torn.to_str().unwrap()).status().unwrap();
    assert!(killed.success());
    let killed = Instant::now();
    assert!(!training.wait().unwrap().success());
    assert!(killed.elapsed() < Duration::from_secs(30), "it took {:?} to end", killed.elapsed());
    assert_eq!(leftovers(&torn), "", "still there");
    assert!(mpirun(2, &torn, 400, &["--resume"]).status().unwrap().success());
    assert!(weights(&torn, 400) == weights(&whole, 400));
}

#[test]
fn what_stops_mpirun_or_one_of_the_processes_saves_the_run_first() {
    let folder = tempfile::tempdir().unwrap();
    for (stopped, name) in ["mpirun", "first", "second"].into_iter().enumerate() {
        let run = folder.path().join(name);
        let mut training = mpirun(2, &run, 100_000, &["--slices", "2"]).stderr(Stdio::null()).spawn().unwrap();
        wait_for("beginning", || trains(&run));
        let mpirun = training.id().to_string();
        let children = Command::new("pgrep").args(["-P", &mpirun]).output().unwrap();
        let children = String::from_utf8(children.stdout).unwrap();
        let all: Vec<&str> = [mpirun.as_str()].into_iter().chain(children.lines()).collect();
        assert_eq!(all.len(), 3, "{all:?}");
        assert!(Command::new("kill").args(["-TERM", all[stopped]]).status().unwrap().success());
        assert!(!training.wait().unwrap().success());
        let saved = fs::read_dir(run.join("checkpoints")).unwrap();
        let saved = saved
            .filter(|entry| entry.as_ref().is_ok_and(|entry| !entry.file_name().as_encoded_bytes().starts_with(b".")));
        assert_eq!(saved.count(), 1, "{name}: nothing was saved");
    }
}

/// Trains in two processes, of which the second is what this line of a shell makes of it.
fn with_another(folder: &Path, second: &str, steps: u32) -> Output {
    let (script, arguments) = (folder.join("second"), tiny(&folder.join("run"), steps));
    let line = second.replace("TRAINER", env!("CARGO_BIN_EXE_trainer"));
    fs::write(&script, format!("#!/bin/sh\n{line}\n")).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = with_mpi("mpirun");
    command.args(["-n", "1", env!("CARGO_BIN_EXE_trainer")]).args(&arguments);
    command.args([":", "-n", "1"]).arg(&script).args(&arguments);
    command.output().unwrap()
}

#[test]
fn another_build_ends_all_and_other_vectors_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy").display().to_string();
    let line = format!("cp 'TRAINER' '{copy}' && echo >> '{copy}' && exec '{copy}' \"$@\"");
    let output = with_another(folder.path(), &line, 100_000);
    let told = said(&output);
    assert!(output.status.code() == Some(2) && told.contains("error: rank 1 on "), "{told}");
    assert!(told.contains("different builds"), "{told}");

    let output = with_another(folder.path(), "exec 'TRAINER' \"$@\" --vectors scalar", 2);
    assert!(output.status.success(), "{}", said(&output));
    let told = said(&output);
    assert!(told.contains("warning: rank 1 on ") && told.contains("computes with the CPU, scalar"), "{told}");
}

/// A program that panics leaves others that wait for it. Here a thread cannot be started.
#[test]
fn a_panic_ends_all() {
    let folder = tempfile::tempdir().unwrap();
    let (source, library) = (folder.path().join("threads.c"), folder.path().join("threads.so"));
    // The first thread after MPI's own watches signals, without a panic.
    let text = "
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <errno.h>
        #include <mpi.h>
        #include <pthread.h>
        int pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*run)(void *), void *argument) {
            static int begun;
            int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) = dlsym(RTLD_NEXT, \"pthread_create\");
            int joined = 0;
            MPI_Initialized(&joined);
            return joined && begun++ ? EAGAIN : real(thread, how, run, argument);
        }";
    fs::write(&source, text).unwrap();
    let built = Command::new("mpicc").args(["-shared", "-fPIC", "-o"]).args([&library, &source]).status().unwrap();
    assert!(built.success());
    let line = format!("LD_PRELOAD='{}' exec 'TRAINER' \"$@\"", library.display());
    let output = with_another(folder.path(), &line, 100_000);
    let told = said(&output);
    assert!(output.status.code() == Some(101) && told.contains("panicked"), "{told}");
    assert!(told.contains("error: rank 1 on "), "{told}");
}

#[test]
fn a_dry_run_tells_the_time_of_the_exchange() {
    let folder = tempfile::tempdir().unwrap();
    let output =
        mpirun(2, &folder.path().join("run"), 1000, &["--dry-run", "--denoiser-steps", "400"]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("images/s in the first 400 steps, "), "{told}");
    assert!(told.contains("ms a step between 2 processes"), "{told}");
    assert!(!folder.path().join("run").exists());
}
