//! Trainings that several processes share, as `mpirun` starts them.
#![cfg(feature = "mpi")]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use common::tiny;

/// `mpirun` with so many processes of the trainer, of which a machine may have fewer processors.
fn mpirun(processes: usize, run: &Path, steps: u32, flags: &[&str]) -> Command {
    let mut command = Command::new("mpirun");
    command
        .env("OMPI_ALLOW_RUN_AS_ROOT", "1")
        .env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1")
        .env("OMPI_MCA_rmaps_base_oversubscribe", "1")
        .env("OMPI_MCA_mpi_yield_when_idle", "1")
        .env("OMPI_MCA_btl", "self,tcp")
        .env("RAYON_NUM_THREADS", "1")
        .args(["-n", &processes.to_string(), env!("CARGO_BIN_EXE_trainer")])
        .args(tiny(run, steps))
        .args(flags);
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The weights and their average after so many steps. The optimizer's file has names in it that are drawn anew.
fn weights(run: &Path, step: u32) -> [Vec<u8>; 2] {
    let checkpoint = run.join(format!("checkpoints/step-{step:07}"));
    ["weights.safetensors", "ema.safetensors"].map(|name| fs::read(checkpoint.join(name)).unwrap())
}

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
    assert!(told.contains("error: rank 0: slices 4: 3 processes cannot share them evenly"), "{told}");
}

#[test]
fn a_process_that_dies_ends_all_and_the_run_goes_on_as_if_nothing_had_been() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, torn) = (folder.path().join("whole"), folder.path().join("torn"));
    let flags = ["--slices", "2", "--checkpoint-every", "50"];
    assert!(mpirun(2, &whole, 400, &flags).status().unwrap().success());
    let mut training = mpirun(2, &torn, 400, &flags).stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    while !torn.join("checkpoints/step-0000050").exists() {
        assert!(begun.elapsed() < Duration::from_secs(120), "no checkpoint");
        thread::sleep(Duration::from_millis(10));
    }
    let killed = Command::new("pkill").args(["-KILL", "-f", "--newest"]).arg(torn.to_str().unwrap()).status().unwrap();
    assert!(killed.success());
    let killed = Instant::now();
    assert!(!training.wait().unwrap().success());
    assert!(killed.elapsed() < Duration::from_secs(30), "it took {:?} to end", killed.elapsed());
    let left = Command::new("pgrep").arg("-f").arg(torn.to_str().unwrap()).output().unwrap();
    assert!(left.stdout.is_empty(), "still there: {}", String::from_utf8_lossy(&left.stdout));
    assert!(mpirun(2, &torn, 400, &["--resume"]).status().unwrap().success());
    assert!(weights(&torn, 400) == weights(&whole, 400));
}

#[test]
fn what_stops_mpirun_saves_the_run_first() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let mut training = mpirun(2, &run, 100_000, &["--slices", "2"]).stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    while fs::metadata(run.join("metrics.jsonl")).map_or(0, |file| file.len()) < 300 {
        assert!(begun.elapsed() < Duration::from_secs(120), "it does not begin");
        thread::sleep(Duration::from_millis(20));
    }
    let asked = Command::new("kill").args(["-TERM", &training.id().to_string()]).status().unwrap();
    assert!(asked.success());
    assert!(!training.wait().unwrap().success());
    let saved = fs::read_dir(run.join("checkpoints")).unwrap().count();
    assert!(saved > 0, "nothing was saved");
}
