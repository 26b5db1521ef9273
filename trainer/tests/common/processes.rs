//! Trainings that several processes share.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
    thread,
    time::{Duration, Instant},
};

use super::tiny;

/// A program with the settings of MPI that tests need: for root, and for more processes than processors.
pub fn with_mpi(program: &str) -> Command {
    let mut command = Command::new(program);
    command
        .env("OMPI_ALLOW_RUN_AS_ROOT", "1")
        .env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1")
        .env("OMPI_MCA_rmaps_base_oversubscribe", "1")
        .env("OMPI_MCA_mpi_yield_when_idle", "1")
        .env("OMPI_MCA_btl", "self,tcp")
        .env("RAYON_NUM_THREADS", "1");
    command
}

/// `mpirun` with so many processes of the trainer, of which a machine may have fewer processors.
pub fn mpirun(processes: usize, run: &Path, steps: u32, flags: &[&str]) -> Command {
    let mut command = with_mpi("mpirun");
    command.args(["-n", &processes.to_string(), env!("CARGO_BIN_EXE_trainer")]).args(tiny(run, steps)).args(flags);
    command
}

pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Whether a training has taken its first steps.
pub fn trains(run: &Path) -> bool {
    fs::metadata(run.join("metrics.jsonl")).is_ok_and(|file| file.len() >= 300)
}

/// Waits for what must come.
pub fn wait_for(what: &str, come: impl Fn() -> bool) {
    let begun = Instant::now();
    while !come() {
        assert!(begun.elapsed() < Duration::from_secs(120), "no {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// The numbers of the processes that have this path among their arguments.
pub fn leftovers(run: &Path) -> String {
    let left = Command::new("pgrep").arg("-f").arg(run.to_str().unwrap()).output().unwrap();
    String::from_utf8_lossy(&left.stdout).into_owned()
}
