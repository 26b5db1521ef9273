//! Files that may be gzipped, read as `gzip` itself reads them.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::GzDecoder;

/// The first bytes of gzip.
const BEGINS: [u8; 2] = [0x1f, 0x8b];

/// The content of a file, freed of its gzip wrapping where it has one.
pub(super) fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    let (file, gzipped) = begun(path)?;
    Ok(if gzipped { Box::new(BufReader::new(Unpacked::of(file))) } else { Box::new(file) })
}

/// Whether a file is gzipped and all of it can be unpacked.
pub(super) fn is_whole(path: &Path) -> bool {
    begun(path).is_ok_and(|(file, gzipped)| gzipped && io::copy(&mut Unpacked::of(file), &mut io::sink()).is_ok())
}

/// A file, and whether it is gzipped.
fn begun(path: &Path) -> io::Result<(BufReader<File>, bool)> {
    let mut file = BufReader::new(File::open(path)?);
    let gzipped = file.fill_buf()?.starts_with(&BEGINS);
    Ok((file, gzipped))
}

/// What gzip holds: one part after another, as files that were joined and those of `bgzip` have several. What follows and
/// is no gzip belongs to none.
pub(super) struct Unpacked<R>(Option<GzDecoder<R>>);

impl<R: BufRead> Unpacked<R> {
    pub(super) fn of(packed: R) -> Self {
        Self(Some(GzDecoder::new(packed)))
    }
}

impl<R: BufRead> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(part) = &mut self.0 {
            let count = part.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            // The second byte may not have been read yet.
            let more = part.get_mut().fill_buf()?.first() == Some(&BEGINS[0]);
            self.0 = self.0.take().filter(|_| more).map(|part| GzDecoder::new(part.into_inner()));
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::data::idx::tests::gzip;

    #[test]
    fn all_parts_are_read_and_what_follows_is_not() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let read = |bytes: &[u8]| {
            fs::write(file.path(), bytes).unwrap();
            let mut content = Vec::new();
            let read = open(file.path()).and_then(|mut file| file.read_to_end(&mut content));
            // It is whole where there is gzip and no part of it is missing.
            assert_eq!(is_whole(file.path()), read.is_ok() && bytes.starts_with(&BEGINS));
            read.map(|_| content).map_err(|error| error.kind())
        };
        // Longer than what is read at once.
        let long: Vec<u8> = (0..40_000u32).map(|i| ((i * i) >> 7) as u8).collect();
        let joined = [gzip(&long), gzip(b""), gzip(b"and more")].concat();
        let content = [&long[..], b"and more"].concat();
        assert_eq!(read(&joined).as_deref(), Ok(&content[..]));
        assert_eq!(read(&[&joined[..], b"\0\0"].concat()).as_deref(), Ok(&content[..]));
        for missing in 1..gzip(b"and more").len() {
            assert_eq!(read(&joined[..joined.len() - missing]), Err(io::ErrorKind::UnexpectedEof), "{missing}");
        }
        assert_eq!(read(b"plain").as_deref(), Ok(&b"plain"[..]));
    }
}
