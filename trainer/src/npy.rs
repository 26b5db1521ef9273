//! NumPy's array files.

use std::path::Path;

use npyz::{AutoSerialize, WriterBuilder};

use crate::{
    error::{Error, Result},
    files::{self, write_atomically},
    output,
    pictures::Picture,
};

/// Writes values in row-major order as a `.npy` array of this shape; pictures are [N, H, W, C].
///
/// Fails if the values do not fill the shape, or if the file cannot be written.
pub fn write<T: AutoSerialize + Copy>(path: &Path, shape: &[usize], values: &[T]) -> Result<()> {
    if shape.iter().product::<usize>() != values.len() {
        return Err(Error::failed(format!("{}: {} values for the shape {shape:?}", path.display(), values.len())));
    }
    let shape: Vec<u64> = shape.iter().map(|&length| length as u64).collect();
    write_atomically(path, |writer| {
        let mut array = npyz::WriteOptions::new().default_dtype().shape(&shape).writer(writer).begin_nd()?;
        array.extend(values.iter().copied())?;
        array.finish()
    })
}

/// Writes pictures of one size as an array [N, H, W, C], and gives its shape.
///
/// # Errors
/// The file cannot be written.
pub fn write_pictures(path: &Path, pictures: &[Picture]) -> Result<[usize; 4]> {
    let [height, width, channels] =
        pictures.first().map_or([0; 3], |first| [first.height, first.width, first.channels]);
    let shape = [pictures.len(), height, width, channels];
    let values: Vec<f32> = pictures.iter().flat_map(output::channels_last).collect();
    write(path, &shape, &values)?;
    Ok(shape)
}

/// The shape and the values of a `.npy` array of float32 in row-major order.
///
/// # Errors
/// The file cannot be read, or is no such array.
pub fn read(path: &Path) -> Result<(Vec<usize>, Vec<f32>)> {
    let wrong = |what: String| Error::input(format!("{}: {what}", path.display()));
    let bytes = files::read(path)?;
    // Of a damaged header the parser draws where it is so, over several lines.
    let in_a_line = |error: std::io::Error| match error.to_string() {
        text if text.contains(char::is_control) => "its header is damaged".to_owned(),
        text => text,
    };
    let array =
        npyz::NpyFile::new(&bytes[..]).map_err(|error| wrong(format!("no .npy array: {}", in_a_line(error))))?;
    let found = array.dtype().descr();
    if array.order() != npyz::Order::C {
        return wrong_kind(path, &format!("{found} in column-major order"));
    }
    if found != "'<f4'" {
        return wrong_kind(path, &found);
    }
    let shape = array.shape().iter().map(|&length| length as usize).collect();
    let values = array.into_vec::<f32>().map_err(|error| wrong(format!("it is cut off: {error}")))?;
    Ok((shape, values))
}

fn wrong_kind<T>(path: &Path, found: &str) -> Result<T> {
    let wanted = "float32 in row-major order, as `trainer sample --npy` writes it, is wanted";
    Err(Error::input(format!("{}: an array of {found}; {wanted}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shape_order_and_values_are_those_of_a_numpy_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npy");
        let values: Vec<f32> = (0..24).map(|i| i as f32 / 7.0).collect();
        write(&path, &[2, 2, 3, 2], &values).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let (header, data) = bytes.split_at(bytes.len() - 4 * values.len());
        assert!(header.starts_with(b"\x93NUMPY\x01\x00") && header.len().is_multiple_of(16));
        assert!(data.as_chunks::<4>().0.iter().zip(&values).all(|(bytes, value)| *bytes == value.to_le_bytes()));
        let array = npyz::NpyFile::new(bytes.as_slice()).unwrap();
        assert_eq!((array.shape(), array.order()), ([2, 2, 3, 2].as_slice(), npyz::Order::C));
        assert_eq!(array.dtype().descr(), "'<f4'");
    }

    #[test]
    fn arrays_that_are_not_wanted_are_refused_in_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npy");
        write(&path, &[2, 2], &[0.5_f32; 4]).unwrap();
        let good = String::from_utf8_lossy(&std::fs::read(&path).unwrap()[10..]).into_owned();
        let head = std::fs::read(&path).unwrap()[..10].to_vec();
        for (from, to, words) in [
            ("'<f4'", "'<f8'", "an array of '<f8'; float32"),
            ("False", "True ", "column-major"),
            ("{'descr'", "{[descr'", "no .npy array: its header is damaged"),
        ] {
            assert!(good.contains(from), "{good}");
            std::fs::write(&path, [&head[..], good.replacen(from, to, 1).as_bytes()].concat()).unwrap();
            let error = read(&path).unwrap_err().to_string();
            assert!(error.contains(words) && error.lines().count() == 1, "{error}");
        }
    }

    #[test]
    fn values_that_do_not_fill_the_shape_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npy");
        assert!(write(&path, &[2, 2], &[0.0_f32; 3]).is_err());
        assert!(!path.exists());
    }
}
