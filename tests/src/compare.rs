//! Pictures from the page beside pictures from the trainer.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// Pictures as floats: `shape` is `[N, H, W, C]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Pictures {
    /// Lengths.
    pub shape: Vec<usize>,
    /// Values in row-major order.
    pub values: Vec<f32>,
}

impl Pictures {
    /// From the JSON that the page saves.
    ///
    /// # Errors
    /// It has no pictures, or they do not have the shape that it says.
    pub fn from_json(run: &Value) -> Result<Self> {
        let shape: Vec<usize> = serde_json::from_value(run["shape"].clone()).context("shape")?;
        let mut values = Vec::new();
        flatten(&run["pixels"], &shape, &mut values).context("pixels")?;
        Ok(Self { shape, values })
    }

    /// From the trainer's `.npy` file.
    ///
    /// # Errors
    /// It is no such file of float32.
    pub fn from_npy(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).with_context(|| format!("{}", path.display()))?;
        let file = npyz::NpyFile::new(&bytes[..])?;
        let shape = file.shape().iter().map(|&length| length as usize).collect();
        Ok(Self { shape, values: file.into_vec()? })
    }

    /// From a strip of `count` pictures side by side in an 8-bit PNG file.
    ///
    /// # Errors
    /// It is no such file.
    pub fn from_strip(path: &Path, count: usize) -> Result<Self> {
        let file = std::io::BufReader::new(std::fs::File::open(path).with_context(|| format!("{}", path.display()))?);
        let mut reader = png::Decoder::new(file).read_info()?;
        let mut bytes = vec![0; reader.output_buffer_size().context("too large")?];
        let info = reader.next_frame(&mut bytes)?;
        let (side, channels) = (info.height as usize, info.color_type.samples());
        ensure!(info.width as usize == count * side, "{}: {}x{}", path.display(), info.width, info.height);
        let row = side * channels;
        let rows = (0..count).flat_map(|n| (0..side).map(move |y| (y * count + n) * row));
        let values = rows.flat_map(|start| &bytes[start..start + row]).map(|&byte| f32::from(byte) / 255.0).collect();
        Ok(Self { shape: vec![count, side, side, channels], values })
    }

    /// The values of one picture.
    #[must_use]
    pub fn picture(&self, index: usize) -> &[f32] {
        let length: usize = self.shape[1..].iter().product();
        &self.values[index * length..(index + 1) * length]
    }

    /// Fails unless at least 95 % of the pictures equal the other's to 2/255 in every pixel: rounding may tip a rare
    /// chain.
    ///
    /// # Errors
    /// Which pictures differ, and by how much.
    pub fn ensure_like(&self, other: &Self) -> Result<()> {
        ensure!(self.shape == other.shape, "shapes {:?} and {:?}", self.shape, other.shape);
        let count = self.shape[0];
        let worst = |n: usize| {
            let pairs = self.picture(n).iter().zip(other.picture(n));
            pairs.fold(0f32, |worst, (a, b)| worst.max((a - b).abs()))
        };
        let differing: Vec<_> = (0..count).map(|n| (n, worst(n))).filter(|&(_, by)| by > 2.0 / 255.0).collect();
        ensure!(differing.len() * 20 <= count, "of {count} pictures these differ, by so much: {differing:?}");
        Ok(())
    }
}

fn flatten(value: &Value, shape: &[usize], values: &mut Vec<f32>) -> Result<()> {
    let [length, inner @ ..] = shape else {
        let number = value.as_f64().with_context(|| format!("{value} is no number"))?;
        ensure!((0.0..=1.0).contains(&number), "{number} is not in 0..1");
        values.push(number as f32);
        return Ok(());
    };
    let Some(parts) = value.as_array().filter(|parts| parts.len() == *length) else { bail!("not {length} parts") };
    parts.iter().try_for_each(|part| flatten(part, inner, values))
}
