//! CIFAR-10 batches made up in the published format.

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::data::idx::tests::gzip;

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
fn an_archive_of_several_gzip_parts_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut tar = Vec::new();
    Unpacked::of(&archive(&BATCHES)[..]).read_to_end(&mut tar).unwrap();
    let parts: Vec<u8> = tar.chunks(20_000).flat_map(gzip).collect();
    fs::write(folder.path().join("cifar-10-binary.tar.gz"), parts).unwrap();
    check(folder.path());
}

#[test]
fn batches_beside_the_archive_count_where_none_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let archived = folder.path().join("cifar-10-binary.tar.gz");
    fs::write(&archived, archive(&BATCHES)).unwrap();
    fs::write(folder.path().join(BATCHES[0]), batch(200)).unwrap();
    fs::create_dir(folder.path().join(UNPACKED)).unwrap();
    fs::write(folder.path().join(UNPACKED).join(BATCHES[2]), batch(200)).unwrap();
    check(folder.path());
    // All of them are taken, and what is missing without an archive is named.
    for (i, name) in BATCHES.iter().enumerate() {
        fs::write(folder.path().join(UNPACKED).join(name), batch(10 * i as u8)).unwrap();
    }
    fs::write(&archived, "damaged").unwrap();
    check(folder.path());
    fs::remove_file(&archived).unwrap();
    fs::remove_dir_all(folder.path().join(UNPACKED)).unwrap();
    assert!(open(folder.path()).unwrap_err().to_string().ends_with("data_batch_2.bin is missing"));
}

#[test]
fn pictures_of_one_s_own_are_not_the_published_ones() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("cifar-10-binary.tar.gz"), archive(&BATCHES)).unwrap();
    let data = crate::data::open("cifar-10", Some(folder.path())).unwrap();
    assert_eq!(data.licence, "that of the files that were given");
    assert_eq!(data.told, ["its files are not those that were published under that name"]);
    // The means that are published of the set, training and test pictures.
    let means = [[125.306_918, 122.950_394, 113.865_383], [126.024_641, 123.708_504, 114.854_319]];
    for ((pictures, sums), means) in [50_000, 10_000].into_iter().zip(SUMS).zip(means) {
        let mean = |sum: u64| sum as f64 / (pictures * SIDE * SIDE) as f64;
        assert!(sums.into_iter().zip(means).all(|(sum, known)| (mean(sum) - known).abs() < 1e-6), "{sums:?}");
    }
    // Red, green and blue, each by itself.
    assert_eq!(sums(&data.held_out), [50, 51, 52].map(|value| 2 * value * (SIDE * SIDE) as u64));
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
