//! Arrays of whole numbers in the files that Matlab writes ("MAT-File Format", level 5), compressed or not.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::ZlibDecoder;

/// An array with its name.
#[derive(Debug, PartialEq)]
pub(super) struct Array {
    pub name: String,
    /// Its sides; the first varies fastest in `values`.
    pub sides: Vec<usize>,
    pub values: Vec<u8>,
}

/// Bytes before the first array; the last two tell the order of bytes in a number.
const HEADER: usize = 128;
/// What begins a file of level 7.3, which is another format, HDF5.
const LEVEL_7_3: &[u8] = b"MATLAB 7.3";
/// More than the file of a set holds in one array.
const MAX_BYTES: u64 = 1 << 31;

/// Kinds of elements.
const NUMBERS_OF_8_BITS: u32 = 2;
const FLOATS_OF_64_BITS: u32 = 9;
const MATRIX: u32 = 14;
const COMPRESSED: u32 = 15;

/// The arrays of a file that hold whole numbers from 0 to 255 and nothing else; other variables are passed over.
///
/// # Errors
/// It is no such file, or ends too early, or is damaged: what is wrong, in words.
pub(super) fn arrays(mut file: impl BufRead) -> Result<Vec<Array>, String> {
    let damaged = |error: io::Error| format!("the file is truncated or damaged ({})", crate::files::reason(&error));
    let mut header = Vec::new();
    file.by_ref().take(HEADER as u64).read_to_end(&mut header).map_err(damaged)?;
    if header.starts_with(LEVEL_7_3) {
        return Err("it is a Matlab file of version 7.3; save it as version 7".into());
    }
    if header.len() < HEADER || !header.ends_with(b"IM") {
        return Err("it is no Matlab file".into());
    }
    let mut found = Vec::new();
    while !file.fill_buf().map_err(damaged)?.is_empty() {
        found.extend(variable(&mut file).map_err(damaged)?);
    }
    Ok(found)
}

/// Whether a file holds such arrays and all of it can be read.
pub(super) fn is_whole(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| arrays(BufReader::new(file)).is_ok_and(|found| !found.is_empty()))
}

/// The next variable, if it is an array of whole numbers.
fn variable(file: &mut impl BufRead) -> io::Result<Option<Array>> {
    let (kind, length) = (number(file)?, u64::from(number(file)?));
    // Only what is compressed is not filled up.
    let mut content = file.take(if kind == COMPRESSED { length } else { length.next_multiple_of(8) });
    let array = match kind {
        COMPRESSED => {
            let mut content = BufReader::new(ZlibDecoder::new(&mut content));
            let (kind, _) = (number(&mut content)?, number(&mut content)?);
            let array = if kind == MATRIX { array(&mut content)? } else { None };
            // To its end, where its checksum is.
            io::copy(&mut content, &mut io::sink())?;
            array
        }
        MATRIX => array(&mut content)?,
        _ => None,
    };
    io::copy(&mut content, &mut io::sink())?;
    if content.limit() > 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(array)
}

/// The content of a matrix: what class it is of, its sides, its name and its numbers.
fn array(content: &mut impl Read) -> io::Result<Option<Array>> {
    let _class = element(content)?;
    let sides = element(content)?.1;
    let sides = sides.as_chunks().0.iter().map(|&side| u32::from_le_bytes(side) as usize).collect();
    let name = String::from_utf8_lossy(&element(content)?.1).into_owned();
    // What is no array of numbers, such as a struct, has another element here, or none.
    let Ok((kind, bytes)) = element(content) else { return Ok(None) };
    let values = match kind {
        NUMBERS_OF_8_BITS => Some(bytes),
        FLOATS_OF_64_BITS => bytes.as_chunks().0.iter().map(|&float| byte(f64::from_le_bytes(float))).collect(),
        _ => None,
    };
    Ok(values.map(|values| Array { name, sides, values }))
}

/// A whole number from 0 to 255.
fn byte(value: f64) -> Option<u8> {
    (f64::from(value as u8) == value).then_some(value as u8)
}

/// The next element's kind and its bytes, which are filled up to a multiple of eight. Up to four may stand in the place of
/// their length, which then shares four bytes with the kind.
fn element(content: &mut impl Read) -> io::Result<(u32, Vec<u8>)> {
    let tag = number(content)?;
    let (kind, length, filled) = match tag >> 16 {
        0 => {
            let length = u64::from(number(content)?);
            (tag, length, length.next_multiple_of(8))
        }
        length => (tag & 0xFFFF, length.into(), 4),
    };
    let mut bytes = Vec::new();
    content.take(filled.min(MAX_BYTES)).read_to_end(&mut bytes)?;
    if (bytes.len() as u64) < length.max(filled) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    bytes.truncate(length as usize);
    Ok((kind, bytes))
}

fn number(content: &mut impl Read) -> io::Result<u32> {
    let mut bytes = [0; 4];
    content.read_exact(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;

    use super::*;

    /// An element with its tag, filled up.
    fn element(kind: u32, bytes: &[u8]) -> Vec<u8> {
        let mut element = [&kind.to_le_bytes()[..], &(bytes.len() as u32).to_le_bytes(), bytes].concat();
        element.resize(element.len().next_multiple_of(8), 0);
        element
    }

    /// A matrix: `kind` is that of its numbers, its name stands in its tag.
    fn matrix(name: &str, sides: &[u32], kind: u32, numbers: &[u8]) -> Vec<u8> {
        let sides: Vec<u8> = sides.iter().flat_map(|side| side.to_le_bytes()).collect();
        let mut named = [1, 0, name.len() as u8, 0].to_vec();
        named.extend(name.bytes());
        named.resize(8, 0);
        let class = element(6, &[9, 0, 0, 0, 0, 0, 0, 0]);
        element(MATRIX, &[class, element(5, &sides), named, element(kind, numbers)].concat())
    }

    /// A file as Matlab 7 writes it, of arrays of bytes.
    pub fn file(arrays: &[(&str, &[u32], &[u8])]) -> Vec<u8> {
        let mut file = b"MATLAB 5.0 MAT-file".to_vec();
        file.resize(HEADER - 4, b' ');
        file.extend([0, 1, b'I', b'M']);
        for (name, sides, values) in arrays {
            let mut packed = ZlibEncoder::new(Vec::new(), Compression::fast());
            packed.write_all(&matrix(name, sides, NUMBERS_OF_8_BITS, values)).unwrap();
            let packed = packed.finish().unwrap();
            file.extend(COMPRESSED.to_le_bytes());
            file.extend((packed.len() as u32).to_le_bytes());
            file.extend(packed);
        }
        file
    }

    #[test]
    fn arrays_are_read_compressed_or_not_and_what_is_none_is_passed_over() {
        let one: &[(&str, &[u32], &[u8])] = &[("X", &[2, 3], &[1, 2, 3, 4, 5, 255]), ("y", &[3, 1], &[7, 8, 9])];
        let mut file = file(one);
        let doubles = |values: &[f64]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>();
        file.extend(matrix("text", &[1, 2], 16, b"no"));
        file.extend(matrix("fine", &[2, 1], FLOATS_OF_64_BITS, &doubles(&[10.0, 0.0])));
        for value in [0.5, -1.0, 256.0, f64::NAN] {
            file.extend(matrix("odd", &[1, 1], FLOATS_OF_64_BITS, &doubles(&[value])));
        }
        file.extend(element(1, b"not a matrix"));
        let array = |name: &str, sides: &[usize], values: &[u8]| Array {
            name: name.into(),
            sides: sides.into(),
            values: values.into(),
        };
        let all = [
            array("X", &[2, 3], &[1, 2, 3, 4, 5, 255]),
            array("y", &[3, 1], &[7, 8, 9]),
            array("fine", &[2, 1], &[10, 0]),
        ];
        assert_eq!(arrays(&file[..]).unwrap(), all);
    }

    #[test]
    fn what_is_cut_or_damaged_or_something_else_is_told() {
        let whole = file(&[("X", &[100, 2], &[5; 200])]);
        for length in HEADER + 1..whole.len() {
            let error = arrays(&whole[..length]).unwrap_err();
            assert!(error.contains("truncated or damaged"), "{length}: {error}");
        }
        // Compressed bytes have a checksum.
        for at in HEADER + 8..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x10;
            assert!(arrays(&damaged[..]).is_err(), "{at}");
        }
        for other in [&b""[..], b"GIF89a", &[0; 500]] {
            assert_eq!(arrays(other).unwrap_err(), "it is no Matlab file");
        }
        let mut newer = whole;
        newer[..LEVEL_7_3.len()].copy_from_slice(LEVEL_7_3);
        assert!(arrays(&newer[..]).unwrap_err().contains("7.3"));
    }
}
