//! A process that is killed at any point of a save, and a disk that is full, leave the last good checkpoint.

use std::{
    env,
    process::{Command, ExitStatus},
    sync::atomic::{AtomicU32, Ordering},
};

use burn::{optim::AdamConfig, tensor::Device};
use shared::network::NetworkConfig;

use super::*;

/// At which point the process ends, counted from 1.
const KILL_AT: &str = "TEST_KILL_AT";
const FOLDER: &str = "TEST_CHECKPOINTS";
static POINTS: AtomicU32 = AtomicU32::new(0);

pub(super) fn write_point() {
    let point = POINTS.fetch_add(1, Ordering::Relaxed) + 1;
    if env::var(KILL_AT).is_ok_and(|at| at == point.to_string()) {
        // As abrupt as kill -9: no destructor runs.
        std::process::abort();
    }
}

fn checkpoint(step: u64) -> Checkpoint {
    let preset = options::Architecture::Res6;
    let activation = options::Activation::Elu;
    let config = NetworkConfig { preset, scales: None, width: 2, channels: 1, image_size: 8, activation, sigma_0: 0.1 };
    let network = EnergyNetwork::new(&config, &Device::flex()).unwrap();
    Checkpoint::of(Progress { step, seconds: 0.0, images: None }, &network, &network, &AdamConfig::new().init())
        .unwrap()
}

/// Not a test by itself: what the tests below run in a process of its own.
#[test]
fn save_in_a_process_of_its_own() {
    if let Some(folder) = env::var_os(FOLDER) {
        checkpoint(3).save(Path::new(&folder), 1, None).unwrap();
    }
}

fn save(folder: &Path, shell: &str, kill_at: u32) -> ExitStatus {
    let program = env::current_exe().unwrap();
    let test = "train::checkpoint::tests::save_in_a_process_of_its_own";
    let line = format!("{shell} exec \"$0\" {test} --exact --quiet");
    let mut command = Command::new("sh");
    command.args(["-c", &line]).arg(program).env(FOLDER, folder).env(KILL_AT, kill_at.to_string());
    command.output().unwrap().status
}

#[cfg(unix)]
#[test]
fn killed_at_any_write_point_a_good_checkpoint_is_left() {
    let mut newest = Vec::new();
    for point in 1.. {
        let folder = tempfile::tempdir().unwrap();
        checkpoint(2).save(folder.path(), 1, None).unwrap();
        let finished = save(folder.path(), "", point).success();
        newest.push(Checkpoint::newest(folder.path()).unwrap().progress.step);
        // The next save clears up.
        checkpoint(4).save(folder.path(), 1, None).unwrap();
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["step-0000004"], "killed at {point}");
        if finished {
            break;
        }
    }
    assert!(newest.is_sorted() && newest.len() > 10, "{newest:?}");
    assert_eq!((newest[0], newest[newest.len() - 1]), (2, 3));
}

#[cfg(unix)]
#[test]
fn a_full_disk_keeps_the_last_checkpoint_and_no_draft() {
    let folder = tempfile::tempdir().unwrap();
    checkpoint(2).save(folder.path(), 1, None).unwrap();
    // No file may become longer than a kilobyte.
    assert!(!save(folder.path(), "trap '' XFSZ; ulimit -f 1;", 0).success());
    assert_eq!(Checkpoint::newest(folder.path()).unwrap().progress.step, 2);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn damage_of_any_file_is_found_by_its_hash() {
    let folder = tempfile::tempdir().unwrap();
    let saved = checkpoint(2).save(folder.path(), 1, None).unwrap();
    for name in [WEIGHTS, EMA, OPTIMIZER] {
        let path = saved.join(name);
        let whole = fs::read(&path).unwrap();
        let mut damaged = whole.clone();
        *damaged.last_mut().unwrap() ^= 1;
        fs::write(&path, damaged).unwrap();
        let error = Checkpoint::load(&saved).err().unwrap();
        assert!(error.to_string().contains(name) && error.to_string().contains("SHA-256"), "{error}");
        fs::write(&path, whole).unwrap();
    }
    assert!(Checkpoint::load(&saved).is_ok());
}

#[test]
fn the_newest_and_the_best_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    for step in 1..=6 {
        checkpoint(step).save(folder.path(), 2, Some(2.min(step))).unwrap();
    }
    let steps: Vec<_> = list(folder.path()).iter().filter_map(|path| step_of(path)).collect();
    assert_eq!(steps, [6, 5, 2]);
}

#[test]
fn an_older_checkpoint_that_cannot_be_deleted_costs_no_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let in_the_way = folder.path().join(".step-0000002.old");
    let saved = |step| checkpoint(step).save(folder.path(), 1, None).unwrap();
    saved(2);
    fs::write(&in_the_way, "no folder").unwrap();
    saved(3);
    assert_eq!(Checkpoint::steps(folder.path()), [3, 2]);
    fs::remove_file(in_the_way).unwrap();
    saved(4);
    assert_eq!(Checkpoint::steps(folder.path()), [4]);
}

/// The record of the older checkpoint is a pipe: whoever reads it waits here until the training has gone on.
#[cfg(unix)]
#[test]
fn who_reads_while_a_training_saves_finds_the_newer_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let record = checkpoint(2).save(folder.path(), 1, None).unwrap().join(MANIFEST);
    checkpoint(1).save(folder.path(), 2, None).unwrap();
    fs::remove_file(&record).unwrap();
    assert!(Command::new("mkfifo").arg(&record).status().unwrap().success());
    let found = std::thread::scope(|scope| {
        let reader = scope.spawn(|| Checkpoint::newest(folder.path()).map(|found| found.progress.step));
        // Opened when the reader opens it.
        let pipe = fs::OpenOptions::new().write(true).open(&record).unwrap();
        checkpoint(3).save(folder.path(), 1, Some(1)).unwrap();
        drop(pipe);
        reader.join().unwrap()
    });
    assert_eq!(found, Some(3), "neither none nor the best of long ago");
}

#[test]
fn what_cannot_be_read_is_set_aside_and_not_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let saved = |step| checkpoint(step).save(folder.path(), 1, None).unwrap();
    saved(2);
    // Whether it is of a step before the next save, of that step or of one after it.
    for step in [3, 4, 9] {
        fs::create_dir(folder.path().join(format!("step-{step:07}"))).unwrap();
        fs::write(folder.path().join(format!("step-{step:07}/{WEIGHTS}")), "of some use").unwrap();
    }
    assert_eq!(Checkpoint::newest(folder.path()).unwrap().progress.step, 2);
    Checkpoint::set_aside_after(folder.path(), 2).unwrap();
    saved(4);
    assert_eq!(Checkpoint::newest(folder.path()).unwrap().progress.step, 4);
    for step in [3, 4, 9] {
        let aside = folder.path().join(format!("unreadable-step-{step:07}"));
        assert_eq!(fs::read_to_string(aside.join(WEIGHTS)).unwrap(), "of some use");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
    // One of the same step is replaced.
    saved(4);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
}
