//! The IDX format of MNIST and its relatives: a header of big-endian numbers, then the pixels; gzipped or not.

use std::io::{self, Read};
use std::path::Path;

use super::{Images, gzip};
use crate::error::{Error, Result};
use crate::files::reason;
use user_files::POINTER;

/// Unsigned bytes in three dimensions: pictures, rows, columns.
const MAGIC: u32 = 0x0000_0803;
/// Unsigned bytes in one dimension: labels.
const LABELS_MAGIC: u32 = 0x0000_0801;
/// The first bytes of a Git LFS pointer, in the place of the number.
const POINTER_BEGINS: [u8; 4] = *b"vers";
const MAX_SIDE: u32 = 4096;
/// Keeps a damaged or hostile header from filling the memory: the real sets have 47 MB.
const MAX_BYTES: u64 = 4 << 30;

/// Reads the grey pictures of an IDX file; whether it is gzipped is seen from its content.
///
/// Fails with one line that names the file when it cannot be read, is not IDX, is truncated or has bytes to spare.
pub(super) fn read(path: &Path) -> Result<Images> {
    read_as(path, parse)
}

/// Reads the labels of an IDX file, one for each of `count` pictures; fails like [`read`].
pub(super) fn read_labels(path: &Path, count: usize) -> Result<Vec<u8>> {
    read_as(path, |content| parse_labels(content, count))
}

fn read_as<T>(path: &Path, parse: impl FnOnce(Box<dyn Read>) -> std::result::Result<T, Problem>) -> Result<T> {
    let wrong = |what: String| Error::input(format!("{}: {what}", path.display()));
    let content = gzip::open(path).map_err(|error| wrong(reason(&error)))?;
    parse(content).map_err(|problem| match problem {
        Problem::Content(what) => wrong(what),
        Problem::Reading(error) => match error.kind() {
            io::ErrorKind::UnexpectedEof => wrong("the file is truncated; fetch it again".into()),
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                wrong(format!("the gzip data is damaged ({error}); fetch it again"))
            }
            _ => wrong(reason(&error)),
        },
    })
}

enum Problem {
    Content(String),
    Reading(io::Error),
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        Self::Reading(error)
    }
}

fn parse(mut content: impl Read) -> std::result::Result<Images, Problem> {
    let [magic, count, rows, columns] = header(&mut content)?;
    if magic != MAGIC {
        if magic.to_be_bytes() == POINTER_BEGINS {
            return Err(Problem::Content(POINTER.to_owned()));
        }
        let what = format!("not an IDX file of pictures: it starts with {magic:08x}, which should be {MAGIC:08x}");
        return Err(Problem::Content(what));
    }
    let bytes = u64::from(count).saturating_mul(u64::from(rows)).saturating_mul(u64::from(columns));
    if bytes == 0 || rows.max(columns) > MAX_SIDE || bytes > MAX_BYTES {
        let what = format!("its header claims {count} pictures of {rows}x{columns}, which cannot be right");
        return Err(Problem::Content(what));
    }
    let pixels = rest(content, bytes, || format!("the {count} pictures of {rows}x{columns} of its header"))?;
    Ok(Images { channels: 1, height: rows as usize, width: columns as usize, pixels, labels: Vec::new() })
}

/// The header that pictures have in a file.
pub(super) fn header_of(images: &Images) -> [u8; 16] {
    let numbers = [MAGIC, images.len() as u32, images.height as u32, images.width as u32];
    let mut header = [0; 16];
    for (bytes, number) in header.chunks_exact_mut(4).zip(numbers) {
        bytes.copy_from_slice(&number.to_be_bytes());
    }
    header
}

fn parse_labels(mut content: impl Read, pictures: usize) -> std::result::Result<Vec<u8>, Problem> {
    let [magic, count] = header(&mut content)?;
    if magic != LABELS_MAGIC {
        let what = format!("not an IDX file of labels: it starts with {magic:08x}, which should be {LABELS_MAGIC:08x}");
        return Err(Problem::Content(what));
    }
    if count as usize != pictures {
        return Err(Problem::Content(format!("it has {count} labels for {pictures} pictures")));
    }
    rest(content, u64::from(count), || format!("the {count} labels of its header"))
}

fn header<const N: usize>(content: &mut impl Read) -> io::Result<[u32; N]> {
    let mut numbers = [0; N];
    for number in &mut numbers {
        let mut bytes = [0; 4];
        content.read_exact(&mut bytes)?;
        *number = u32::from_be_bytes(bytes);
    }
    Ok(numbers)
}

/// What follows the header, which must be just this many bytes.
fn rest(content: impl Read, bytes: u64, expected: impl Fn() -> String) -> std::result::Result<Vec<u8>, Problem> {
    // One byte more than there should be: it shows a longer file, and reaching the end makes gzip check its own sum.
    let mut values = Vec::new();
    let got = content.take(bytes + 1).read_to_end(&mut values)? as u64;
    match got {
        _ if got < bytes => Err(Problem::Reading(io::ErrorKind::UnexpectedEof.into())),
        _ if got > bytes => Err(Problem::Content(format!("it has more bytes than {}", expected()))),
        _ => Ok(values),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::fs;
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    /// An IDX file whose pixels count up.
    pub(in crate::data) fn file(count: u32, rows: u32, columns: u32) -> Vec<u8> {
        let header = [MAGIC, count, rows, columns].map(u32::to_be_bytes).concat();
        header.into_iter().chain((0..count * rows * columns).map(|i| i as u8)).collect()
    }

    /// A file of labels that count up.
    pub(in crate::data) fn labels(count: u32) -> Vec<u8> {
        let header = [LABELS_MAGIC, count].map(u32::to_be_bytes).concat();
        header.into_iter().chain((0..count).map(|i| i as u8)).collect()
    }

    pub(in crate::data) fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn read_bytes(bytes: &[u8]) -> std::result::Result<Images, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), bytes).unwrap();
        read(file.path()).map_err(|error| {
            let text = error.to_string();
            assert!(text.starts_with(&file.path().display().to_string()) && text.lines().count() == 1, "{text}");
            assert_eq!(error.exit_code(), 2);
            text
        })
    }

    #[test]
    fn reads_plain_and_gzipped_files_alike() {
        let plain = read_bytes(&file(3, 5, 4)).unwrap();
        assert_eq!((plain.len(), plain.channels, plain.height, plain.width), (3, 1, 5, 4));
        assert_eq!(plain.image(2)[0], 40);
        assert_eq!(read_bytes(&gzip(&file(3, 5, 4))).unwrap(), plain);
    }

    #[test]
    fn truncation_is_seen_wherever_it_falls() {
        let (plain, packed) = (file(3, 5, 4), gzip(&file(3, 5, 4)));
        for whole in [&plain, &packed] {
            for length in 0..whole.len() {
                let error = read_bytes(&whole[..length]).unwrap_err();
                assert!(error.contains("truncated"), "{length} of {}: {error}", whole.len());
            }
        }
    }

    #[test]
    fn labels_are_one_for_each_picture() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let read = |magic: u32, claimed: u32, values: &[u8]| {
            let header = [magic, claimed].map(u32::to_be_bytes).concat();
            fs::write(file.path(), gzip(&[header.as_slice(), values].concat())).unwrap();
            read_labels(file.path(), 3).map_err(|error| error.to_string())
        };
        assert_eq!(read(LABELS_MAGIC, 3, &[7, 0, 9]).unwrap(), [7, 0, 9]);
        assert!(read(LABELS_MAGIC, 4, &[7, 0, 9, 1]).unwrap_err().contains("4 labels for 3 pictures"));
        assert!(read(LABELS_MAGIC, 3, &[7, 0]).unwrap_err().contains("truncated"));
        assert!(read(LABELS_MAGIC, 3, &[7, 0, 9, 1]).unwrap_err().contains("more bytes"));
        assert!(read(MAGIC, 3, &[7, 0, 9]).unwrap_err().contains("not an IDX file of labels"));
    }

    #[test]
    fn damage_is_seen_by_gzip_s_own_checksum() {
        let mut packed = gzip(&file(3, 5, 4));
        let at = packed.len() - 6; // in the checksum
        packed[at] ^= 1;
        assert!(read_bytes(&packed).unwrap_err().contains("damaged"));
    }

    #[test]
    fn other_files_and_impossible_headers_are_refused() {
        assert!(read_bytes(&labels(20)).unwrap_err().contains("starts with 00000801"));
        assert!(read_bytes(b"<!doctype html><html>").unwrap_err().contains("not an IDX file"));
        for (count, rows, columns) in [(0, 28, 28), (1, 0, 28), (u32::MAX, u32::MAX, u32::MAX), (1, 5000, 1)] {
            let header = [MAGIC, count, rows, columns].map(u32::to_be_bytes).concat();
            assert!(read_bytes(&header).unwrap_err().contains("cannot be right"));
        }
        // Three gigabytes claimed, none there: refused without the memory for them.
        let header = [MAGIC, 1 << 20, 64, 48].map(u32::to_be_bytes).concat();
        assert!(read_bytes(&header).unwrap_err().contains("truncated"));
        assert!(read_bytes(&[file(1, 2, 2), vec![0]].concat()).unwrap_err().contains("more bytes"));
    }
}
