//! CIFAR-10 batches made up in the published format.

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

/// Two pictures whose planes have the values `v`, `v + 1` and `v + 2`.
fn batch(v: u8) -> Vec<u8> {
    let plane = |value: u8| vec![value; SIDE * SIDE];
    [vec![3], plane(v), plane(v + 1), plane(v + 2)].concat().repeat(2)
}

fn archive(names: &[&str]) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (i, name) in names.iter().enumerate() {
        let bytes = batch(10 * i as u8);
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, format!("{UNPACKED}/{name}"), bytes.as_slice()).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

fn open(folder: &Path) -> Result<(Images, Images)> {
    let set = Set::named("cifar-10").unwrap();
    read(set, set.source().unwrap(), Some(folder))
}

fn check(folder: &Path) {
    let (train, test) = open(folder).unwrap();
    assert_eq!((train.len(), test.len()), (10, 2));
    assert_eq!((train.channels, train.height, train.width), (3, SIDE, SIDE));
    // Batch 3's first picture: red 20, green 21, blue 22, without the label in front.
    assert_eq!(train.image(4)[..SIDE * SIDE], [20; SIDE * SIDE]);
    assert_eq!(train.image(4)[2 * SIDE * SIDE..], [22; SIDE * SIDE]);
    assert_eq!(test.image(0)[0], 50);
    assert_eq!((train.labels, test.labels), (vec![3; 10], vec![3; 2]));
}

#[test]
fn reads_batches_unpacked_here_or_below_and_the_archive() {
    for below in ["", UNPACKED] {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join(below);
        fs::create_dir_all(&place).unwrap();
        for (i, name) in BATCHES.iter().enumerate() {
            fs::write(place.join(name), batch(10 * i as u8)).unwrap();
        }
        check(folder.path());
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("cifar-10-binary.tar.gz"), archive(&BATCHES)).unwrap();
    check(folder.path());
}

#[test]
fn a_missing_batch_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let names = [BATCHES[0], BATCHES[1], BATCHES[3], BATCHES[4], BATCHES[5]];
    fs::write(folder.path().join("cifar-10-binary.tar.gz"), archive(&names)).unwrap();
    assert!(open(folder.path()).unwrap_err().to_string().ends_with("data_batch_3.bin is missing"));
    names.iter().for_each(|name| fs::write(folder.path().join(name), batch(0)).unwrap());
    assert!(open(folder.path()).unwrap_err().to_string().ends_with("data_batch_3.bin is missing"));
}

#[test]
fn the_version_for_python_is_named() {
    let folder = tempfile::tempdir().unwrap();
    assert!(!open(folder.path()).unwrap_err().to_string().contains("another version"));
    fs::write(folder.path().join("data_batch_1"), "a pickle").unwrap();
    let error = open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("cifar-10-binary.tar.gz") && error.contains("data_batch_1 in it is of another"), "{error}");
}

#[test]
fn damaged_batches_and_archives_are_refused() {
    assert!(records(&[]).is_err());
    assert!(records(&batch(0)[..5000]).unwrap_err().contains("5000 bytes"));
    let mut wrong_label = batch(0);
    wrong_label[size_of::<Record>()] = 200;
    assert!(records(&wrong_label).unwrap_err().contains("record 2 has the label 200"));

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cifar-10-binary.tar.gz");
    let whole = archive(&BATCHES);
    for bytes in [&whole[..whole.len() / 2], b"", b"<html>404</html>"] {
        fs::write(&path, bytes).unwrap();
        let error = open(folder.path()).unwrap_err();
        assert!(error.to_string().contains("cifar-10-binary.tar.gz"), "{error}");
        assert_eq!(error.exit_code(), 2);
    }
    assert!(open(&folder.path().join("nowhere")).unwrap_err().to_string().contains("trainer data fetch cifar-10"));
}
